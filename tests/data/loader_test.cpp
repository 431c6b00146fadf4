// Loader: epochs, reproducible order and draws, sample sources, rejected arguments, and use after fork().
#include "temporary_folder.hpp"
#include "testing.hpp"
#include <wengert/data/loader.hpp>
#include <wengert/io/npy.hpp>

#include <algorithm>
#include <set>
#include <sys/wait.h>
#include <unistd.h>

using namespace wengert;
using namespace wengert::data;
using namespace wengert::testing;

namespace {

// Makes a data set whose sample i has the inputs (i, −i) and the label i.
Dataset<double> self_labelled(std::size_t n) {
  Dataset<double> dataset{Tensor<double>::from_shape({n, 2}), Indices::from_shape({n}), n};
  for (std::size_t i = 0; i < n; ++i) {
    dataset.inputs(i, 0) = static_cast<double>(i);
    dataset.inputs(i, 1) = -static_cast<double>(i);
    dataset.labels(i) = static_cast<std::int64_t>(i);
  }
  return dataset;
}

using Numbers = std::vector<std::size_t>;

// Returns the samples of an epoch in order; checks that the contents of each batch match its indices.
Numbers samples_of(const auto& loader, std::size_t epoch, std::size_t first = 0) {
  Numbers all;
  std::size_t index = first;
  for (const auto& batch : loader.epoch(epoch, first)) {
    CHECK(batch.epoch == epoch);
    CHECK(batch.index == index++);
    CHECK(batch.inputs.shape()[0] == batch.samples.size());
    for (std::size_t i = 0; i < batch.samples.size(); ++i) {
      CHECK(batch.inputs(i, 1) == -static_cast<double>(batch.samples[i]));
      CHECK(batch.targets(i) == static_cast<std::int64_t>(batch.samples[i]));
    }
    all.insert(all.end(), batch.samples.begin(), batch.samples.end());
  }
  return all;
}

}  // namespace

