// Memory-mapped .npy and IDX files against files read into memory, and rejection of invalid or changed ones.
#include "data/files.hpp"
#include "data/idx_bytes.hpp"
#include "temporary_folder.hpp"
#include "testing.hpp"
#include <wengert/data/batches.hpp>
#include <wengert/data/idx.hpp>
#include <wengert/data/mapped.hpp>
#include <wengert/io/npy.hpp>

#include <filesystem>
#include <fstream>
#include <numeric>
#include <vector>

using namespace wengert;
using namespace wengert::data;
using namespace wengert::testing;

namespace {

// Makes an IDX file of 60 images of 2×3 pixels with the bytes 0, 7, 14, … modulo 256.
std::string idx_images() {
  std::string bytes;
  for (int i = 0; i < 360; ++i) bytes += static_cast<char>(7 * i % 256);
  return idx({60, 2, 3}, bytes);
}

const std::vector<std::size_t> some{59, 0, 17, 17};

template <class F>
std::string complaint(const F& f) {
  return file_complaint(f);
}

}  // namespace

TEST_CASE_TEMPLATE("rows of an IDX file are those that are read into memory", T, float, double) {
  const TemporaryFolder folder;
  const auto x = folder.write("x.idx", idx_images()),
             y = folder.write("y.idx", idx({60}, std::string(59, '\1') + '\4'));
  const MappedDataset<T> mapped = map_idx<T>(x, y);
  const Dataset<T> read = read_idx<T>(x, y);
  CHECK(mapped.inputs.shape() == Shape{60, 2, 3});
  CHECK(mapped.size() == 60);
  CHECK(mapped.labels == read.labels);
  CHECK(mapped.classes == 5);
  Tensor<T> rows, expected;
  gather_rows(mapped.inputs, some, rows);
  gather_rows(read.inputs, some, expected);
  CHECK(Shape(rows.shape()) == Shape{4, 2, 3});
  rows.reshape({4, 6});
  CHECK(rows == expected);
  gather_rows(mapped.inputs, {}, rows);
  CHECK(Shape(rows.shape()) == Shape{0, 2, 3});
}

TEST_CASE("rows of an npy file are those that are read into memory") {
  const TemporaryFolder folder;
  const auto path = folder / "x.npy";
  const Tensor<double> x = random_tensor({60, 3, 2}, 1);
  io::save_npy(path, x);
  const MappedTensor<float> mapped = map_npy<float>(path);
  CHECK(mapped.shape() == Shape{60, 3, 2});
  Tensor<float> rows, expected;
  gather_rows(mapped, some, rows);
  gather_rows(Tensor<float>(xt::cast<float>(x)), some, expected);
  CHECK(rows == expected);
  const Indices labels{3, 1, 4, 1, 5};
  io::save_npy(folder / "y.npy", labels);
  Indices held;
  gather_rows(map_npy<std::int64_t>(folder / "y.npy"), std::vector<std::size_t>{4, 2}, held);
  CHECK(held == Indices{5, 4});
  CHECK(complaint([&] { map_npy<std::int64_t>(path); }) ==
        "[map_npy] " + path.string() +
            ": elements of type '<f8': expected bool or integers that fit in int64, little-endian");
  CHECK_ERROR(ValueError, "[gather_rows] index 60: the array has 60 rows",
              gather_rows(mapped, std::vector<std::size_t>{60}, rows));
  CHECK(rows == expected);

  const auto of_mapped = learn_normalisation(mapped),
             of_tensor = learn_normalisation(Tensor<float>(xt::cast<float>(x)));
  CHECK(of_mapped.mean == of_tensor.mean);
  CHECK(of_mapped.deviation == of_tensor.deviation);
}

TEST_CASE("samples in a file are split as those in memory") {
  const TemporaryFolder folder;
  std::string classes;
  for (int i = 0; i < 60; ++i) classes += static_cast<char>(i % 3);
  const auto x = folder.write("x.idx", idx_images()), y = folder.write("y.idx", idx({60}, classes));
  const MappedDataset<float> mapped = map_idx<float>(x, y);
  const Dataset<float> held = read_idx<float>(x, y);
  const auto same = [&](const MappedDataset<float>& part, const Dataset<float>& expected) {
    std::vector<std::size_t> all(part.size());
    std::iota(all.begin(), all.end(), std::size_t{0});
    Tensor<float> inputs;
    gather_rows(part.inputs, all, inputs);
    CHECK(std::equal(inputs.begin(), inputs.end(), expected.inputs.begin(), expected.inputs.end()));
    CHECK(part.labels == expected.labels);
    CHECK(part.classes == expected.classes);
  };
  const auto any = split(mapped, 0.25, 7), by_class = stratified_split(mapped, 0.25, 7);
  const auto any_held = split(held, 0.25, 7), by_class_held = stratified_split(held, 0.25, 7);
  same(any.train, any_held.train);
  same(any.test, any_held.test);
  same(by_class.train, by_class_held.train);
  same(by_class.test, by_class_held.test);
  const std::vector<std::size_t> chosen{3, 3, 0};
  same(subset(by_class.test, chosen), subset(by_class_held.test, chosen));  // a subset of a subset
  CHECK(by_class.train.inputs.shape() == Shape{45, 2, 3});
  CHECK_ERROR(ValueError, "[select] index 15: the array has 15 rows",
              by_class.test.inputs.select(std::vector<std::size_t>{15}));
}

