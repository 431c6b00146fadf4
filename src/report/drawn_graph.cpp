// Renders a graph to SVG by running Graphviz as a child process with a time limit.
#include "report/drawn_graph.hpp"

#include "io/files.hpp"

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <spawn.h>
#include <sys/wait.h>
#include <system_error>
#include <thread>
#include <unistd.h>

extern char** environ;  // NOLINT: POSIX requires this declaration

namespace wengert::report {
namespace {

// Runs a program. Returns whether it succeeds within the time limit.
bool succeeds(const char* program, char* const arguments[], std::chrono::seconds limit) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  pid_t child = 0;
  const int failed = posix_spawnp(&child, program, &actions, nullptr, arguments, environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) return false;
  const auto end = std::chrono::steady_clock::now() + limit;
  int status = 0;
  while (waitpid(child, &status, WNOHANG) == 0) {
    if (std::chrono::steady_clock::now() > end) {
      kill(child, SIGKILL);
      waitpid(child, &status, 0);
      return false;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace

std::string drawn_graph(const std::string& dot) {
  constexpr std::size_t largest = std::size_t{1} << 17;  // larger graphs are unreadable and take dot minutes
  if (dot.size() > largest) return {};
  std::string folder = (std::filesystem::temp_directory_path() / "wengert-graph-XXXXXX").string();
  if (mkdtemp(folder.data()) == nullptr) return {};
  std::string source = folder + "/graph.dot", drawing = folder + "/graph.svg", svg;
  try {
    io::write_whole("report", source, dot);
    std::string name = "dot", format = "-Tsvg", output = "-o" + drawing;
    char* const arguments[] = {name.data(), format.data(), source.data(), output.data(), nullptr};
    if (succeeds("dot", arguments, std::chrono::seconds(10))) svg = io::read_whole("report", drawing);
  } catch (const std::exception&) {
    svg.clear();
  }
  std::error_code ignored;
  std::filesystem::remove_all(folder, ignored);
  const std::size_t begin = svg.find("<svg");  // after the XML declaration
  return begin == std::string::npos ? std::string() : svg.substr(begin);
}

}  // namespace wengert::report
