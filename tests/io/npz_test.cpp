// .npz archives: round trips, NumPy's files, deterministic bytes, and rejection of damaged entries and headers.
#include "data/files.hpp"
#include "io/npy.hpp"
#include "io/npz_fixture.hpp"
#include "temporary_folder.hpp"
#include "testing.hpp"
#include <wengert/io/npz.hpp>

#include <cmath>
#include <csignal>
#include <limits>
#include <map>
#include <sys/resource.h>

#include <zip.h>

using namespace wengert;
using namespace wengert::io;
using namespace wengert::testing;

namespace {

using Arrays = std::vector<NamedTensor<double>>;

template <class T>
std::map<std::string, Tensor<T>> load_map(const std::filesystem::path& path) {
  std::map<std::string, Tensor<T>> arrays;
  for (auto& [name, value] : load_npz<T>(path)) arrays.emplace(name, std::move(value));
  return arrays;
}

std::filesystem::path fixture(const TemporaryFolder& folder) {
  return folder.write("numpy.npz", {reinterpret_cast<const char*>(npz_fixture), sizeof npz_fixture});
}

// Makes a tensor whose element i, in row-major order, is i + first.
template <class T>
Tensor<T> count(const Shape& shape, int first) {
  auto tensor = Tensor<T>::from_shape(xt::dynamic_shape<std::size_t>(shape));
  for (std::size_t i = 0; i < tensor.size(); ++i) tensor.data()[i] = static_cast<T>(static_cast<int>(i) + first);
  return tensor;
}

// Writes a zip file with the given entries.
std::filesystem::path write_zip(const TemporaryFolder& folder,
                                const std::vector<std::pair<std::string, std::string>>& entries) {
  const std::filesystem::path path = folder / "file.npz";
  zip_t* archive = zip_open(path.c_str(), ZIP_CREATE | ZIP_TRUNCATE, nullptr);
  for (const auto& [name, content] : entries) {
    zip_source_t* source = zip_source_buffer(archive, content.data(), content.size(), 0);
    const auto index = static_cast<zip_uint64_t>(zip_file_add(archive, name.c_str(), source, 0));
    zip_set_file_compression(archive, index, ZIP_CM_STORE, 0);
  }
  REQUIRE(zip_close(archive) == 0);
  return path;
}

// Makes the bytes of an .npy file, in version 1.0 or a later version of the format.
std::string npy(const std::string& header, const std::string& data, char version = 1) {
  std::string file = "\x93NUMPY";
  file += {version, '\0', static_cast<char>(header.size() % 256), static_cast<char>(header.size() / 256)};
  if (version > 1) file += {'\0', '\0'};
  return file + header + data;
}

const std::string eight_bytes(8, '\0');

}  // namespace

TEST_CASE_TEMPLATE("tensors come back as they were, in their order", T, float, double) {
  const TemporaryFolder folder;
  const auto path = folder / "tensors.npz";
  constexpr T inf = std::numeric_limits<T>::infinity();
  const std::vector<NamedTensor<T>> tensors{
      {"encoder.0.weight", random_tensor<T>({3, 5}, 1)},
      {"bias", random_tensor<T>({5}, 2)},
      {"a", random_tensor<T>({2, 1, 3, 4}, 3)},
      {"scalar", Tensor<T>(xt::dynamic_shape<std::size_t>{}, T{7})},
      {"empty", Tensor<T>::from_shape({0, 3})},
      {"special", Tensor<T>{inf, -inf, std::numeric_limits<T>::denorm_min(), -std::numeric_limits<T>::max()}},
      {"größe", Tensor<T>{1}},
  };
  for (const Compression compression : {Compression::stored, Compression::deflated}) {
    save_npz(path, tensors, compression);
    const auto loaded = load_npz<T>(path);
    REQUIRE(loaded.size() == tensors.size());
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      CHECK(loaded[i].name == tensors[i].name);
      CHECK(Shape(loaded[i].value.shape()) == Shape(tensors[i].value.shape()));
      CHECK(loaded[i].value == tensors[i].value);
    }
  }
}

