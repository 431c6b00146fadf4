// Threads that wait for work. Made of std::thread rather than of OpenMP, because user code runs on them: it may throw,
// and ThreadSanitizer sees what orders it.
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
  struct Crew;
  void run_all(std::size_t threads, std::size_t count, const Task& task);

  std::unique_ptr<Crew> crew_;
};

}  // namespace wengert::kernel
