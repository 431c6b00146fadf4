// BucketSampler and Sequences: every sample once, bounded shapes, padded batches, and rejected arguments.
#include "../testing.hpp"
#include <wengert/data.hpp>

#include <algorithm>
#include <limits>
#include <numeric>
#include <random>
#include <set>

using namespace wengert;
using namespace wengert::testing;
using data::BucketSampler;
using data::Sequences;

namespace {

std::vector<std::size_t> lengths_up_to(std::size_t samples, std::size_t longest) {
  std::mt19937_64 draws(5);
  std::vector<std::size_t> lengths(samples);
  for (std::size_t& length : lengths) length = 5 + draws() % (longest - 4);
  return lengths;
}

std::vector<std::size_t> all_rows(const std::vector<std::vector<std::size_t>>& batches) {
  std::vector<std::size_t> rows;
  for (const auto& batch : batches) rows.insert(rows.end(), batch.begin(), batch.end());
  return rows;
}

// Sequences of 2, 4, 1, 3 steps of one feature, which counts from 10 times the number of the sequence.
std::vector<Tensor<float>> four_sequences() {
  std::vector<Tensor<float>> all;
  for (const std::size_t steps : {2U, 4U, 1U, 3U}) {
    Tensor<float> x = Tensor<float>::from_shape({steps, std::size_t{1}});
    std::iota(x.begin(), x.end(), 10.0F * static_cast<float>(all.size()));
    all.push_back(x);
  }
  return all;
}

// The only feature of the steps of a batch, (N, L).
Tensor<float> feature(const data::Padded<Tensor<float>>& x) {
  REQUIRE(x.values.shape()[2] == 1);
  return xt::view(x.values, xt::all(), xt::all(), 0);
}

}  // namespace

TEST_CASE("an epoch of a BucketSampler has every sample once, in batches of one bucket") {
  const auto lengths = lengths_up_to(1000, 200);
  const BucketSampler sampler(lengths, {.batch_size = 32, .buckets = 6});
  CHECK(sampler.bounds().size() == 6);
  CHECK(sampler.bounds().back() == *std::max_element(lengths.begin(), lengths.end()));
  for (std::size_t epoch = 0; epoch < 3; ++epoch) {
    const auto batches = sampler.batches(1, epoch);
    CHECK(batches.size() == sampler.count());
    auto rows = all_rows(batches);
    std::sort(rows.begin(), rows.end());
    std::vector<std::size_t> expected(1000);
    std::iota(expected.begin(), expected.end(), std::size_t{0});
    CHECK(rows == expected);
    std::set<std::pair<std::size_t, std::size_t>> shapes;
    for (const auto& batch : batches) {
      std::set<std::size_t> bounds;
      for (const std::size_t row : batch) bounds.insert(sampler.padded_length(lengths[row]));
      CHECK(bounds.size() == 1);
      CHECK(batch.size() <= 32);
      shapes.emplace(batch.size(), *bounds.begin());
    }
    CHECK(shapes.size() == sampler.shapes());
    CHECK(sampler.shapes() <= 12);
  }
  // The padding, by its definition.
  double real = 0, padded = 0;
  for (const std::size_t length : lengths) {
    real += static_cast<double>(length);
    padded += static_cast<double>(sampler.padded_length(length));
  }
  CHECK(sampler.padding() == doctest::Approx(1 - real / padded));
  CHECK(sampler.padding() < 0.16);
  CHECK(BucketSampler(lengths, {.buckets = 1}).padding() > 0.4);
}

