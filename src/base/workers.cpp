// Threads that wait for tasks.
#include "base/workers.hpp"

#include "base/parallel.hpp"
#include "base/process.hpp"

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace wengert::kernel {

// The threads and their shared state.
struct Workers::Crew {
  Crew() = default;
  ~Crew();
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;

  void run(std::size_t limit, std::size_t tasks, const Task& task);
  void wait_for_work();
  void work(std::unique_lock<std::mutex>& lock);

  const int forks = fork_count();  // identifies the process of the threads
  std::vector<std::thread> threads;
  std::mutex mutex;
  std::condition_variable begun, done;
  Task task;
  std::size_t count = 0, next = 0, finished = 0;  // the tasks of this run: all, begun, finished
  std::size_t places = 0;                         // the number of threads that may still join the run
  std::exception_ptr error;
  std::size_t failed = 0;  // the task that threw `error`
  bool stop = false;
};

Workers::Workers() : crew_(std::make_unique<Crew>()) {}

// A crew from before a fork cannot be joined in the child: its threads do not exist there, and locks may stay locked.
Workers::~Workers() {
  if (crew_->forks != fork_count()) static_cast<void>(crew_.release());
}

void Workers::run_all(std::size_t threads, std::size_t count, const Task& task) {
  if (crew_->forks != fork_count()) {
    static_cast<void>(crew_.release());
    crew_ = std::make_unique<Crew>();
  }
  crew_->run(std::min(threads, count), count, task);
}

Workers::Crew::~Crew() {
  {
    const std::lock_guard lock(mutex);
    stop = true;
  }
  begun.notify_all();
  for (std::thread& thread : threads) thread.join();
}

void Workers::Crew::run(std::size_t limit, std::size_t tasks, const Task& of) {
  while (threads.size() + 1 < limit) threads.emplace_back([this] { wait_for_work(); });
  std::unique_lock lock(mutex);
  task = of;
  count = tasks;
  next = finished = 0;
  places = limit > 0 ? limit - 1 : 0;
  error = nullptr;
  if (places > 0) begun.notify_all();
  work(lock);
  done.wait(lock, [&] { return finished == count; });
  places = 0;
  if (error != nullptr) std::rethrow_exception(std::exchange(error, nullptr));
}

void Workers::Crew::wait_for_work() {
  std::unique_lock lock(mutex);
  while (true) {
    begun.wait(lock, [&] { return stop || (places > 0 && next < count); });
    if (stop) return;
    --places;
    work(lock);
  }
}

// Runs one task after another; the lock is held between tasks.
void Workers::Crew::work(std::unique_lock<std::mutex>& lock) {
  const SerialScope serial;
  while (next < count) {
    const std::size_t i = next++;
    const Task now = task;
    lock.unlock();
    std::exception_ptr caught;
    try {
      now.call(now.function, i);
    } catch (...) {
      caught = std::current_exception();
    }
    lock.lock();
    if (caught != nullptr && (error == nullptr || i < failed)) {
      error = caught;
      failed = i;
    }
    if (++finished == count) done.notify_all();
  }
}

}  // namespace wengert::kernel
