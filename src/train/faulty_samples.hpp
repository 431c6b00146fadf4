// Finds the samples of a batch that make a step fail.
#pragma once

#include "train/step_programs.hpp"

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace wengert::train {

/// The origin of a batch.
struct Origin {
  std::span<const std::size_t> rows;   ///< of its samples in the data
  std::string_view data = "the data";  ///< their name in messages
};

/// The samples of a batch that fail alone while others do not, as named in a message: `sample 17 of the data (number 3
/// of its batch)`. Empty if no samples are at fault; for a batch of one sample, also if another sample of `data` fails.
/// With `with_gradients`, gradients are checked too.
template <class T>
std::string faulty_samples(StepPrograms<T>& programs, const Batch<T>& batch, const Origin& origin,
                           const Source<T>& data, bool with_gradients);

/// The same for a sample of a batch that is known to cause an error.
std::string at_sample(std::size_t number_in_batch, const Origin& origin);

}  // namespace wengert::train
