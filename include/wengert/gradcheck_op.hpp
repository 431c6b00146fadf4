// gradcheck_op: the checks that registering an op generates.
#pragma once

#include <wengert/gradcheck.hpp>
#include <wengert/op.hpp>

#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

namespace wengert {

/// On what `gradcheck_op` checks an op.
struct OpCheckOptions {
  GradcheckOptions gradcheck{};  ///< of each application
  std::size_t random = 20;       ///< random applications, besides the op's own examples
  std::uint64_t seed = 0;        ///< of the random shapes and values
  bool in_float = true;          ///< whether float gradients are compared with the double ones
  bool replay = true;            ///< whether a compiled Program's results are compared with the tape's
};

/// One application of an op that failed its check.
struct OpFailure {
  std::string application;  ///< the op, the shapes, and whether its inputs were strided
  GradcheckReport report;   ///< of that application
  std::string remark;       ///< what is wrong besides; empty if nothing is
};

/// What checking an op found. True if it is right on every application and wrong on none.
class OpReport {
 public:
  /// Whether nothing failed.
  ///@{
  bool ok() const { return failures_.empty() && remark_.empty(); }
  explicit operator bool() const { return ok(); }
  ///@}
  /// GoogleTest's AssertionResult, with the reports as its message.
  template <class Assertion>
  requires requires(Assertion assertion) { assertion.failure_message(); }
  operator Assertion() const {  // NOLINT(google-explicit-constructor)
    return Assertion(ok()) << to_string();
  }
  /// How often the op was applied.
  std::size_t applications() const { return applications_; }
  /// How many derivatives were compared.
  std::size_t checked() const { return checked_; }
  /// How many applications were called wrong; the other failures are inconclusive.
  std::size_t wrong() const;
  /// The applications that failed.
  const std::vector<OpFailure>& failures() const { return failures_; }
  /// The reports of the applications that failed.
  std::string to_string() const;
  /// Writes `to_string()`.
  friend std::ostream& operator<<(std::ostream& out, const OpReport& report);

 private:
  friend OpReport gradcheck_op(const OpRow& op, const OpCheckOptions& options);
  std::string name_;
  std::string remark_;
  std::size_t applications_ = 0;
  std::size_t checked_ = 0;
  std::vector<OpFailure> failures_;
};

/// Checks an op of the registry: `for (const OpRow& op : op_registry()) CHECK(gradcheck_op(op));`.
///
/// It is applied to its own examples and to random ones, with values from its declared domain. An elementwise op gets
/// random shapes: of no axes, empty, of extent 1, pairs that broadcast; and random parameters (see
/// `example_parameters`). Other ops get their examples' shapes with random extents, as far as they take them. A third
/// of the inputs are transposed views. Each application is checked by `gradcheck`, orders 1 and 2, and in float; a
/// compiled Program replays it with its first gradient, fused and not, on other values. A differentiable op must have
/// examples, and a derivative other than zero somewhere; one that is registered as not differentiable, nowhere, which
/// for structural ops is all that is checked of it.
OpReport gradcheck_op(const OpRow& op, const OpCheckOptions& options = {});

/// A random application of an op, as `gradcheck_op` makes them. Throws ValueError if it has no examples.
OpExample random_example(const OpRow& op, std::uint64_t seed);

/// Random values for an application, from its domains.
std::vector<Tensor<double>> random_inputs(const OpExample& example, std::uint64_t seed);

}  // namespace wengert
