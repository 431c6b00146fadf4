// Which samples of a batch make a step fail.
#pragma once

#include "train/step_programs.hpp"

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace wengert::train {

/// Where a batch was taken from.
struct Origin {
  std::span<const std::size_t> rows;   ///< of its samples in the data
  std::string_view data = "the data";  ///< what messages call these
};

/// The samples of a batch that fail by themselves, while others do not, as a message places an error: `sample 17 of the
/// data (number 3 of its batch)`. Empty if the fault is not theirs; of a batch of one sample, if another one of `data`
/// fails as well. `with_gradients`: what fails may be a gradient.
template <class T>
std::string samples_at_fault(StepPrograms<T>& programs, const Feed<T>& batch, const Origin& origin,
                             const Source<T>& data, bool with_gradients);

/// As a message places an error that one sample of a batch is known to make.
std::string at_sample(std::size_t number_in_batch, const Origin& origin);

}  // namespace wengert::train
