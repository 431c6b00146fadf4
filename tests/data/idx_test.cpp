// IDX files, plain and compressed by gzip, and rejection of truncated, corrupt and inconsistent ones.
#include "data/files.hpp"
#include "data/idx_bytes.hpp"
#include "temporary_folder.hpp"
#include "testing.hpp"
#include <wengert/data/idx.hpp>

using namespace wengert;
using namespace wengert::data;
using namespace wengert::testing;

namespace {

const std::string two_images = idx({2, 2, 3}, {"\x00\x01\x02\x33\x66\xff\xff\x80\x40\x20\x10\x00", 12});
const std::string two_labels = idx({2}, {"\x03\x00", 2});

std::string complaint_about(const std::filesystem::path& path) {
  return file_complaint([&] { read_idx_bytes(path); });
}

}  // namespace

TEST_CASE("an IDX file gives its shape and bytes") {
  const TemporaryFolder folder;
  const IdxBytes images = read_idx_bytes(folder.write("images", two_images));
  CHECK(images.shape == Shape{2, 2, 3});
  CHECK(images.bytes == std::vector<std::uint8_t>{0, 1, 2, 51, 102, 255, 255, 128, 64, 32, 16, 0});
  const IdxBytes labels = read_idx_bytes(folder.write("labels", two_labels));
  CHECK(labels.shape == Shape{2});
  CHECK(labels.bytes == std::vector<std::uint8_t>{3, 0});
  const IdxBytes none = read_idx_bytes(folder.write("none", idx({0, 28, 28}, "")));
  CHECK(none.shape == Shape{0, 28, 28});
  CHECK(none.bytes.empty());
}

TEST_CASE("images and labels become samples scaled to 0 … 1") {
  const TemporaryFolder folder;
  const auto images = folder.write("images", two_images), labels = folder.write("labels", two_labels);
  const auto dataset = read_idx<double>(images, labels);
  CHECK(dataset.size() == 2);
  CHECK(dataset.features() == 6);
  CHECK(dataset.classes == 4);
  CHECK(dataset.labels == Indices{3, 0});
  const Tensor<double> expected{{0, 1 / 255., 2 / 255., 0.2, 0.4, 1},
                                {1, 128 / 255., 64 / 255., 32 / 255., 16 / 255., 0}};
  CHECK(dataset.inputs == expected);
  CHECK(read_idx<float>(images, labels).inputs(0, 4) == 0.4f);
}

TEST_CASE("samples of any rank are flattened") {
  const TemporaryFolder folder;
  const auto labels = folder.write("labels", two_labels);
  CHECK(read_idx<float>(folder.write("rows", idx({2, 3}, "abcdef")), labels).features() == 3);
  CHECK(read_idx<float>(folder.write("colour", idx({2, 1, 2, 3}, "abcdefabcdef")), labels).features() == 6);
}

TEST_CASE("an IDX file may be compressed by gzip, whatever its name") {
  const TemporaryFolder folder;
  const auto images = write_gzip(folder / "images.gz", two_images), labels = write_gzip(folder / "labels", two_labels);
  CHECK(read_idx<float>(images, labels).features() == 6);
}

TEST_CASE("a large file is read whole") {
  const TemporaryFolder folder;
  constexpr std::uint32_t rows = 5000, columns = 1000;  // larger than several reading steps
  std::string elements(std::size_t{rows} * columns, '\0');
  for (std::size_t i = 0; i < elements.size(); ++i) elements[i] = static_cast<char>(i * 7 % 251);
  for (const auto& path : {folder.write("plain", idx({rows, columns}, elements)),
                           write_gzip(folder / "gz", idx({rows, columns}, elements))}) {
    const IdxBytes read = read_idx_bytes(path);
    CHECK(std::string(read.bytes.begin(), read.bytes.end()) == elements);
  }
}

TEST_CASE("a file that is not IDX is refused with what it starts with") {
  const TemporaryFolder folder;
  const auto path = (folder / "file").string();
  const auto refused = [&](const std::string& content, const std::string& why) {
    CHECK(complaint_about(folder.write("file", content)) == "[read_idx_bytes] " + path + ": " + why);
  };
  refused("", "has 0 bytes: an IDX file starts with a magic number of 4 bytes");
  refused({"\0\0\x08", 3}, "has 3 bytes: an IDX file starts with a magic number of 4 bytes");
  refused("PK\x03\x04", "starts with bytes 50 4b: an IDX file starts with 00 00");
  refused(idx({1}, "abcd", 0x0D), "type code 0x0d, 32-bit floats: expected 0x08, unsigned bytes");
  refused(idx({1}, "a", 0x09), "type code 0x09, signed bytes: expected 0x08, unsigned bytes");
  refused(idx({1}, "a", 0x0B), "type code 0x0b, 16-bit integers: expected 0x08, unsigned bytes");
  refused(idx({1}, "a", 0x0C), "type code 0x0c, 32-bit integers: expected 0x08, unsigned bytes");
  refused(idx({1}, "a", 0x0E), "type code 0x0e, 64-bit floats: expected 0x08, unsigned bytes");
  refused(idx({1}, "a", 0x42), "type code 0x42, an unknown type: expected 0x08, unsigned bytes");
  refused(idx({}, ""), "0 axes: expected 1 to 8");
  refused(idx(std::vector<std::uint32_t>(9, 1), "a"), "9 axes: expected 1 to 8");
}

