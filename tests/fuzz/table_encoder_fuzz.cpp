// Fuzz target for saved table encoders: one that is read can be written, read again and used.
#include "fuzz.hpp"
#include <wengert/data/table_encoder.hpp>

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace wengert;
  return fuzz::read_all({data, size}, [](const auto& path) {
    const data::TableEncoder encoder = data::TableEncoder::load(path);
    const std::string json = encoder.to_json();
    const data::TableEncoder again = data::TableEncoder::from_json(json);
    if (again.to_json() != json || again.to_string() != encoder.to_string()) std::abort();
    std::vector<std::string> names;
    for (const data::Column& column : encoder.schema().columns) names.push_back(column.name);
    data::Frame frame(names);
    for (const char* cell : {"1", "", "a"}) {
      frame.add_row(std::vector<std::string>(names.size(), cell));
      try {
        encoder.encode<float>(frame);
      } catch (const Error&) {
      }
    }
  });
}
