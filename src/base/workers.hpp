// Threads that wait for tasks. They are std::thread rather than OpenMP threads because they run user code, which may
// throw, and because ThreadSanitizer understands their synchronisation.
#pragma once

#include <cstddef>
#include <memory>

namespace wengert::kernel {

class Workers {
 public:
  Workers();
  ~Workers();
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  /// Calls task(i) for every i below `count` on up to `threads` threads, including the caller's. Inside a task the
  /// library runs serially. All tasks are run; then the error of the failed task with the lowest index is thrown.
  template <class F>
  void run(std::size_t threads, std::size_t count, const F& task) {
    run_all(threads, count, {&task, [](const void* f, std::size_t i) { (*static_cast<const F*>(f))(i); }});
  }

 private:
  struct Task {
    const void* function = nullptr;
    void (*call)(const void* function, std::size_t i) = nullptr;
  };
  struct Crew;
  void run_all(std::size_t threads, std::size_t count, const Task& task);

  std::unique_ptr<Crew> crew_;
};

}  // namespace wengert::kernel
