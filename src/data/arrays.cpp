// Counts, checks and gathers the rows of the arrays of structured samples.
#include <wengert/data/arrays.hpp>
#include <wengert/data/batches.hpp>

#include <fmt/format.h>

namespace wengert::data::detail {
namespace {

Shape shape_of_array(const AnyArray& any) {
  return std::visit([](const auto* array) { return Shape(array->shape()); }, any);
}

}  // namespace

std::size_t row_count(const Arrays& arrays) {
  const Shape first = arrays.empty() ? Shape{} : shape_of_array(arrays.front());
  return first.empty() ? 0 : first[0];
}

void gather_rows(const Arrays& from, std::span<const std::size_t> rows, const Arrays& to, const Location& where) {
  for (std::size_t i = 0; i < from.size(); ++i)
    std::visit(
        [&]<class A>(const A* array) {
          // `arrays_of` refers to the arrays of an object that the caller may change.
          if (array->dimension() != 0)
            data::gather_rows(*array, rows, const_cast<A&>(*std::get<const A*>(to[i])), where);
        },
        from[i]);
}

void check_rows(const Arrays& arrays, std::size_t samples, std::string_view kind, std::string_view subject,
                const Location& where) {
  if (samples == 0) return;
  for (std::size_t i = 0; i < arrays.size(); ++i) {
    const Shape shape = shape_of_array(arrays[i]);
    if (!shape.empty() && shape[0] == samples) continue;
    const std::string which = arrays.size() == 1 ? std::string(kind) : fmt::format("{} {}", kind, i);
    throw ShapeError(subject,
                     shape.empty() ? fmt::format("{} samples without {}: expected one for each", samples, which)
                                   : fmt::format("{} samples, {} of shape {}: expected one for each", samples, which,
                                                 to_string(shape)),
                     where);
  }
}

void check_labels(const Indices& labels, std::size_t samples, std::string_view subject, const Location& where) {
  check_rows({&labels}, samples, "labels", subject, where);
  if (samples != 0 && labels.dimension() != 1)
    throw ShapeError(subject,
                     fmt::format("{} samples, labels of shape {}: expected shape ({},), an index for each; for other "
                                 "targets, use Samples",
                                 samples, to_string(Shape(labels.shape())), samples),
                     where);
}

}  // namespace wengert::data::detail
