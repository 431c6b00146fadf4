// Profiles: memory traffic and FLOPs by instruction, tables by op, Chrome traces, and the profile of a tape.
#include "program/profile.hpp"

#include "base/line_of.hpp"

#include <algorithm>
#include <map>
#include <ostream>
#include <set>
#include <utility>

#include <fmt/format.h>

namespace wengert {
namespace program {
namespace {

// The FLOPs of an instruction and its memory traffic: what it reads from others, and what it writes for others.
template <class T>
class Traffic {
 public:
  explicit Traffic(const Graph<T>& graph, std::span<const Instruction> instructions)
      : graph_(graph), place_(places(graph)), of_(graph.entries.size(), none), leaves_(graph.entries.size()) {
    for (std::uint32_t i = 0; i < instructions.size(); ++i)
      for (const std::uint32_t k : instructions[i].entries) of_[k] = i;
    for (std::uint32_t k = 0; k < graph.entries.size(); ++k)
      for (const std::uint32_t input : graph.inputs_of(k))
        if (of_[place_[input].base] != of_[k]) leaves_[place_[input].base] = true;
    for (const std::uint32_t output : graph.outputs) leaves_[place_[output].base] = true;
    for (const Update& update : graph.updates) leaves_[place_[update.value].base] = true;
  }

  double bytes(const Instruction& instruction) const {
    double total = 0;
    std::set<std::uint32_t> read;
    for (const std::uint32_t k : instruction.entries) {
      const Entry<T>& entry = graph_.entries[k];
      if (instruction.kind == Instruction::Kind::copy) return 2.0 * static_cast<double>(entry.bytes());
      if (leaves_[k]) total += static_cast<double>(entry.bytes());
      if (entry.accumulates && entry.beta != 0) total += static_cast<double>(entry.bytes());
      for (const std::uint32_t input : graph_.inputs_of(k)) {
        const std::uint32_t base = place_[input].base;
        if (of_[base] != of_[k] && read.insert(base).second)
          total += static_cast<double>(std::min(graph_.entries[base].bytes(), graph_.entries[input].bytes()));
      }
    }
    return total;
  }
  double flops(const Instruction& instruction) const {
    double total = 0;
    for (const std::uint32_t k : instruction.entries) {
      const Entry<T>& entry = graph_.entries[k];
      if (entry.op == nullptr || entry.op->flops == nullptr) continue;
      std::vector<const Shape*> shapes;
      for (const std::uint32_t input : graph_.inputs_of(k)) shapes.push_back(&graph_.entries[input].layout.shape);
      total += entry.op->flops(entry.attributes, shapes);
    }
    return total;
  }

