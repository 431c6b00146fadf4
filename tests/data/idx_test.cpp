#include "temporary_folder.hpp"
#include "testing.hpp"
#include <wengert/data/idx.hpp>

#include <string>

#include <zlib.h>

using namespace wengert;
using namespace wengert::testing;
using namespace std::string_literals;

namespace {

std::string refusal(const std::filesystem::path& path) {
  return message_of<FileError>([&] { read_idx_bytes(path); });
}

// Two samples of 2×3.
const std::string samples =
    "\0\0\x08\x03\0\0\0\x02\0\0\0\x02\0\0\0\x03"s + "\x00\x33\x66\x99\xcc\xff\x01\x02\x03\x04\x05\x06"s;
const std::string labels = "\0\0\x08\x01\0\0\0\x02\x04\x00"s;

}  // namespace

TEST_CASE_TEMPLATE("samples are flattened and scaled to [0, 1]", T, float, double) {
  const TemporaryFolder folder;
  const auto data = read_idx<T>(folder.write("x", samples), folder.write("y", labels));
  CHECK(data.size() == 2);
  CHECK(data.features() == 6);
  CHECK(data.classes == 5);
  CHECK(data.labels == IndexTensor{4, 0});
  CHECK(distance(data.inputs, Tensor<double>{{0, 0.2, 0.4, 0.6, 0.8, 1},
                                             {1 / 255., 2 / 255., 3 / 255., 4 / 255., 5 / 255., 6 / 255.}}) < 1e-7);
}

TEST_CASE("gzip is recognised by itself") {
  const TemporaryFolder folder;
  const auto path = folder / "x.gz";
  gzFile file = gzopen(path.c_str(), "wb");
  gzwrite(file, samples.data(), static_cast<unsigned>(samples.size()));
  gzclose(file);
  CHECK(read_idx_bytes(path).shape == std::vector<std::size_t>{2, 2, 3});
  CHECK(read_idx_bytes(path).bytes.back() == 6);
  std::string bytes;
  {
    std::ifstream in(path, std::ios::binary);
    bytes.assign(std::istreambuf_iterator<char>(in), {});
  }
  CHECK(contains(refusal(folder.write("short.gz", std::string_view(bytes).substr(0, bytes.size() - 6))),
                 "short.gz: is damaged"));
  bytes[bytes.size() - 7] = static_cast<char>(bytes[bytes.size() - 7] ^ 1);  // the checksum
  CHECK(contains(refusal(folder.write("bad.gz", bytes)), "bad.gz: is damaged"));
}

TEST_CASE("files that are not what they should be get one clear error each") {
  const TemporaryFolder folder;
  CHECK(contains(refusal(folder / "none"), "none: no such file"));
  CHECK(contains(refusal(folder / "."), "is a folder, not a file"));
  CHECK(contains(refusal(folder.write("a", "")), "0 bytes: an IDX file begins with four"));
  CHECK(contains(refusal(folder.write("b", "PNG...")), "begins with 50 4e: an IDX file begins with 00 00"));
  CHECK(contains(refusal(folder.write("c", "\0\0\x0d\x01\0\0\0\x01....."s)),
                 "holds values of type 0x0d: only unsigned bytes"));
  CHECK(contains(refusal(folder.write("d", "\0\0\x08\x00"s)), "has no axes"));
  CHECK(contains(refusal(folder.write("e", "\0\0\x08\x02\0\0\0\x01"s)), "ends within its header"));
  CHECK(contains(refusal(folder.write("f", labels.substr(0, 9))), "its header claims 2 elements, but it holds 1"));
  CHECK(contains(refusal(folder.write("g", labels + "x")), "goes on after the 2 elements its header claims"));
  const std::string huge = "\0\0\x08\x03\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"s;
  CHECK(contains(refusal(folder.write("h", huge)), "claims more elements than can be counted"));
  const std::string large = "\0\0\x08\x02\x40\0\0\0\x40\0\0\0....."s;  // 2⁶⁰ elements
  CHECK(contains(refusal(folder.write("i", large)), "its header claims 1152921504606846976 elements, but it holds 5"));
}

TEST_CASE("samples and labels must belong together") {
  const TemporaryFolder folder;
  const auto x = folder.write("x", samples), y = folder.write("y", labels);
  const auto refusal_of = [&](const auto& a, const auto& b) {
    return message_of<FileError>([&] { read_idx<float>(a, b); });
  };
  CHECK(contains(refusal_of(y, y), "has one axis: samples have at least two"));
  CHECK(contains(refusal_of(x, x), "has 3 axes: labels have one"));
  CHECK(contains(refusal_of(x, folder.write("z", "\0\0\x08\x01\0\0\0\x03\1\1\1"s)), "3 labels for the 2 samples of"));
  CHECK(contains(
      refusal_of(folder.write("o", "\0\0\x08\x02\0\0\0\0\0\0\0\x03"s), folder.write("p", "\0\0\x08\x01\0\0\0\0"s)),
      "holds no samples"));
}