TEST_CASE("batches of a BucketSampler depend on seed and epoch alone, and are shuffled across buckets") {
  const auto lengths = lengths_up_to(300, 60);
  const BucketSampler sampler(lengths, {.batch_size = 10, .buckets = 4}),
      same(lengths, {.batch_size = 10, .buckets = 4});
  CHECK(sampler.batches(3, 7) == same.batches(3, 7));
  CHECK(sampler.batches(3, 7) != sampler.batches(3, 8));
  CHECK(sampler.batches(3, 7) != sampler.batches(4, 7));
  std::vector<std::size_t> bounds;
  for (const auto& batch : sampler.batches(3, 7)) bounds.push_back(sampler.padded_length(lengths[batch[0]]));
  CHECK(!std::is_sorted(bounds.begin(), bounds.end()));
  // Over many epochs, each sample of a bucket shares batches with all others of it.
  std::set<std::size_t> companions;
  for (std::size_t epoch = 0; epoch < 200; ++epoch)
    for (const auto& batch : sampler.batches(1, epoch))
      if (std::find(batch.begin(), batch.end(), 0) != batch.end()) companions.insert(batch.begin(), batch.end());
  const auto in_bucket = std::count_if(lengths.begin(), lengths.end(), [&](std::size_t length) {
    return sampler.padded_length(length) == sampler.padded_length(lengths[0]);
  });
  CHECK(companions.size() == static_cast<std::size_t>(in_bucket));
}

TEST_CASE("the options of a BucketSampler") {
  const std::vector<std::size_t> lengths{1, 9, 3, 4, 2, 10, 5};
  CHECK(BucketSampler(lengths, {.buckets = 3}).bounds() == std::vector<std::size_t>{3, 5, 10});
  CHECK(BucketSampler(lengths, {.buckets = 3, .multiple = 4}).bounds() == std::vector<std::size_t>{4, 8, 12});
  CHECK(BucketSampler(lengths, {.buckets = 100}).bounds().size() == 7);
  const BucketSampler given(lengths, {.bounds = {4, 8, 9, 20, 50}});
  CHECK(given.bounds() == std::vector<std::size_t>{4, 8, 9, 20});  // no sample has more than 20 steps
  CHECK(given.padded_length(5) == 8);
  CHECK_ERROR(ValueError, "[BucketSampler] length 21: expected at most 20, the last bound", given.padded_length(21));
  using Batches = std::vector<std::vector<std::size_t>>;
  const BucketSampler ordered(lengths, {.batch_size = 2, .bounds = {4, 10}, .shuffle = false});
  CHECK(ordered.batches(1, 2) == Batches{{0, 2}, {3, 4}, {1, 5}, {6}});
  CHECK(ordered.count() == 4);
  CHECK(ordered.shapes() == 3);
  const BucketSampler dropped(lengths, {.batch_size = 2, .bounds = {4, 10}, .shuffle = false, .drop_last = true});
  CHECK(dropped.batches(1, 2) == Batches{{0, 2}, {3, 4}, {1, 5}});
  CHECK(dropped.count() == 3);
  CHECK(dropped.shapes() == 2);
}

TEST_CASE("lengths and options that a BucketSampler refuses") {
  const std::vector<std::size_t> lengths{3, 5, 4}, none, with_empty{3, 0};
  CHECK_ERROR(ValueError, "[BucketSampler] 0 samples: expected at least one", BucketSampler{none});
  CHECK_ERROR(ValueError, "[BucketSampler] sample 1 has no steps: expected at least one; remove it",
              BucketSampler{with_empty});
  CHECK_ERROR(ValueError, "[BucketSampler] batch size 0: expected at least 1",
              BucketSampler(lengths, {.batch_size = 0}));
  CHECK_ERROR(ValueError, "[BucketSampler] 0 buckets: expected at least 1", BucketSampler(lengths, {.buckets = 0}));
  CHECK_ERROR(ValueError, "[BucketSampler] a multiple of 0: expected at least 1",
              BucketSampler(lengths, {.multiple = 0}));
  constexpr std::size_t huge = std::numeric_limits<std::size_t>::max() - 2;  // the longest sample has 5 steps
  CHECK(BucketSampler(lengths, {.multiple = huge}).bounds() == std::vector<std::size_t>{huge});
  const std::vector<std::size_t> long_ones{huge + 1};
  CHECK_ERROR(ValueError,
              "[BucketSampler] a multiple of 18446744073709551613: 18446744073709551614 steps cannot be rounded up to "
              "it; expected a small number, such as 8",
              BucketSampler(long_ones, {.multiple = huge}));
  CHECK_ERROR(ValueError, "[BucketSampler] a bound of 4 after 4: expected bounds in ascending order",
              BucketSampler(lengths, {.bounds = {4, 4, 8}}));
  CHECK_ERROR(ValueError, "[BucketSampler] sample 1 has 5 steps, more than the last bound, 4: add a bound or shorten",
              BucketSampler(lengths, {.bounds = {2, 4}}));
  CHECK_ERROR(ValueError,
              "[BucketSampler] 3 samples of up to 5 steps, fewer than a batch of 4: drop_last would drop them in",
              BucketSampler(lengths, {.batch_size = 4, .buckets = 1, .drop_last = true}));
}

