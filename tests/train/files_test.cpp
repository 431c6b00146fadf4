// Checkpoints, histories, and the progress display of a training.
#include "data/files.hpp"

#include "report/text.hpp"
#include "temporary_folder.hpp"
#include "testing.hpp"
#include "train/checkpoint.hpp"
#include "train/progress.hpp"
#include <wengert/report/history.hpp>

#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <limits>
#include <sys/ioctl.h>
#include <thread>
#include <unistd.h>

#include <zlib.h>

using namespace wengert;
using namespace wengert::testing;
using report::EpochRecord;
using train::Checkpoint;
using train::Display;

namespace {

Checkpoint example() {
  Checkpoint checkpoint;
  checkpoint.set("text", std::string("a\0b<é", 7));
  checkpoint.set("weights", Tensor<float>{{1.5F, -0.0F}, {std::numeric_limits<float>::quiet_NaN(), 1e-45F}});
  checkpoint.set("double", random_tensor({3, 1, 2}, 1));
  checkpoint.set("nothing", Tensor<double>::from_shape({0, 4}));
  checkpoint.set_number("whole", std::uint64_t{1} << 63 | 1);
  checkpoint.set_number("third", 1.0 / 3);
  return checkpoint;
}

template <class A>
bool same_bits(const A& a, const A& b) {
  return a.shape() == b.shape() && std::memcmp(a.data(), b.data(), a.size() * sizeof(*a.data())) == 0;
}

}  // namespace

TEST_CASE("a checkpoint is read as it was written, bit for bit") {
  const TemporaryFolder folder;
  const auto path = folder / "checkpoint";
  const Checkpoint written = example();
  written.save(path);
  const Checkpoint read = Checkpoint::load(path);
  CHECK(read.get<std::string>("text") == std::string("a\0b<é", 7));
  CHECK(same_bits(read.get<Tensor<float>>("weights"), written.get<Tensor<float>>("weights")));
  CHECK(same_bits(read.get<Tensor<double>>("double"), written.get<Tensor<double>>("double")));
  CHECK(read.get<Tensor<double>>("nothing").shape()[1] == 4);
  CHECK(read.count("whole") == (std::uint64_t{1} << 63 | 1));
  CHECK(read.number("third") == 1.0 / 3);
  CHECK(read.entries().size() == 6);
  CHECK(folder.files() == 1);  // no other file is left
  CHECK(contains(message_of<FileError>([&] { return read.number("absent"); }), "checkpoint: contains no 'absent'"));
  CHECK(contains(message_of<FileError>([&] { return read.get<Tensor<double>>("weights"); }),
                 "'weights' has an unexpected type"));
}

TEST_CASE("a damaged checkpoint is one clear error") {
  const TemporaryFolder folder;
  const auto path = folder / "checkpoint";
  example().save(path);
  const std::string bytes = bytes_of(path);
  const auto message = [&](const std::string& changed) {
    folder.write("checkpoint", changed);
    return message_of<FileError>([&] { return Checkpoint::load(path); });
  };
  CHECK(message(bytes) == "no error");
  std::size_t unnoticed = 0;
  for (std::size_t length = 0; length < bytes.size(); ++length)
    unnoticed +=
        contains(message(bytes.substr(0, length)), length < 28 ? "is not a checkpoint" : "is truncated") ? 0 : 1;
  CHECK(unnoticed == 0);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    std::string changed = bytes;
    changed[i] = static_cast<char>(changed[i] ^ 0x10);
    const std::string text = message(changed);
    const std::string file = "[checkpoint] " + path.string();
    unnoticed += contains(text, file + ": is ") || contains(text, file + ": has version ") ? 0 : 1;
  }
  CHECK(unnoticed == 0);
  CHECK(contains(message(bytes + "x"), "is damaged: "));
  std::string newer = bytes;
  newer[8] = 4;
  CHECK(contains(message(newer), "has version 4: this program supports version 3"));
  std::string older = bytes;
  older[8] = 1;
  CHECK(contains(message(older), "has version 1: this program supports version 3"));
  CHECK(contains(message_of<FileError>([&] { return Checkpoint::load(folder / "absent"); }), "no such file"));
}

TEST_CASE("a shape whose strides overflow is refused, also of no elements") {
  const TemporaryFolder folder;
  Checkpoint checkpoint;
  checkpoint.set("weights", Tensor<double>::from_shape({0, 1, 2}));
  const auto path = folder / "checkpoint";
  checkpoint.save(path);
  std::string bytes = bytes_of(path);
  constexpr std::size_t checksum_bytes = 4, extents = 24 + 4 + 7 + 2 + 8;  // offset of the extents of the last two axes
  REQUIRE(bytes.size() == extents + 16 + checksum_bytes);
  const std::uint64_t huge = std::uint64_t{1} << 32;
  std::memcpy(bytes.data() + extents, &huge, sizeof huge);
  std::memcpy(bytes.data() + extents + sizeof huge, &huge, sizeof huge);
  const auto* start = reinterpret_cast<const Bytef*>(bytes.data());
  const auto checksum = static_cast<std::uint32_t>(crc32_z(0, start, bytes.size() - checksum_bytes));
  std::memcpy(bytes.data() + extents + 16, &checksum, sizeof checksum);
  folder.write("checkpoint", bytes);
  CHECK(contains(message_of<FileError>([&] { Checkpoint::load(path); }),
                 "is inconsistent: an entry is longer than the file"));
}

