// Layer spans: a `Sequential` notes which nodes each of its layers recorded, for `summary` and `check`.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace wengert::nn {

namespace detail {

/// The name of a type, without namespaces and template arguments: `Linear`.
std::string short_type_name(std::string_view spelled);
template <class X>
std::string type_name() {
  return short_type_name(__PRETTY_FUNCTION__);
}

}  // namespace detail

/// The spans of nodes that the layers of a chain recorded on a tape, noted only while `summary` or `check` runs.
///
/// A handle, held by `Sequential`.
class ChainMarks {
 public:
  struct Entry {
    std::size_t layer;
    std::string type;
    std::size_t begin, end;
  };
  struct State {
    bool noting = false;
    std::vector<Entry> entries;
  };

  ChainMarks() : state_(std::make_shared<State>()) {}
  // Copies only: a moved-from handle would refer to nothing.
  ChainMarks(const ChainMarks&) = default;
  ChainMarks& operator=(const ChainMarks&) = default;

  bool noting() const { return state_->noting; }
  void note(Entry entry) const { state_->entries.push_back(std::move(entry)); }
  const std::vector<Entry>& entries() const { return state_->entries; }

  const std::shared_ptr<State>& state() const { return state_; }
  explicit ChainMarks(std::shared_ptr<State> state) : state_(std::move(state)) {}

 private:
  std::shared_ptr<State> state_;
};

}  // namespace wengert::nn