TEST_CASE("a file with fewer or more elements than its header claims is refused") {
  const TemporaryFolder folder;
  const auto refused = [&](const std::string& content, const std::string& why) {
    const std::string message = complaint_about(folder.write("file", content));
    const std::string zipped = complaint_about(write_gzip(folder / "file", content));
    CHECK(message == "[read_idx_bytes] " + (folder / "file").string() + ": " + why);
    CHECK(zipped == message);
  };
  refused(two_images.substr(0, 15), "ends within its header: expected the extents of 3 axes");
  refused(two_images.substr(0, 27), "is truncated: its header claims 12 elements, but it holds 11");
  refused(two_images.substr(0, 16), "is truncated: its header claims 12 elements, but it holds 0");
  refused(two_images + "\n", "has extra data after the 12 elements that its header claims");
}

TEST_CASE("a header that lies costs no memory") {
  const TemporaryFolder folder;
  const auto path = folder.write("file", idx({1U << 30, 1U << 30}, "0123456789"));
  CHECK(
      contains(complaint_about(path), "is truncated: its header claims 1152921504606846976 elements, but it holds 10"));
  const auto overflow = folder.write("overflow", idx({0xffffffff, 0xffffffff, 0xffffffff}, "0123456789"));
  CHECK(contains(complaint_about(overflow),
                 "its header claims shape (4294967295, 4294967295, 4294967295): more than memory can hold"));
  const auto to_zero = folder.write("zero", idx({1U << 31, 1U << 31, 4}, ""));  // a product of 2^64
  CHECK(contains(complaint_about(to_zero), "more than memory can hold"));
}

TEST_CASE("a file that cannot be read is refused") {
  const TemporaryFolder folder;
  CHECK(complaint_about(folder / ".") ==
        "[read_idx_bytes] " + (folder / ".").string() + ": is a directory: expected a file");
  const auto missing = folder / "none";
  CHECK(complaint_about(missing) == "[read_idx_bytes] " + missing.string() + ": no such file");
  CHECK(contains(complaint_about(folder.write("file", "x") / "y"), "cannot be opened: Not a directory"));
}

TEST_CASE("damaged gzip data are refused") {
  const TemporaryFolder folder;
  const std::string zipped = bytes_of(write_gzip(folder / "good", idx({4000}, std::string(4000, 'x'))));
  CHECK(contains(complaint_about(folder.write("short", zipped.substr(0, zipped.size() - 10))),
                 "is truncated: its gzip data ends too early"));
  CHECK(contains(complaint_about(folder.write("header", zipped.substr(0, 8))),
                 "is truncated: its gzip data ends too early"));
  std::string wrong_sum = zipped;
  wrong_sum[zipped.size() - 8] ^= 1;
  CHECK(contains(complaint_about(folder.write("sum", wrong_sum)), "is damaged: its gzip data is invalid"));
}

TEST_CASE("samples and labels that do not belong together are refused") {
  const TemporaryFolder folder;
  const auto images = folder.write("images", two_images), labels = folder.write("labels", two_labels);
  const auto complaint = [](const auto& x, const auto& y) { return file_complaint([&] { read_idx<float>(x, y); }); };
  const auto three = folder.write("three", idx({3}, "abc"));
  CHECK(complaint(images, three) == "[read_idx] " + three.string() + ": 3 labels for the 2 samples of " +
                                        images.string() + ": expected one for each");
  CHECK(contains(complaint(labels, images),
                 "labels of shape (2, 2, 3): expected one axis; are samples and labels swapped?"));
  CHECK(contains(complaint(labels, labels), "samples of shape (2,): expected two axes or more"));
  const auto no_images = folder.write("no_images", idx({0, 28, 28}, "")),
             no_labels = folder.write("no_labels", idx({0}, ""));
  CHECK(contains(complaint(no_images, no_labels), "samples of shape (0, 28, 28): there are none"));
  CHECK(contains(complaint(images, folder / "none"), "none: no such file"));
}
