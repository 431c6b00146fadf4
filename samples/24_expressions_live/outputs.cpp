// What the program writes: annotated videos and lines of JSON, complete or not at all.
#include "outputs.hpp"

#include "capture.hpp"
#include <wengert/base/error.hpp>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <fcntl.h>
#include <iterator>
#include <opencv2/imgproc.hpp>
#include <system_error>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

namespace expressions {

namespace {

// The file that is replaced: that to which a symbolic link leads. Throws FileError for a device: a file would take its
// place.
std::filesystem::path target_of(const std::filesystem::path& path) {
  for (const char* const folder : {"/dev/", "/proc/"})
    if (std::filesystem::absolute(path).lexically_normal().string().starts_with(folder))
      throw wengert::FileError("output", path.string() + ": is no ordinary file; for standard output, say --json -");
  return std::filesystem::is_symlink(path) ? std::filesystem::weakly_canonical(path) : path;
}

// Creates an empty file to write `path` under: beside it, with a name that is free, of which `name(n)` is the n-th
// choice.
template <class Name>
std::filesystem::path reserve(const std::filesystem::path& path, const Name& name) {
  const auto refuse = [&](const std::string& what) { throw wengert::FileError("output", path.string() + ": " + what); };
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
  if (!std::filesystem::is_directory(folder)) refuse("there is no folder " + folder.string());
  if (std::filesystem::exists(path) && !std::filesystem::is_regular_file(path)) refuse("is not a regular file");
  for (int n = 1;; ++n) {
    const std::filesystem::path partial = name(n == 1 ? ".partial" : fmt::format(".partial{}", n));
    if (const int file = ::open(partial.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666); file >= 0) {
      ::close(file);
      return partial;
    }
    if (errno != EEXIST) refuse(std::string("cannot be written: ") + std::strerror(errno));
  }
}

// Whether two names mean the same file, which need not exist.
bool same_file(const std::filesystem::path& a, const std::filesystem::path& b) {
  std::error_code ignored;
  return std::filesystem::equivalent(a, b, ignored) ||
         std::filesystem::weakly_canonical(a, ignored) == std::filesystem::weakly_canonical(b, ignored);
}

// For FFmpeg, which takes what stands before a colon for a protocol unless the name is absolute.
std::string address_of(const std::filesystem::path& file) { return std::filesystem::absolute(file).string(); }

void rename_or_refuse(const std::filesystem::path& partial, const std::filesystem::path& path) {
  std::error_code error;
  std::filesystem::rename(partial, path, error);
  if (error) throw wengert::FileError("output", path.string() + ": cannot be written: " + error.message());
}

// The picture in the middle of another size, as large as it fits.
cv::Mat fitted(const cv::Mat& picture, cv::Size size) {
  if (picture.size() == size) return picture;
  const double scale =
      std::min(static_cast<double>(size.width) / picture.cols, static_cast<double>(size.height) / picture.rows);
  const cv::Size inner(std::clamp(static_cast<int>(std::lround(picture.cols * scale)), 1, size.width),
                       std::clamp(static_cast<int>(std::lround(picture.rows * scale)), 1, size.height));
  cv::Mat whole = cv::Mat::zeros(size, picture.type());
  cv::Mat middle = whole({(size.width - inner.width) / 2, (size.height - inner.height) / 2, inner.width, inner.height});
  cv::resize(picture, middle, inner, 0, 0, cv::INTER_AREA);
  return whole;
}

}  // namespace

VideoFile::VideoFile(std::filesystem::path path, double rate) : path_(target_of(path)), rate_(rate) {
  const std::string ending = path_.extension().string();
  if (ending != ".mp4" && ending != ".avi" && ending != ".mkv" && ending != ".mov")
    throw wengert::FileError("output", path_.string() + ": expected a name that ends in .mp4, .avi, .mkv or .mov");
  if (!(rate_ > 0)) throw wengert::ValueError("VideoFile", fmt::format("{} pictures a second", rate_));
  partial_ = reserve(
      path_, [&](const std::string& part) { return std::filesystem::path(path_).replace_extension(part + ending); });
}

VideoFile::~VideoFile() {
  writer_.release();
  discard();
}

void VideoFile::discard() {
  std::error_code ignored;
  if (!partial_.empty()) std::filesystem::remove(std::exchange(partial_, {}), ignored);
}

void VideoFile::open(cv::Size size) {
  size_ = size;
  // H.264 plays everywhere; a build of FFmpeg may lack its encoder.
  const bool avi = path_.extension() == ".avi";
  for (const int codec :
       {avi ? cv::VideoWriter::fourcc('M', 'J', 'P', 'G') : cv::VideoWriter::fourcc('a', 'v', 'c', '1'),
        cv::VideoWriter::fourcc('m', 'p', '4', 'v')}) {
    try {
      if (writer_.open(address_of(partial_), cv::CAP_FFMPEG, codec, rate_, size)) return;
    } catch (const cv::Exception&) {
    }
  }
  discard();
  throw wengert::FileError(
      "output", fmt::format("{}: OpenCV cannot write a video of {}×{} there", path_.string(), size.width, size.height));
}

void VideoFile::write(const cv::Mat& picture, double time) {
  if (!writer_.isOpened()) {
    open(picture.size());
    begin_ = time;
  } else if (time - last_ > 1) {
    begin_ += time - last_ - 1 / rate_;
  }
  last_ = time;
  const cv::Mat shown = fitted(picture, size_);
  const auto until = static_cast<std::size_t>(std::max(0L, std::lround((time - begin_) * rate_))) + 1;
  for (; written_ < until; ++written_) writer_.write(shown);
}

void VideoFile::finish() {
  if (!writer_.isOpened()) return discard();
  writer_.release();
  // The writer reports no failures.
  bool complete = false;
  try {
    cv::VideoCapture written(address_of(partial_), cv::CAP_FFMPEG);
    cv::Mat first;
    complete = written.isOpened() && written.read(first) &&
               written.get(cv::CAP_PROP_FRAME_COUNT) + 0.5 >= static_cast<double>(written_);
  } catch (const cv::Exception&) {
  }
  if (!complete) {
    discard();
    throw wengert::FileError("output", path_.string() + ": could not be written completely (is the disk full?)");
  }
  rename_or_refuse(partial_, path_);
  partial_.clear();
}

JsonLines::JsonLines(std::filesystem::path path) : path_(path == "-" ? path : target_of(path)) {
  if (path_ == "-") {
    file_ = stdout;
    return;
  }
  partial_ = reserve(path_, [&](const std::string& part) { return std::filesystem::path(path_.string() + part); });
  file_ = std::fopen(partial_.c_str(), "w");
  if (file_ != nullptr) return;
  std::error_code ignored;
  std::filesystem::remove(partial_, ignored);
  refuse();
}

JsonLines::~JsonLines() {
  if (file_ == nullptr || file_ == stdout) return;
  std::fclose(file_);
  std::error_code ignored;
  std::filesystem::remove(partial_, ignored);
}

void JsonLines::refuse() const {
  throw wengert::FileError("output", (path_ == "-" ? "standard output" : path_.string()) + ": cannot be written");
}

void JsonLines::write(std::size_t number, double time, cv::Size size, std::span<const TrackedFace> faces) {
  std::string line = fmt::format(R"({{"picture":{},"time":{:.3f},"width":{},"height":{},"faces":[)", number, time,
                                 size.width, size.height);
  const auto to = std::back_inserter(line);
  for (const TrackedFace& face : faces) {
    const Box& b = face.box;
    fmt::format_to(to, R"({}{{"id":{},"box":[{},{},{},{}])", &face == faces.data() ? "" : ",", face.id, b.x, b.y,
                   b.width, b.height);
    if (face.probabilities) {
      fmt::format_to(to, R"(,"label":"{}","probabilities":{{)", class_names[best_class(*face.probabilities)]);
      for (std::size_t k = 0; k < class_count; ++k)
        fmt::format_to(to, R"({}"{}":{:.4f})", k == 0 ? "" : ",", class_names[k], (*face.probabilities)[k]);
      line += '}';
    }
    line += '}';
  }
  line += "]}\n";
  const bool written = std::fwrite(line.data(), 1, line.size(), file_) == line.size();
  // Who reads standard output waits for each line.
  if (!written || (file_ == stdout && std::fflush(file_) != 0)) refuse();
}

void JsonLines::finish() {
  if (file_ == nullptr) return;
  if (file_ == stdout) {
    if (std::fflush(std::exchange(file_, nullptr)) != 0) refuse();
    return;
  }
  std::FILE* const file = std::exchange(file_, nullptr);
  const bool failed = std::ferror(file) != 0;
  if (std::fclose(file) != 0 || failed) {
    std::error_code ignored;
    std::filesystem::remove(partial_, ignored);
    refuse();
  }
  rename_or_refuse(partial_, path_);
}

void refuse_same_files(const std::string& source, const std::filesystem::path& out, const std::filesystem::path& json) {
  const auto refuse = [](const std::string& first, const std::string& second, const std::filesystem::path& path) {
    throw wengert::FileError("output",
                             fmt::format("{}: {} and {} must be different files", path.string(), first, second));
  };
  const bool video = !out.empty(), lines = !json.empty() && json != "-";
  if (video && lines && same_file(out, json)) refuse("--out", "--json", out);
  const SourceKind kind = kind_of(source);
  std::string read = kind == SourceKind::file || kind == SourceKind::pipe ? source : "";
  if (source.starts_with("file://")) read = source.substr(7);
  if (read.empty() || source == "-") return;
  if (video && same_file(read, out)) refuse("the source", "--out", out);
  if (lines && same_file(read, json)) refuse("the source", "--json", json);
}

}  // namespace expressions