TEST_CASE("Sequences gathers padded batches with their lengths and targets") {
  const Sequences samples(four_sequences(), Indices{7, 8, 9, 6}, {.bounds = {3, 5}}, {.value = -1});
  CHECK(samples.size() == 4);
  CHECK(samples.steps() == std::vector<std::size_t>{2, 4, 1, 3});
  data::Padded<Tensor<float>> x;
  Indices y;
  samples.gather(std::vector<std::size_t>{3, 0}, x, y);
  CHECK(feature(x) == Tensor<float>{{30, 31, 32}, {0, 1, -1}});
  CHECK(x.lengths == Indices{3, 2});
  CHECK(y == Indices{6, 7});
  const float* const memory = x.values.data();
  samples.gather(std::vector<std::size_t>{2, 2}, x, y);  // to the bound, although the longest has one step
  CHECK(feature(x) == Tensor<float>{{20, -1, -1}, {20, -1, -1}});
  CHECK(x.values.data() == memory);
  CHECK(y == Indices{9, 9});
  samples.gather(std::vector<std::size_t>{1, 2}, x, y);
  CHECK(x.values.shape()[1] == 5);
  CHECK_ERROR(ValueError, "[Sequences] index 4: there are 4 sequences",
              samples.gather(std::vector<std::size_t>{0, 4}, x, y));
  CHECK(x.lengths == Indices{4, 1});
  const Sequences tight(four_sequences(), Tensor<double>{{1, 2}, {3, 4}, {5, 6}, {7, 8}}, {.bounds = {3, 5}},
                        {.to_bound = false});
  Tensor<double> targets;
  tight.gather(std::vector<std::size_t>{2, 1}, x, targets);
  CHECK(feature(x) == Tensor<float>{{20, 0, 0, 0}, {10, 11, 12, 13}});
  CHECK(targets == Tensor<double>{{5, 6}, {3, 4}});
}

TEST_CASE("Sequences with a target for each step pads the targets, labels with −100") {
  const std::vector<Indices> tokens{Indices{1, 2}, Indices{3, 4, 5}}, labels{Indices{0, 1}, Indices{2, 0, 1}};
  const std::vector<Tensor<float>> values{Tensor<float>{0.5F, 1.5F}, Tensor<float>{2.5F, 3.5F, 4.5F}};
  const std::vector<std::size_t> both{0, 1};
  data::Padded<Indices> x;
  Indices y;
  Sequences(tokens, labels).gather(both, x, y);
  CHECK(x.values == Indices{{1, 2, 0}, {3, 4, 5}});
  CHECK(y == Indices{{0, 1, -100}, {2, 0, 1}});
  Sequences(tokens, labels, {}, {.value = 9, .target = -1}).gather(both, x, y);
  CHECK(x.values == Indices{{1, 2, 9}, {3, 4, 5}});
  CHECK(y == Indices{{0, 1, -1}, {2, 0, 1}});
  Tensor<float> z;
  Sequences(tokens, values).gather(both, x, z);
  CHECK(z == Tensor<float>{{0.5F, 1.5F, 0}, {2.5F, 3.5F, 4.5F}});
}

