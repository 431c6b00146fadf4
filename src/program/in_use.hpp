// Enforces one call at a time: rejects concurrent and nested calls of one object.
#pragma once

#include <atomic>
#include <cstdint>
#include <string_view>

namespace wengert::program {

/// Tracks whether a call of an object is in progress, and which thread called last. A call costs a few nanoseconds.
class InUse {
 public:
  InUse() noexcept;
  InUse(const InUse&) = delete;
  InUse& operator=(const InUse&) = delete;

  /// A call in progress: during its lifetime, no other can begin. Throws HandleError if one is in progress already.
  class Call {
   public:
    Call(InUse& object, std::string_view subject);
    ~Call() { object_.holder_.store(nullptr, std::memory_order_release); }
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;

   private:
    InUse& object_;
  };
  /// A reading of results, during which no call can begin. Throws HandleError if a call is in progress, or if another
  /// thread has called since this thread did, and thus replaced its results.
  class Reading {
   public:
    Reading(InUse& object, std::string_view subject);
    ~Reading() { object_.holder_.store(nullptr, std::memory_order_release); }
    Reading(const Reading&) = delete;
    Reading& operator=(const Reading&) = delete;

   private:
    InUse& object_;
  };

 private:
  void enter(std::string_view subject);

  std::atomic<const void*> holder_{nullptr};  // an address that identifies the thread in a call
  std::uint64_t calls_ = 0;
  std::uint64_t number_;  // among all objects
};

}  // namespace wengert::program
