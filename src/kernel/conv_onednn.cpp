// Convolutions by oneDNN.
//
// Its fast kernels need blocked layouts. Including the reordering of operands and results, they are 1.2 to 8 times as
// fast as columns (measured), except where `is_faster` returns false.
#include "kernel/conv.hpp"

#if defined(WENGERT_ONEDNN)

#include "base/parallel.hpp"
#include "kernel/scratch.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <vector>

#include <dnnl.hpp>

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

// Whether oneDNN is faster than columns.
bool is_faster(Product product, const Convolution& conv) {
  constexpr std::size_t small = std::size_t{1} << 17;  // takes about as long as a library call
  if (conv.window.is_point() || multiplications(conv) < small) return false;
  // Blocks of 16 channels would be nearly empty: 0.1 to 0.5 of the speed of columns.
  return product != Product::input_gradient || conv.groups != 1 || conv.channels >= 6;
}

const dnnl::engine& engine() {
  static const auto& cpu = *new dnnl::engine(dnnl::engine::kind::cpu, 0);  // outlives every thread
  return cpu;
}

dnnl::memory::desc plain(const dnnl::memory::dims& extents) {
  dnnl::memory::dims strides(extents.size());
  dnnl_dim_t step = 1;
  for (std::size_t axis = extents.size(); axis-- > 0; step *= extents[axis]) strides[axis] = step;
  return {extents, dnnl::memory::data_type::f32, strides};
}

// One operand or result: our layout, and the layout that the primitive needs.
struct PrimitiveArgument {
  int argument = 0;
  Scratch scratch{};
  dnnl::memory::desc ours;
  dnnl::memory::desc theirs;
  std::optional<dnnl::reorder> reorder;
};

// One product with its primitive, layouts and reorders, prepared once.
class Plan {
 public:
  explicit Plan(const Key& key) : product_(key.product) {
    const Convolution& conv = key.conv;
    const auto number = [](std::size_t n) { return static_cast<dnnl_dim_t>(n); };
    dnnl::memory::dims x{number(conv.batch), number(conv.channels)}, y{number(conv.batch), number(conv.filters)};
    dnnl::memory::dims w{number(conv.filters / conv.groups), number(conv.channels / conv.groups)};
    if (conv.groups != 1) w.insert(w.begin(), number(conv.groups));
    dnnl::memory::dims strides, dilations, before, after;
    for (std::size_t i = 3 - conv.rank; i < 3; ++i) {
      const WindowAxis& axis = conv.window.axes[i];
      x.push_back(number(axis.input));
      w.push_back(number(axis.kernel));
      y.push_back(number(axis.output));
      strides.push_back(number(axis.stride));
      dilations.push_back(number(axis.dilation) - 1);
      before.push_back(number(axis.padding));
      after.push_back((y.back() - 1) * strides.back() + (w.back() - 1) * number(axis.dilation) + 1 - x.back() -
                      before.back());
      if (after.back() <= -strides.back()) return;  // no window reaches the last inputs, which oneDNN does not support
    }
    try {
      prepare(x, w, y, {strides, dilations, before, after});
    } catch (const dnnl::error&) {
      primitive_.reset();  // not implemented for this description
    }
  }

  /// Runs the product; false if oneDNN has no fast kernel for it.
  bool run(const float* a, const float* b, float* result) const {
    if (!primitive_) return false;
    std::unique_ptr<Run> run = take();
    point(run->pad, scratch_bytes(Scratch::library, work_bytes_));
    float* const data[] = {const_cast<float*>(a), const_cast<float*>(b), result};  // only the result is written
    for (std::size_t i = 0; i < 3; ++i) {
      point(run->ours[i], data[i]);
      if (arguments_[i].reorder)
        point(run->theirs[i], scratch_bytes(arguments_[i].scratch, arguments_[i].theirs.get_size()));
    }
    const auto wanted = [&](std::size_t i) { return (arguments_[i].reorder ? run->theirs[i] : run->ours[i]).get(); };
    const auto reorder = [&](std::size_t i, const dnnl::memory& from, const dnnl::memory& to) {
      if (arguments_[i].reorder)
        execute<3>(*arguments_[i].reorder, *run, {{{DNNL_ARG_FROM, from.get()}, {DNNL_ARG_TO, to.get()}, {}}});
    };
    reorder(0, run->ours[0], run->theirs[0]);
    reorder(1, run->ours[1], run->theirs[1]);
    execute<4>(*primitive_, *run,
               {{{arguments_[0].argument, wanted(0)},
                 {arguments_[1].argument, wanted(1)},
                 {arguments_[2].argument, wanted(2)},
                 {}}});
    reorder(2, run->theirs[2], run->ours[2]);
    run->stream.wait();
    put_back(std::move(run));
    return true;
  }