TEST_CASE("paddings that a batch cannot hold are refused") {
  const std::vector<Tensor<float>> numbers{Tensor<float>{1, 2}};
  const std::vector<Indices> tokens{Indices{1, 2}};
  const Indices label{0};
  constexpr double nan = std::numeric_limits<double>::quiet_NaN(), infinite = std::numeric_limits<double>::infinity();
  for (const double padding : {0.5, nan, infinite, 1e300})
    CHECK_ERROR(ValueError, fmt::format("[Sequences] a padding of {}: expected an integer", padding),
                Sequences(tokens, label, {}, {.value = padding}));
  for (const double padding : {nan, infinite, 1e300})
    CHECK_ERROR(ValueError, fmt::format("[Sequences] a padding of {}: expected a number that float can", padding),
                Sequences(numbers, label, {}, {.value = padding}));
  const std::vector<Tensor<double>> wide{Tensor<double>{1, 2}};
  CHECK_ERROR(ValueError, "[Sequences] a padding of inf: expected a finite number",
              Sequences(wide, label, {}, {.value = infinite}));
  CHECK(Sequences(wide, label, {}, {.value = 1e300}).size() == 1);
  CHECK_ERROR(ValueError, "[Sequences] a padding of targets of -0.5: expected an integer",
              Sequences(numbers, tokens, {}, {.target = -0.5}));
  CHECK_ERROR(ValueError, "[Sequences] a padding of targets of nan: expected a number that float can represent",
              Sequences(tokens, numbers, {}, {.target = nan}));
}

TEST_CASE("subset and split of Sequences keep steps, targets, paddings and the shapes of batches") {
  const Sequences all(four_sequences(), Indices{7, 8, 9, 6}, {.batch_size = 2, .bounds = {3, 5}, .shuffle = false},
                      {.value = -1});
  const Sequences chosen = data::subset(all, std::vector<std::size_t>{3, 0, 3});
  CHECK(chosen.steps() == std::vector<std::size_t>{3, 2, 3});
  CHECK(chosen.sampler().bounds() == std::vector<std::size_t>{3});
  CHECK(chosen.batches(1, 1) == std::vector<std::vector<std::size_t>>{{0, 1}, {2}});
  data::Padded<Tensor<float>> x;
  Indices y;
  chosen.gather(std::vector<std::size_t>{0, 1, 2}, x, y);
  CHECK(feature(x) == Tensor<float>{{30, 31, 32}, {0, 1, -1}, {30, 31, 32}});
  CHECK(x.lengths == Indices{3, 2, 3});
  CHECK(y == Indices{6, 7, 6});
  const Sequences of_some = data::subset(chosen, std::vector<std::size_t>{1});  // to the bound of its longest
  of_some.gather(std::vector<std::size_t>{0}, x, y);
  CHECK(feature(x) == Tensor<float>{{0, 1, -1}});
  CHECK_ERROR(ValueError, "[Sequences] index 4: there are 4 sequences", data::subset(all, std::vector<std::size_t>{4}));
  CHECK_ERROR(ValueError, "[BucketSampler] 0 samples", data::subset(all, std::vector<std::size_t>{}));

  const std::vector<Indices> tokens{Indices{1, 2}, Indices{3, 4, 5}}, labels{Indices{0, 1}, Indices{2, 0, 1}};
  data::Padded<Indices> words;
  data::subset(Sequences(tokens, labels, {}, {.target = -1}), std::vector<std::size_t>{1, 0})
      .gather(std::vector<std::size_t>{0, 1}, words, y);
  CHECK(words.values == Indices{{3, 4, 5}, {1, 2, 0}});
  CHECK(y == Indices{{2, 0, 1}, {0, 1, -1}});

  // The first step of sequence i is i; its target is 10 i.
  std::vector<Tensor<float>> sequences;
  Tensor<double> targets = Tensor<double>::from_shape({100});
  for (const std::size_t length : lengths_up_to(100, 20)) {
    const auto i = sequences.size();
    sequences.emplace_back(Tensor<float>(xt::dynamic_shape<std::size_t>{length, 1}, static_cast<float>(i)));
    targets(i) = 10.0 * static_cast<double>(i);
  }
  const Sequences numbered(sequences, targets, {.batch_size = 8, .buckets = 3});
  const auto [training, validation] = data::split(numbered, 0.2, 5);
  CHECK(training.size() == 80);
  CHECK(validation.size() == 20);
  CHECK(training.sampler().bounds() == numbered.sampler().bounds());
  CHECK(validation.sampler().bounds() == numbered.sampler().bounds());
  const data::SplitRows rows = data::split_rows(100, 0.2, 5);
  Tensor<double> z;
  std::vector<std::size_t> each(20);
  std::iota(each.begin(), each.end(), std::size_t{0});
  validation.gather(each, x, z);
  for (const std::size_t i : each) {
    CHECK(x.values(i, 0, 0) == static_cast<float>(rows.test[i]));
    CHECK(z(i) == 10.0 * static_cast<double>(rows.test[i]));
    CHECK(validation.steps()[i] == numbered.steps()[rows.test[i]]);
  }
  CHECK_ERROR(ValueError, "[split] test fraction 0: expected a number between 0 and 1", data::split(numbered, 0, 1));
}

