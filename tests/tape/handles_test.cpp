// Unusable handles as each operand of each op: an error that names the op.
#include "testing.hpp"

#include <memory>
#include <set>
#include <vector>

using namespace wengert;
using namespace wengert::testing;

namespace {

// The fault of the handle at one position; all other operands are valid.
enum class Wrong { empty, rewound, of_another_tape, of_a_tape_that_is_gone };

std::string refusal(const OpExample& example, std::size_t place, Wrong wrong) {
  Tape<double> tape, other;
  auto gone = std::make_unique<Tape<double>>();
  const auto mark = tape.mark();
  std::vector<Var<double>> x;
  const auto record = [&](Tape<double>& on, std::size_t i) {
    return on.variable(random_tensor(example.shapes[i], 1, example.domains[i].low, example.domains[i].high));
  };
  if (wrong == Wrong::rewound) {
    const Var<double> old = record(tape, place);
    tape.rewind(mark);
    for (std::size_t i = 0; i < example.shapes.size(); ++i) x.push_back(record(tape, i));
    x[place] = old;
  } else {
    for (std::size_t i = 0; i < example.shapes.size(); ++i) x.push_back(record(tape, i));
    x[place] = wrong == Wrong::empty             ? Var<double>()
               : wrong == Wrong::of_another_tape ? record(other, place)
                                                 : record(*gone, place);
  }
  gone.reset();
  try {
    example.apply(x);
  } catch (const HandleError& error) {
    return error.subject();
  } catch (const std::exception& error) {
    return std::string("another error: ") + error.what();
  }
  return "no error";
}

}  // namespace

TEST_CASE("an op refuses a handle by its own name, wherever it stands and whatever is wrong with it") {
  // An example may call these functions on its first input itself. An empty handle may be valid as an optional operand.
  const std::set<std::string> general{"tape", "shape", "rank", "size", "value", "item"};
  for (const OpRow& op : op_registry()) {
    if (of_a_test(op)) continue;
    for (const OpExample& example : op.examples())
      for (std::size_t place = 0; place < example.shapes.size(); ++place)
        for (const Wrong wrong :
             {Wrong::empty, Wrong::rewound, Wrong::of_another_tape, Wrong::of_a_tape_that_is_gone}) {
          if (wrong == Wrong::of_another_tape && example.shapes.size() == 1) continue;
          const std::string subject = refusal(example, place, wrong);
          CAPTURE(example.label);
          CAPTURE(place);
          CAPTURE(static_cast<int>(wrong));
          CAPTURE(subject);
          CHECK(!subject.starts_with("another error"));
          CHECK((place == 0 || !general.contains(subject)));
          CHECK((subject != "no error" || wrong == Wrong::empty));
        }
  }
}

TEST_CASE("functions whose first operand's tape is gone name themselves, and the caller's line") {
  auto gone = std::make_unique<Tape<double>>();
  const auto x = gone->variable(random_tensor({2, 2}, 1));
  gone.reset();
  Tape<double> tape;
  const auto good = tape.variable(random_tensor({2, 2}, 1));
  Generator generator(1);
  CHECK_ERROR(HandleError, "[stop_gradient] the handle's tape was destroyed", stop_gradient(x));
  CHECK_ERROR(HandleError, "[reshape] the handle's tape was destroyed", reshape(x, {4}));
  CHECK_ERROR(HandleError, "[transpose] the handle's tape was destroyed", transpose(x));
  CHECK_ERROR(HandleError, "[broadcast_to] the handle's tape was destroyed", broadcast_to(x, {2, 2, 2}));
  CHECK_ERROR(HandleError, "[softmax] the handle's tape was destroyed", softmax(x));
  CHECK_ERROR(HandleError, "[einsum] the handle's tape was destroyed", einsum("ij,ij->", x, x));
  CHECK_ERROR(HandleError, "[dropout] the handle's tape was destroyed", dropout(x, 0.5, generator));
  CHECK_ERROR(HandleError, "[mse_loss] the handle's tape was destroyed", mse_loss(x, x));
  CHECK_ERROR(HandleError, "[ctc_loss] the handle's tape was destroyed", ctc_loss(x, {1}, {1}, {1}));
  CHECK_ERROR(HandleError, "[layer_norm] the handle's tape was destroyed", layer_norm(x, {2}));
  // The same next to a valid operand.
  CHECK_ERROR(HandleError, "[einsum] the handle's tape was destroyed", einsum("ij,ij->", good, x));
  CHECK_ERROR(HandleError, "[mse_loss] the handle's tape was destroyed", mse_loss(good, x));
  CHECK_ERROR(HandleError, "[layer_norm] the handle's tape was destroyed", layer_norm(good, {2}, x));
  CHECK_ERROR(HandleError, "[stack] the handle's tape was destroyed", stack({good, x}));
  CHECK(contains(message_of<HandleError>(
                     [&] { custom_vjp([](auto a) { return a * 2; }, [](auto g, auto, auto) { return g; })(x); }),
                 "[custom_vjp] the handle's tape was destroyed"));
}