 private:
  const Graph<T>& graph_;
  std::vector<Place> place_;
  std::vector<std::uint32_t> of_;  // by entry: its instruction
  std::vector<bool> leaves_;       // by entry: whether it is read outside its instruction
};

template <class T>
std::string names(const Graph<T>& graph, const Instruction& instruction) {
  if (instruction.kind == Instruction::Kind::copy) return "copy";
  constexpr std::size_t most = 4;
  std::string text;
  for (std::size_t i = 0; i < std::min(most, instruction.entries.size()); ++i)
    text += fmt::format("{}{}", i == 0 ? "" : " + ", graph.entries[instruction.entries[i]].op->name);
  if (instruction.entries.size() > most) text += fmt::format(" + {} more", instruction.entries.size() - most);
  return text;
}

}  // namespace

template <class T>
Profile profile_of(const Graph<T>& graph, std::span<const Instruction> instructions, std::span<const double> seconds,
                   std::size_t replays) {
  const Traffic<T> traffic(graph, instructions);
  Profile profile;
  profile.replays = replays;
  for (std::size_t i = 0; i < instructions.size(); ++i)
    profile.rows.push_back({names(graph, instructions[i]), line_of(graph.entries[instructions[i].entries.back()].where),
                            replays, i < seconds.size() ? seconds[i] : 0, traffic.bytes(instructions[i]),
                            traffic.flops(instructions[i])});
  return profile;
}

template Profile profile_of(const Graph<float>&, std::span<const Instruction>, std::span<const double>, std::size_t);
template Profile profile_of(const Graph<double>&, std::span<const Instruction>, std::span<const double>, std::size_t);

}  // namespace program

std::string Profile::to_string() const {
  std::map<std::string, ProfileRow> by_op;
  double total = 0;
  for (const ProfileRow& row : rows) {
    ProfileRow& sum = by_op.try_emplace(row.op, ProfileRow{row.op, row.where}).first->second;
    sum.calls += row.calls;
    sum.seconds += row.seconds;
    sum.bytes += row.bytes * static_cast<double>(row.calls);  // of all calls
    sum.flops += row.flops * static_cast<double>(row.calls);
    total += row.seconds;
  }
  std::vector<ProfileRow> sorted;
  for (auto& [op, row] : by_op) sorted.push_back(std::move(row));
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const ProfileRow& a, const ProfileRow& b) { return a.seconds > b.seconds; });
  std::string text = fmt::format("{:>10}  {:>6}  {:>8}  {:>10}  {:>8}  {:>8}  op\n", "µs/replay", "share", "calls",
                                 "MB/call", "GFLOP/s", "GB/s");
  const auto rate = [](double amount, double seconds) {
    return amount == 0 || seconds == 0 ? std::string("-") : fmt::format("{:.1f}", amount / seconds / 1e9);
  };
  for (const ProfileRow& row : sorted)
    text += fmt::format("{:>11.2f}  {:>5.1f}%  {:>8}  {:>10.3f}  {:>8}  {:>8}  {}  {}\n",
                        row.seconds * 1e6 / static_cast<double>(std::max<std::size_t>(replays, 1)),
                        total == 0 ? 0.0 : 100 * row.seconds / total, row.calls,
                        row.calls == 0 ? 0.0 : row.bytes / static_cast<double>(row.calls) / 1e6,
                        rate(row.flops, row.seconds), rate(row.bytes, row.seconds), row.op, row.where);
  return text;
}

std::string Profile::to_chrome_trace() const {
  const auto escaped = [](const std::string& text) {
    std::string result;
    for (const char c : text) {
      if (c == '"' || c == '\\') result += '\\';
      result += c;
    }
    return result;
  };
  std::string text = "{\"traceEvents\":[";
  double now = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const ProfileRow& row = rows[i];
    const double duration = row.seconds * 1e6 / static_cast<double>(std::max<std::size_t>(replays, 1));
    text += fmt::format(
        "{}\n{{\"name\":\"{}\",\"ph\":\"X\",\"ts\":{:.3f},\"dur\":{:.3f},\"pid\":1,\"tid\":1,"
        "\"args\":{{\"where\":\"{}\",\"bytes\":{:.0f},\"flops\":{:.0f}}}}}",
        i == 0 ? "" : ",", escaped(row.op), now, duration, escaped(row.where), row.bytes, row.flops);
    now += duration;
  }
  return text + "\n],\"displayTimeUnit\":\"ns\"}\n";
}

std::ostream& operator<<(std::ostream& out, const Profile& profile) { return out << profile.to_string(); }

template <class T>
Profile profile(Tape<T>& tape, std::size_t replays) {
  std::vector<bool> read(tape.size());
  for (std::size_t k = 0; k < tape.size(); ++k)
    for (const std::uint32_t input : tape.inputs(k)) read[input] = true;
  std::vector<ProgramVar<T>> ends, leaves;
  std::vector<ProgramInput<T>> values;
  for (std::size_t k = 0; k < tape.size(); ++k) {
    const Node<T>& n = tape.node(k);
    if (n.op != nullptr) {
      if (!read[k] && n.generation != 0) ends.push_back(tape.at(k));
    } else if (read[k] && n.layout->size != 0 && !tape.parameter(k)) {  // as an input: ops on constants would be folded
      leaves.push_back(tape.at(k));
      values.emplace_back(std::span<const T>(tape.value_of(k).data, n.layout->size), n.layout->shape).indices =
          n.holds_indices;
    }
  }
  Program<T> program =
      compile(tape, leaves, ends, {.fuse = false, .allow_value_dependence = true, .apply_updates = false});
  program.measure(true);
  for (std::size_t i = 0; i < replays; ++i) program.run(values);
  return program.profile();
}

template Profile profile(Tape<float>&, std::size_t);
template Profile profile(Tape<double>&, std::size_t);

}  // namespace wengert
