// A consumer of the component report alone: counts samples in a confusion matrix and writes a report of a history.
#include <wengert/report.hpp>

#include <filesystem>

int main() {
  wengert::report::ConfusionMatrix confusion;
  confusion.add(0, 0, 3);
  confusion.add(1, 0);
  wengert::report::Report page;
  page.history.epochs.resize(2);
  page.confusion = confusion;
  const std::filesystem::path path = std::filesystem::temp_directory_path() / "wengert_consumer_report.html";
  wengert::report::write_report(path, page);
  const bool written = std::filesystem::file_size(path) > 1000;
  std::filesystem::remove(path);
  return written && confusion.accuracy() == 0.75 ? 0 : 1;
}