TEST_CASE("a file that is not as its header says is refused when it is opened") {
  const TemporaryFolder folder;
  const auto refused = [&](const std::string& bytes, const std::string& why) {
    const auto path = folder.write("x.idx", bytes);
    CHECK(complaint([&] { map_idx<float>(path); }) == "[map_idx] " + path.string() + ": " + why);
  };
  const std::string whole = idx_images();
  refused("", "has 0 bytes: an IDX file starts with a magic number of 4 bytes");
  refused(whole.substr(0, 9), "ends within its header: expected the extents of 3 axes");
  refused(whole.substr(0, whole.size() - 1), "is truncated: it holds 359 of the 360 elements that its header claims");
  refused(whole + 'x', "has extra data after the 360 elements that its header claims");
  refused(idx({1U << 30, 1U << 30}, "0123456789"),
          "is truncated: it holds 10 of the 1152921504606846976 elements that its header claims");
  refused(idx({1U << 31, 1U << 31, 4}, ""),
          "its header claims shape (2147483648, 2147483648, 4): more than memory can hold");
  write_gzip(folder / "x.idx", whole);
  refused(bytes_of(folder / "x.idx"), "is compressed with gzip: expected an uncompressed file; use gunzip");

  CHECK(complaint([&] { map_idx<float>(folder / "none"); }) ==
        "[map_idx] " + (folder / "none").string() + ": no such file");
  CHECK(complaint([&] { map_idx<float>(folder / "."); }) ==
        "[map_idx] " + (folder / ".").string() + ": is a directory: expected a file");
  CHECK(complaint([&] { map_npy<float>("/dev/zero"); }) == "[map_npy] /dev/zero: is not a regular file");
  const auto y = folder.write("y.idx", idx({59}, std::string(59, '\1'))), x = folder.write("x.idx", whole);
  CHECK(contains(complaint([&] { map_idx<float>(x, y); }), "y.idx: 59 labels for the 60 samples of "));

  io::save_npy(folder / "scalar.npy", Tensor<float>(1.0F));
  CHECK(contains(complaint([&] { map_npy<float>(folder / "scalar.npy"); }), "holds a scalar: expected an array"));
  io::save_npy(folder / "x.npy", Tensor<float>{{1, 2}, {3, 4}});
  std::string npy = bytes_of(folder / "x.npy");
  folder.write("x.npy", npy.substr(0, npy.size() - 4));
  CHECK(contains(complaint([&] { map_npy<float>(folder / "x.npy"); }),
                 "is truncated: it holds 12 of the 16 bytes that its header claims, shape (2, 2) of type '<f4'"));
  npy.replace(npy.find("False"), 5, "True ");
  folder.write("x.npy", npy);
  CHECK(contains(complaint([&] { map_npy<float>(folder / "x.npy"); }), "is in Fortran order: expected C order"));
}

TEST_CASE("a file that changes while it is mapped is an error") {
  const TemporaryFolder folder;
  const auto path = folder.write("x.idx", idx_images());
  const MappedTensor<float> mapped = map_idx<float>(path);
  Tensor<float> rows{1, 2};
  std::filesystem::resize_file(path, 20);
  CHECK(complaint([&] { gather_rows(mapped, some, rows); }) ==
        "[map_idx] " + path.string() + ": has 20 bytes now: it had 376 when it was opened");
  folder.write("x.idx", idx_images());
  const auto time = std::filesystem::last_write_time(path);
  std::filesystem::last_write_time(path, time + std::chrono::seconds(1));
  CHECK(complaint([&] { gather_rows(mapped, some, rows); }) ==
        "[map_idx] " + path.string() + ": was modified after it was opened");
  CHECK(rows == Tensor<float>{1, 2});

  // A replaced file remains available through its existing mapping.
  const MappedTensor<float> replaced = map_idx<float>(path);
  gather_rows(replaced, some, rows);
  const Tensor<float> before = rows;
  folder.write("new", "something else");
  std::filesystem::rename(folder / "new", path);
  gather_rows(replaced, some, rows);
  CHECK(rows == before);
}
