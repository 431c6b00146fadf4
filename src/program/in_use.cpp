// The flag that a call of a Program or cache holds.
#include "program/in_use.hpp"

#include <wengert/base/error.hpp>

#include <fmt/format.h>

namespace wengert::program {
namespace {

// The last call of a thread: the object's number, and the call's number among the object's calls.
struct LastCall {
  std::uint64_t object = 0, call = 0;
};
thread_local LastCall last_of_thread;

constexpr std::string_view advice =
    "Programs serve one thread at a time, and those of one compiled function count as one: make one for each thread, "
    "or hold a lock from the call until its results are read";

}  // namespace

InUse::InUse() noexcept {
  static std::atomic<std::uint64_t> count{0};
  number_ = ++count;
}

void InUse::enter(std::string_view subject) {
  const void* holder = nullptr;
  if (holder_.compare_exchange_strong(holder, &last_of_thread, std::memory_order_acquire)) return;
  if (holder == &last_of_thread)
    throw HandleError(subject, "it is called recursively: the function that it records or runs must not call it");
  throw HandleError(subject, fmt::format("another thread is using it: {}", advice));
}

InUse::Call::Call(InUse& object, std::string_view subject) : object_(object) {
  object.enter(subject);
  last_of_thread = {object.number_, ++object.calls_};
}

InUse::Reading::Reading(InUse& object, std::string_view subject) : object_(object) {
  object.enter(subject);
  if (last_of_thread.object != object.number_ || last_of_thread.call == object.calls_) return;
  object.holder_.store(nullptr, std::memory_order_release);
  throw HandleError(subject, fmt::format("another thread called it after this one did, so these are not the results of "
                                         "this thread's call: {}",
                                         advice));
}

}  // namespace wengert::program
