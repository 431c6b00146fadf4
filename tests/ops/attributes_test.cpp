// The attributes of structural ops, as code that translates nodes reads them.
#include "ops/attributes.hpp"

#include "testing.hpp"

#include <cstddef>
#include <map>
#include <set>
#include <span>
#include <string_view>
#include <vector>

using namespace wengert;
using namespace wengert::testing;

namespace {

// The size of the attributes that each op has according to ops/attributes.hpp.
const std::map<std::string_view, std::size_t>& described_sizes() {
  namespace of = attributes;
  static const std::map<std::string_view, std::size_t> sizes{{"sum", sizeof(of::Reduction)},
                                                             {"amax", sizeof(of::Reduction)},
                                                             {"argmax", sizeof(of::PositionOfExtreme)},
                                                             {"argmin", sizeof(of::PositionOfExtreme)},
                                                             {"cumsum", sizeof(of::AlongAxis)},
                                                             {"logcumsumexp", sizeof(of::AlongAxis)},
                                                             {"linear_recurrence", sizeof(of::AlongAxis)},
                                                             {"cumulative_share", sizeof(of::CumulativeShare)},
                                                             {"argsort", sizeof(of::Argsort)},
                                                             {"concatenate", sizeof(of::Concatenate)},
                                                             {"reshape", sizeof(of::Target)},
                                                             {"reshape_indices", sizeof(of::Target)},
                                                             {"broadcast_to", sizeof(of::Target)},
                                                             {"transpose", sizeof(of::Transpose)},
                                                             {"flip", sizeof(of::Flip)},
                                                             {"tril", sizeof(of::Triangular)},
                                                             {"triu", sizeof(of::Triangular)},
                                                             {"group_variance", sizeof(of::Grouped)},
                                                             {"standardise_vjp", sizeof(of::Grouped)},
                                                             {"standardise", sizeof(of::Standardise)},
                                                             {"resize_axis", sizeof(of::Resize)},
                                                             {"resize_axis_gradient", sizeof(of::Resize)},
                                                             {"slice", sizeof(Section)},
                                                             {"diagonal", sizeof(Diagonal)},
                                                             {"pad", sizeof(ViewTranspose<Section>)},
                                                             {"diag", sizeof(ViewTranspose<Diagonal>)},
                                                             {"slice_indices", sizeof(of::SliceIndices)},
                                                             {"map_axes", sizeof(of::MapAxes)},
                                                             {"spread_axes", sizeof(of::SpreadAxes)},
                                                             {"conv", sizeof(of::Convolution)},
                                                             {"conv_input_gradient", sizeof(of::Convolution)},
                                                             {"conv_weight_gradient", sizeof(of::Convolution)},
                                                             {"unfold", sizeof(of::Unfolding)},
                                                             {"fold", sizeof(of::Unfolding)},
                                                             {"max_pool_positions", sizeof(of::Pooling)},
                                                             {"max_pool", sizeof(of::Pooling)},
                                                             {"max_pool_gradient", sizeof(of::Pooling)},
                                                             {"avg_pool", sizeof(of::AveragePooling)},
                                                             {"avg_pool_gradient", sizeof(of::AveragePooling)},
                                                             {"max_unpool", sizeof(of::Unpooling)},
                                                             {"max_unpool_gradient", sizeof(of::Unpooling)},
                                                             {"take", sizeof(of::Indexed)},
                                                             {"gather_last", sizeof(of::Indexed)},
                                                             {"scatter", sizeof(of::Indexed)},
                                                             {"gather", sizeof(of::IndexedTo)},
                                                             {"put_slabs", sizeof(of::IndexedTo)},
                                                             {"put_along_axis", sizeof(of::IndexedTo)},
                                                             {"join_indices", sizeof(of::JoinIndices)},
                                                             {"one_hot", sizeof(of::OneHot)},
                                                             {"sequence_mask", sizeof(of::SequenceMask)},
                                                             {"last_positions", sizeof(of::LastPositions)},
                                                             {"pick_by_label", sizeof(of::ByLabel)},
                                                             {"cross_entropy_of_label", sizeof(of::ByLabel)},
                                                             {"cross_entropy_of_label_vjp", sizeof(of::ByLabel)},
                                                             {"put_by_label", sizeof(of::PutByLabel)},
                                                             {"ctc_loss", sizeof(of::Ctc)},
                                                             {"ctc_posterior", sizeof(of::Ctc)},
                                                             {"ctc_curvature", sizeof(of::Ctc)},
                                                             {"uniform", sizeof(of::DrawnTo)},
                                                             {"normal", sizeof(of::DrawnTo)},
                                                             {"bernoulli", sizeof(of::Drawn)},
                                                             {"categorical", sizeof(of::Drawn)},
                                                             {"dropout", sizeof(of::Dropout)},
                                                             {"unpack", sizeof(of::Unpack)},
                                                             {"pack", sizeof(of::Pack)},
                                                             {"weigh_triangles", sizeof(of::WeighTriangles)},
                                                             {"triangular_solve", sizeof(of::TriangularSolve)}};
  return sizes;
}

// The attributes of the last node with this op.
template <class Attributes>
const Attributes& attributes_of(Tape<double>& tape, std::string_view op) {
  for (std::size_t node = tape.size(); node-- > 0;)
    if (tape.node(node).op != nullptr && tape.node(node).op->name == op)
      return *static_cast<const Attributes*>(tape.node(node).attributes);
  throw ValueError("attributes_of", fmt::format("no node has the op {}", op));
}

}  // namespace

