// The load, store and end stages of register chains, and the loop that runs a chain over rows.
#include "kernel/stages.hpp"

namespace wengert::kernel {
namespace {

template <class T>
struct Load {
  template <std::size_t Bytes, class... Register>
  static WENGERT_INLINE void run(const Stage<T>* stage, std::size_t row, std::size_t k, const Register&...) {
    const auto x = Lanes<Lane<T, Bytes>, sizeof...(Register)>::load(stage->operands[0], row, k);
    if constexpr (sizeof...(Register) == 1)
      call_next_stage(stage, row, k, x.a.v);
    else
      call_next_stage(stage, row, k, x.a.v, x.b.v, x.c.v, x.d.v);
  }
};

template <class T, class Register>
WENGERT_INLINE void stream(const Register& value, T* to) {
#if defined(__x86_64__) && !defined(__clang__)
  if constexpr (sizeof(Register) == 16)
    asm("movntps %1, %0" : "=m"(*reinterpret_cast<Register*>(to)) : "x"(value));
  else
    asm("vmovntps %1, %0" : "=m"(*reinterpret_cast<Register*>(to)) : "v"(value));
#else
  *reinterpret_cast<Register*>(to) = value;
#endif
}

template <class T, bool streams>
struct Store {
  template <std::size_t Bytes, class... Register>
  static WENGERT_INLINE void run(const Stage<T>* stage, std::size_t row, std::size_t k, const Register&... registers) {
    T* to = stage->out + row * stage->columns + k;
    (put(Lane<T, Bytes>(registers), to), ...);
    call_next_stage(stage, row, k, registers...);
  }

 private:
  template <class L>
  static WENGERT_INLINE void put(const L& lane, T*& to) {
    if constexpr (streams)
      stream(lane.v, to);
    else
      lane.store(to);
    to += L::width;
  }
};

template <class T>
struct End {
  template <std::size_t Bytes, class... Register>
  static WENGERT_INLINE void run(const Stage<T>*, std::size_t, std::size_t, const Register&...) {}
};

template <class T, class Body>
Stage<T> stage_of_body() {
  Stage<T> stage;
  stage.one_lane = stage_code<T, Body>(register_bytes(), 1);
  stage.four_lanes = stage_code<T, Body>(register_bytes(), 4);
  return stage;
}

template <class T>
struct Rows {
  template <std::size_t Bytes>
  static WENGERT_INLINE void run(const Stage<T>* first, std::size_t rows, std::size_t columns) {
    using Register = Vector<T, Bytes>;
    using OneLane = void(const Stage<T>*, std::size_t, std::size_t, Register);
    using FourLanes = void(const Stage<T>*, std::size_t, std::size_t, Register, Register, Register, Register);
    constexpr std::size_t width = Bytes / sizeof(T);
    const Register nothing{};
    for (std::size_t row = 0; row < rows; ++row) {
      std::size_t k = 0;
      for (; k + 4 * width <= columns; k += 4 * width)
        reinterpret_cast<FourLanes*>(first->four_lanes)(first, row, k, nothing, nothing, nothing, nothing);
      for (; k < columns; k += width) reinterpret_cast<OneLane*>(first->one_lane)(first, row, k, nothing);
    }
  }
};

}  // namespace

template <class T>
Stage<T> loading_stage() {
  return stage_of_body<T, Load<T>>();
}
template <class T>
Stage<T> storing_stage(bool streams) {
  return streams ? stage_of_body<T, Store<T, true>>() : stage_of_body<T, Store<T, false>>();
}
template <class T>
Stage<T> last_stage() {
  return stage_of_body<T, End<T>>();
}

std::size_t register_bytes() {
#if WENGERT_MULTIVERSION
  if (active_isa() == Isa::v3) return 32;
  if (active_isa() == Isa::v4) return 64;
#endif
  return native_bytes;
}

template <class T>
void run_stages(const Stage<T>* first, std::size_t rows, std::size_t columns) {
  static constexpr auto kernels = compile_per_isa<Rows<T>, const Stage<T>*, std::size_t, std::size_t>();
  kernels[static_cast<std::size_t>(active_isa())](first, rows, columns);
}

#define WENGERT_INSTANTIATE(T)              \
  template Stage<T> loading_stage<T>();     \
  template Stage<T> storing_stage<T>(bool); \
  template Stage<T> last_stage<T>();        \
  template void run_stages<T>(const Stage<T>*, std::size_t, std::size_t);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

}  // namespace wengert::kernel
