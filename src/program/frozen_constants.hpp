// FrozenConstants: constants that several Programs share, found by their elements.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <unordered_map>

namespace wengert {

/// Blocks of elements that Programs computed from frozen parameters. A block lives as long as a Program refers to it.
/// Several threads may use it at once.
class FrozenConstants {
 public:
  /// An empty one. The flags say whether Programs fold batch normalisations into weights (`fold_scales`) and lay out
  /// weights for their kernels (`prepare_weights`).
  explicit FrozenConstants(bool folds_scales = true, bool prepares_weights = true)
      : folds_scales_(folds_scales), prepares_weights_(prepares_weights) {}
  bool folds_scales() const { return folds_scales_; }
  bool prepares_weights() const { return prepares_weights_; }
  /// A block that holds a copy of these bytes: an existing one if there is one.
  std::shared_ptr<const void> share(const void* elements, std::size_t bytes);
  /// The size of all blocks.
  std::size_t bytes() const;

 private:
  struct Block {
    std::weak_ptr<const void> elements;
    std::size_t bytes;
  };
  bool folds_scales_, prepares_weights_;
  mutable std::mutex mutex_;
  std::unordered_multimap<std::size_t, Block> blocks_;  // by hash
};

}  // namespace wengert
