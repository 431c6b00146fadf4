// Scope: a layer marks the nodes that one call of it records, for `summary` and `check`.
#pragma once

#include <wengert/base/error.hpp>
#include <wengert/reflect/parameters.hpp>
#include <wengert/tape/tape.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

namespace wengert::nn {

namespace detail {

using wengert::detail::type_of;
using wengert::detail::TypeOf;

/// One call of a module, which recorded the nodes [begin, end). After a rewind behind `end`, the generation of its last
/// node differs.
struct ModuleCall {
  const void* module;
  TypeOf type;
  std::size_t begin, end;
  std::uint32_t generation;
};

/// The calls of modules on one tape, in the order in which they began. During its lifetime, the scopes of its thread
/// enter their calls.
class CallLog {
 public:
  template <class T>
  explicit CallLog(const Tape<T>& tape)
      : tape_(&tape), mark_([&tape] {
          const auto mark = tape.mark();
          return std::pair(mark.nodes, mark.generation);
        }) {}
  ~CallLog() { active = before_; }
  CallLog(const CallLog&) = delete;
  CallLog& operator=(const CallLog&) = delete;

  /// Begins a call, which `close` ends. Returns false, and begins none, on another tape or if the innermost call in
  /// progress is one of the same module.
  bool open(const void* tape, const void* module, const TypeOf& type);
  void close() noexcept;
  const std::vector<ModuleCall>& calls() const { return calls_; }

  static constinit thread_local CallLog* active;

 private:
  const void* tape_;
  std::function<std::pair<std::size_t, std::uint32_t>()> mark_;  // the tape's size, and its last node's generation
  CallLog* before_ = std::exchange(active, this);
  std::vector<ModuleCall> calls_;
  std::vector<std::size_t> open_;  // the calls in progress, innermost last
};

// The tape of a handle; null if the handle is empty or its tape destroyed.
template <class X>
const void* tape_or_null(const X& x) {
  try {
    return &x.tape();
  } catch (const Error&) {
    return nullptr;
  }
}

}  // namespace detail

/// During its lifetime, the nodes recorded on a tape belong to one call of a layer, which is a row of `summary`. The
/// layers of the library open a scope in their `operator()`; in your own layers, a line does the same:
/// `const nn::Scope scope(*this, x);`. Scopes nest: a node belongs to the innermost one. A scope has an effect only
/// while `summary` or `check` runs.
class Scope {
 public:
  /// Opens the scope of a call of `module` with x, a Var or an IndexVar. It does not check the handle: the op that
  /// reads it does.
  template <class Module, class X>
  [[nodiscard]] Scope(const Module& module, const X& x) {
    if (detail::CallLog* const log = detail::CallLog::active; log != nullptr) [[unlikely]]
      if (log->open(detail::tape_or_null(x), std::addressof(module), detail::type_of<Module>())) log_ = log;
  }
  ~Scope() {
    if (log_ != nullptr) log_->close();
  }
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;

 private:
  detail::CallLog* log_ = nullptr;  // null: there is nothing to close
};

}  // namespace wengert::nn