TEST_CASE("an epoch contains each sample once, and its last batch is short") {
  const Dataset<double> data = self_labelled(10);
  const Loader loader(data, {.batch_size = 4});
  CHECK(loader.count() == 3);
  std::set<Numbers> orders;
  for (std::size_t epoch = 0; epoch < 5; ++epoch) {
    Numbers order = samples_of(loader, epoch);
    orders.insert(order);
    std::ranges::sort(order);
    CHECK(order == Numbers{0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
  }
  CHECK(orders.size() == 5);
  const Loader dropping(data, {.batch_size = 4, .drop_last = true});
  CHECK(dropping.count() == 2);
  CHECK(samples_of(dropping, 0).size() == 8);
  CHECK(samples_of(Loader(data, {.batch_size = 3, .shuffle = false}), 7) == Numbers{0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
}

TEST_CASE("an order follows from the seed and the epoch's number alone, so that runs resume") {
  const Dataset<double> data = self_labelled(30);
  const Loader loader(data, {.batch_size = 4, .seed = 5}), other(data, {.batch_size = 4, .seed = 6});
  const Numbers seventh = samples_of(loader, 7);
  CHECK(samples_of(Loader(data, {.batch_size = 4, .seed = 5}), 7) == seventh);
  CHECK(samples_of(other, 7) != seventh);
  CHECK(samples_of(loader, 7, 3) == Numbers(seventh.begin() + 12, seventh.end()));
  CHECK(samples_of(loader, 7, loader.count()).empty());
}

TEST_CASE("a batch's draws are its own, so that runs resume") {
  const Dataset<double> data = self_labelled(12);
  std::vector<std::pair<std::uint64_t, std::uint64_t>> drawn;
  LoaderOptions<Tensor<double>, Indices> options{.batch_size = 4, .seed = 9, .prefetch = 0};
  options.transform = [&](auto&, Generator& generator) {
    drawn.emplace_back(generator.key(), generator.counter());
    generator.seek(generator.counter() + 1000);
  };
  const Loader loader(data, options);
  for (std::size_t epoch = 0; epoch < 2; ++epoch) samples_of(loader, epoch);
  const auto all = drawn;
  CHECK(std::set(all.begin(), all.end()).size() == 6);
  drawn.clear();
  samples_of(loader, 1, 1);
  CHECK(drawn == std::vector(all.begin() + 4, all.end()));
  for (const auto& [key, counter] : all) CHECK(key == all[0].first);
}

TEST_CASE("samples come from memory, from a file or from a function") {
  const TemporaryFolder folder;
  const Dataset<double> data = self_labelled(9);
  io::save_npy(folder / "x.npy", data.inputs);
  const MappedDataset<double> mapped{map_npy<double>(folder / "x.npy"), data.labels, 9};
  const LoaderOptions<Tensor<double>, Indices> options{.batch_size = 2, .seed = 4};
  const Numbers expected = samples_of(Loader(data, options), 0);
  CHECK(samples_of(Loader(mapped, options), 0) == expected);
  CHECK(samples_of(Loader(self_labelled(9), options), 0) == expected);
  SampleSource<double> squares;
  squares.samples = 9;
  squares.read = [](std::span<const std::size_t> samples, Tensor<double>& out) {
    out = Tensor<double>::from_shape({samples.size()});
    for (std::size_t i = 0; i < samples.size(); ++i) out(i) = static_cast<double>(samples[i] * samples[i]);
  };
  double sum = 0;
  for (const auto& batch : Loader(squares, options).epoch(0)) {
    CHECK(batch.targets.dimension() == 0);
    sum += xt::sum(batch.inputs)();
  }
  CHECK(sum == 204);
}

TEST_CASE("a loader without samples or with inconsistent ones is refused") {
  const Dataset<double> data = self_labelled(5);
  Dataset<double> unequal = self_labelled(5);
  unequal.labels = Indices{1, 2};
  CHECK_ERROR(ValueError, "[loader] batch size 0: expected at least 1", Loader(data, {.batch_size = 0}));
  CHECK_ERROR(ValueError, "batch size 6 for 5 samples: the only batch is incomplete, and would be dropped",
              Loader(data, {.batch_size = 6, .drop_last = true}));
  CHECK_ERROR(ValueError, "[loader] 0 samples", Loader(Dataset<double>{}));
  SampleSource<double> without_function;
  without_function.samples = 3;
  CHECK_ERROR(ValueError, "[loader] the source has no function that reads samples", Loader{without_function});
  CHECK_ERROR(ShapeError, "[loader] 5 samples, labels of shape (2,): expected one for each", Loader{unequal});
  SampleSource<double> columns;
  columns.samples = 3;
  columns.read = [](auto rows, Tensor<double>& x) { x = xt::zeros<double>({rows.size()}); };
  columns.labels = Indices{{0, 1}, {1, 0}, {0, 0}};
  CHECK_ERROR(ShapeError, "[loader] 3 samples, labels of shape (3, 2): expected shape (3,)", Loader{columns});
}

TEST_CASE("a child of fork() goes on with an epoch that a thread of its parent made batches for") {
  const Dataset<double> data = self_labelled(40);
  const Loader loader(data, {.batch_size = 4, .prefetch = 2});
  const Numbers expected = samples_of(loader, 1);
  Numbers here, there;
  const auto add = [](Numbers& all, const auto& batch) {
    all.insert(all.end(), batch.samples.begin(), batch.samples.end());
  };
  auto epoch = loader.epoch(1);
  for (int i = 0; i < 3; ++i) add(here, *epoch.next());
  const pid_t child = fork();
  if (child == 0) {
    alarm(60);  // kills a child that hangs
    there = here;
    {
      auto inherited = std::move(epoch);
      while (const auto* batch = inherited.next()) add(there, *batch);
      { const auto ended_early = loader.epoch(2); }
    }
    _exit(there == expected ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
  while (const auto* batch = epoch.next()) add(here, *batch);
  CHECK(here == expected);
}