TEST_CASE("arrays of NumPy are read, whatever their type, order and version") {
  const TemporaryFolder folder;
  auto arrays = load_map<double>(fixture(folder));
  CHECK(arrays.size() == 20);
  for (const char* name : {"float32", "int8", "int16", "int32", "int64", "fortran", "version2", "version3"}) {
    INFO(name);
    CHECK(arrays[name] == count<double>({2, 3}, -1));
  }
  for (const char* name : {"uint8", "uint16", "uint32", "uint64"}) {
    INFO(name);
    CHECK(arrays[name] == count<double>({2, 3}, 0));
  }
  CHECK(arrays["float64"] == Tensor<double>{-0.25, 0, 0.25, 0.5, 0.75, 1});
  CHECK(arrays["bool"] == Tensor<double>{1, 0, 1});
  CHECK(arrays["extremes"] == Tensor<double>{-0x1p63, 0x1p63});
  CHECK(arrays["scalar"].dimension() == 0);
  CHECK(arrays["scalar"]() == 2.5);
  CHECK(Shape(arrays["empty"].shape()) == Shape{0, 3});
  CHECK(arrays["fortran.cube"] == count<double>({2, 3, 4}, -1));
  CHECK(arrays["größe"] == count<double>({2}, -1));
  CHECK(std::isnan(arrays["special"](0)));
  CHECK(arrays["special"](2) == -std::numeric_limits<double>::infinity());
  CHECK(std::signbit(arrays["special"](3)));
}

TEST_CASE("arrays are rounded to the type asked for") {
  const TemporaryFolder folder;
  auto arrays = load_map<float>(fixture(folder));
  CHECK(arrays["float32"] == count<float>({2, 3}, -1));
  CHECK(arrays["int64"] == count<float>({2, 3}, -1));
  CHECK(arrays["extremes"] == Tensor<float>{-0x1p63f, 0x1p63f});
  save_npz<double>(folder / "third.npz", {{"x", Tensor<double>{1.0 / 3}}});
  CHECK(load_npz<float>(folder / "third.npz")[0].value(0) == 1.0f / 3);
}

// Checks the layout documented by numpy.lib.format.
TEST_CASE("the elements of a saved array begin at a multiple of 64") {
  const std::string preamble = npy_preamble<float>({2, 3});
  CHECK(preamble.size() % 64 == 0);
  CHECK(preamble.starts_with(std::string("\x93NUMPY\x01\x00", 8)));
  CHECK(static_cast<unsigned char>(preamble[8]) + 256 * static_cast<unsigned char>(preamble[9]) + 10 ==
        preamble.size());
  CHECK(preamble.substr(10).starts_with("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), } "));
  CHECK(preamble.back() == '\n');
  CHECK(contains(npy_preamble<double>({}), "{'descr': '<f8', 'fortran_order': False, 'shape': (), }"));
  CHECK(contains(npy_preamble<double>({7}), "'shape': (7,), }"));
  for (std::size_t extent = 1; extent < std::size_t{1} << 60; extent *= 7)
    CHECK(npy_preamble<float>({extent, extent, extent}).size() % 64 == 0);
}

TEST_CASE("the same tensors give the same bytes") {
  const TemporaryFolder folder;
  const Arrays arrays{{"x", random_tensor({4, 4}, 1)}};
  save_npz(folder / "a.npz", arrays);
  save_npz(folder / "b.npz", arrays);
  CHECK(bytes_of(folder / "a.npz") == bytes_of(folder / "b.npz"));
}

