// Fuzz target for frames: the ways of reading must agree, and what an encoder learns must survive its JSON.
#include "fuzz.hpp"
#include <wengert/data/table_encoder.hpp>

namespace {

using namespace wengert;

void require(bool condition) {
  if (!condition) std::abort();
}

void read(const std::filesystem::path& path, const data::FrameOptions& options) {
  const data::Frame frame = data::read_frame(path, options);
  data::FrameReader reader(path, options);
  std::size_t first = 0;
  for (data::Frame chunk; reader.next(chunk, 3); first += chunk.size())
    for (std::size_t row = 0; row < chunk.size(); ++row)
      for (std::size_t column = 0; column < chunk.columns(); ++column) {
        require(chunk.cell(row, column) == frame.cell(first + row, column));
        require(chunk.position(row, column) == frame.position(first + row, column));
      }
  require(first == frame.size());

  data::Schema schema = data::Schema::infer(frame, {.most_categories = 20});
  static_cast<void>(schema.to_string());
  for (data::Column& column : schema.columns) {
    const bool category = column.kind == data::ColumnKind::category;
    column.missing = category ? data::Missing::category : data::Missing::median;
    if (category) column.unknown = data::Unknown::other;
  }
  const data::TableEncoder encoder = data::TableEncoder::fit(frame, schema);
  const data::TableEncoder loaded = data::TableEncoder::from_json(encoder.to_json());
  const auto samples = encoder.encode<double>(frame);
  require(samples.inputs == loaded.encode<double>(frame).inputs);
}

void map(const std::filesystem::path& path, const data::FrameOptions& options) {
  const data::Frame frame = data::read_frame(path, options);
  const data::MappedFrame mapped = data::map_frame(path, options);
  require(mapped.size() == frame.size());
  std::vector<std::size_t> rows;
  for (std::size_t row = frame.size(); row-- > 0;) rows.push_back(row);
  const data::Frame gathered = mapped.gather(rows);
  for (std::size_t i = 0; i < rows.size(); ++i)
    for (std::size_t column = 0; column < frame.columns(); ++column) {
      require(gathered.cell(i, column) == frame.cell(rows[i], column));
      require(gathered.position(i, column) == frame.position(rows[i], column));
    }
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const data::FrameOptions comma,
      semicolon{
          .header = data::CsvOptions::Header::no, .delimiter = ';', .decimal = ',', .comment = '#', .quote = '\''};
  return fuzz::read_all(
      {data, size}, [&](const auto& path) { read(path, comma); }, [&](const auto& path) { read(path, semicolon); },
      [&](const auto& path) { map(path, comma); }, [&](const auto& path) { map(path, semicolon); });
}
