// One thread at a time: calls of one object that would run side by side, or one inside another, are refused.
#pragma once

#include <atomic>
#include <cstdint>
#include <string_view>

namespace wengert::program {

/// Whether a call of an object is under way, and which thread made the last one. Costs some nanoseconds a call.
class InUse {
 public:
  InUse() noexcept;
  InUse(const InUse&) = delete;
  InUse& operator=(const InUse&) = delete;

  /// A call: while it lives, no other begins. Throws HandleError if one is under way.
  class Call {
   public:
    Call(InUse& object, std::string_view subject);
    ~Call() { object_.holder_.store(nullptr, std::memory_order_release); }
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;

   private:
    InUse& object_;
  };
  /// Results being read, which no call may change meanwhile. Throws HandleError if one is under way, or if another
  /// thread has called since this thread did: its results are no more.
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

  std::atomic<const void*> holder_{nullptr};  // something of the thread that is inside
  std::uint64_t calls_ = 0;
  std::uint64_t number_;  // among all objects
};

}  // namespace wengert::program
