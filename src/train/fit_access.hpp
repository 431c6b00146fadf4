// The functions of FitStatus, as the training run implements them.
#pragma once

#include <wengert/train/observer.hpp>

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace wengert::train::detail {

/// What an observer may ask of a training run.
class FitAccess {
 public:
  virtual ~FitAccess() = default;
  virtual double rate() const = 0;
  virtual void set_rate(double rate, const Location& where) = 0;
  virtual void save_weights(const std::filesystem::path& file, const Location& where) = 0;
  virtual std::string monitored(std::string_view column, const Location& where) const = 0;
  virtual bool larger_is_better(std::string_view column) const = 0;
  /// Warns, once for each column, of a monitored value that is not finite, so that no epoch counts as an improvement.
  virtual void watch(std::string_view column, double value) = 0;
};

/// The same with the parameters, of either scalar type.
template <class T>
class ParameterAccess : public FitAccess {
 public:
  virtual const std::vector<std::pair<std::string, Parameter<T>>>& parameters() const = 0;
};

}  // namespace wengert::train::detail
