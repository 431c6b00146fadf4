// Files that tests exchange with ONNX Runtime: elements of tensors, and JSON.
#pragma once

#include <filesystem>
#include <fstream>
#include <ios>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace wengert::testing {

/// Writes the elements of a tensor in row-major order.
template <class X>
void write_elements(const std::filesystem::path& path, const X& x) {
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(x.data()),
             static_cast<std::streamsize>(x.size() * sizeof(typename X::value_type)));
  if (!file.flush()) throw std::runtime_error("cannot write " + path.string());
}

inline nlohmann::json read_json(const std::filesystem::path& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot read " + path.string());
  return nlohmann::json::parse(file);
}

}  // namespace wengert::testing
