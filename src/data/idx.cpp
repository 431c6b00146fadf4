// The IDX parser: validates headers, and reads samples and labels into a Dataset.
#include "base/located.hpp"
#include "data/idx_parts.hpp"
#include "data/input_file.hpp"
#include <wengert/data/idx.hpp>

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace wengert::data {
namespace {

constexpr std::uint8_t type_ubyte = 0x08;

std::string_view type_name(std::uint8_t code) {
  switch (code) {
    case 0x09:
      return "signed bytes";
    case 0x0B:
      return "16-bit integers";
    case 0x0C:
      return "32-bit integers";
    case 0x0D:
      return "32-bit floats";
    case 0x0E:
      return "64-bit floats";
    default:
      return "an unknown type";
  }
}

}  // namespace

IdxLayout read_idx_layout(io::ByteSource& source) {
  std::array<std::uint8_t, 4> magic{};
  if (const std::size_t got = source.read(magic.data(), magic.size()); got < magic.size())
    source.fail(fmt::format("has {} bytes: an IDX file starts with a magic number of 4 bytes", got));
  const auto [zero0, zero1, type, rank] = magic;
  if (zero0 != 0 || zero1 != 0)
    source.fail(fmt::format("starts with bytes {:02x} {:02x}: an IDX file starts with 00 00", zero0, zero1));
  if (type != type_ubyte)
    source.fail(
        fmt::format("type code {:#04x}, {}: expected {:#04x}, unsigned bytes", type, type_name(type), type_ubyte));
  if (rank == 0 || rank > max_rank) source.fail(fmt::format("{} axes: expected 1 to {}", rank, max_rank));

  Shape shape;
  for (unsigned axis = 0; axis < rank; ++axis) {
    std::array<std::uint8_t, 4> extent{};
    if (source.read(extent.data(), extent.size()) < extent.size())
      source.fail(fmt::format("ends within its header: expected the extents of {} axes", rank));
    const auto [b3, b2, b1, b0] = extent;
    shape.push_back(std::size_t{b3} << 24 | std::size_t{b2} << 16 | std::size_t{b1} << 8 | std::size_t{b0});
  }
  const std::optional<std::size_t> bytes = io::byte_count(shape, 1);
  if (!bytes) source.fail(fmt::format("its header claims shape {}: more than memory can hold", to_string(shape)));
  return {shape, *bytes};
}

IdxBytes read_idx_contents(io::ByteSource& source) {
  const IdxLayout layout = read_idx_layout(source);
  IdxBytes result{layout.shape, source.read_up_to(layout.bytes)};
  if (result.bytes.size() < layout.bytes)
    source.fail(
        fmt::format("is truncated: its header claims {} elements, but it holds {}", layout.bytes, result.bytes.size()));
  if (std::uint8_t next = 0; source.read(&next, 1) != 0)
    source.fail(fmt::format("has extra data after the {} elements that its header claims", layout.bytes));
  return result;
}

IdxLabels labels_of(const IdxBytes& labels, const io::ByteSource& label_source, const Shape& samples,
                    const io::ByteSource& sample_source) {
  if (labels.shape.rank() != 1)
    label_source.fail(
        fmt::format("labels of shape {}: expected one axis; are samples and labels swapped?", to_string(labels.shape)));
  if (samples.rank() < 2)
    sample_source.fail(fmt::format("samples of shape {}: expected two axes or more", to_string(samples)));
  if (samples.elements() == 0)
    sample_source.fail(fmt::format("samples of shape {}: there are none", to_string(samples)));
  if (labels.shape[0] != samples[0])
    label_source.fail(fmt::format("{} labels for the {} samples of {}: expected one for each", labels.shape[0],
                                  samples[0], sample_source.label()));
  IdxLabels result{Indices::from_shape({samples[0]}), std::size_t{*std::ranges::max_element(labels.bytes)} + 1};
  std::ranges::copy(labels.bytes, result.labels.data());
  return result;
}

IdxBytes read_idx_bytes(const std::filesystem::path& path, const Location& where) {
  return located("read_idx_bytes", where, [&]() -> IdxBytes {
    InputFile file("read_idx_bytes", path);
    return read_idx_contents(file);
  });
}

template <class T>
Dataset<T> read_idx(const std::filesystem::path& samples, const std::filesystem::path& labels, const Location& where) {
  return located("read_idx", where, [&]() -> Dataset<T> {
    InputFile sample_file("read_idx", samples);
    InputFile label_file("read_idx", labels);
    const IdxBytes y = read_idx_contents(label_file);
    const IdxBytes x = read_idx_contents(sample_file);
    IdxLabels labelled = labels_of(y, label_file, x.shape, sample_file);

    std::array<T, 256> scaled;
    for (std::size_t byte = 0; byte < scaled.size(); ++byte) scaled[byte] = static_cast<T>(byte) / T{largest_byte};
    Dataset<T> dataset;
    dataset.inputs = Tensor<T>::from_shape({x.shape[0], x.bytes.size() / x.shape[0]});
    std::ranges::transform(x.bytes, dataset.inputs.data(), [&](std::uint8_t byte) { return scaled[byte]; });
    dataset.labels = std::move(labelled.labels);
    dataset.classes = labelled.classes;
    return dataset;
  });
}

template Dataset<float> read_idx(const std::filesystem::path&, const std::filesystem::path&, const Location&);
template Dataset<double> read_idx(const std::filesystem::path&, const std::filesystem::path&, const Location&);

}  // namespace wengert::data