TEST_CASE("a checkpoint that cannot be written leaves the old one") {
  const TemporaryFolder folder;
  const auto path = folder / "checkpoint";
  example().save(path);
  const std::string before = bytes_of(path);
  std::filesystem::create_directory(folder / "checkpoint.partial");  // blocks the temporary file
  CHECK(contains(message_of<FileError>([&] { Checkpoint().save(path); }), "cannot be written"));
  CHECK(bytes_of(path) == before);
  CHECK(contains(message_of<FileError>([&] { Checkpoint().save(folder / "no/folder"); }), "cannot be written"));
}

TEST_CASE("a history is a table") {
  report::History history{{"accuracy"}, {"0.weight", "0.bias"}, {}};
  EpochRecord first;
  first.epoch = 1;
  first.steps = 10;
  first.seconds = 0.5;
  first.rate = 0.1;
  first.loss = 2;
  first.metrics = {0.25};
  first.gradient_norms = {3, 4};
  history.epochs = {first};
  CHECK(history.to_csv() ==
        "epoch,steps,seconds,rate,loss,accuracy,validation_loss,validation_accuracy,gradient_norm,"
        "gradient_norm.0.weight,gradient_norm.0.bias\n1,10,0.5,0.1,2,0.25,,,5,3,4\n");
  CHECK(history.column("gradient_norm") == std::vector<double>{5});
  CHECK(std::isnan(history.column("validation_loss")[0]));
  CHECK(contains(message_of<ValueError>([&] { return history.column("kost"); }),
                 "no column 'kost': expected one of epoch, "));
}

TEST_CASE("the losses of many steps are thinned to means") {
  report::LossTrace trace;
  for (int i = 0; i < 5000; ++i) trace.add(i);
  REQUIRE(trace.steps_each() == 8);
  REQUIRE(trace.losses().size() == 625);
  for (std::size_t i = 0; i < trace.losses().size(); ++i) CHECK(trace.losses()[i] == static_cast<double>(8 * i) + 3.5);
}

TEST_CASE("times are written as people do") {
  CHECK(report::duration_text(0.04) == "40 ms");
  CHECK(report::duration_text(0.1) == "0.1 s");
  CHECK(report::duration_text(9.94) == "9.9 s");
  CHECK(report::duration_text(42.4) == "42 s");
  CHECK(report::duration_text(59.6) == "1:00");
  CHECK(report::duration_text(187) == "3:07");
  CHECK(report::duration_text(3765) == "1:02:45");
}

TEST_CASE("piped, a training shows plain lines, and quiet nothing") {
  const TemporaryFolder folder;
  for (const Display display : {Display::automatic, Display::quiet}) {
    std::FILE* out = std::fopen((folder / "out").c_str(), "w");
    {
      train::Progress progress(display, 2, 100, 0, out);
      for (std::size_t done = 10; done <= 100; done += 10) progress.step(1, done, 0.5);
      progress.end_epoch(1, "loss 0.5");
      progress.finish("all epochs completed");
    }
    std::fclose(out);
    CHECK(bytes_of(folder / "out") == (display == Display::quiet ? "" : "epoch 1/2  loss 0.5\nall epochs completed\n"));
  }
}

TEST_CASE("on a terminal the bar stays in its line") {
  const int terminal = posix_openpt(O_RDWR | O_NOCTTY);
  REQUIRE(terminal >= 0);
  REQUIRE(grantpt(terminal) == 0);
  REQUIRE(unlockpt(terminal) == 0);
  std::FILE* out = std::fopen(ptsname(terminal), "w");
  REQUIRE(out != nullptr);
  constexpr unsigned short columns = 60;
  const winsize size{24, columns, 0, 0};
  REQUIRE(ioctl(terminal, TIOCSWINSZ, &size) == 0);
  {
    train::Progress progress(Display::automatic, 3, 100, 0, out);
    for (std::size_t epoch = 1; epoch <= 3; ++epoch) {
      std::this_thread::sleep_for(std::chrono::milliseconds(110));
      progress.step(epoch, 50, 1.25);
      progress.step(epoch, 60, 1.25);  // too soon after the last one to be drawn
      progress.end_epoch(epoch, "figures that are longer than what is left of the line");
    }
    progress.finish("done");
  }
  std::fclose(out);
  std::string shown;
  char piece[256];
  for (ssize_t got = 1; (got = read(terminal, piece, sizeof piece)) > 0;)
    shown.append(piece, static_cast<std::size_t>(got));
  close(terminal);
  CAPTURE(shown);
  CHECK(contains(shown, "epoch 2/3 [##########..........]  50%  loss 1.25"));
  CHECK(std::count(shown.begin(), shown.end(), '\n') == 1);  // the last
  CHECK(shown.ends_with("done\r\n"));
  std::size_t drawn = 0;
  for (std::size_t at = shown.find("\r\033[K"); at != std::string::npos; ++drawn) {
    const std::size_t next = shown.find("\r", at + 1);
    CHECK(next - at - 4 < columns);
    at = shown.find("\r\033[K", at + 1);
  }
  CHECK(drawn == 4);
}
