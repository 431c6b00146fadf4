// What a benchmark program offers: named pieces of work that can be timed, checked and weighed.
//
// A name is MODEL/VARIANT. Variants of one model, in whichever program, compute the same value and the same arrays.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace bench {

/// A named array, as doubles.
struct Array {
  std::string name;
  std::vector<double> elements;
};

/// A piece of work.
class Work {
 public:
  Work() = default;
  Work(const Work&) = delete;
  Work& operator=(const Work&) = delete;
  virtual ~Work() = default;

  /// What is timed: one training step, one gradient, one objective.
  virtual void step() = 0;
  /// The loss or objective that the last step found.
  virtual double value() = 0;
  /// The parameters if steps change them, otherwise the gradients that the last step found.
  virtual std::vector<Array> arrays() { return {}; }
  /// Whether steps change the parameters: then what the first one subtracts from them is compared.
  virtual bool trains() const { return false; }
  /// What the time of a step is divided by: the number of ops, where a figure is given for one.
  virtual double items() const { return 1; }
};

/// The elements of any range as doubles.
template <class Range>
Array array(std::string name, const Range& range) {
  return {std::move(name), std::vector<double>(range.begin(), range.end())};
}

/// Offers a piece of work; called before main. Returns true.
bool offer(std::string name, std::function<std::unique_ptr<Work>()> make);
template <class W, class... A>
bool offer(std::string name, A... arguments) {
  return offer(std::move(name),
               std::function<std::unique_ptr<Work>()>([arguments...] { return std::make_unique<W>(arguments...); }));
}

/// How many threads the program's library may use; each program defines it.
void set_threads(int count);

}  // namespace bench
