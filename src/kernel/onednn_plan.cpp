// Makes and runs the primitive of a convolution's product.
#include "kernel/onednn_plan.hpp"

#if defined(WENGERT_ONEDNN)

#include <algorithm>
#include <string_view>
#include <utility>

namespace wengert::kernel {
namespace {

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

dnnl::memory nowhere(const dnnl::memory::desc& of) { return dnnl::memory(of, engine(), nullptr); }

void point(const dnnl::memory& memory, void* data) {
  if (memory.get_data_handle() != data) memory.set_data_handle(data);
}

}  // namespace

struct ConvolutionPlan::Run {
  dnnl::stream stream{engine()};
  std::array<dnnl::memory, 3> ours{}, theirs{};
  dnnl::memory pad{};

  // The last argument is the scratchpad. The library's C++ interface would build a map of the arguments.
  template <std::size_t count>
  void execute(const dnnl::primitive& primitive, std::array<dnnl_exec_arg_t, count> arguments) const {
    arguments.back() = {DNNL_ARG_SCRATCHPAD, pad.get()};
    dnnl::error::wrap_c_api(
        dnnl_primitive_execute(primitive.get(), stream.get(), static_cast<int>(count), arguments.data()),
        "a prepared convolution failed");
  }
  void reorder(const dnnl::reorder& reorder, const dnnl::memory& from, const dnnl::memory& to) const {
    execute<3>(reorder, {{{DNNL_ARG_FROM, from.get()}, {DNNL_ARG_TO, to.get()}, {}}});
  }
};

ConvolutionPlan::ConvolutionPlan(Product product, const Convolution& conv, Use use, const ConvolutionLayouts& ours) {
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
    const bool infers = product == Product::forward && use == Use::inference;
    prepare(product, infers ? dnnl::prop_kind::forward_inference : dnnl::prop_kind::forward_training, x, w, y,
            {strides, dilations, before, after}, ours);
  } catch (const dnnl::error&) {
    primitive_.reset();  // not implemented for this description
  }
}

ConvolutionPlan::~ConvolutionPlan() = default;

bool ConvolutionPlan::run(const float* a, const float* b, float* result) const {
  if (!primitive_) return false;
  std::unique_ptr<Run> run = take();
  point(run->pad, scratch_bytes(Scratch::library, work_bytes_));
  float* const data[] = {const_cast<float*>(a), const_cast<float*>(b), result};  // only the result is written
  std::array<const dnnl::memory*, 3> wanted{};
  for (std::size_t i = 0; i < 3; ++i) {
    point(run->ours[i], data[i]);
    if (arguments_[i].reorder)
      point(run->theirs[i], scratch_bytes(arguments_[i].scratch, arguments_[i].theirs.get_size()));
    wanted[i] = arguments_[i].reorder ? &run->theirs[i] : &run->ours[i];
  }
  for (std::size_t i = 0; i < 2; ++i)
    if (arguments_[i].reorder) run->reorder(*arguments_[i].reorder, run->ours[i], run->theirs[i]);
  run->execute<4>(*primitive_, {{{arguments_[0].number, wanted[0]->get()},
                                 {arguments_[1].number, wanted[1]->get()},
                                 {arguments_[2].number, wanted[2]->get()},
                                 {}}});
  if (arguments_[2].reorder) run->reorder(*arguments_[2].reorder, run->theirs[2], run->ours[2]);
  run->stream.wait();
  put_back(std::move(run));
  return true;
}

void ConvolutionPlan::lay_out(std::size_t i, const float* from, float* to) const {
  const Argument& argument = arguments_[i];
  if (!argument.reorder) {
    std::copy_n(from, argument.ours.get_size() / sizeof(float), to);
    return;
  }
  std::unique_ptr<Run> run = take();
  point(run->pad, scratch_bytes(Scratch::library, work_bytes_));
  point(run->ours[i], const_cast<float*>(from));
  point(run->theirs[i], to);
  run->reorder(*argument.reorder, run->ours[i], run->theirs[i]);
  run->stream.wait();
  put_back(std::move(run));
}