TEST_CASE("the attributes of every structural op that an example or its gradients record are described") {
  std::set<std::string_view> seen;
  for (const OpRow& row : op_registry()) {
    if (row.own_examples == nullptr) continue;
    for (const OpExample& example : row.examples()) {
      Tape<double> tape;
      std::vector<Var<double>> inputs;
      for (std::size_t i = 0; i < example.shapes.size(); ++i)
        inputs.push_back(tape.variable(random_tensor(example.shapes[i], static_cast<unsigned>(i + 3),
                                                     example.domains[i].low, example.domains[i].high)));
      const Var<double> y = example.apply(inputs);
      if (!tape.node(y.index()).holds_indices) {
        const auto cotangent = tape.variable(random_tensor(y.shape(), 5));
        for (const Var<double>& g : grad<double>(seed(y, cotangent), inputs))
          grad<double>(seed(g, tape.variable(random_tensor(g.shape(), 6))), inputs);
      }
      for (std::size_t node = 0; node < tape.size(); ++node) {
        const Op<double>* op = tape.node(node).op;
        if (op == nullptr || op->attribute_bytes <= 1 || op->guards || op->stands_for) continue;
        CAPTURE(op->name);
        const auto described = described_sizes().find(op->name);
        REQUIRE(described != described_sizes().end());
        CHECK(described->second == op->attribute_bytes);
        seen.insert(op->name);
      }
    }
  }
  CHECK(seen.size() > 40);
}

TEST_CASE("attributes hold what the caller asked for") {
  Tape<double> tape;
  const auto x = tape.variable(random_tensor({2, 3, 4, 5}, 1));

  sum(x, 2, KeepDims::yes);
  const auto& summed = attributes_of<attributes::Reduction>(tape, "sum");
  CHECK(summed.first == 2);
  CHECK(summed.last == 3);
  CHECK(summed.keep == KeepDims::yes);

  cumsum(x, -1);
  CHECK(attributes_of<attributes::AlongAxis>(tape, "cumsum").axis == 3);

  reshape(x, {6, -1});
  CHECK(attributes_of<attributes::Target>(tape, "reshape").to == Shape{6, 20});

  tril(x, -1);
  CHECK(attributes_of<attributes::Triangular>(tape, "tril").offset == -1);

  avg_pool2d(x, 2, {.count_include_pad = false});
  const auto& averaged = attributes_of<attributes::AveragePooling>(tape, "avg_pool");
  CHECK(averaged.pool.rank == 2);
  CHECK(averaged.pool.window.axes[1].input == 4);
  CHECK(averaged.pool.window.axes[2].kernel == 2);
  CHECK_FALSE(averaged.padding_counts);

  const auto w = tape.variable(random_tensor({6, 1, 2, 2}, 2));
  conv2d(x, w, {.stride = {1, 2}, .groups = 3});
  const auto& convolved = attributes_of<attributes::Convolution>(tape, "conv");
  CHECK(convolved.groups == 3);
  CHECK(convolved.window.axes[1].stride == 1);
  CHECK(convolved.window.axes[2].stride == 2);

  take(x, Indices{2, 0}, 1);
  CHECK(attributes_of<attributes::Indexed>(tape, "take").along.axis == 1);

  layer_norm(x, {5}, {}, {}, 0.25);
  const auto& standardised = attributes_of<attributes::Standardise>(tape, "standardise");
  CHECK(standardised.group.first == 0);
  CHECK(standardised.group.last == 3);
  CHECK(standardised.epsilon == 0.25);
}
