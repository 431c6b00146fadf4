#include "kernel/workers.hpp"

#include "kernel/parallel.hpp"

#include <algorithm>
#include <utility>

namespace wengert::kernel {

Workers::~Workers() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  begun_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void Workers::run_all(std::size_t threads, std::size_t count, const Task& task) {
  threads = std::min(threads, count);
  while (threads_.size() + 1 < threads) threads_.emplace_back([this] { wait_for_work(); });
  std::unique_lock lock(mutex_);
  task_ = task;
  count_ = count;
  next_ = finished_ = 0;
  places_ = threads > 0 ? threads - 1 : 0;
  error_ = nullptr;
  if (places_ > 0) begun_.notify_all();
  work(lock);
  done_.wait(lock, [&] { return finished_ == count_; });
  places_ = 0;
  if (error_ != nullptr) std::rethrow_exception(std::exchange(error_, nullptr));
}

void Workers::wait_for_work() {
  std::unique_lock lock(mutex_);
  while (true) {
    begun_.wait(lock, [&] { return stop_ || (places_ > 0 && next_ < count_); });
    if (stop_) return;
    --places_;
    work(lock);
  }
}

// Takes one task after another; the lock is held between them.
void Workers::work(std::unique_lock<std::mutex>& lock) {
  const SerialScope serial;
  while (next_ < count_) {
    const std::size_t i = next_++;
    const Task task = task_;
    lock.unlock();
    std::exception_ptr error;
    try {
      task.call(task.function, i);
    } catch (...) {
      error = std::current_exception();
    }
    lock.lock();
    if (error != nullptr && (error_ == nullptr || i < failed_)) {
      error_ = error;
      failed_ = i;
    }
    if (++finished_ == count_) done_.notify_all();
  }
}

}  // namespace wengert::kernel