std::unique_ptr<ConvolutionPlan::Run> ConvolutionPlan::take() const {
  {
    const std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      std::unique_ptr<Run> run = std::move(idle_.back());
      idle_.pop_back();
      return run;
    }
  }
  auto run = std::make_unique<Run>();
  for (std::size_t i = 0; i < 3; ++i) {
    run->ours[i] = nowhere(arguments_[i].ours);
    if (arguments_[i].reorder) run->theirs[i] = nowhere(arguments_[i].theirs);
  }
  run->pad =
      nowhere({{static_cast<dnnl_dim_t>(work_bytes_)}, dnnl::memory::data_type::u8, dnnl::memory::format_tag::a});
  return run;
}

void ConvolutionPlan::put_back(std::unique_ptr<Run> run) const {
  const std::lock_guard lock(mutex_);
  idle_.push_back(std::move(run));
}

void ConvolutionPlan::prepare(Product product, dnnl::prop_kind forward_kind, const dnnl::memory::dims& x,
                              const dnnl::memory::dims& w, const dnnl::memory::dims& y, const Steps& steps,
                              const ConvolutionLayouts& ours) {
  using dnnl::memory;
  constexpr auto direct = dnnl::algorithm::convolution_direct;
  const auto any = [](const memory::dims& extents) {
    return memory::desc(extents, memory::data_type::f32, memory::format_tag::any);
  };
  const auto in_memory = [&](std::size_t i, const memory::dims& extents) {
    return ours[i] ? *ours[i] : plain(extents);
  };
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  const dnnl::convolution_forward::primitive_desc forward(
      {forward_kind, direct, any(x), any(w), any(y), steps.strides, steps.dilations, steps.before, steps.after},
      attributes, engine());
  if (product == Product::forward) {
    set_arguments(forward, {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST},
                  {in_memory(0, x), in_memory(1, w), in_memory(2, y)},
                  {forward.src_desc(), forward.weights_desc(), forward.dst_desc()});
    accept(forward, dnnl::convolution_forward(forward));
  } else if (product == Product::input_gradient) {
    const dnnl::convolution_backward_data::primitive_desc backward(
        {direct, any(x), any(w), any(y), steps.strides, steps.dilations, steps.before, steps.after}, attributes,
        engine(), forward);
    set_arguments(backward, {DNNL_ARG_DIFF_DST, DNNL_ARG_WEIGHTS, DNNL_ARG_DIFF_SRC},
                  {in_memory(0, y), in_memory(1, w), in_memory(2, x)},
                  {backward.diff_dst_desc(), backward.weights_desc(), backward.diff_src_desc()});
    accept(backward, dnnl::convolution_backward_data(backward));
  } else {
    const dnnl::convolution_backward_weights::primitive_desc backward(
        {direct, any(x), any(w), any(y), steps.strides, steps.dilations, steps.before, steps.after}, attributes,
        engine(), forward);
    set_arguments(backward, {DNNL_ARG_SRC, DNNL_ARG_DIFF_DST, DNNL_ARG_DIFF_WEIGHTS},
                  {in_memory(0, x), in_memory(1, y), in_memory(2, w)},
                  {backward.src_desc(), backward.diff_dst_desc(), backward.diff_weights_desc()});
    accept(backward, dnnl::convolution_backward_weights(backward));
  }
}

// All but the just-in-time compiled kernels are slower than our columns.
template <class Description>
void ConvolutionPlan::accept(const Description& description, const dnnl::primitive& primitive) {
  const std::string_view kernel = description.impl_info_str();
  for (const std::string_view compiled : {"jit", "brg", "brdgmm"})
    if (kernel.starts_with(compiled)) primitive_ = primitive;
}

template <class Description>
void ConvolutionPlan::set_arguments(const Description& description, const std::array<int, 3>& numbers,
                                    const std::array<dnnl::memory::desc, 3>& ours,
                                    const std::array<dnnl::memory::desc, 3>& theirs) {
  constexpr Scratch scratches[] = {Scratch::left, Scratch::right, Scratch::result};
  work_bytes_ = description.scratchpad_desc().get_size();
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  for (std::size_t i = 0; i < 3; ++i) {
    arguments_[i] = {numbers[i], scratches[i], ours[i], theirs[i], std::nullopt};
    if (ours[i] == theirs[i]) continue;
    const dnnl::reorder::primitive_desc reorder(engine(), i == 2 ? theirs[i] : ours[i], engine(),
                                                i == 2 ? ours[i] : theirs[i], attributes);
    arguments_[i].reorder = dnnl::reorder(reorder);
    work_bytes_ = std::max(work_bytes_, reorder.scratchpad_desc().get_size());
  }
}

}  // namespace wengert::kernel

#endif
