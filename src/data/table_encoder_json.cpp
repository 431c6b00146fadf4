// TableEncoder as JSON: written completely or not at all, and read with every part checked.
#include "base/located.hpp"
#include "data/table_encoder_state.hpp"
#include "io/files.hpp"
#include "io/in_quotes.hpp"
#include "io/json.hpp"

#include <charconv>
#include <cmath>
#include <map>
#include <memory>
#include <set>
#include <utility>
#include <variant>

#include <fmt/format.h>

namespace wengert::data {
namespace {

constexpr std::string_view format_name = "wengert.table_encoder";
constexpr std::uint64_t format_version = 1;

// Builds the state from the parts of the JSON text: an object with `format`, `version` and the list `columns` of
// objects, whose values are texts, numbers, booleans, and a list of texts.
class EncoderReceiver final : public io::JsonReceiver {
 public:
  EncoderReceiver(std::string_view subject, std::string_view source) : subject_(subject), source_(source) {}

  std::shared_ptr<const TableEncoder::State> take() {
    if (!format_ || !version_ || !has_columns_) fail("it lacks 'format', 'version' or 'columns'");
    if (const std::string fault = fault_of(state_->schema); !fault.empty()) fail(fault);
    state_->complete();
    return std::move(state_);
  }

  void begin_object() override {
    if (place_ == Place::outside)
      place_ = Place::top;
    else if (place_ == Place::columns)
      place_ = Place::column;
    else
      refuse();
  }
  void key(std::string name) override {
    key_ = std::move(name);
    if (place_ == Place::top) {
      if (key_ == "columns" && has_columns_) fail("'columns' appears twice");
    } else if (values_.contains(key_)) {
      fail(fmt::format("{} appears twice in a column", io::in_quotes(key_)));
    }
  }
  void end_object() override {
    if (place_ == Place::column) add_column();
    place_ = place_ == Place::column ? Place::columns : Place::outside;
  }
  void begin_array() override {
    if (place_ == Place::top && key_ == "columns") {
      check_version();
      has_columns_ = true;
      place_ = Place::columns;
    } else if (place_ == Place::column) {
      values_.emplace(key_, Texts{});
      place_ = Place::texts;
    } else {
      refuse();
    }
  }
  void end_array() override { place_ = place_ == Place::texts ? Place::column : Place::top; }
  void string(std::string text) override {
    if (place_ == Place::texts)
      std::get<Texts>(values_.at(key_)).push_back(std::move(text));
    else if (place_ == Place::top && key_ == "format")
      format_ = text == format_name;
    else if (place_ == Place::column)
      values_.emplace(key_, std::move(text));
    else
      refuse();
  }
  void integer(std::uint64_t value) override {
    if (place_ == Place::top && key_ == "version")
      version_ = value;
    else if (place_ == Place::column)
      values_.emplace(key_, static_cast<double>(value));
    else
      refuse();
  }
  void other(std::string_view text) override {
    if (place_ != Place::column) refuse();
    if (text == "true" || text == "false") {
      values_.emplace(key_, text == "true");
      return;
    }
    double number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) refuse();
    values_.emplace(key_, number);
  }
  void fault(std::string_view reason, std::size_t position) override {
    fail(fmt::format("{} (at character {})", reason, position));
  }

 private:
  enum class Place { outside, top, columns, column, texts };
  using Texts = std::vector<std::string>;
  using Value = std::variant<std::string, double, bool, Texts>;

  [[noreturn]] void fail(std::string_view what) const {
    throw FileError(subject_, fmt::format("{}: not a table encoder: {}", source_, what));
  }
  [[noreturn]] void refuse() const {
    fail(key_.empty() ? "expected an object" : fmt::format("an unexpected value of {}", io::in_quotes(key_)));
  }
  void check_version() const {
    if (!format_ || !*format_) fail(fmt::format("'format' is not {}", io::in_quotes(format_name)));
    if (!version_) fail("it lacks 'version'");
    if (*version_ != format_version)
      fail(fmt::format("version {}: this version of Wengert reads {}", *version_, format_version));
  }

  template <class Kind>
  Kind value(const char* key) {
    auto node = values_.extract(key);
    if (node.empty()) fail(fmt::format("a column lacks {}", io::in_quotes(key)));
    Kind* const found = std::get_if<Kind>(&node.mapped());
    if (found == nullptr) fail(fmt::format("an unexpected value of {}", io::in_quotes(key)));
    return std::move(*found);
  }
  // For keys that older files lack.
  template <class Kind>
  Kind value_or(const char* key, Kind otherwise) {
    return values_.contains(key) ? value<Kind>(key) : otherwise;
  }
  template <class Enumeration, class Words>
  Enumeration rule(const char* key, const Words& words) {
    const auto name = value<std::string>(key);
    const auto found = value_of<Enumeration>(words, name);
    if (!found) fail(fmt::format("an unknown {}: {}", key, io::in_quotes(name)));
    return *found;
  }

