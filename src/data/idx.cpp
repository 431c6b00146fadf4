#include "data/input_file.hpp"
#include <wengert/data/idx.hpp>

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include <fmt/format.h>

namespace wengert {
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

Shape read_shape(InputFile& file) {
  std::array<std::uint8_t, 4> magic{};
  if (const std::size_t got = file.read(magic.data(), magic.size()); got < magic.size())
    file.fail(fmt::format("{} bytes in all: an IDX file starts with a magic number of 4", got));
  const auto [zero0, zero1, type, rank] = magic;
  if (zero0 != 0 || zero1 != 0)
    file.fail(fmt::format("starts with bytes {:02x} {:02x}: an IDX file starts with 00 00", zero0, zero1));
  if (type != type_ubyte)
    file.fail(
        fmt::format("type code {:#04x}, {}: expected {:#04x}, unsigned bytes", type, type_name(type), type_ubyte));
  if (rank == 0 || rank > max_rank) file.fail(fmt::format("{} axes: expected 1 to {}", rank, max_rank));

  Shape shape;
  for (unsigned axis = 0; axis < rank; ++axis) {
    std::array<std::uint8_t, 4> extent{};
    if (file.read(extent.data(), extent.size()) < extent.size())
      file.fail(fmt::format("ends within its header: expected the extents of {} axes", rank));
    const auto [b3, b2, b1, b0] = extent;
    shape.push_back(std::size_t{b3} << 24 | std::size_t{b2} << 16 | std::size_t{b1} << 8 | std::size_t{b0});
  }
  return shape;
}

IdxBytes read_contents(InputFile& file) {
  const Shape shape = read_shape(file);
  const std::optional<std::size_t> promised = byte_count(shape, 1);
  if (!promised) file.fail(fmt::format("its header claims shape {}: more than memory can hold", to_string(shape)));
  IdxBytes result{shape, file.read_up_to(*promised)};
  if (result.bytes.size() < *promised)
    file.fail(
        fmt::format("is cut short: its header claims {} elements, but it holds {}", *promised, result.bytes.size()));
  if (std::uint8_t next = 0; file.read(&next, 1) != 0)
    file.fail(fmt::format("goes on after the {} elements that its header claims", *promised));
  return result;
}

}  // namespace

IdxBytes read_idx_bytes(const std::filesystem::path& path) {
  InputFile file("read_idx_bytes", path);
  return read_contents(file);
}

template <class T>
Dataset<T> read_idx(const std::filesystem::path& samples, const std::filesystem::path& labels) {
  InputFile sample_file("read_idx", samples);
  InputFile label_file("read_idx", labels);
  const IdxBytes y = read_contents(label_file);
  if (y.shape.rank() != 1)
    label_file.fail(
        fmt::format("labels of shape {}: expected one axis; are samples and labels swapped?", to_string(y.shape)));
  const IdxBytes x = read_contents(sample_file);
  if (x.shape.rank() < 2)
    sample_file.fail(fmt::format("samples of shape {}: expected two axes or more", to_string(x.shape)));
  if (x.bytes.empty()) sample_file.fail(fmt::format("samples of shape {}: there are none", to_string(x.shape)));
  const std::size_t count = x.shape[0];
  if (y.shape[0] != count)
    label_file.fail(fmt::format("{} labels for the {} samples of {}: expected one for each", y.shape[0], count,
                                sample_file.label()));

  std::array<T, 256> scaled;
  for (std::size_t byte = 0; byte < scaled.size(); ++byte) scaled[byte] = static_cast<T>(byte) / T{255};
  Dataset<T> dataset;
  dataset.inputs = Tensor<T>::from_shape({count, x.bytes.size() / count});
  std::ranges::transform(x.bytes, dataset.inputs.data(), [&](std::uint8_t byte) { return scaled[byte]; });
  dataset.labels = IndexTensor::from_shape({count});
  std::ranges::copy(y.bytes, dataset.labels.data());
  dataset.classes = std::size_t{*std::ranges::max_element(y.bytes)} + 1;
  return dataset;
}

template Dataset<float> read_idx(const std::filesystem::path&, const std::filesystem::path&);
template Dataset<double> read_idx(const std::filesystem::path&, const std::filesystem::path&);

}  // namespace wengert
