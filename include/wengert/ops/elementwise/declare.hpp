// Macros that declare the functions of op objects.
//
// Every header of elementwise ops includes this file last. It has no include guard, because the ops of a header are
// compiled in one file of src/ops/elementwise/, which defines WENGERT_INSTANTIATE_OPS before it includes that header.
#include <wengert/formula/elementwise.hpp>

#undef WENGERT_DEFINED
#undef WENGERT_TABLES
#if defined(WENGERT_INSTANTIATE_OPS)
#define WENGERT_DEFINED(...) __VA_ARGS__
#define WENGERT_TABLES(name)                                                         \
  template struct ElementwiseTable<float, std::remove_const_t<decltype(ops::name)>>; \
  template struct ElementwiseTable<double, std::remove_const_t<decltype(ops::name)>>;
#else
#define WENGERT_DEFINED(...) ;
#define WENGERT_TABLES(name)                                                                \
  extern template struct ElementwiseTable<float, std::remove_const_t<decltype(ops::name)>>; \
  extern template struct ElementwiseTable<double, std::remove_const_t<decltype(ops::name)>>;
#endif

#if !defined(WENGERT_UNARY)
namespace wengert::ops {
/// Makes an op of these headers: as `elementwise`, without checks. The source that compiles its tables registers it.
template <Name op_name, auto parameter_count = params<0>, class F, class... Options>
constexpr auto library_op(F, Options...) {
  return ElementwiseOp<op_name, parameter_count(), F, detail::InLibrary, Options...>{};
}
}  // namespace wengert::ops

// The function `name` on Vars and inside formulas. An op's tables must follow all functions that its derivatives call,
// because clang looks these up where a table is compiled.
#define WENGERT_UNARY_FUNCTION(name)                                                                   \
  Var<float> name(const Operand<float>& x) WENGERT_DEFINED({ return ops::name(x); }) Var<double> name( \
      const Operand<double>& x) WENGERT_DEFINED({ return ops::name(x); }) template <Number X>          \
  WENGERT_FLATTENED constexpr auto name(const X& x) {                                                  \
    return ops::name(x);                                                                               \
  }
#define WENGERT_UNARY(name)    \
  WENGERT_UNARY_FUNCTION(name) \
  WENGERT_TABLES(name)
#define WENGERT_BINARY(name)                                                                                     \
  Var<float> name(const Operand<float>& a, const Operand<float>& b) WENGERT_DEFINED({ return ops::name(a, b); }) \
      Var<double>                                                                                                \
      name(const Operand<double>& a, const Operand<double>& b)                                                   \
          WENGERT_DEFINED({ return ops::name(a, b); }) template <class A, class B>                               \
  requires(Number<A> || Number<B>) WENGERT_FLATTENED constexpr auto name(const A& a, const B& b) {               \
    return ops::name(a, b);                                                                                      \
  }                                                                                                              \
  WENGERT_TABLES(name)

// A function on Vars only, defined in src/ops/elementwise/.
#define WENGERT_FUNCTION_1(name)            \
  Var<float> name(const Operand<float>& x); \
  Var<double> name(const Operand<double>& x);
#define WENGERT_FUNCTION_2(name)                                     \
  Var<float> name(const Operand<float>& a, const Operand<float>& b); \
  Var<double> name(const Operand<double>& a, const Operand<double>& b);
#endif
