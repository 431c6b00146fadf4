// Writes the initial corpora of the fuzz targets: seeds FOLDER makes a subfolder for each target.
#include "../onnx/model_writer.hpp"
#include "train/checkpoint.hpp"
#include <wengert/data/table_encoder.hpp>
#include <wengert/io/npy.hpp>
#include <wengert/io/npz.hpp>
#include <wengert/io/safetensors.hpp>

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <jpeglib.h>
#include <png.h>
#include <string>
#include <string_view>
#include <vector>

#include <zlib.h>

namespace {

namespace fs = std::filesystem;
using namespace wengert;

void put(const fs::path& path, std::string_view bytes) { std::ofstream(path, std::ios::binary) << bytes; }

std::vector<std::uint8_t> pixels(std::size_t count) {
  std::vector<std::uint8_t> bytes(count);
  for (std::size_t i = 0; i < count; ++i) bytes[i] = static_cast<std::uint8_t>(37 * i + i / 3);
  return bytes;
}

void idx(const fs::path& folder) {
  using namespace std::string_literals;
  const std::string plain = "\0\0\x08\x03\0\0\0\x02\0\0\0\x02\0\0\0\x03"s + "abcdefghijkl";
  put(folder / "images", plain);
  put(folder / "labels", "\0\0\x08\x01\0\0\0\x05"s + "\x00\x01\x02\x03\x04"s);
  gzFile file = gzopen((folder / "images.gz").c_str(), "wb");
  gzwrite(file, plain.data(), static_cast<unsigned>(plain.size()));
  gzclose(file);
}

void csv(const fs::path& folder) {
  put(folder / "plain", "1,2.5,0\n-3e2,+4,1\n");
  put(folder / "header", "\xEF\xBB\xBF\"a b\", \"c\",label\r\n1,2,0\r\n\r\n.5,1e-3,2\r\n");
  put(folder / "semicolon", "x;y\n1;2\n3;4\n");
  put(folder / "quoted", "\"a\nb\",c\n\"1\",\"0\"\n\"2\"\"\",1\n");
}

void frames(const fs::path& frame, const fs::path& table_encoder) {
  put(frame / "commas", "mass,island,\"re\nmark\"\r\n1.5,a,\"x, \"\"y\"\"\"\r\n,b,NA\r\n-2e3,a,\"1\r\n2\"\r\n");
  put(frame / "semicolons", "# c\n1,5;'it''s';3\n#\n\n-,5;'a\nb';?\n");
  const data::Frame rows = data::read_frame(frame / "commas");
  data::Schema schema = data::Schema::infer(rows, {.label = "island", .ignored = {"re\nmark"}});
  schema["mass"].missing = data::Missing::mean;
  schema["mass"].indicator = true;
  data::TableEncoder::fit(rows, schema).save(table_encoder / "label");
  data::Schema categories{{{.name = "island", .kind = data::ColumnKind::category}}};
  categories["island"].encoding = data::Encoding::index;
  categories["island"].unknown = data::Unknown::other;
  data::TableEncoder::fit(rows, categories).save(table_encoder / "category");
}

void arrays(const fs::path& npy, const fs::path& npz, const fs::path& safetensors) {
  const Tensor<float> matrix{{1, 2, 3}, {4, 5, 6}};
  const Tensor<double> vector{0.5, -1, 1e300}, scalar(2.0);
  io::save_npy(npy / "matrix", matrix);
  io::save_npy(npy / "vector", vector);
  io::save_npy(npy / "scalar", scalar);
  io::save_npz<float>(npz / "stored", {{"a", matrix}, {"b", Tensor<float>{7}}}, io::Compression::stored);
  io::save_npz<double>(npz / "deflated", {{"a", vector}}, io::Compression::deflated);
  io::save_safetensors<float>(safetensors / "float", {{"layer.weight", matrix}, {"layer.bias", Tensor<float>{7}}});
  io::save_safetensors<double>(safetensors / "double", {{"x", vector}});
}

void png(const fs::path& folder) {
  struct Kind {
    const char* name;
    png_uint_32 format;
    std::size_t channels;
  };
  for (const auto& [name, format, channels] :
       {Kind{"grey", PNG_FORMAT_GRAY, 1}, Kind{"rgb", PNG_FORMAT_RGB, 3}, Kind{"rgba", PNG_FORMAT_RGBA, 4}}) {
    png_image image{};
    image.version = PNG_IMAGE_VERSION;
    image.width = 5;
    image.height = 4;
    image.format = format;
    png_image_write_to_file(&image, (folder / name).c_str(), 0, pixels(20 * channels).data(), 0, nullptr);
  }
}

void jpeg(const fs::path& folder) {
  for (const int channels : {1, 3}) {
    jpeg_compress_struct state{};
    jpeg_error_mgr errors{};
    state.err = jpeg_std_error(&errors);
    jpeg_create_compress(&state);
    std::FILE* file = std::fopen((folder / std::to_string(channels)).c_str(), "wb");
    jpeg_stdio_dest(&state, file);
    state.image_width = 9;
    state.image_height = 10;
    state.input_components = channels;
    state.in_color_space = channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_set_defaults(&state);
    if (channels == 3) jpeg_simple_progression(&state);
    jpeg_start_compress(&state, TRUE);
    std::vector<std::uint8_t> row = pixels(std::size_t{9} * static_cast<std::size_t>(channels));
    for (JSAMPROW start = row.data(); state.next_scanline < state.image_height;)
      jpeg_write_scanlines(&state, &start, 1);
    jpeg_finish_compress(&state);
    std::fclose(file);
    jpeg_destroy_compress(&state);
  }
}

void checkpoint(const fs::path& folder) {
  train::Checkpoint all;
  all.set("text", std::string("what it says"));
  all.set_number("epoch", std::uint64_t{7});
  all.set("weights", Tensor<float>{{1, 2}, {3, 4}});
  all.set("rates", Tensor<double>{0.1, 0.2});
  all.save(folder / "all");
}

void onnx(const fs::path& folder) {
  using namespace wengert::testing::onnx_file;
  const Message weights = raw_tensor<float>("w", float_type, {2}, {1, 2});
  const Message branch = graph({}, {"b"}, {node("Add", {"x", "w"}, {"b"}, {number("alpha", 2)})});
  const Message choice = node("If", {"x"}, {"y"}, {body("then_branch", branch), body("else_branch", branch)});
  put(folder / "bodies", model(graph({"x"}, {"y"}, {choice}, {weights})).bytes());
  const Message call = node("F", {"x"}, {"y"}, {integer("to", 1)}, "test");
  const Message inner = function("G", {"a"}, {"b"}, {node("Cast", {"a"}, {"b"}, {reference("to", "to", 2)})});
  const Message outer = function("F", {"a"}, {"b"},
                                 {node("G", {"a"}, {"t"}, {reference("to", "to", 2)}, "test"),
                                  node("G", {"t"}, {"b"}, {integer("to", 1)}, "test")});
  put(folder / "functions", model(graph({"x"}, {"y"}, {call}), {inner, outer}).bytes());
  const Message sparse =
      Message().message(1, weights).message(2, raw_tensor<std::int64_t>("", int64_type, {2}, {0, 3})).number(3, 4);
  put(folder / "sparse", model(graph({}, {"w"}, {}).message(15, sparse)).bytes());
  put(folder / "tensors",
      model(
          graph({}, {"a"}, {},
                {tensor("a", half_type, {1}).number(5, 0x3C00), tensor("b", uint64_type, {1}).number(11, 1),
                 tensor("c", float_type, {}).real(4, 1),
                 external_tensor("d", uint8_type, {4}, {{"location", "fuzz.hpp"}, {"offset", "2"}, {"length", "4"}})}))
          .bytes());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return std::fputs("usage: seeds FOLDER\n", stderr), 2;
  const fs::path folder = argv[1];
  for (const char* target :
       {"idx", "csv", "frame", "table_encoder", "npy", "npz", "safetensors", "png", "jpeg", "checkpoint", "onnx"})
    fs::create_directories(folder / target);
  idx(folder / "idx");
  csv(folder / "csv");
  frames(folder / "frame", folder / "table_encoder");
  arrays(folder / "npy", folder / "npz", folder / "safetensors");
  png(folder / "png");
  jpeg(folder / "jpeg");
  checkpoint(folder / "checkpoint");
  onnx(folder / "onnx");
}