 private:
  // What a call needs besides the data, whose addresses may change from call to call. Each of several concurrent calls
  // has its own; later calls reuse them.
  struct Run {
    dnnl::stream stream{engine()};
    std::array<dnnl::memory, 3> ours, theirs;
    dnnl::memory pad;
  };
  std::unique_ptr<Run> take() const {
    {
      const std::lock_guard lock(mutex_);
      if (!idle_.empty()) {
        std::unique_ptr<Run> run = std::move(idle_.back());
        idle_.pop_back();
        return run;
      }
    }
    auto run = std::make_unique<Run>();
    const auto nowhere = [](const dnnl::memory::desc& of) { return dnnl::memory(of, engine(), nullptr); };
    for (std::size_t i = 0; i < 3; ++i) {
      run->ours[i] = nowhere(arguments_[i].ours);
      if (arguments_[i].reorder) run->theirs[i] = nowhere(arguments_[i].theirs);
    }
    run->pad =
        nowhere({{static_cast<dnnl_dim_t>(work_bytes_)}, dnnl::memory::data_type::u8, dnnl::memory::format_tag::a});
    return run;
  }
  void put_back(std::unique_ptr<Run> run) const {
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(run));
  }
  static void point(const dnnl::memory& memory, void* data) {
    if (memory.get_data_handle() != data) memory.set_data_handle(data);
  }
  // The last argument is the scratchpad. The library's C++ interface would build a map of the arguments.
  template <std::size_t count>
  static void execute(const dnnl::primitive& primitive, const Run& run, std::array<dnnl_exec_arg_t, count> arguments) {
    arguments.back() = {DNNL_ARG_SCRATCHPAD, run.pad.get()};
    dnnl::error::wrap_c_api(
        dnnl_primitive_execute(primitive.get(), run.stream.get(), static_cast<int>(count), arguments.data()),
        "a prepared convolution failed");
  }

  struct Steps {
    dnnl::memory::dims strides, dilations, before, after;
  };

  void prepare(const dnnl::memory::dims& x, const dnnl::memory::dims& w, const dnnl::memory::dims& y,
               const Steps& steps) {
    using dnnl::memory;
    constexpr auto direct = dnnl::algorithm::convolution_direct;
    const auto any = [](const memory::dims& extents) {
      return memory::desc(extents, memory::data_type::f32, memory::format_tag::any);
    };
    dnnl::primitive_attr attributes;
    attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
    const dnnl::convolution_forward::primitive_desc forward(
        {dnnl::prop_kind::forward_training, direct, any(x), any(w), any(y), steps.strides, steps.dilations,
         steps.before, steps.after},
        attributes, engine());
    if (product_ == Product::forward) {
      set_sides(forward, {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST}, {plain(x), plain(w), plain(y)},
                {forward.src_desc(), forward.weights_desc(), forward.dst_desc()});
      accept(forward, dnnl::convolution_forward(forward));
    } else if (product_ == Product::input_gradient) {
      const dnnl::convolution_backward_data::primitive_desc backward(
          {direct, any(x), any(w), any(y), steps.strides, steps.dilations, steps.before, steps.after}, attributes,
          engine(), forward);
      set_sides(backward, {DNNL_ARG_DIFF_DST, DNNL_ARG_WEIGHTS, DNNL_ARG_DIFF_SRC}, {plain(y), plain(w), plain(x)},
                {backward.diff_dst_desc(), backward.weights_desc(), backward.diff_src_desc()});
      accept(backward, dnnl::convolution_backward_data(backward));
    } else {
      const dnnl::convolution_backward_weights::primitive_desc backward(
          {direct, any(x), any(w), any(y), steps.strides, steps.dilations, steps.before, steps.after}, attributes,
          engine(), forward);
      set_sides(backward, {DNNL_ARG_SRC, DNNL_ARG_DIFF_DST, DNNL_ARG_DIFF_WEIGHTS}, {plain(x), plain(y), plain(w)},
                {backward.src_desc(), backward.diff_dst_desc(), backward.diff_weights_desc()});
      accept(backward, dnnl::convolution_backward_weights(backward));
    }
  }
  // All but the just-in-time compiled kernels are slower than our columns.
  template <class Description>
  void accept(const Description& description, const dnnl::primitive& primitive) {
    const std::string_view kernel = description.impl_info_str();
    if (kernel.starts_with("jit") || kernel.starts_with("brg")) primitive_ = primitive;
  }
  template <class Description>
  void set_sides(const Description& description, const std::array<int, 3>& arguments,
                 const std::array<dnnl::memory::desc, 3>& ours, const std::array<dnnl::memory::desc, 3>& theirs) {
    constexpr Scratch scratches[] = {Scratch::left, Scratch::right, Scratch::result};
    work_bytes_ = description.scratchpad_desc().get_size();
    dnnl::primitive_attr attributes;
    attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
    for (std::size_t i = 0; i < 3; ++i) {
      arguments_[i] = {arguments[i], scratches[i], ours[i], theirs[i], std::nullopt};
      if (ours[i] == theirs[i]) continue;
      const dnnl::reorder::primitive_desc reorder(engine(), i == 2 ? theirs[i] : ours[i], engine(),
                                                  i == 2 ? ours[i] : theirs[i], attributes);
      arguments_[i].reorder = dnnl::reorder(reorder);
      work_bytes_ = std::max(work_bytes_, reorder.scratchpad_desc().get_size());
    }
  }
  Product product_;
  std::array<PrimitiveArgument, 3> arguments_;
  std::size_t work_bytes_ = 0;
  std::optional<dnnl::primitive> primitive_;
  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<Run>> idle_;
};

// A cache that evicts the least recently used plan. Its contents affect run time, never results.
class PlanCache {
 public:
  std::shared_ptr<const Plan> find(const Key& key) {
    if (auto found = lookup(key)) return found;
    auto plan = std::make_shared<const Plan>(key);  // outside the lock: this takes up to milliseconds
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
    std::shared_ptr<const Plan> plan;
    std::uint64_t used;
  };
  std::shared_ptr<const Plan> lookup(const Key& key) {
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

}  // namespace

bool convolve_by_library(Product product, const Convolution& conv, const float* a, const float* b, float* result) {
  if (conv.input_size() == 0 || conv.weight_size() == 0 || conv.output_size() == 0 || !is_faster(product, conv))
    return false;
  constexpr std::size_t large = std::size_t{1} << 21;
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

}  // namespace wengert::kernel

#endif
