// The registry of ops, and the examples of elementwise ops.
#include <wengert/tape/structural.hpp>

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace wengert {

namespace {

std::vector<OpRow>& registry_rows() {
  static std::vector<OpRow> rows;
  return rows;
}

// An elementwise op as a function of its inputs.
template <class T>
auto applied(const Op<T>& op, std::vector<double> parameters) {
  return [&op, parameters = std::move(parameters)](std::span<const Var<T>> x) {
    std::vector<Operand<T>> operands;
    for (const Var<T>& v : x) operands.push_back(v);
    std::vector<const Operand<T>*> list;
    for (const Operand<T>& operand : operands) list.push_back(&operand);
    return detail::record_operands<T>(op, list, parameters);
  };
}

// A structural op as a function of its inputs that are Vars.
template <class T>
auto applied(const Op<T>& op, std::vector<std::byte> attributes, std::vector<Indices> indices,
             Var<T> (*prepare)(Var<T>)) {
  return [&op, attributes = std::move(attributes), indices = std::move(indices), prepare](std::span<const Var<T>> x) {
    std::vector<Var<T>> inputs(x.size() + indices.size());
    for (std::size_t i = 0, var = 0, index = 0; i < inputs.size(); ++i) {
      const bool takes_indices = (op.index_inputs >> i & 1) != 0;
      inputs[i] = takes_indices ? x.front().tape().indices(indices[index++]).handle() : x[var++];
    }
    if (prepare != nullptr) inputs[0] = prepare(inputs[0]);
    return x.front().tape().record(op, attributes.data(), attributes.size(), inputs, Location::current());
  };
}

}  // namespace

namespace detail {

OpExample structural_example(const Op<double>& table, const Op<float>& table_in_float, const void* attributes,
                             std::vector<Shape> shapes, Domain domain, std::vector<Indices> indices,
                             Var<double> (*prepare)(Var<double>), bool any_extents) {
  const auto* bytes = static_cast<const std::byte*>(attributes);
  const std::vector<std::byte> copy(bytes, bytes + table.attribute_bytes);
  OpExample example{
      std::string(table.name), std::move(shapes), {}, applied(table, copy, indices, prepare), {}, any_extents};
  example.domains.assign(example.shapes.size(), domain);
  if (prepare == nullptr) example.apply_in_float = applied<float>(table_in_float, copy, std::move(indices), nullptr);
  return example;
}

}  // namespace detail

const std::vector<OpRow>& op_registry() { return registry_rows(); }

bool register_op(const OpRow& row) {
  registry_rows().push_back(row);
  return true;
}

OpExample OpRow::example(std::vector<Shape> shapes, std::vector<double> values) const {
  return {std::string(name), std::move(shapes), std::vector<Domain>(arity, domain), applied(*table, values),
          applied(*table_in_float, values)};
}

std::vector<OpExample> OpRow::examples() const {
  if (own_examples != nullptr) return own_examples();
  std::vector<OpExample> result;
  if (table == nullptr) return result;
  const auto first_set = parameters.first(table->parameters);
  const auto add = [&](const std::vector<Shape>& shapes) {
    result.push_back(example(shapes, {first_set.begin(), first_set.end()}));
  };
  add(std::vector<Shape>(arity, Shape{3, 5}));
  add(std::vector<Shape>(arity, Shape{}));
  if (arity > 1) {  // each input in turn with a shape that broadcasts
    const std::array<Shape, 4> partners{Shape{5}, Shape{3, 1}, Shape{}, Shape{2, 1, 5}};
    for (const Shape& partner : partners)
      for (std::size_t i = 0; i < arity; ++i) {
        std::vector<Shape> shapes(arity, Shape{3, 5});
        shapes[i] = partner;
        add(shapes);
      }
  }
  return result;
}

}  // namespace wengert
