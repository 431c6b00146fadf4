// Memory-mapped .npy and IDX data: headers are validated on opening, and rows are converted when they are gathered.
#include "base/located.hpp"
#include "data/idx_parts.hpp"
#include "data/input_file.hpp"
#include "data/mapped_file.hpp"
#include "io/npy.hpp"
#include <wengert/data/mapped.hpp>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace wengert::data {

template <class T>
struct MappedTensor<T>::Rows {
  std::shared_ptr<const MappedFile> file;
  Shape shape;
  io::ElementType type;
  T divisor;                           // of each element
  const std::uint8_t* data = nullptr;  // of the file's first row
  bool all = true;                     // whether these are all rows of the file; otherwise `selected`
  std::vector<std::size_t> selected = {};
};

namespace {

template <class T>
using SharedRows = std::shared_ptr<const typename MappedTensor<T>::Rows>;

// The rows that follow a header. `bytes` is their size according to the header, `claim` the phrase for it in messages.
template <class T>
SharedRows<T> rows_after_header(std::unique_ptr<MappedFile> file, const Shape& shape, io::ElementType type, T divisor,
                                std::size_t bytes, const std::string& claim) {
  if (shape.empty()) file->fail("holds a scalar: expected an array with rows");
  const std::span<const std::uint8_t> held = file->rest();
  if (held.size() < bytes) file->fail(fmt::format("is truncated: it holds {} of {}", held.size(), claim));
  if (held.size() > bytes) file->fail(fmt::format("has extra data after {}", claim));
  using Rows = typename MappedTensor<T>::Rows;
  return std::make_shared<const Rows>(Rows{std::move(file), shape, type, divisor, held.data(), true, {}});
}

void check_rows(const char* subject, std::span<const std::size_t> indices, const Shape& shape, const Location& where) {
  for (const std::size_t index : indices)
    if (index >= shape[0])
      throw ValueError(subject, fmt::format("index {}: the array has {} rows", index, shape[0]), where);
}

template <class T>
SharedRows<T> idx_rows(const std::filesystem::path& path) {
  auto file = std::make_unique<MappedFile>("map_idx", path);
  const std::span<const std::uint8_t> start = file->rest();
  if (start.size() >= 2 && start[0] == 0x1f && start[1] == 0x8b)
    file->fail("is compressed with gzip: expected an uncompressed file; use gunzip");
  const IdxLayout layout = read_idx_layout(*file);
  return rows_after_header<T>(std::move(file), layout.shape, io::ElementType::u8, static_cast<T>(largest_byte),
                              layout.bytes, fmt::format("the {} elements that its header claims", layout.bytes));
}

}  // namespace

template <class T>
MappedTensor<T> MappedTensor<T>::select(std::span<const std::size_t> indices, const Location& where) const {
  check_rows("select", indices, rows_->shape, where);
  Rows part{rows_->file, rows_->shape, rows_->type, rows_->divisor, rows_->data, false, {}};
  part.shape[0] = indices.size();
  part.selected.reserve(indices.size());
  for (const std::size_t index : indices) part.selected.push_back(rows_->all ? index : rows_->selected[index]);
  return MappedTensor(std::make_shared<const Rows>(std::move(part)));
}

template <class T>
const Shape& MappedTensor<T>::shape() const {
  return rows_->shape;
}

template <class T>
void MappedTensor<T>::gather(std::span<const std::size_t> indices, Tensor<T>& out, const Location& where) const {
  located("gather_rows", where, [&] {
    const Rows& rows = *rows_;
    check_rows("gather_rows", indices, rows.shape, where);
    rows.file->check_unchanged();

    Shape shape = rows.shape;
    shape[0] = indices.size();
    if (Shape(out.shape()) != shape) out = Tensor<T>::from_shape(xt::dynamic_shape<std::size_t>(shape));
    const std::size_t row_size = indices.empty() ? 0 : out.size() / indices.size();
    const std::size_t row_bytes = row_size * io::size_of(rows.type);
    T* next = out.data();
    for (const std::size_t index : indices) {
      const std::size_t row = rows.all ? index : rows.selected[index];
      io::convert_elements(rows.type, {rows.data + row * row_bytes, row_bytes}, next);
      if (rows.divisor != 1)
        for (std::size_t i = 0; i < row_size; ++i) next[i] /= rows.divisor;
      next += row_size;
    }
  });
}

template <class T>
MappedTensor<T> map_npy(const std::filesystem::path& path, const Location& where) {
  return located("map_npy", where, [&]() -> MappedTensor<T> {
    auto file = std::make_unique<MappedFile>("map_npy", path);
    const io::NpyLayout layout = io::read_npy_layout<T>(*file);
    if (layout.fortran_order) file->fail("is in Fortran order: expected C order; use numpy.ascontiguousarray");
    return MappedTensor<T>(
        rows_after_header<T>(std::move(file), layout.shape, layout.type, T{1}, layout.bytes, io::claim_of(layout)));
  });
}

template <class T>
MappedTensor<T> map_idx(const std::filesystem::path& path, const Location& where) {
  return located("map_idx", where, [&]() -> MappedTensor<T> { return MappedTensor<T>(idx_rows<T>(path)); });
}

template <class T>
MappedDataset<T> map_idx(const std::filesystem::path& samples, const std::filesystem::path& labels,
                         const Location& where) {
  return located("map_idx", where, [&]() -> MappedDataset<T> {
    InputFile label_file("map_idx", labels);
    const SharedRows<T> rows = idx_rows<T>(samples);
    IdxLabels labelled = labels_of(read_idx_contents(label_file), label_file, rows->shape, *rows->file);
    return {MappedTensor<T>(rows), std::move(labelled.labels), labelled.classes};
  });
}

template class MappedTensor<float>;
template class MappedTensor<double>;
template class MappedTensor<std::int64_t>;
template MappedTensor<float> map_npy(const std::filesystem::path&, const Location&);
template MappedTensor<double> map_npy(const std::filesystem::path&, const Location&);
template MappedTensor<std::int64_t> map_npy(const std::filesystem::path&, const Location&);
template MappedTensor<float> map_idx(const std::filesystem::path&, const Location&);
template MappedTensor<double> map_idx(const std::filesystem::path&, const Location&);
template MappedDataset<float> map_idx(const std::filesystem::path&, const std::filesystem::path&, const Location&);
template MappedDataset<double> map_idx(const std::filesystem::path&, const std::filesystem::path&, const Location&);

}  // namespace wengert::data
