// .safetensors files: round trips, every element type, and rejection of invalid names, headers and lengths.
#include "data/files.hpp"
#include "io/safetensors_fixture.hpp"
#include "temporary_folder.hpp"
#include "testing.hpp"
#include <wengert/io/safetensors.hpp>

#include <cmath>
#include <limits>
#include <map>

using namespace wengert;
using namespace wengert::io;
using namespace wengert::testing;

namespace {

// Makes the bytes of a file from header and elements.
std::string file_of(const std::string& header, const std::string& data) {
  std::string prefix;
  for (std::size_t i = 0; i < 8; ++i) prefix += static_cast<char>(header.size() >> 8 * i & 0xFF);
  return prefix + header + data;
}

std::string entry(const std::string& dtype, const std::string& shape, const std::string& offsets) {
  return "{\"dtype\":\"" + dtype + "\",\"shape\":[" + shape + "],\"data_offsets\":[" + offsets + "]}";
}

}  // namespace

TEST_CASE_TEMPLATE("tensors come back as they were, in their order", T, float, double) {
  const TemporaryFolder folder;
  const auto path = folder / "x.safetensors";
  constexpr T inf = std::numeric_limits<T>::infinity();
  const std::vector<NamedTensor<T>> tensors{
      {"encoder.0.weight", random_tensor<T>({3, 5}, 1)},
      {"a/\"b\"\\\n", random_tensor<T>({2, 1, 3, 4}, 3)},
      {"scalar", Tensor<T>(xt::dynamic_shape<std::size_t>{}, T{7})},
      {"empty", Tensor<T>::from_shape({0, 3})},
      {"special", Tensor<T>{inf, -inf, std::numeric_limits<T>::denorm_min(), -std::numeric_limits<T>::max()}},
      {"größe", Tensor<T>{1}},
  };
  const Metadata metadata{{"format", "pt"}, {"note", "line\n\"two\" ☃"}};
  save_safetensors(path, tensors, metadata);
  const auto loaded = load_safetensors<T>(path);
  REQUIRE(loaded.size() == tensors.size());
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    CHECK(loaded[i].name == tensors[i].name);
    CHECK(Shape(loaded[i].value.shape()) == Shape(tensors[i].value.shape()));
    CHECK(loaded[i].value == tensors[i].value);
  }
  CHECK(load_safetensors_metadata(path) == metadata);
  const std::string bytes = bytes_of(path);
  save_safetensors(path, tensors, metadata);
  CHECK(bytes_of(path) == bytes);
  CHECK(folder.files() == 1);
  save_safetensors(path, std::vector<NamedTensor<T>>{});
  CHECK(load_safetensors<T>(path).empty());
}

TEST_CASE("tensors of every type are read") {
  const TemporaryFolder folder;
  const auto path = folder.write("fixture.safetensors",
                                 {reinterpret_cast<const char*>(safetensors_fixture), sizeof safetensors_fixture});
  const auto loaded = load_safetensors<double>(path);
  std::map<std::string, Tensor<double>> arrays;
  for (const auto& [name, value] : loaded) arrays[name] = value;
  CHECK(arrays.size() == 16);
  CHECK(loaded.front().name == "größe \"\\ 😀\n");  // in the order of the header, not of the bytes
  CHECK(loaded.back().name == "F32");
  const Tensor<double> from_minus_one{{-1, 0, 1}, {2, 3, 4}}, from_zero{{0, 1, 2}, {3, 4, 5}};
  for (const char* name : {"F32", "I8", "I16", "I32", "I64"}) CHECK(arrays[name] == from_minus_one);
  for (const char* name : {"U8", "U16", "U32", "U64"}) CHECK(arrays[name] == from_zero);
  CHECK(arrays["F64"] == Tensor<double>{-0.25, 0, 0.25, 0.5, 0.75, 1});
  CHECK(arrays["BOOL"] == Tensor<double>{1, 0, 1});
  CHECK(arrays["BF16"] == Tensor<double>{1.5, -2, 0x1p100, std::numeric_limits<double>::infinity()});
  CHECK(arrays["scalar"].dimension() == 0);
  CHECK(arrays["scalar"]() == 2.5);
  CHECK(Shape(arrays["empty"].shape()) == Shape{0, 3});
  const Tensor<double>& half = arrays["F16"];
  CHECK(half(0) == 1365.0 / 4096);  // the half-precision number nearest to 1/3
  CHECK((half(1) == 0 && std::signbit(half(1))));
  CHECK(half(2) == 65504);
  CHECK(half(3) == 0x1p-24);
  CHECK((std::isinf(half(4)) && std::isinf(half(5)) && half(5) < 0 && std::isnan(half(6))));
  CHECK(half(7) == 0x1p-14);
  CHECK(load_safetensors_metadata(path) == Metadata{{"format", "pt"}, {"größe", "☃"}});
}

