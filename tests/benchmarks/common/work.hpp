// Interface of the benchmarks: named workloads to time, check and measure memory of.
//
// A name is MODEL/VARIANT. All variants of a model, in any program, compute the same value and arrays.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace bench {

/// A named array of doubles.
struct Array {
  std::string name;
  std::vector<double> elements;
};

/// A workload.
class Work {
 public:
  Work() = default;
  Work(const Work&) = delete;
  Work& operator=(const Work&) = delete;
  virtual ~Work() = default;

  /// The timed work: one training step, one gradient or one objective.
  virtual void step() = 0;
  /// The loss or objective of the last step.
  virtual double value() = 0;
  /// The parameters if steps change them, otherwise the gradients of the last step.
  virtual std::vector<Array> arrays() { return {}; }
  /// Whether steps change the parameters. If so, checks compare the changes made by the first step.
  virtual bool trains() const { return false; }
  /// Divisor of the time per step: the number of ops, for figures per op.
  virtual double items() const { return 1; }
};

/// Converts the elements of a range to doubles.
template <class Range>
Array array(std::string name, const Range& range) {
  return {std::move(name), std::vector<double>(range.begin(), range.end())};
}

/// Registers a workload; called before main. Returns true.
bool offer(std::string name, std::function<std::unique_ptr<Work>()> make);
template <class W, class... A>
bool offer(std::string name, A... arguments) {
  return offer(std::move(name),
               std::function<std::unique_ptr<Work>()>([arguments...] { return std::make_unique<W>(arguments...); }));
}

/// Sets the number of threads of the library under test; each program defines this function.
void set_threads(int count);

}  // namespace bench
