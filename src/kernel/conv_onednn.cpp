// Convolutions by oneDNN.
//
// Its fast kernels need blocked layouts. Including the reordering of operands and results, they are 1.2 to 8 times as
// fast as columns (measured), except where `is_faster` returns false.
#include "kernel/conv.hpp"
#include "kernel/conv_direct.hpp"
#include "kernel/conv_prepared.hpp"

#if defined(WENGERT_ONEDNN)

#include "base/parallel.hpp"
#include "kernel/onednn_plan.hpp"
#include "kernel/scratch.hpp"
#include <wengert/base/error.hpp>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace wengert::kernel {
namespace {

struct Key {
  Product product;
  Convolution conv;
  int threads;
  bool operator==(const Key&) const = default;
};

std::size_t multiplications(const Convolution& conv) {
  return conv.output_size() * (conv.weight_size() / conv.filters);
}

constexpr std::size_t large = std::size_t{1} << 21;  // multiplications that pay for another thread

// Whether oneDNN is faster than columns. Where each output sees one position, columns are the operand itself, so oneDNN
// is faster only if it need not reorder operands.
bool is_faster(Product product, const Convolution& conv) {
  constexpr std::size_t small = std::size_t{1} << 17;  // takes about as long as a library call
  if (multiplications(conv) < small) return false;
  // Blocks of 16 channels would be nearly empty: 0.1 to 0.5 of the speed of columns.
  return product != Product::input_gradient || conv.groups != 1 || conv.channels >= 6;
}

// A cache that evicts the least recently used plan. Its contents affect run time, never results.
class PlanCache {
 public:
  std::shared_ptr<const ConvolutionPlan> find(const Key& key) {
    if (auto found = lookup(key)) return found;
    // Outside the lock: this takes up to milliseconds.
    auto plan = std::make_shared<const ConvolutionPlan>(key.product, key.conv);
    const std::lock_guard lock(mutex_);
    if (entries_.size() < capacity)
      entries_.push_back({key, plan, ++clock_});
    else
      *std::min_element(entries_.begin(), entries_.end(),
                        [](const Entry& a, const Entry& b) { return a.used < b.used; }) = {key, plan, ++clock_};
    return plan;
  }

 private:
  static constexpr std::size_t capacity = 256;
  struct Entry {
    Key key;
    std::shared_ptr<const ConvolutionPlan> plan;
    std::uint64_t used;
  };
  std::shared_ptr<const ConvolutionPlan> lookup(const Key& key) {
    const std::lock_guard lock(mutex_);
    for (Entry& entry : entries_)
      if (entry.key == key) {
        entry.used = ++clock_;
        return entry.plan;
      }
    return nullptr;
  }
  std::mutex mutex_;
  std::vector<Entry> entries_;
  std::uint64_t clock_ = 0;
};

// The blocks of channels in which a layout keeps activations; 0 for a row-major one, and empty for others.
std::optional<std::size_t> block_of(const dnnl::memory::desc& layout, std::size_t rank) {
  using Tag = dnnl::memory::format_tag;
  constexpr Tag row_major[] = {Tag::ncw, Tag::nchw, Tag::ncdhw}, last[] = {Tag::nwc, Tag::nhwc, Tag::ndhwc},
                sixteen[] = {Tag::nCw16c, Tag::nChw16c, Tag::nCdhw16c},
                eight[] = {Tag::nCw8c, Tag::nChw8c, Tag::nCdhw8c};
  const dnnl::memory::dims extents = layout.dims();
  const auto channels = static_cast<std::size_t>(extents[1]);
  const auto is = [&](const Tag(&tags)[3]) {
    return layout == dnnl::memory::desc(extents, dnnl::memory::data_type::f32, tags[rank - 1]);
  };
  constexpr std::size_t few = 8;  // channels whose reordering oneDNN does better than a copy
  if (is(row_major)) return 0;
  if (channels >= few && is(last)) return channels;
  if (channels % 16 == 0 && is(sixteen)) return 16;
  if (channels % 8 == 0 && is(eight)) return 8;
  return std::nullopt;
}

class PreparedByLibrary final : public PreparedConvolution {
 public:
  PreparedByLibrary(Product product, const Convolution& conv)
      : PreparedConvolution(product, conv), part_(conv), serves_large_(multiplications(conv) >= large) {
    part_.batch = images_of_a_part();
    const ThreadScope threads(serves_large_);
    native_ = std::make_unique<ConvolutionPlan>(product, part_, ConvolutionPlan::Use::inference);
    if (!usable()) return;
    ours_[1] = native_->layout(1);
    weight_size_ = (ours_[1]->get_size() + sizeof(float) - 1) / sizeof(float);
    for (const std::size_t i : {std::size_t{0}, std::size_t{2}})
      if (const auto block = block_of(native_->layout(i), conv.rank); block.value_or(0) != 0) {
        ours_[i] = native_->layout(i);
        (i == 0 ? x_block_ : y_block_) = *block;
      }
  }
  bool usable() const { return native_->usable(); }

