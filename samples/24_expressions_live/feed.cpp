// Reads pictures in a thread of its own, so that a slow source holds nothing up and a fast one is not kept waiting.
#include "feed.hpp"

#include <condition_variable>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

namespace expressions {

struct Feed::Shared {
  mutable std::mutex mutex{};
  std::condition_variable changed{};
  FeedMode mode = FeedMode::every;
  std::optional<Picture> waiting{};
  bool stop = false, ended = false;
  std::exception_ptr error{};
  std::size_t read = 0, dropped = 0;
  double rate = 0;
  std::string complaint{};
};

Feed::Feed(Open open, FeedMode mode, std::optional<FeedMode> recorded) : shared_(std::make_shared<Shared>()) {
  shared_->mode = mode;
  std::thread([shared = shared_, open = std::move(open), recorded] {
    try {
      run(shared, open, recorded);
    } catch (...) {
      const std::lock_guard lock(shared->mutex);
      shared->error = std::current_exception();
    }
    const std::lock_guard lock(shared->mutex);
    shared->ended = true;
    shared->changed.notify_all();
  }).detach();
}

Feed::~Feed() { stop(); }

bool Feed::stop() {
  std::unique_lock lock(shared_->mutex);
  shared_->stop = true;
  shared_->changed.notify_all();
  return shared_->changed.wait_for(lock, std::chrono::seconds(1), [&] { return shared_->ended; });
}

void Feed::run(const std::shared_ptr<Shared>& shared, const Open& open, std::optional<FeedMode> recorded) {
  const auto source = open([shared] {
    const std::lock_guard lock(shared->mutex);
    return shared->stop;
  });
  Picture picture;
  std::optional<Clock::time_point> start;
  {
    const std::lock_guard lock(shared->mutex);
    shared->rate = source->rate();
    if (recorded && source->recorded()) shared->mode = *recorded;
  }
  const FeedMode mode = shared->mode;  // only this thread changes it
  const auto note = [&] {
    const std::lock_guard lock(shared->mutex);
    shared->complaint = source->complaint();
  };
  try {
    while (source->read(picture.image, picture.time)) {
      std::unique_lock lock(shared->mutex);
      if (mode == FeedMode::paced) {
        const auto time = std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(picture.time));
        if (!start) start = Clock::now() - time;
        shared->changed.wait_until(lock, *start + time, [&] { return shared->stop; });
      } else if (mode == FeedMode::every) {
        shared->changed.wait(lock, [&] { return shared->stop || !shared->waiting; });
      }
      if (shared->stop) break;
      ++shared->read;
      if (shared->waiting) ++shared->dropped;
      picture.taken = Clock::now();
      shared->waiting = std::exchange(picture, Picture());
      shared->changed.notify_all();
    }
  } catch (...) {
    note();
    throw;
  }
  note();
}

FeedState Feed::next(Picture& to, std::chrono::milliseconds patience) {
  std::unique_lock lock(shared_->mutex);
  shared_->changed.wait_for(lock, patience, [&] { return shared_->waiting || shared_->ended; });
  if (shared_->waiting) {
    to = std::move(*shared_->waiting);
    shared_->waiting.reset();
    shared_->changed.notify_all();
    return FeedState::picture;
  }
  if (!shared_->ended) return FeedState::waiting;
  if (shared_->error) std::rethrow_exception(std::exchange(shared_->error, nullptr));
  return FeedState::ended;
}

FeedMode Feed::mode() const {
  const std::lock_guard lock(shared_->mutex);
  return shared_->mode;
}

std::size_t Feed::read() const {
  const std::lock_guard lock(shared_->mutex);
  return shared_->read;
}

std::size_t Feed::dropped() const {
  const std::lock_guard lock(shared_->mutex);
  return shared_->dropped;
}

double Feed::rate() const {
  const std::lock_guard lock(shared_->mutex);
  return shared_->rate;
}

std::string Feed::complaint() const {
  const std::lock_guard lock(shared_->mutex);
  return shared_->complaint;
}

}  // namespace expressions
