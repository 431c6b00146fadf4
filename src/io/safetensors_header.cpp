// Builds the header of a .safetensors file from the parts of its JSON, and refuses any part that does not belong there.
#include "io/safetensors_header.hpp"

#include "io/in_quotes.hpp"
#include "io/json.hpp"

#include <optional>
#include <utility>

#include <fmt/format.h>

namespace wengert::io {
namespace {

class Receiver final : public JsonReceiver {
 public:
  explicit Receiver(const ByteSource& source) : source_(source) {}

  SafetensorsHeader take() { return std::move(header_); }

  void begin_object() override {
    if (place_ == Place::outside)
      place_ = Place::names;
    else if (place_ == Place::names)
      place_ = name_ == safetensors_metadata_key ? Place::metadata : Place::tensor;
    else
      refuse();
  }
  void key(std::string name) override {
    if (place_ == Place::metadata) {
      key_ = std::move(name);
    } else if (place_ == Place::names) {
      name_ = std::move(name);
      if (name_ == safetensors_metadata_key && std::exchange(has_metadata_, true)) fail("'__metadata__' appears twice");
    } else {
      key_ = std::move(name);
      if (!(key_ == "dtype" && !dtype_) && !(key_ == "shape" && !shape_) && !(key_ == "data_offsets" && !offsets_))
        fail(fmt::format("unknown or repeated key {} of tensor {}", in_quotes(key_), in_quotes(name_)));
    }
  }
  void end_object() override {
    if (place_ == Place::tensor) add_tensor();
    place_ = place_ == Place::names ? Place::outside : Place::names;
  }
  void begin_array() override {
    if (place_ != Place::tensor || key_ == "dtype") refuse();
    place_ = Place::list;
    (key_ == "shape" ? shape_ : offsets_).emplace();
  }
  void end_array() override { place_ = Place::tensor; }
  void string(std::string text) override {
    if (place_ == Place::tensor && key_ == "dtype")
      dtype_ = std::move(text);
    else if (place_ != Place::metadata)
      refuse();
    else if (!header_.metadata.emplace(key_, std::move(text)).second)
      fail(fmt::format("metadata with a repeated key: {}", in_quotes(key_)));
  }
  void integer(std::uint64_t value) override {
    if (place_ != Place::list) refuse();
    const bool is_shape = key_ == "shape";
    std::vector<std::size_t>& list = *(is_shape ? shape_ : offsets_);
    const std::size_t most = is_shape ? max_rank : 2;
    if (list.size() == most)
      fail(fmt::format("tensor {}: more than {} {}", in_quotes(name_), most, is_shape ? "axes" : "offsets"));
    list.push_back(value);
  }
  void other(std::string_view text) override {
    if (place_ == Place::list && text.find_first_not_of("0123456789") == std::string_view::npos)
      fail(fmt::format("tensor {}: an integer beyond 64 bits", in_quotes(name_)));
    refuse();
  }
  void fault(std::string_view reason, std::size_t position) override {
    fail(fmt::format("{} (at character {})", reason, position));
  }

 private:
  // The innermost object or list: the object of all names, the metadata, a tensor, or a tensor's list of numbers.
  enum class Place { outside, names, metadata, tensor, list };

  [[noreturn]] void fail(std::string_view what) const { source_.fail(fmt::format("invalid header: {}", what)); }
  // Refuses a part that is not of the kind that its place requires.
  [[noreturn]] void refuse() const {
    switch (place_) {
      case Place::outside:
        fail("expected an object");
      case Place::names:
        fail(fmt::format("{}: expected an object", in_quotes(name_)));
      case Place::metadata:
        fail(fmt::format("metadata {}: expected a string", in_quotes(key_)));
      case Place::tensor:
        fail(
            fmt::format("tensor {}, '{}': expected a {}", in_quotes(name_), key_, key_ == "dtype" ? "string" : "list"));
      case Place::list:
        break;
    }
    fail(fmt::format("tensor {}, '{}': expected an integer", in_quotes(name_), key_));
  }

  void add_tensor() {
    if (!dtype_ || !shape_ || !offsets_)
      fail(fmt::format("tensor {} has no key '{}'", in_quotes(name_),
                       !dtype_   ? "dtype"
                       : !shape_ ? "shape"
                                 : "data_offsets"));
    if (offsets_->size() != 2) fail(fmt::format("tensor {}: expected two offsets", in_quotes(name_)));
    header_.entries.push_back(
        {std::move(name_), std::move(*dtype_), Shape(*shape_), offsets_->front(), offsets_->back()});
    dtype_.reset();
    shape_.reset();
    offsets_.reset();
  }

  const ByteSource& source_;
  SafetensorsHeader header_;
  Place place_ = Place::outside;
  bool has_metadata_ = false;
  std::string name_;  // the current key in Place::names
  std::string key_;   // the current key in Place::metadata and Place::tensor
  // Of the current tensor, as far as they are known.
  std::optional<std::string> dtype_;
  std::optional<std::vector<std::size_t>> shape_, offsets_;
};

}  // namespace

SafetensorsHeader parse_safetensors_header(std::string_view text, const ByteSource& source) {
  Receiver receiver(source);
  parse_json(text, receiver);
  return receiver.take();
}

}  // namespace wengert::io