TEST_CASE("names that NumPy or a file system could misread are refused") {
  const TemporaryFolder folder;
  const auto path = folder / "file.npz";
  const auto complaint = [&](const std::string& name) {
    return message_of<ValueError>([&] { save_npz<double>(path, {{name, Tensor<double>{1}}}); });
  };
  CHECK(contains(complaint(""), "[save_npz] tensor '': the name is empty ("));
  for (const std::string name : {"a/b", "/a", "a\\b", "..", "a..b", "../a"})
    CHECK(contains(complaint(name), "[save_npz] tensor '" + name +
                                        "': the name looks like a path: expected one without '/', '\\' and '..' ("));
  for (const std::string& name : {std::string("a\nb"), std::string("a\0b", 3), std::string("a\x7f") + "b"})
    CHECK(contains(complaint(name), "[save_npz] tensor 'a?b': the name contains a control character ("));
  CHECK(contains(complaint("weight.npy"),
                 "tensor 'weight.npy': the name ends in .npy, which is appended to each name ("));
  CHECK(contains(complaint(std::string(70'000, 'a')), "aaa…': the name has 70000 bytes: expected at most 1000 ("));
  CHECK(contains(complaint("a\xff"), "tensor 'a\xff': the name is not UTF-8 ("));
  CHECK(!std::filesystem::exists(path));

  const Arrays twice{{"x", Tensor<double>{1}}, {"y", Tensor<double>{2}}, {"x", Tensor<double>{3}}};
  CHECK_ERROR(ValueError, "[save_npz] tensor 'x': the name is used twice", save_npz(path, twice));
  CHECK_ERROR(ValueError, "file.npz: there are no tensors to save", save_npz(path, Arrays{}));
  CHECK(folder.files() == 0);
}

TEST_CASE("a failure to write leaves the old file and nothing beside it") {
  const TemporaryFolder folder;
  const auto path = folder / "file.npz", none = folder / "none" / "file.npz";
  save_npz<double>(path, {{"x", Tensor<double>{1, 2}}});
  const std::string before = bytes_of(path);
  const Arrays large{{"x", random_tensor({1000}, 1)}};

  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit old_limit{};
  REQUIRE(getrlimit(RLIMIT_FSIZE, &old_limit) == 0);
  const rlimit limit{1000, old_limit.rlim_max};
  REQUIRE(setrlimit(RLIMIT_FSIZE, &limit) == 0);
  const std::string message = file_complaint([&] { save_npz(path, large); });
  setrlimit(RLIMIT_FSIZE, &old_limit);
  std::signal(SIGXFSZ, old_handler);

  CHECK(message == "[save_npz] " + path.string() + ": cannot be written: File too large");
  CHECK(bytes_of(path) == before);
  CHECK(file_complaint([&] { save_npz(none, large); }) ==
        "[save_npz] " + none.string() + ": cannot be written: No such file or directory");
  CHECK(file_complaint([&] { save_npz(folder / ".", large); }) ==
        "[save_npz] " + (folder / ".").string() + ": is a directory: expected a file");
  CHECK(folder.files() == 1);
}

TEST_CASE("saving replaces whatever was there") {
  const TemporaryFolder folder;
  const auto path = folder.write("file.npz", "not a zip file");
  save_npz<double>(path, {{"x", Tensor<double>{1, 2}}, {"y", Tensor<double>{3}}});
  save_npz<double>(path, {{"z", Tensor<double>{4}}});
  CHECK(load_npz<double>(path).size() == 1);
  CHECK(load_npz<double>(path)[0].value == Tensor<double>{4});
}

TEST_CASE("a file that is no archive of arrays is refused") {
  const TemporaryFolder folder;
  const auto complaint = [](const std::filesystem::path& path) {
    return file_complaint([&] { load_npz<float>(path); });
  };
  const auto missing = folder / "none.npz";
  CHECK(complaint(missing) == "[load_npz] " + missing.string() + ": no such file");
  CHECK(complaint(folder / ".") == "[load_npz] " + (folder / ".").string() + ": is a directory: expected a file");
  CHECK(contains(complaint(folder.write("text.npz", "x,y\n1,2\n")), "text.npz: cannot be opened: Not a zip archive"));
  CHECK(contains(complaint(folder.write("empty.npz", "")), "empty.npz: "));
  const std::string no_entries = std::string("PK\x05\x06") + std::string(18, '\0');
  CHECK(contains(complaint(folder.write("zero.npz", no_entries)), "zero.npz: contains no arrays"));
  const std::string whole = bytes_of(fixture(folder));
  CHECK(contains(complaint(folder.write("short.npz", whole.substr(0, whole.size() / 2))),
                 "short.npz: cannot be opened: "));
  CHECK(complaint(write_zip(folder, {{"readme.txt", "hello"}})) ==
        "[load_npz] " + (folder / "file.npz").string() +
            ", entry 'readme.txt': expected an array, whose name ends in .npy");
}

TEST_CASE("a damaged entry is refused") {
  const TemporaryFolder folder;
  const auto path = folder / "file.npz";
  save_npz<double>(path, {{"first", Tensor<double>{1}}, {"second", Tensor<double>{2, 3, 4}}});
  std::string bytes = bytes_of(path);
  const std::size_t element = bytes.find(std::string("\0\0\0\0\0\0\x08\x40", 8));  // 3.0
  REQUIRE(element != std::string::npos);
  bytes[element] ^= 1;
  folder.write("file.npz", bytes);
  CHECK(file_complaint([&] { load_npz<double>(path); }) ==
        "[load_npz] " + path.string() + ", entry 'second.npy': is damaged: CRC error");
}

TEST_CASE("an entry that is there twice or compressed in an unknown way is refused") {
  const TemporaryFolder folder;
  const auto path = folder / "file.npz";
  save_npz<double>(path, {{"aa", Tensor<double>{1}}, {"ab", Tensor<double>{2}}});
  const std::string good = bytes_of(path);
  const auto complaint = [&](const std::string& bytes) {
    folder.write("file.npz", bytes);
    return file_complaint([&] { load_npz<double>(path); });
  };
  std::string twice = good;
  for (std::size_t at = 0; (at = twice.find("ab.npy", at)) != std::string::npos;) twice[at + 1] = 'a';
  CHECK(complaint(twice) == "[load_npz] " + path.string() + ", entry 'aa.npy': the name is used twice");
  std::string unknown = good;
  unknown[unknown.find("PK\x01\x02") + 10] = 77;  // the compression method of the first entry
  CHECK(contains(complaint(unknown), ", entry 'aa.npy': cannot be opened: Compression method not supported"));
}

TEST_CASE("an entry that is no sound array is refused") {
  const TemporaryFolder folder;
  const auto refused = [&](const std::string& content, const std::string& why) {
    const auto path = write_zip(folder, {{"x.npy", content}});
    CHECK(file_complaint([&] { load_npz<float>(path); }) == "[load_npz] " + path.string() + ", entry 'x.npy': " + why);
  };
  const std::string good = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }\n";
  refused("", "does not start with the magic string of an .npy array");
  refused("\x93NUMPZ\x01\x01 more", "does not start with the magic string of an .npy array");
  refused(npy(good, eight_bytes, 4), "version 4.0 of the .npy format: expected 1 to 3");
  refused(npy(good, eight_bytes, 0), "version 0.0 of the .npy format: expected 1 to 3");
  refused(std::string("\x93NUMPY\x01\0\x10", 9), "ends within its .npy header");
  refused(npy(good, "").substr(0, 30), "ends within its .npy header");
  refused(std::string("\x93NUMPY\x02\0\xff\xff\xff\xff{}", 14), "ends within its .npy header");
  refused(npy(good, eight_bytes.substr(1)),
          "is truncated: it holds 7 of the 8 bytes that its header claims, shape (2,) of type '<f4'");
  refused(npy(good, eight_bytes + "x"),
          "has extra data after the 8 bytes that its header claims, shape (2,) of type '<f4'");
  const auto of_type = [](const std::string& type) {
    return npy("{'descr': '" + type + "', 'fortran_order': False, 'shape': (1,), }", eight_bytes);
  };
  for (const std::string type : {">f8", "<f16", "<c8", "|O", "<U2", "|V8", ""})
    refused(of_type(type),
            "elements of type '" + type + "': expected float16, float32, float64, bool or integers, little-endian");
}

TEST_CASE("a header that lies costs no memory") {
  const TemporaryFolder folder;
  const auto refused = [&](const std::string& shape, const std::string& why) {
    const auto path = write_zip(
        folder, {{"x.npy", npy("{'descr': '<f8', 'fortran_order': True, 'shape': " + shape + ", }", eight_bytes)}});
    CHECK(contains(file_complaint([&] { load_npz<float>(path); }), why));
  };
  refused("(1152921504606846975,)", "is truncated: it holds 8 of the 9223372036854775800 bytes that its header claims");
  refused("(1152921504606846976,)", "its header claims shape (1152921504606846976,): more than memory can hold");
  refused("(4294967296, 4294967296, 4294967296)", "more than memory can hold");
  refused("(0, 4294967296, 4294967296)", "more than memory can hold");  // empty, but its strides overflow
  refused("(99999999999999999999,)", "an extent beyond 64 bits");
}

TEST_CASE("an entry's size in the archive is not believed either") {
  const TemporaryFolder folder;
  const auto path = folder / "file.npz";
  save_npz<double>(path, {{"x", Tensor<double>{1}}});
  std::string bytes = bytes_of(path);
  const std::size_t central = bytes.find("PK\x01\x02");
  for (const std::size_t at : {central + 20, central + 24})
    bytes.replace(at, 4, "\xf0\xff\xff\x7f");  // both sizes: 2 GB
  folder.write("file.npz", bytes);
  CHECK(contains(file_complaint([&] { load_npz<double>(path); }), path.string()));
}

TEST_CASE("headers may be written in any way that Python reads") {
  const TemporaryFolder folder;
  for (const std::string header : {
           "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }\n",
           "{\"shape\":(2,),\"descr\":\"<f4\",\"fortran_order\":False}",
           "  { 'shape' : ( 2L , ) ,\n 'fortran_order' : True , 'descr' : '<f4' , }  \n",
           "{'descr': '<f4', 'fortran_order': False, 'shape': (2)}",
       }) {
    INFO(header);
    const auto path = write_zip(folder, {{"x.npy", npy(header, std::string("\0\0\x80\x3f\0\0\0\xc0", 8))}});
    CHECK(load_npz<double>(path)[0].value == Tensor<double>{1, -2});
  }
}

TEST_CASE("a header that Python could not read is refused") {
  const TemporaryFolder folder;
  const auto refused = [&](const std::string& header, const std::string& why) {
    const auto path = write_zip(folder, {{"x.npy", npy(header, eight_bytes)}});
    const std::string message = file_complaint([&] { load_npz<float>(path); });
    INFO(header);
    CHECK(message == "[load_npz] " + path.string() + ", entry 'x.npy': invalid .npy header: " + why);
  };
  refused("", "expected '{' (at character 0)");
  refused("[1]", "expected '{' (at character 0)");
  refused("{", "expected a quoted string (at character 1)");
  refused("{'descr", "an unterminated string (at character 1)");
  refused("{'descr' '<f4'}", "expected ':' (at character 9)");
  refused("{'descr': <f4}", "expected a quoted string (at character 10)");
  refused("{'descr': [('x', '<f4')]}", "a structured type: expected elements of one number each (at character 10)");
  refused("{'fortran_order': 0}", "expected True or False (at character 18)");
  refused("{'shape': 2}", "expected '(' (at character 10)");
  refused("{'shape': (-2,)}", "expected an extent (at character 11)");
  refused("{'shape': (2 3)}", "expected ')' (at character 13)");
  refused("{'shape': (1,1,1,1,1,1,1,1,1)}", "more than 8 axes (at character 27)");
  refused("{'order': 'C'}", "unknown key 'order' (at character 9)");
  refused("{'shape': (2,) 'descr': '<f4'}", "expected '}' (at character 15)");
  refused("{'fortran_order': False, 'shape': (2,)}", "no key 'descr' (at character 39)");
  refused("{'descr': '<f4', 'shape': (2,)}", "no key 'fortran_order' (at character 31)");
  refused("{'descr': '<f4', 'fortran_order': False}", "no key 'shape' (at character 40)");
  refused("{'descr': '<f4', 'fortran_order': False, 'shape': (2,)} x",
          "extra text after the dictionary (at character 56)");
}
