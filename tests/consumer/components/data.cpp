// A consumer of the component data alone: reads a CSV file.
#include <wengert/data/csv.hpp>

#include <fstream>

int main(int, char** arguments) {
  std::ofstream(arguments[1]) << "1,2,0\n3,4,1\n";
  return wengert::data::read_csv<float>(arguments[1]).inputs(1, 0) == 3 ? 0 : 1;
}
