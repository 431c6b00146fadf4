// Reads video files, pipes and streams by the libraries of FFmpeg.
#include "capture.hpp"
#include <wengert/base/error.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <optional>
#include <utility>

#include <fmt/format.h>

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/display.h>
#include <libavutil/log.h>
#include <libswscale/swscale.h>
}

namespace expressions {

namespace {

// Calls a function of FFmpeg that destroys an object through a pointer to its pointer.
template <auto destroy>
struct Destroy {
  template <class T>
  void operator()(T* object) const {
    destroy(&object);
  }
};
struct DestroyScaler {
  void operator()(SwsContext* scaler) const { sws_freeContext(scaler); }
};

std::string reason(int error) {
  std::array<char, AV_ERROR_MAX_STRING_SIZE> text{};
  av_strerror(error, text.data(), text.size());
  return text.data();
}

class Video final : public Capture {
 public:
  Video(const std::string& name, Stopped stopped, std::chrono::milliseconds patience)
      : name_(name), stopped_(std::move(stopped)), kind_(kind_of(name)), patience_(patience) {
    av_log_set_level(AV_LOG_FATAL);  // damage is reported once, by `complaint`
    if (kind_ == SourceKind::file) {
      if (!std::filesystem::exists(name)) refuse("there is no such file");
      if (std::filesystem::is_regular_file(name) && std::filesystem::file_size(name) == 0) refuse("the file is empty");
    }
    // Without a protocol, FFmpeg takes what stands before a colon in a file's name for one.
    const std::string address = name == "-" ? "pipe:0" : kind_ == SourceKind::stream ? name : "file:" + name;
    avformat_network_init();
    AVFormatContext* format = avformat_alloc_context();
    if (format == nullptr) refuse("out of memory");
    format->interrupt_callback = {[](void* self) { return static_cast<const Video*>(self)->interrupted() ? 1 : 0; },
                                  this};
    begin_ = std::chrono::steady_clock::now();
    // Frees the context if it fails.
    if (const int error = avformat_open_input(&format, address.c_str(), nullptr, nullptr); error < 0)
      refuse_video(error);
    format_.reset(format);
    begin_ = std::chrono::steady_clock::now();
    if (const int error = avformat_find_stream_info(format, nullptr); error < 0) refuse_video(error);
    const AVCodec* codec = nullptr;
    stream_ = av_find_best_stream(format, AVMEDIA_TYPE_VIDEO, -1, -1, &codec, 0);
    if (stream_ < 0 || codec == nullptr) refuse("it has no video that can be decoded");
    for (unsigned i = 0; i < format->nb_streams; ++i)
      if (static_cast<int>(i) != stream_) format->streams[i]->discard = AVDISCARD_ALL;
    decoder_.reset(avcodec_alloc_context3(codec));
    packet_.reset(av_packet_alloc());
    frame_.reset(av_frame_alloc());
    if (!decoder_ || !packet_ || !frame_) refuse("out of memory");
    decoder_->thread_count = 1;  // decoding by several threads delays each picture
    if (avcodec_parameters_to_context(decoder_.get(), stream().codecpar) < 0 ||
        avcodec_open2(decoder_.get(), codec, nullptr) < 0)
      refuse("its video cannot be decoded");
  }

  bool read(cv::Mat& picture, double& time) override {
    if (!decode()) {
      if (impatient_) refuse(fmt::format("the stream no longer answers, after {} pictures", pictures_));
      return false;
    }
    convert(picture);
    time = next_time();
    ++pictures_;
    return true;
  }

  double rate() const override {
    const AVRational rate = av_guess_frame_rate(format_.get(), format_->streams[stream_], nullptr);
    const double value = rate.den > 0 ? av_q2d(rate) : 0;
    return value >= 0.01 && value <= 1000 ? value : 0;
  }

  bool recorded() const override { return kind_ == SourceKind::stream && format_->duration > 0; }  // if it is known

  std::string complaint() const override {
    const std::int64_t promised = stream().nb_frames;
    if (!failure_.empty()) return fmt::format("{}: {}, after {} pictures", name_, failure_, pictures_);
    if (ended_ && promised > static_cast<std::int64_t>(pictures_))
      return fmt::format("{}: {} of {} pictures could be read: damaged or cut off", name_, pictures_, promised);
    return damaged_ > 0 ? fmt::format("{}: {} of its parts are damaged", name_, damaged_) : "";
  }

 private:
  [[noreturn]] void refuse(const std::string& what) const { throw wengert::FileError("video", name_ + ": " + what); }
  [[noreturn]] void refuse_video(int error) const {
    if (impatient_) refuse(fmt::format("no answer within {} s", std::chrono::duration<double>(patience_).count()));
    if (error == AVERROR_INVALIDDATA || error == AVERROR_EOF) refuse("this is no video, or a damaged one");
    refuse(reason(error));
  }

  AVStream& stream() const { return *format_->streams[stream_]; }
  // Whether to give up a call: the program ends, or a stream does not answer. A pipe may pause as long as it likes.
  bool interrupted() const {
    if (stopped_ && stopped_()) return true;
    if (kind_ == SourceKind::stream && std::chrono::steady_clock::now() - begin_ > patience_) impatient_ = true;
    return impatient_;
  }

