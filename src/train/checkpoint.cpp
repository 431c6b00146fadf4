// The checkpoint file format: named entries with a length and a CRC-32, written atomically.
#include "train/checkpoint.hpp"

#include "base/located.hpp"
#include "io/byte_source.hpp"
#include "io/files.hpp"
#include "io/in_quotes.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>
#include <type_traits>

#include <fmt/format.h>
#include <zlib.h>

namespace wengert::train {

std::uint32_t crc(std::uint32_t before, const void* bytes, std::size_t count) {
  if (count == 0) return before;  // for a null pointer, zlib restarts the checksum
  return static_cast<std::uint32_t>(crc32_z(before, static_cast<const Bytef*>(bytes), count));
}

namespace {

static_assert(std::endian::native == std::endian::little, "wengert: checkpoints are written on little-endian machines");

constexpr std::string_view magic = "WGTCKPT\n";
constexpr std::size_t header_bytes = 8 + 4 + 4 + 8, checksum_bytes = 4;

const void* data_of(const Checkpoint::Value& value) {
  return std::visit([](const auto& v) { return static_cast<const void*>(v.data()); }, value);
}
std::size_t bytes_of(const Checkpoint::Value& value) {
  return std::visit([](const auto& v) { return v.size() * sizeof(*v.data()); }, value);
}
std::vector<std::uint64_t> extents_of(const Checkpoint::Value& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return {text->size()};
  return std::visit(
      [](const auto& v) {
        if constexpr (std::is_same_v<std::decay_t<decltype(v)>, std::string>)
          return std::vector<std::uint64_t>{};
        else
          return std::vector<std::uint64_t>(v.shape().begin(), v.shape().end());
      },
      value);
}

// Parses the bytes of a file. The checksum is verified before the entries are read.
class Reader {
 public:
  Reader(std::string_view bytes, const std::filesystem::path& path) : rest_(bytes), path_(path) {}

  [[noreturn]] void fail(std::string_view what) const {
    throw FileError("checkpoint", fmt::format("{}: {}", path_.string(), what));
  }
  std::string_view take(std::uint64_t count) {
    if (count > rest_.size()) fail("is inconsistent: an entry is longer than the file");
    const std::string_view taken = rest_.substr(0, static_cast<std::size_t>(count));
    rest_.remove_prefix(taken.size());
    return taken;
  }
  template <class N>
  N number() {
    N n;
    std::memcpy(&n, take(sizeof n).data(), sizeof n);
    return n;
  }
  template <class E>
  Checkpoint::Value tensor(const std::vector<std::uint64_t>& extents) {
    const std::optional<std::size_t> promised = io::byte_count(Shape(extents), sizeof(E));
    if (!promised) fail("is inconsistent: an entry is longer than the file");
    const std::string_view bytes = take(*promised);
    auto result = Tensor<E>::from_shape(std::vector<std::size_t>(extents.begin(), extents.end()));
    if (!bytes.empty()) std::memcpy(result.data(), bytes.data(), bytes.size());
    return result;
  }
  Checkpoint::Value value() {
    const auto kind = number<std::uint8_t>(), rank = number<std::uint8_t>();
    std::vector<std::uint64_t> extents(rank);
    for (std::uint64_t& extent : extents) extent = number<std::uint64_t>();
    if (rank > max_rank) fail("is inconsistent: an entry has too many axes");
    switch (kind) {
      case 0:
        return std::string(take(rank == 1 ? extents[0] : std::numeric_limits<std::uint64_t>::max()));
      case 1:
        return tensor<std::int64_t>(extents);
      case 2:
        return tensor<float>(extents);
      case 3:
        return tensor<double>(extents);
      default:
        fail(fmt::format("is inconsistent: an entry has the unknown type {}", kind));
    }
  }
  bool done() const { return rest_.empty(); }

