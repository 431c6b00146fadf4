#include "io/npy.hpp"
#include "npz_fixture.hpp"
#include "temporary_folder.hpp"
#include "testing.hpp"
#include <wengert/io/npz.hpp>

using namespace wengert;
using namespace wengert::testing;
using namespace std::string_literals;

TEST_CASE_TEMPLATE("what is saved is loaded, bit for bit and in order", T, float, double) {
  const TemporaryFolder folder;
  const auto path = folder / "w.npz";
  const std::vector<NamedTensor<T>> saved{{"encoder.0.weight", random_tensor<T>({3, 4}, 1)},
                                          {"b", random_tensor<T>({5}, 2)},
                                          {"scalar", Tensor<T>(T(2))},
                                          {"empty", Tensor<T>::from_shape({0, 2})}};
  save_npz(path, saved);
  const auto loaded = load_npz<T>(path);
  REQUIRE(loaded.size() == saved.size());
  for (std::size_t i = 0; i < saved.size(); ++i) {
    CHECK(loaded[i].name == saved[i].name);
    CHECK(loaded[i].value.shape() == saved[i].value.shape());
    CHECK(loaded[i].value == saved[i].value);
  }
  save_npz(path, std::vector<NamedTensor<T>>{saved[1]});  // replaces the file
  CHECK(load_npz<T>(path).size() == 1);
  CHECK(folder.files() == 1);
}

TEST_CASE("a file made by NumPy") {
  const TemporaryFolder folder;
  const auto path = folder.write("n.npz", {reinterpret_cast<const char*>(npz_fixture), sizeof(npz_fixture)});
  const auto arrays = load_npz<double>(path);
  REQUIRE(arrays.size() == 7);
  CHECK(arrays[0].name == "f4");
  CHECK(arrays[0].value == Tensor<double>{{0, 0.25, 0.5}, {0.75, 1, 1.25}});
  CHECK(arrays[1].value() == 2.5);
  CHECK(arrays[1].value.dimension() == 0);
  CHECK(arrays[2].value == Tensor<double>{-1, 1099511627776.0});
  CHECK(arrays[3].value.shape() == Tensor<double>::shape_type{1, 1, 2});
  CHECK(arrays[3].value(0, 0, 1) == 255);
  CHECK(arrays[4].value == Tensor<double>{1, 0});
  CHECK(arrays[5].value == Tensor<double>{{0, 1, 2}, {3, 4, 5}});
  CHECK(arrays[6].value.size() == 0);
}

TEST_CASE("an array's header is padded so that its data begins at a multiple of 64") {
  for (std::size_t n = 1; n < 100'000; n = n * 7 + 1) {
    const std::string bytes = to_npy(Tensor<float>(xt::zeros<float>({n})));
    CHECK((bytes.size() - n * sizeof(float)) % 64 == 0);
    CHECK(bytes[bytes.size() - n * sizeof(float) - 1] == '\n');
  }
}

TEST_CASE("names that cannot be file names are refused") {
  const TemporaryFolder folder;
  const Tensor<float> t{1, 2};
  const auto refusal = [&](const std::vector<NamedTensor<float>>& tensors) {
    return message_of<ValueError>([&] { save_npz(folder / "w.npz", tensors); });
  };
  CHECK(contains(refusal({{"", t}}), "a tensor without a name"));
  CHECK(contains(refusal({{"a/b", t}}), "'a/b': a name must not hold a slash"));
  CHECK(contains(refusal({{"a", t}, {"a", t}}), "'a' is stored twice"));
  CHECK(folder.files() == 0);
}

TEST_CASE("files that cannot be read or written get one clear error, and an existing file stays as it was") {
  const TemporaryFolder folder;
  const std::vector<NamedTensor<float>> tensors{{"a", {1, 2}}};
  const auto refusal = [&](const std::filesystem::path& path) {
    return message_of<FileError>([&] { load_npz<float>(path); });
  };
  CHECK(contains(refusal(folder / "none.npz"), "none.npz: no such file"));
  CHECK(contains(refusal(folder.write("text.npz", "this is not a zip file")), "text.npz: Not a zip archive"));
  CHECK(contains(message_of<FileError>([&] { save_npz(folder / "none" / "w.npz", tensors); }), "w.npz"));
  CHECK(contains(message_of<FileError>([&] { save_npz(folder / ".", tensors); }), "is a folder"));
  save_npz(folder / "w.npz", tensors);
  CHECK(!message_of<ValueError>([&] {
           save_npz(folder / "w.npz", std::vector<NamedTensor<float>>{{"a/b", tensors[0].value}});
         }).empty());
  CHECK(load_npz<float>(folder / "w.npz")[0].value == tensors[0].value);
}

TEST_CASE("damaged arrays are refused without allocating what they claim") {
  const auto refusal = [](const std::string& bytes) {
    return message_of<FileError>([&] { from_npy<float>(bytes, "a"); });
  };
  const auto with_header = [](std::string header, const std::string& data) {
    return "\x93NUMPY\x01\x00"s + static_cast<char>(header.size()) + "\0"s + header + data;
  };
  CHECK(contains(refusal("nonsense"), "a: is not an .npy array"));
  CHECK(contains(refusal("\x93NUMPY\x09\x00\x10\x00................"s), "version 9"));
  CHECK(contains(refusal("\x93NUMPY\x01\x00\xff\xff{}"s), "ends within its header"));
  CHECK(contains(refusal(with_header("{}", "")), "its header cannot be understood"));
  const std::string start = "{'descr': '<f4', 'fortran_order': False, 'shape': ";
  CHECK(contains(refusal(with_header(start + "(3,), }", "1234")), "claims shape (3), but 4 bytes follow"));
  CHECK(contains(refusal(with_header(start + "(1152921504606846976, 1152921504606846976), }", "1234")),
                 "but 4 bytes follow"));
  CHECK(contains(refusal(with_header(start + "(4611686018427387905,), }", "1234")), "but 4 bytes follow"));
  CHECK(contains(refusal(with_header(start + "(-3,), }", "1234")), "cannot be understood"));
  CHECK(contains(refusal(with_header("{'descr': '>f4', 'fortran_order': False, 'shape': (1,), }", "1234")),
                 "type '>f4'"));
  CHECK(contains(refusal(with_header("{'descr': '<c8', 'fortran_order': False, 'shape': (1,), }", "12345678")),
                 "type '<c8'"));
}
