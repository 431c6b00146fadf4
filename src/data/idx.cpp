#include "data/compressed_file.hpp"
#include <wengert/data/idx.hpp>
#include <wengert/error.hpp>

#include <algorithm>

#include <fmt/format.h>

namespace wengert {
namespace {

[[noreturn]] void refuse(const std::filesystem::path& path, const std::string& reason) {
  throw FileError("idx", path.string() + ": " + reason);
}

}  // namespace

IdxBytes read_idx_bytes(const std::filesystem::path& path) {
  CompressedFile file(path);
  const auto magic = file.read(4);
  if (magic.size() < 4) refuse(path, fmt::format("{} bytes: an IDX file begins with four", magic.size()));
  if (magic[0] != 0 || magic[1] != 0)
    refuse(path, fmt::format("begins with {:02x} {:02x}: an IDX file begins with 00 00", magic[0], magic[1]));
  if (magic[2] != 0x08)
    refuse(path, fmt::format("holds values of type {:#04x}: only unsigned bytes, 0x08, can be read", magic[2]));
  const std::size_t rank = magic[3];
  if (rank == 0) refuse(path, "has no axes");

  const auto header = file.read(4 * rank);
  if (header.size() < 4 * rank) refuse(path, "ends within its header");
  IdxBytes result;
  std::size_t count = 1;
  for (std::size_t axis = 0; axis < rank; ++axis) {
    const std::uint8_t* b = header.data() + 4 * axis;
    const std::size_t extent = std::size_t{b[0]} << 24 | std::size_t{b[1]} << 16 | std::size_t{b[2]} << 8 | b[3];
    result.shape.push_back(extent);
    if (__builtin_mul_overflow(count, extent, &count))
      refuse(path, "its header claims more elements than can be counted");
  }
  if (count == std::size_t(-1)) refuse(path, "its header claims more elements than can be counted");
  result.bytes = file.read(count + 1);
  if (result.bytes.size() < count)
    refuse(path, fmt::format("its header claims {} elements, but it holds {}", count, result.bytes.size()));
  if (result.bytes.size() > count) refuse(path, fmt::format("goes on after the {} elements its header claims", count));
  return result;
}

template <class T>
Dataset<T> read_idx(const std::filesystem::path& samples, const std::filesystem::path& labels) {
  const IdxBytes x = read_idx_bytes(samples);
  const IdxBytes y = read_idx_bytes(labels);
  if (x.shape.size() < 2) refuse(samples, "has one axis: samples have at least two; are these the labels?");
  if (y.shape.size() != 1)
    refuse(labels, fmt::format("has {} axes: labels have one; are these the samples?", y.shape.size()));
  const std::size_t n = x.shape[0];
  if (y.shape[0] != n)
    refuse(labels, fmt::format("{} labels for the {} samples of {}", y.shape[0], n, samples.string()));
  if (x.bytes.empty()) refuse(samples, "holds no samples");

  Dataset<T> data;
  data.inputs = Tensor<T>::from_shape({n, x.bytes.size() / n});
  std::transform(x.bytes.begin(), x.bytes.end(), data.inputs.data(),
                 [](std::uint8_t b) { return static_cast<T>(b) / T(255); });
  data.labels = IndexTensor::from_shape({n});
  std::copy(y.bytes.begin(), y.bytes.end(), data.labels.data());
  data.classes = std::size_t{*std::max_element(y.bytes.begin(), y.bytes.end())} + 1;
  return data;
}

template Dataset<float> read_idx(const std::filesystem::path&, const std::filesystem::path&);
template Dataset<double> read_idx(const std::filesystem::path&, const std::filesystem::path&);

}  // namespace wengert
