// Threads that wait for work. Made of std::thread rather than of OpenMP, because user code runs on them: it may throw,
// and ThreadSanitizer sees what orders it.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <exception>
#include <mutex>
#include <thread>
#include <type_traits>
#include <vector>

namespace wengert::kernel {

class Workers {
 public:
  Workers() = default;
  ~Workers();
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  /// Calls task(i) for every i below `count` on up to `threads` threads, of which the caller is one. Inside a task the
  /// library runs serially. Every task is run; then the error of the first of those that failed is thrown.
  template <class F>
  void run(std::size_t threads, std::size_t count, const F& task) {
    run_all(threads, count, {&task, [](const void* f, std::size_t i) { (*static_cast<const F*>(f))(i); }});
  }

 private:
  struct Task {
    const void* function = nullptr;
    void (*call)(const void* function, std::size_t i) = nullptr;
  };
  void run_all(std::size_t threads, std::size_t count, const Task& task);
  void wait_for_work();
  void work(std::unique_lock<std::mutex>& lock);

  std::vector<std::thread> threads_;
  std::mutex mutex_;
  std::condition_variable begun_, done_;
  Task task_;
  std::size_t count_ = 0, next_ = 0, finished_ = 0;  // of the tasks of this run
  std::size_t places_ = 0;                           // threads that may still join it
  std::exception_ptr error_;
  std::size_t failed_ = 0;  // the task that error_ is of
  bool stop_ = false;
};

}  // namespace wengert::kernel
