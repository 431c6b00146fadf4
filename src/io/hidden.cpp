// The error for Parameters that visiting the members does not find.
#include "base/join.hpp"
#include <wengert/io/hidden.hpp>

namespace wengert::io::detail {

void throw_hidden(std::string_view subject, const std::vector<std::string>& paths, const Location& where) {
  const auto name = [](const std::string& path) {
    return path.empty() ? std::string("the struct itself") : fmt::format("'{}'", path);
  };
  throw ValueError(
      subject,
      fmt::format("{} may hold Parameters that are not found: members with a constructor, private members or virtual "
                  "functions are skipped, as are maps, pairs, variants and lambdas; use aggregates, vectors, tuples, "
                  "optionals or pointers, or declare `using HoldsNoParameters = void;` in the class if it holds none",
                  first_few(paths, name)),
      where);
}

}  // namespace wengert::io::detail
