// A loader with a thread: yields the same batches as without it, and survives epochs that end early.
#include "testing.hpp"
#include <wengert/data/augment.hpp>
#include <wengert/data/loader.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <stdexcept>
#include <thread>
#include <vector>

using namespace wengert;
using namespace wengert::data;
using namespace wengert::testing;

namespace {

Dataset<float> pictures(std::size_t count) {
  Dataset<float> dataset{random_tensor<float>({count, 6, 5}, 1), Indices::from_shape({count}), count};
  for (std::size_t i = 0; i < count; ++i) dataset.labels(i) = static_cast<std::int64_t>(i);
  return dataset;
}

LoaderOptions<Tensor<float>, Indices> augmented(std::size_t ahead) {
  return {.batch_size = 7, .seed = 3, .prefetch = ahead, .transform = [](auto& batch, Generator& generator) {
            augment(batch.inputs, {.shift = 2, .rotate = 20, .flip = true, .noise = 0.1}, generator);
          }};
}

// Inputs and labels of a whole epoch.
struct EpochData {
  std::vector<float> inputs;
  std::vector<std::int64_t> labels;
  bool operator==(const EpochData&) const = default;
};
EpochData data_of(const auto& loader, std::size_t epoch) {
  EpochData all;
  for (const auto& batch : loader.epoch(epoch)) {
    all.inputs.insert(all.inputs.end(), batch.inputs.begin(), batch.inputs.end());
    all.labels.insert(all.labels.end(), batch.targets.begin(), batch.targets.end());
  }
  return all;
}

}  // namespace

TEST_CASE("a loader gives the same batches, bit for bit, for any number of batches made ahead") {
  const Dataset<float> data = pictures(60);
  const Loader plain(data, augmented(0));
  for (const std::size_t epoch : Sizes{0, 1, 5}) {
    const EpochData expected = data_of(plain, epoch);
    CHECK(expected.labels.size() == 60);
    for (const std::size_t ahead : Sizes{1, 2, 3, 20})
      CHECK(data_of(Loader(data, augmented(ahead)), epoch) == expected);
  }
}

TEST_CASE("what a loader's thread throws reaches the caller, after the batches before it") {
  const Dataset<float> data = pictures(60);
  for (const std::size_t ahead : Sizes{0, 1, 4}) {
    LoaderOptions<Tensor<float>, Indices> options = augmented(ahead);
    options.transform = [](auto& batch, Generator&) {
      if (batch.index == 3) throw std::runtime_error("the fourth");
    };
    const Loader loader(data, options);
    std::size_t batches = 0;
    const std::string message = message_of<std::runtime_error>([&] {
      for (const auto& batch : loader.epoch(0)) batches += batch.samples.empty() ? 0 : 1;
    });
    CHECK(message == "the fourth");
    CHECK(batches == 3);
    LoaderOptions<Tensor<float>, Indices> broken = augmented(ahead);
    broken.transform = [](auto&, Generator&) { throw std::runtime_error("at once"); };
    const Loader never(data, broken);
    auto epoch = never.epoch(0);
    CHECK(message_of<std::runtime_error>([&] { epoch.next(); }) == "at once");
    CHECK(message_of<std::runtime_error>([&] { epoch.next(); }) == "at once");
  }
}

TEST_CASE("an epoch may end early, and outlive its loader") {
  const Dataset<float> data = pictures(60);
  std::atomic<int> made{0};
  LoaderOptions<Tensor<float>, Indices> options = augmented(2);
  options.transform = [&](auto&, Generator&) { ++made; };
  for (int i = 0; i < 50; ++i) {
    auto epoch = Loader(data, options).epoch(0);
    for (int taken = 0; taken < i % 4; ++taken) CHECK(epoch.next() != nullptr);
    auto moved = std::move(epoch);
    CHECK(moved.next() != nullptr);
  }
  CHECK(made <= 50 * 6);
}

TEST_CASE("a batch stays as it is until the next is asked for") {
  const Dataset<float> data = pictures(60);
  const Loader loader(data, augmented(1));
  for (const auto& batch : loader.epoch(0)) {
    const Tensor<float> before = batch.inputs;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    CHECK(batch.inputs == before);
  }
}

TEST_CASE("one loader may run several epochs at the same time") {
  const Dataset<float> data = pictures(60);
  const Loader loader(data, augmented(2));
  std::vector<EpochData> expected, results(3);
  for (std::size_t epoch = 0; epoch < 3; ++epoch) expected.push_back(data_of(loader, epoch));
  std::vector<std::thread> threads;
  for (std::size_t epoch = 0; epoch < 3; ++epoch)
    threads.emplace_back([&, epoch] { results[epoch] = data_of(loader, epoch); });
  for (std::thread& thread : threads) thread.join();
  CHECK(results == expected);
}