 private:
  std::string_view rest_;
  const std::filesystem::path& path_;
};

}  // namespace

const Checkpoint::Value* Checkpoint::find(std::string_view name) const {
  const auto found = std::find_if(entries_.begin(), entries_.end(), [&](const auto& e) { return e.first == name; });
  return found == entries_.end() ? nullptr : &found->second;
}
const Checkpoint::Value& Checkpoint::at(std::string_view name, const Location& where) const {
  const Value* value = find(name);
  if (value == nullptr)
    throw FileError("checkpoint", fmt::format("{}: contains no {}", source_, io::in_quotes(name)), where);
  return *value;
}
void Checkpoint::fail_kind(std::string_view name, const Location& where) const {
  throw FileError("checkpoint", fmt::format("{}: {} has an unexpected type", source_, io::in_quotes(name)), where);
}

void Checkpoint::set(std::string_view name, Value value) {
  const auto found = std::find_if(entries_.begin(), entries_.end(), [&](const auto& e) { return e.first == name; });
  if (found != entries_.end())
    found->second = std::move(value);
  else
    entries_.emplace_back(name, std::move(value));
}
void Checkpoint::set_number(std::string_view name, std::uint64_t number) {
  set(name, Indices(static_cast<std::int64_t>(number)));
}
void Checkpoint::set_number(std::string_view name, double number) { set(name, Tensor<double>(number)); }
std::uint64_t Checkpoint::count(std::string_view name, const Location& where) const {
  const Indices& value = get<Indices>(name, where);
  if (value.size() != 1) fail_kind(name, where);
  return static_cast<std::uint64_t>(*value.data());
}
double Checkpoint::number(std::string_view name, const Location& where) const {
  const Tensor<double>& value = get<Tensor<double>>(name, where);
  if (value.size() != 1) fail_kind(name, where);
  return *value.data();
}

void Checkpoint::save(const std::filesystem::path& path, const Location& where) const {
  located("checkpoint", where, [&] {
    std::uint64_t length = header_bytes + checksum_bytes;
    for (const auto& [name, value] : entries_)
      length += 4 + name.size() + 2 + 8 * extents_of(value).size() + bytes_of(value);
    io::write_whole("checkpoint", path, [&](const io::WriteBytes& write) {
      std::uint32_t checksum = 0;
      const auto put = [&](const void* bytes, std::size_t count) {
        checksum = crc(checksum, bytes, count);
        write(bytes, count);
      };
      const auto put_number = [&](auto number) { put(&number, sizeof number); };
      put(magic.data(), magic.size());
      put_number(version);
      put_number(static_cast<std::uint32_t>(entries_.size()));
      put_number(length);
      for (const auto& [name, value] : entries_) {
        put_number(static_cast<std::uint32_t>(name.size()));
        put(name.data(), name.size());
        put_number(static_cast<std::uint8_t>(value.index()));
        const std::vector<std::uint64_t> extents = extents_of(value);
        put_number(static_cast<std::uint8_t>(extents.size()));
        for (const std::uint64_t extent : extents) put_number(extent);
        put(data_of(value), bytes_of(value));
      }
      const std::uint32_t of_all = checksum;
      write(&of_all, sizeof of_all);
    });
  });
}

Checkpoint Checkpoint::load(const std::filesystem::path& path, const Location& where) {
  return located("checkpoint", where, [&]() -> Checkpoint {
    const std::string bytes = io::read_whole("checkpoint", path);
    Reader reader(bytes, path);
    if (bytes.size() < header_bytes + checksum_bytes || !bytes.starts_with(magic))
      reader.fail("is not a checkpoint of a training run");
    reader.take(magic.size());
    const auto written_version = reader.number<std::uint32_t>();
    const auto entries = reader.number<std::uint32_t>();
    const auto length = reader.number<std::uint64_t>();
    if (written_version != version)
      reader.fail(fmt::format("has version {}: this program supports version {}", written_version, version));
    if (length != bytes.size())
      reader.fail(
          fmt::format("is {}: {} of {} bytes", bytes.size() < length ? "truncated" : "damaged", bytes.size(), length));
    std::uint32_t expected;
    std::memcpy(&expected, bytes.data() + bytes.size() - checksum_bytes, checksum_bytes);
    if (crc(0, bytes.data(), bytes.size() - checksum_bytes) != expected)
      reader.fail("is damaged: its checksum does not match its contents");

    Checkpoint result;
    result.source_ = path.string();
    for (std::uint32_t i = 0; i < entries; ++i) {
      const std::string_view name = reader.take(reader.number<std::uint32_t>());
      result.entries_.emplace_back(name, reader.value());
    }
    reader.take(checksum_bytes);
    if (!reader.done()) reader.fail("is inconsistent: there is extra data after its entries");
    return result;
  });
}

}  // namespace wengert::train