  // Decodes the next picture into frame_. Damaged parts are left out.
  bool decode() {
    while (!ended_) {
      const int error = avcodec_receive_frame(decoder_.get(), frame_.get());
      if (error == 0) {
        if (frame_->width < 1 || frame_->height < 1 || frame_->data[0] == nullptr) continue;
        if ((frame_->flags & AV_FRAME_FLAG_CORRUPT) != 0 || frame_->decode_error_flags != 0) ++damaged_;
        return true;
      }
      if (error == AVERROR_EOF) {
        ended_ = true;
      } else if (error != AVERROR(EAGAIN)) {
        ++damaged_;
      }
      if (!ended_) send_packet();
    }
    return false;
  }

  void send_packet() {
    begin_ = std::chrono::steady_clock::now();
    const int error = av_read_frame(format_.get(), packet_.get());
    if (error < 0) {
      if (error != AVERROR_EOF && error != AVERROR_EXIT) failure_ = reason(error);
      if (avcodec_send_packet(decoder_.get(), nullptr) < 0) ended_ = true;  // the decoder returns what it holds
      return;
    }
    if (packet_->stream_index == stream_ && avcodec_send_packet(decoder_.get(), packet_.get()) < 0) ++damaged_;
    av_packet_unref(packet_.get());
  }

  // Converts frame_ to BGR in its own size, upright.
  void convert(cv::Mat& picture) {
    const AVFrame& f = *frame_;
    SwsContext* scaler =
        sws_getCachedContext(scaler_.release(), f.width, f.height, static_cast<AVPixelFormat>(f.format), f.width,
                             f.height, AV_PIX_FMT_BGR24, SWS_BILINEAR, nullptr, nullptr, nullptr);
    scaler_.reset(scaler);
    if (scaler == nullptr) refuse("its pictures are in a format that cannot be converted");
    // The scaler writes whole blocks of pixels, also beyond the end of a row.
    cv::Mat rows(f.height, (f.width + 63) / 32 * 32, CV_8UC3);
    cv::Mat upright = rows(cv::Rect(0, 0, f.width, f.height));
    std::uint8_t* const to[] = {upright.data};
    const int step[] = {static_cast<int>(upright.step)};
    sws_scale(scaler, f.data, f.linesize, 0, f.height, to, step);
    switch (turned()) {
      case 90:
        cv::rotate(upright, picture, cv::ROTATE_90_COUNTERCLOCKWISE);
        break;
      case 180:
        cv::rotate(upright, picture, cv::ROTATE_180);
        break;
      case 270:
        cv::rotate(upright, picture, cv::ROTATE_90_CLOCKWISE);
        break;
      default:
        picture = upright;
    }
  }

  // By how many degrees, counterclockwise, the pictures of a telephone held upright must be turned.
  int turned() const {
    const std::uint8_t* matrix = av_stream_get_side_data(&stream(), AV_PKT_DATA_DISPLAYMATRIX, nullptr);
    if (matrix == nullptr) return 0;
    const double angle = av_display_rotation_get(reinterpret_cast<const std::int32_t*>(matrix));
    return std::isnan(angle) ? 0 : (static_cast<int>(std::lround(angle / 90)) * 90 % 360 + 360) % 360;
  }

  // The time of frame_. Where files are joined, times jump; they grow by one picture there. A gap is a jump if it is
  // negative, or long: a few seconds in formats whose times may jump, an hour in others.
  double next_time() {
    const double step = rate() > 0 ? 1 / rate() : 0.04;
    const std::int64_t stamp = frame_->best_effort_timestamp;
    const double given =
        stamp == AV_NOPTS_VALUE ? last_given_ + step : static_cast<double>(stamp) * av_q2d(stream().time_base);
    const double gap = given - last_given_;
    const double longest = (format_->iformat->flags & AVFMT_TS_DISCONT) != 0 ? std::max(5.0, 20 * step) : 3600;
    if (pictures_ > 0) time_ += gap > 0 && gap <= longest ? gap : step;
    last_given_ = given;
    return time_;
  }

  std::string name_;
  Stopped stopped_;
  SourceKind kind_;
  std::chrono::milliseconds patience_;             // with a stream that does not answer
  mutable bool impatient_ = false;                 // it did not
  std::chrono::steady_clock::time_point begin_{};  // of the call that may be interrupted
  int stream_ = -1;
  std::unique_ptr<AVFormatContext, Destroy<avformat_close_input>> format_{};
  std::unique_ptr<AVCodecContext, Destroy<avcodec_free_context>> decoder_{};
  std::unique_ptr<AVPacket, Destroy<av_packet_free>> packet_{};
  std::unique_ptr<AVFrame, Destroy<av_frame_free>> frame_{};
  std::unique_ptr<SwsContext, DestroyScaler> scaler_{};
  std::size_t pictures_ = 0, damaged_ = 0;
  std::string failure_{};
  bool ended_ = false;
  double time_ = 0, last_given_ = 0;
};

}  // namespace

std::unique_ptr<Capture> open_video(const std::string& name, Stopped stopped, std::chrono::milliseconds patience) {
  return std::make_unique<Video>(name, std::move(stopped), patience);
}

}  // namespace expressions