TEST_CASE("names that cannot be read back are refused") {
  const TemporaryFolder folder;
  const auto path = folder / "x.safetensors";
  using Tensors = std::vector<NamedTensor<double>>;
  const Tensor<double> x{1};
  CHECK_ERROR(ValueError, "[save_safetensors] tensor '': the name is empty", save_safetensors(path, Tensors{{"", x}}));
  CHECK_ERROR(ValueError, "tensor '__metadata__': the name is reserved by the format",
              save_safetensors(path, Tensors{{"__metadata__", x}}));
  CHECK_ERROR(ValueError, "tensor 'x': the name is used twice",
              save_safetensors(path, Tensors{{"x", x}, {"y", x}, {"x", x}}));
  for (const char* name : {"a\xff", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x98"})
    CHECK_ERROR(ValueError, "the name is not UTF-8", save_safetensors(path, Tensors{{name, x}}));
  CHECK_ERROR(ValueError, "metadata 'key': not UTF-8", save_safetensors(path, Tensors{{"x", x}}, {{"key", "\xff"}}));
  CHECK(folder.files() == 0);
}

TEST_CASE("a file that is cut short anywhere, or goes on, is refused") {
  const TemporaryFolder folder;
  const auto path = folder / "x.safetensors";
  save_safetensors<double>(path, {{"a", Tensor<double>{1, 2}}, {"b", Tensor<double>{3}}});
  const std::string good = bytes_of(path);
  for (std::size_t length = 0; length < good.size(); ++length) {
    folder.write("x.safetensors", good.substr(0, length));
    CHECK(contains(file_complaint([&] { load_safetensors<float>(path); }), path.string() + ": "));
  }
  folder.write("x.safetensors", good.substr(0, good.size() - 1));
  CHECK(file_complaint([&] { load_safetensors<float>(path); }) ==
        "[load_safetensors] " + path.string() + ": tensor 'b': is truncated: the file holds 7 of its 8 bytes");
  folder.write("x.safetensors", good + "x");
  CHECK(contains(file_complaint([&] { load_safetensors<float>(path); }), ": has extra data after its last tensor"));
}

TEST_CASE("a header that lies is refused, and costs no memory") {
  const TemporaryFolder folder;
  const auto refused = [&](const std::string& header, const std::string& why) {
    const auto path = folder.write("x.safetensors", file_of(header, std::string(8, '\0')));
    const std::string message = file_complaint([&] { load_safetensors<float>(path); });
    INFO(header);
    CHECK(message == "[load_safetensors] " + path.string() + ": " + why);
  };
  const auto tensor = [](const std::string& content) { return "{\"x\":" + content + "}"; };
  refused(tensor(entry("F64", "1152921504606846976", "0,9223372036854775808")),
          "tensor 'x': shape (1152921504606846976,) of F64 does not fill its 9223372036854775808 bytes");
  refused(tensor(entry("U8", "1152921504606846976", "0,1152921504606846976")),
          "tensor 'x': is truncated: the file holds 8 of its 1152921504606846976 bytes");
  refused(tensor(entry("F32", "4294967296,4294967296", "0,0")),
          "tensor 'x': shape (4294967296, 4294967296) of F32 does not fill its 0 bytes");
  refused(tensor(entry("F32", "0,4294967296,4294967296", "0,0")),
          "tensor 'x': shape (0, 4294967296, 4294967296) of F32 does not fill its 0 bytes");
  refused(tensor(entry("F32", "3", "0,8")), "tensor 'x': shape (3,) of F32 does not fill its 8 bytes");
  refused(tensor(entry("F8_E4M3", "8", "0,8")),
          "tensor 'x': elements of type 'F8_E4M3': expected F16, BF16, F32, F64, BOOL or integers");
  refused(tensor(entry("F32", "1", "4,8")),
          "tensor 'x': bytes 4 to 8, but the previous tensor ends at 0: tensors must be contiguous");
  refused("{\"x\":" + entry("F32", "2", "0,8") + ",\"y\":" + entry("F32", "1", "4,8") + "}",
          "tensor 'y': bytes 4 to 8, but the previous tensor ends at 8: tensors must be contiguous");
  refused("{\"x\":" + entry("F32", "1", "0,4") + ",\"x\":" + entry("F32", "1", "4,8") + "}",
          "tensor 'x': the name is used twice");
  refused("{\"x\":" + entry("F32", "1", "0,4") + "}", "has extra data after its last tensor");

  const auto path = folder.write("x.safetensors", std::string("\xff\xff\xff\xff\xff\xff\xff\x0f{}", 10));
  CHECK(contains(file_complaint([&] { load_safetensors<float>(path); }),
                 "claims a header of 1152921504606846975 bytes, at most 100000000 are allowed"));
}

TEST_CASE("a header that is not the JSON of the format is refused") {
  const TemporaryFolder folder;
  const auto refused = [&](const std::string& header, const std::string& why) {
    const auto path = folder.write("x.safetensors", file_of(header, ""));
    const std::string message = file_complaint([&] { load_safetensors<float>(path); });
    INFO(header);
    CHECK(message == "[load_safetensors] " + path.string() + ": invalid header: " + why);
  };
  // Invalid JSON: the message gives the position.
  refused("", "unexpected end of input; expected '[', '{', or a literal (at character 0)");
  refused("{", "unexpected end of input; expected string literal (at character 1)");
  refused("{\"x", "invalid string: missing closing quote (at character 3)");
  refused("{\"x\"}", "unexpected '}'; expected ':' (at character 4)");
  refused("{\"x\":{\"shape\":[1,]}}", "unexpected ']'; expected '[', '{', or a literal (at character 17)");
  refused("{\"x\":{\"shape\":[1e400]}}", "a number that is too large (at character 19)");
  refused("{\"\\q\":1}", "invalid string: forbidden character after backslash (at character 3)");
  refused("{\"\\u12\":1}", "invalid string: '\\u' must be followed by 4 hex digits (at character 6)");
  refused("{\"\\ud800\":1}",
          "invalid string: surrogate U+D800..U+DBFF must be followed by U+DC00..U+DFFF (at character 8)");
  refused("{\"\\ud800\\u0041\":1}",
          "invalid string: surrogate U+D800..U+DBFF must be followed by U+DC00..U+DFFF (at character 13)");
  refused("{\"\xff\":1}", "invalid string: ill-formed UTF-8 byte (at character 2)");
  refused("{} x", "invalid literal (at character 3)");
  refused(std::string("{}\0", 3), "a zero byte (at character 2)");
  refused("\xef\xbb\xbf{}", "a byte order mark (at character 0)");
  // JSON that is not a valid header: the message names the tensor.
  refused("[]", "expected an object");
  refused("1", "expected an object");
  refused("{\"x\":1}", "'x': expected an object");
  refused("{\"x\":" + std::string(1'000'000, '['), "'x': expected an object");
  refused("{\"x\":{}}", "tensor 'x' has no key 'dtype'");
  refused("{\"x\":{\"dtype\":\"F32\",\"data_offsets\":[0,0]}}", "tensor 'x' has no key 'shape'");
  refused("{\"x\":" + entry("F32", "0", "0,0") + ",\"y\":{\"dtype\":\"F32\",\"shape\":[0]}}",
          "tensor 'y' has no key 'data_offsets'");
  refused("{\"x\":{\"dtype\":1}}", "tensor 'x', 'dtype': expected a string");
  refused("{\"x\":{\"dtype\":{}}}", "tensor 'x', 'dtype': expected a string");
  refused("{\"x\":{\"shape\":\"1\"}}", "tensor 'x', 'shape': expected a list");
  for (const char* element : {"-1", "-0", "1.5", "1.0", "true", "null", "\"1\"", "[]", "{}"})
    refused(fmt::format("{{\"x\":{{\"shape\":[{}]}}}}", element), "tensor 'x', 'shape': expected an integer");
  refused("{\"x\":{\"shape\":[99999999999999999999]}}", "tensor 'x': an integer beyond 64 bits");
  refused("{\"x\":{\"shape\":[1,1,1,1,1,1,1,1,1]}}", "tensor 'x': more than 8 axes");
  refused("{\"x\":{\"data_offsets\":[0,1,2]}}", "tensor 'x': more than 2 offsets");
  refused("{\"x\":{\"size\":1}}", "unknown or repeated key 'size' of tensor 'x'");
  refused("{\"x\":{\"dtype\":\"F32\",\"dtype\":\"F32\"}}", "unknown or repeated key 'dtype' of tensor 'x'");
  refused("{\"x\":" + entry("F32", "1", "0") + "}", "tensor 'x': expected two offsets");
  refused("{\"__metadata__\":[]}", "'__metadata__': expected an object");
  refused("{\"__metadata__\":{\"a\":1}}", "metadata 'a': expected a string");
  refused("{\"__metadata__\":{\"a\":\"b\",\"a\":\"c\"}}", "metadata with a repeated key: 'a'");
  refused("{\"__metadata__\":{},\"__metadata__\":{}}", "'__metadata__' appears twice");
}
