// Renders a graph to SVG by running Graphviz as a child process with a time limit.
#include "report/drawn_graph.hpp"

#include "io/files.hpp"

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <spawn.h>
#include <string_view>
#include <sys/wait.h>
#include <system_error>
#include <thread>
#include <unistd.h>

#include <fmt/format.h>

extern char** environ;  // NOLINT: POSIX requires this declaration

namespace wengert::report {
namespace {

constexpr std::chrono::seconds limit{2};  // dot takes minutes for some graphs, such as those of many steps of a GRU
constexpr std::size_t most_edges = 1000;  // larger graphs are unreadable

// Runs Graphviz's dot. Returns why it fails; empty if it succeeds within the time limit.
std::string failure_of_dot(char* const arguments[]) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  pid_t child = 0;
  const int failed = posix_spawnp(&child, "dot", &actions, nullptr, arguments, environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) return "Graphviz's dot cannot be run: is it installed?";
  const auto end = std::chrono::steady_clock::now() + limit;
  int status = 0;
  while (waitpid(child, &status, WNOHANG) == 0) {
    if (std::chrono::steady_clock::now() > end) {
      kill(child, SIGKILL);
      waitpid(child, &status, 0);
      return fmt::format("Graphviz's dot took more than {} seconds for it", limit.count());
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 127) return "Graphviz's dot cannot be run: is it installed?";
  return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? "" : "Graphviz's dot failed";
}

std::size_t edges_of(std::string_view dot) {
  std::size_t edges = 0;
  for (std::size_t at = dot.find(" -> "); at != std::string_view::npos; at = dot.find(" -> ", at + 1)) ++edges;
  return edges;
}

}  // namespace

DrawnGraph drawn_graph(const std::string& dot) {
  if (const std::size_t edges = edges_of(dot); edges > most_edges)
    return {{}, fmt::format("it has {} edges, more than {}", edges, most_edges)};
  std::string folder = (std::filesystem::temp_directory_path() / "wengert-graph-XXXXXX").string();
  if (mkdtemp(folder.data()) == nullptr) return {{}, "there is no folder for temporary files"};
  std::string source = folder + "/graph.dot", drawing = folder + "/graph.svg";
  DrawnGraph result;
  try {
    io::write_whole("report", source, dot);
    std::string name = "dot", format = "-Tsvg", output = "-o" + drawing;
    char* const arguments[] = {name.data(), format.data(), source.data(), output.data(), nullptr};
    result.no_drawing = failure_of_dot(arguments);
    if (result.no_drawing.empty()) result.svg = io::read_whole("report", drawing);
  } catch (const std::exception& error) {
    result.no_drawing = error.what();
  }
  std::error_code ignored;
  std::filesystem::remove_all(folder, ignored);
  if (!result.no_drawing.empty()) return result;
  const std::size_t begin = result.svg.find("<svg");  // after the XML declaration
  if (begin == std::string::npos) return {{}, "Graphviz's dot failed"};
  result.svg.erase(0, begin);
  return result;
}

}  // namespace wengert::report