TEST_CASE("a step that is compiled records one Program for each shape of the batches") {
  std::vector<Tensor<float>> sequences;
  for (const std::size_t length : lengths_up_to(50, 20)) sequences.push_back(random_tensor<float>({length, 2}, 1));
  const Sequences samples(sequences, Indices(xt::zeros<std::int64_t>({50})), {.batch_size = 8, .buckets = 3});
  auto step = compiled<float>([](auto&, auto x, auto n) { return masked_mean(x, n); });
  data::Padded<Tensor<float>> x;
  Indices y;
  for (std::size_t epoch = 0; epoch < 4; ++epoch)
    for (const auto& rows : samples.batches(1, epoch)) {
      samples.gather(rows, x, y);
      step(x.values, x.lengths);
    }
  CHECK(step.compilations() == samples.sampler().shapes());
  CHECK(step.compilations() <= 6);
}

TEST_CASE("sequences and targets that Sequences refuses") {
  const auto x = four_sequences();
  auto other = x;
  other[2] = xt::zeros<float>({3, 2});
  CHECK_ERROR(ShapeError,
              "[Sequences] sequence 2 has steps of shape (2,), the first one of (1,): expected equal shapes",
              Sequences(other, Indices{1, 2, 3, 4}));
  other[2] = Tensor<float>(1.0F);
  CHECK_ERROR(ShapeError, "[Sequences] sequence 2 is a scalar: expected a tensor of steps, (L, …)",
              Sequences(other, Indices{1, 2, 3, 4}));
  CHECK_ERROR(ShapeError, "[Sequences] targets of shape (3,): expected one for each of the 4 sequences",
              Sequences(x, Indices{1, 2, 3}));
  CHECK_ERROR(ShapeError, "[Sequences] 1 target sequences for 4 sequences: expected one for each",
              Sequences(x, std::vector<Indices>{Indices{1, 2}}));
  CHECK_ERROR(ShapeError, "[Sequences] sequence 1 has 4 steps, its target sequence 3: expected a target for each step",
              Sequences(x, std::vector<Indices>{Indices{1, 2}, Indices{1, 2, 3}, Indices{1}, Indices{1, 2, 3}}));
  other[2] = xt::zeros<float>({0, 1});
  CHECK_ERROR(ValueError, "[BucketSampler] sample 2 has no steps", Sequences(other, Indices{1, 2, 3, 4}));
  CHECK_ERROR(ValueError, "[BucketSampler] 0 samples",
              Sequences(std::vector<Tensor<float>>{}, Indices::from_shape({0})));
}
