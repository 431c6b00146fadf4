// DataParallel: uneven shards, equal bits for every number of threads, and errors in a shard.
#include "base/parallel.hpp"
#include "testing.hpp"

#include <cstring>

#include <xtensor/xview.hpp>

using namespace wengert;
using namespace wengert::testing;

namespace {

template <class T>
struct Regression {
  std::size_t samples;
  Tensor<T> x = random_tensor<T>({samples, 20}, 1), y = random_tensor<T>({samples, 3}, 2);
  Parameter<T> w1{random_tensor<T>({20, 9}, 3), "w1"}, w2{random_tensor<T>({9, 3}, 4), "w2"};

  Var<T> loss_of(Tape<T>& tape, std::span<const Var<T>> w, const Shard& shard) const {
    const Tensor<T> x_rows = xt::view(x, xt::range(shard.first, shard.last), xt::all());
    const Tensor<T> y_rows = xt::view(y, xt::range(shard.first, shard.last), xt::all());
    return mse_loss(matmul(tanh(matmul(tape.constant(x_rows), w[0])), w[1]), y_rows);
  }
  // Returns the loss and the gradients, computed on the given number of threads, as one sequence of numbers.
  std::vector<T> in_shards(std::size_t shards, int threads, int steps = 1) const {
    const int before = num_threads();
    set_num_threads(threads);
    DataParallel<T> parallel({w1, w2}, shards);
    std::vector<Tensor<T>> results(2);
    std::vector<T> all;
    for (int step = 0; step < steps; ++step) {
      const T value = parallel.gradients_into(
          samples,
          [&](Tape<T>& tape, std::span<const Var<T>> w, const Shard& shard) { return loss_of(tape, w, shard); },
          results);
      all = {value};
      for (const auto& result : results) all.insert(all.end(), result.begin(), result.end());
    }
    set_num_threads(before);
    return all;
  }
  std::vector<T> at_once() const {
    Tape<T> tape;
    const std::array<Var<T>, 2> w{tape.variable(w1), tape.variable(w2)};
    const auto loss = loss_of(tape, w, {0, 0, samples});
    std::vector<T> all{loss.item()};
    for (const auto& gradient : gradients(loss, w[0], w[1])) all.insert(all.end(), gradient.begin(), gradient.end());
    return all;
  }
};

template <class T>
double worst(const std::vector<T>& a, const std::vector<T>& b) {
  REQUIRE(a.size() == b.size());
  double result = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    result = larger_error(result, std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i])));
  return result;
}

}  // namespace

TEST_CASE_TEMPLATE("shards that do not divide the batch evenly give the gradient of the whole batch", T, float,
                   double) {
  for (const std::size_t samples : Sizes{1, 5, 8, 101})
    for (const std::size_t shards : Sizes{1, 3, 8}) {
      const Regression<T> problem{samples};
      CHECK(worst(problem.in_shards(shards, 2), problem.at_once()) < (sizeof(T) == 4 ? 1e-6 : 1e-14));
    }
}

TEST_CASE_TEMPLATE("the same bits for every number of threads, step after step", T, float, double) {
  const Regression<T> problem{103};
  const auto one = problem.in_shards(8, 1);
  for (const int threads : {2, 3, 8, 20}) {
    const auto several = problem.in_shards(8, threads, 5);
    CHECK(std::memcmp(one.data(), several.data(), one.size() * sizeof(T)) == 0);
  }
}

TEST_CASE("inside a shard the library runs serially") {
  const int before = num_threads();
  set_num_threads(4);
  const Parameter<double> w(random_tensor({2}, 1), "w");
  DataParallel<double> parallel({w}, 4);
  std::vector<Tensor<double>> results(1);
  std::array<int, 4> threads{};
  parallel.gradients_into(
      8,
      [&](Tape<double>&, auto variables, const Shard& shard) {
        threads[shard.index] = kernel::threads_for(true);
        return sum(variables[0]);
      },
      results);
  CHECK(threads == std::array<int, 4>{1, 1, 1, 1});
  CHECK(results[0] == xt::ones<double>({2}));
  CHECK(kernel::threads_for(true) == 4);
  set_num_threads(before);
}

TEST_CASE("the error of the first shard that fails is thrown, and the next step works") {
  const Parameter<double> w(random_tensor({2}, 1), "w");
  DataParallel<double> parallel({w}, 4);
  std::vector<Tensor<double>> results(1);
  bool failing = true;
  const auto loss_of = [&](Tape<double>&, auto variables, const Shard& shard) {
    if (failing && shard.index > 0) throw ValueError("test", fmt::format("shard {}", shard.index));
    return sum(variables[0]);
  };
  for (int i = 0; i < 5; ++i)
    CHECK(contains(message_of<ValueError>([&] { parallel.gradients_into(8, loss_of, results); }), "[test] shard 1"));
  failing = false;
  CHECK(parallel.gradients_into(8, loss_of, results) == doctest::Approx(xt::sum(w.value())()));
  CHECK(contains(message_of<ValueError>([&] { parallel.gradients_into(0, loss_of, results); }), "0 samples"));
  CHECK(contains(message_of<ValueError>([&] { DataParallel<double>({w}, 0); }), "0 shards"));
  std::vector<Tensor<double>> two(2);
  CHECK(contains(message_of<ShapeError>([&] { parallel.gradients_into(8, loss_of, two); }),
                 "2 results for 1 parameters"));
  const auto vector = [](Tape<double>&, auto variables, const Shard&) { return variables[0]; };
  CHECK(contains(message_of<ShapeError>([&] { parallel.gradients_into(8, vector, results); }), "shape (2,)"));
}
