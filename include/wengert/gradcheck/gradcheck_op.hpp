// gradcheck_op: generated checks of registered ops.
#pragma once

#include <wengert/gradcheck/gradcheck.hpp>
#include <wengert/tape/registry.hpp>

#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <string>
#include <vector>

namespace wengert {

/// Options of `gradcheck_op`.
struct OpCheckOptions {
  GradcheckOptions gradcheck{};  ///< options of each application's check
  std::size_t random = 20;       ///< number of random applications, besides the op's own examples
  std::uint64_t seed = 0;        ///< seed of the random shapes and values
  bool in_float = true;          ///< whether float gradients are compared with the double ones
  bool replay = true;            ///< whether a compiled Program's results are compared with the tape's
};

/// One application of an op that failed its check.
struct OpFailure {
  std::string application;  ///< the op, the shapes, and whether inputs were transposed views
  GradcheckReport report;   ///< the report of its check
  std::string remark;       ///< how a replay differs from the tape; empty if it does not
};

/// The result of checking an op. Converts to true if nothing failed.
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
  /// The number of applications checked.
  std::size_t applications() const { return applications_; }
  /// The number of derivatives compared.
  std::size_t checked() const { return checked_; }
  /// The number of applications that are wrong; the other failures are inconclusive.
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
/// The op is applied to its own examples and to random ones, with values from its declared domain. Random examples of
/// an elementwise op have random shapes (scalars, empty ones, extents of 1, pairs that broadcast) and parameters (see
/// `example_parameters`); those of other ops have their examples' shapes with random extents, if the op accepts them. A
/// third of the random inputs with several axes are transposed views. Each application is checked by `gradcheck`,
/// orders 1 and 2, and in float; a compiled Program replays it with its first gradients, fused and unfused, on other
/// values. A differentiable op must have examples, and a nonzero derivative in one of them; an op registered as not
/// differentiable must have no derivative, which for structural ops is the only check.
OpReport gradcheck_op(const OpRow& op, const OpCheckOptions& options = {});

/// A random application of an op, as `gradcheck_op` generates them. Throws ValueError if the op has no examples.
OpExample random_example(const OpRow& op, std::uint64_t seed);

/// Random inputs for an application, drawn from its domains.
std::vector<Tensor<double>> random_inputs(const OpExample& example, std::uint64_t seed);

}  // namespace wengert