  void add_column() {
    Column column{.name = value<std::string>("name")};
    column.kind = rule<ColumnKind>("kind", kind_words);
    column.missing = rule<Missing>("missing", missing_words);
    column.indicator = value<bool>("indicator");
    column.standardise = value<bool>("standardise");
    column.encoding = rule<Encoding>("encoding", encoding_words);
    column.unknown = rule<Unknown>("unknown", unknown_words);
    const auto min_frequency = value<double>("min_frequency");
    column.note = value_or("note", std::string());
    LearnedColumn learned{value<double>("fill"),      value<double>("mean"),        value<double>("deviation"),
                          value<Texts>("categories"), value_or("other_seen", true), value_or("missing_seen", true)};
    if (!values_.empty()) fail(fmt::format("an unknown key of a column: {}", io::in_quotes(values_.begin()->first)));

    const auto refuse_if = [&](bool wrong, const char* what) {
      if (wrong) fail(fmt::format("column {} has {}", io::in_quotes(column.name), what));
    };
    refuse_if(column.kind == ColumnKind::ignored, "the kind 'ignored'");
    refuse_if(!(min_frequency >= 0 && min_frequency <= 0x1p53 && min_frequency == std::floor(min_frequency)),
              "an invalid min_frequency");
    refuse_if(!(learned.deviation > 0), "a deviation that is not positive");
    const bool texts = column.kind == ColumnKind::category || column.kind == ColumnKind::label;
    refuse_if(texts == learned.categories.empty(), texts ? "no categories" : "categories");
    refuse_if(std::set(learned.categories.begin(), learned.categories.end()).size() != learned.categories.size(),
              "a category twice");
    refuse_if(texts && !(learned.fill >= 0 && learned.fill < static_cast<double>(learned.categories.size()) &&
                         learned.fill == std::floor(learned.fill)),
              "an invalid fill");
    column.min_frequency = static_cast<std::size_t>(min_frequency);
    state_->schema.columns.push_back(std::move(column));
    state_->learned.push_back(std::move(learned));
  }

  std::string subject_, source_;
  std::shared_ptr<TableEncoder::State> state_ = std::make_shared<TableEncoder::State>();
  Place place_ = Place::outside;
  std::optional<bool> format_;  // whether it is the right one
  std::optional<std::uint64_t> version_;
  bool has_columns_ = false;
  std::string key_;
  std::map<std::string, Value, std::less<>> values_;  // of the current column
};

std::shared_ptr<const TableEncoder::State> state_of(std::string_view subject, std::string_view text,
                                                    std::string_view source) {
  EncoderReceiver receiver(subject, source);
  io::parse_json(text, receiver);
  return receiver.take();
}

}  // namespace

std::string TableEncoder::to_json() const {
  io::JsonWriter json(io::JsonWriter::Layout::lines);
  const auto number = [&](const char* key, double value) { json.key(key).literal_or_string(fmt::format("{}", value)); };
  json.begin_object().key("format").string(format_name).key("version").integer(format_version);
  json.key("columns").begin_array();
  for (std::size_t i = 0; i < state_->schema.columns.size(); ++i) {
    const Column& column = state_->schema.columns[i];
    const LearnedColumn& learned = state_->learned[i];
    json.begin_object().key("name").string(column.name).key("kind").string(word(column.kind));
    json.key("missing").string(word(column.missing)).key("indicator").boolean(column.indicator);
    json.key("standardise").boolean(column.standardise).key("encoding").string(word(column.encoding));
    json.key("unknown").string(word(column.unknown)).key("min_frequency").integer(column.min_frequency);
    json.key("note").string(column.note);
    number("fill", learned.fill);
    number("mean", learned.mean);
    number("deviation", learned.deviation);
    json.key("categories").begin_array();
    for (const std::string& category : learned.categories) json.string(category);
    json.end_array().key("other_seen").boolean(learned.other_seen);
    json.key("missing_seen").boolean(learned.missing_seen).end_object();
  }
  json.end_array().end_object();
  return json.text() + '\n';
}

TableEncoder TableEncoder::from_json(std::string_view text, std::string_view source, const Location& where) {
  return located("TableEncoder::from_json", where,
                 [&] { return TableEncoder(state_of("TableEncoder::from_json", text, source)); });
}

void TableEncoder::save(const std::filesystem::path& path, const Location& where) const {
  located("TableEncoder::save", where, [&] { io::write_whole("TableEncoder::save", path, to_json()); });
}

TableEncoder TableEncoder::load(const std::filesystem::path& path, const Location& where) {
  constexpr const char* subject = "TableEncoder::load";
  return located(subject, where,
                 [&] { return TableEncoder(state_of(subject, io::read_whole(subject, path), path.string())); });
}

}  // namespace wengert::data
