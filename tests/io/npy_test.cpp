// .npy files: round trips, rejection of invalid arrays, and safe replacement of existing files.
#include "io/npy.hpp"

#include "data/files.hpp"
#include "temporary_folder.hpp"
#include "testing.hpp"
#include <wengert/io/npy.hpp>

#include <limits>

using namespace wengert;
using namespace wengert::io;
using namespace wengert::testing;

TEST_CASE_TEMPLATE("an array comes back as it was", T, float, double) {
  const TemporaryFolder folder;
  const auto path = folder / "x.npy";
  for (const Shape& shape : {Shape{}, Shape{7}, Shape{3, 5}, Shape{2, 1, 3, 4}, Shape{0, 3}}) {
    const Tensor<T> x = random_tensor<T>(shape, 1);
    save_npy(path, x);
    const Tensor<T> loaded = load_npy<T>(path);
    CHECK(Shape(loaded.shape()) == shape);
    CHECK(loaded == x);
    CHECK(folder.files() == 1);
  }
}

TEST_CASE("integers keep all their digits") {
  const TemporaryFolder folder;
  const auto path = folder / "labels.npy";
  const Indices labels{3, -1, std::numeric_limits<std::int64_t>::max(), std::numeric_limits<std::int64_t>::min()};
  save_npy(path, labels);
  CHECK(load_npy<std::int64_t>(path) == labels);
  CHECK(contains(npy_preamble<std::int64_t>({4}), "{'descr': '<i8', 'fortran_order': False, 'shape': (4,), }"));
  save_npy(path, Tensor<double>{1, 2});
  CHECK(file_complaint([&] { load_npy<std::int64_t>(path); }) ==
        "[load_npy] " + path.string() +
            ": elements of type '<f8': expected bool or integers that fit in int64, little-endian");
}

TEST_CASE("a file that is no sound array is refused") {
  const TemporaryFolder folder;
  const auto complaint = [](const std::filesystem::path& path) {
    return file_complaint([&] { load_npy<float>(path); });
  };
  save_npy(folder / "good.npy", Tensor<float>{1, 2, 3});
  const std::string good = bytes_of(folder / "good.npy");
  CHECK(complaint(folder / "none") == "[load_npy] " + (folder / "none").string() + ": no such file");
  CHECK(complaint(folder / ".") == "[load_npy] " + (folder / ".").string() + ": is a directory: expected a file");
  CHECK(contains(complaint(folder.write("short", good.substr(0, good.size() - 1))),
                 "short: is truncated: it holds 11 of the 12 bytes that its header claims, shape (3,) of type '<f4'"));
  CHECK(contains(complaint(folder.write("long", good + "x")), "long: has extra data after the 12 bytes that"));
  std::string huge = good;
  huge.replace(huge.find("(3,)"), 23, "(4611686018427387904,)}");
  CHECK(contains(complaint(folder.write("huge", huge)),
                 "huge: its header claims shape (4611686018427387904,): more than memory can hold"));
}

TEST_CASE("a failure to write is told, and leaves nothing beside") {
  const TemporaryFolder folder;
  const Tensor<float> x{1, 2};
  const auto complaint = [&](const std::filesystem::path& path) { return file_complaint([&] { save_npy(path, x); }); };
  const auto none = folder / "none" / "x.npy";
  CHECK(complaint(none) == "[save_npy] " + none.string() + ": cannot be written: No such file or directory");
  CHECK(complaint(folder / ".") == "[save_npy] " + (folder / ".").string() + ": is a directory: expected a file");
  CHECK(complaint("/dev/null") == "[save_npy] /dev/null: is not a regular file");
  CHECK(folder.files() == 0);
}

TEST_CASE("a link stays a link, a file's permissions stay") {
  const TemporaryFolder folder;
  const auto path = folder.write("x.npy", "old"), link = folder / "link.npy";
  constexpr auto permissions = std::filesystem::perms::owner_read | std::filesystem::perms::owner_write;
  std::filesystem::permissions(path, permissions);
  std::filesystem::create_symlink(path, link);
  save_npy(link, Tensor<float>{1, 2});
  CHECK(std::filesystem::is_symlink(link));
  CHECK(load_npy<float>(path) == Tensor<float>{1, 2});
  CHECK(std::filesystem::status(path).permissions() == permissions);
}
