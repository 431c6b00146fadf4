// One product of a convolution by oneDNN: its primitive, the layouts of its operands, and the reorders between them.
#pragma once

#if defined(WENGERT_ONEDNN)

#include "kernel/conv.hpp"
#include "kernel/scratch.hpp"

#include <array>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include <dnnl.hpp>

namespace wengert::kernel {

/// The layouts of the two operands and the result in memory; an empty one is row-major.
using ConvolutionLayouts = std::array<std::optional<dnnl::memory::desc>, 3>;

/// A product prepared for the number of threads that OpenMP uses when it is made. Several threads may run it at once.
class ConvolutionPlan {
 public:
  enum class Use { training, inference };  // for inference, oneDNN may choose other kernels, with other layouts
  ConvolutionPlan(Product product, const Convolution& conv, Use use = Use::training,
                  const ConvolutionLayouts& ours = {});
  ~ConvolutionPlan();
  ConvolutionPlan(const ConvolutionPlan&) = delete;
  ConvolutionPlan& operator=(const ConvolutionPlan&) = delete;

  /// Whether oneDNN has a fast kernel for the product.
  bool usable() const { return primitive_.has_value(); }
  /// Runs the product; false if it is not usable.
  bool run(const float* a, const float* b, float* result) const;

  /// The layout that the kernel needs for an operand (0, 1) or the result (2). Only of a usable plan.
  const dnnl::memory::desc& layout(std::size_t i) const { return arguments_[i].theirs; }
  /// Copies an operand in our layout to the one that the kernel needs. Only of a usable plan.
  void lay_out(std::size_t i, const float* from, float* to) const;

 private:
  struct Steps {
    dnnl::memory::dims strides, dilations, before, after;
  };
  // One operand or result: our layout, and the layout that the primitive needs.
  struct Argument {
    int number = 0;
    Scratch scratch{};
    dnnl::memory::desc ours{}, theirs{};
    std::optional<dnnl::reorder> reorder{};
  };
  // What a call needs besides the data, whose addresses may change from call to call. Each of several concurrent calls
  // has its own; later calls reuse them.
  struct Run;

  void prepare(Product product, dnnl::prop_kind forward_kind, const dnnl::memory::dims& x, const dnnl::memory::dims& w,
               const dnnl::memory::dims& y, const Steps& steps, const ConvolutionLayouts& ours);
  template <class Description>
  void accept(const Description& description, const dnnl::primitive& primitive);
  template <class Description>
  void set_arguments(const Description& description, const std::array<int, 3>& numbers,
                     const std::array<dnnl::memory::desc, 3>& ours, const std::array<dnnl::memory::desc, 3>& theirs);
  std::unique_ptr<Run> take() const;
  void put_back(std::unique_ptr<Run> run) const;

  std::array<Argument, 3> arguments_;
  std::size_t work_bytes_ = 0;
  std::optional<dnnl::primitive> primitive_;
  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<Run>> idle_;
};

}  // namespace wengert::kernel

#endif