  void lay_out(const float* weight, float* laid_out) const override { native_->lay_out(1, weight, laid_out); }

  void run(const float* x, const float* weight, const ConvolutionEpilogue& epilogue, float* y) const override {
    const ThreadScope threads(serves_large_);
    const ConvolutionPlan& plan = plan_for(omp_get_max_threads());
    const bool forward = product_ == Product::forward;
    const std::size_t x_size = forward ? part_.input_size() : part_.output_size();
    const std::size_t y_size = forward ? part_.output_size() : part_.input_size();
    ConvolutionEpilogue of_part = epilogue;
    for (std::size_t first = 0; first < conv_.batch; first += part_.batch, x += x_size, y += y_size) {
      if (!plan.run(x, weight, y)) throw MemoryError("conv", "oneDNN could not create the convolution");
      apply_epilogue(of_part, part_.batch, result_channels(), result_positions(), y_block_, y);
      if (of_part.addend != nullptr) of_part.addend += y_size;
    }
  }

 private:
  // The epilogue reads the result of some images while it is in the second-level cache. Their number divides the batch.
  std::size_t images_of_a_part() const {
    constexpr std::size_t cached = (std::size_t{1} << 20) / sizeof(float);
    const std::size_t fitting = std::max<std::size_t>(1, cached / (result_channels() * result_positions()));
    for (std::size_t images = std::min(fitting, conv_.batch);; --images)
      if (conv_.batch % images == 0) return images;
  }
  // The plan for a number of threads. Its primitive may need other layouts than the first; it then reorders operands.
  const ConvolutionPlan& plan_for(int threads) const {
    const std::lock_guard lock(mutex_);
    for (const auto& [count, plan] : plans_)
      if (count == threads) return *plan;
    plans_.emplace_back(threads,
                        std::make_unique<ConvolutionPlan>(product_, part_, ConvolutionPlan::Use::inference, ours_));
    return *plans_.back().second;
  }

  Convolution part_;
  bool serves_large_;
  std::unique_ptr<ConvolutionPlan> native_;
  ConvolutionLayouts ours_{};
  mutable std::mutex mutex_;
  mutable std::vector<std::pair<int, std::unique_ptr<ConvolutionPlan>>> plans_;
};

}  // namespace

std::shared_ptr<const PreparedConvolution> prepare_convolution(Product product, const Convolution& conv) {
  if (conv.input_size() == 0 || conv.weight_size() == 0 || conv.output_size() == 0 || !is_faster(product, conv))
    return nullptr;
  if (product == Product::forward && is_direct<float>(conv)) return nullptr;
  auto prepared = std::make_shared<const PreparedByLibrary>(product, conv);
  return prepared->usable() ? prepared : nullptr;
}

bool convolve_by_library(Product product, const Convolution& conv, const float* a, const float* b, float* result) {
  if (conv.input_size() == 0 || conv.weight_size() == 0 || conv.output_size() == 0 || conv.window.is_point() ||
      !is_faster(product, conv))
    return false;
  const ThreadScope threads(multiplications(conv) >= large);
  static auto& cache = *new PlanCache;  // outlives every thread
  const auto plan = [&](const Convolution& part) { return cache.find({product, part, omp_get_max_threads()}); };
  if (product != Product::weight_gradient) return plan(conv)->run(a, b, result);

  // A weight's gradient is a sum over all positions of all samples, which the library adds one by one. For 100,000
  // terms, the error is 1.6e-5 in one piece and 1e-6 in these pieces, at the same speed.
  constexpr std::size_t longest = std::size_t{1} << 13;
  Convolution part = conv;
  part.batch = std::clamp<std::size_t>(longest / conv.window.output_size(), 1, conv.batch);
  if (!plan(part)->run(a, b, result)) return false;
  for (std::size_t first = part.batch; first < conv.batch; first += part.batch) {
    a += part.input_size();
    b += part.output_size();
    part.batch = std::min(part.batch, conv.batch - first);
    float* sum = scratch<float>(Scratch::columns, part.weight_size());
    if (!plan(part)->run(a, b, sum)) return false;
    for (std::size_t i = 0; i < part.weight_size(); ++i) result[i] += sum[i];
  }
  return true;
}

}  // namespace wengert::kernel

#else

namespace wengert::kernel {

bool convolve_by_library(Product, const Convolution&, const float*, const float*, float*) { return false; }
std::shared_ptr<const PreparedConvolution> prepare_convolution(Product, const Convolution&) { return nullptr; }

}  // namespace wengert::kernel

#endif
