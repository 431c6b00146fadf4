// Loads the data sets fetched by samples/fetch_data.sh.
#pragma once

#include <wengert/base/error.hpp>
#include <wengert/data/csv.hpp>
#include <wengert/data/dataset.hpp>
#include <wengert/data/idx.hpp>

#include <cstdint>
#include <filesystem>
#include <string>

namespace sample {

namespace wg = wengert;
namespace data = wengert::data;

/// Returns the folder of a fetched data set. Throws FileError with instructions for fetching it if it does not exist.
inline std::filesystem::path fetched(const std::string& name, const std::filesystem::path& root = "build/data") {
  const std::filesystem::path folder = root / name;
  if (!std::filesystem::is_directory(folder))
    throw wg::FileError("data", folder.string() + " does not exist: run bash samples/fetch_data.sh " + name);
  return folder;
}

/// Loads `mnist`, `fashion` or `digits`; the seed determines the split of `digits`.
inline data::Split<float> load_named(const std::string& name, const std::filesystem::path& root, std::uint64_t seed) {
  const std::filesystem::path folder = fetched(name, root);
  if (name == "digits") {
    data::CsvOptions options;
    options.scale = 1.0 / 16;
    return data::split(data::read_csv<float>(folder / "digits.csv.gz", options), 0.2, seed);
  }
  const std::string ending = name == "fashion" ? ".gz" : "";
  const auto part = [&](const std::string& prefix) {
    return data::read_idx<float>(folder / (prefix + "-images-idx3-ubyte" + ending),
                                 folder / (prefix + "-labels-idx1-ubyte" + ending));
  };
  return {part("train"), part("t10k")};
}

}  // namespace sample
