// Tracker: faces keep their numbers, and probabilities are smooth over time, not over pictures.
#include "24_expressions_live/tracker.hpp"

#include "testing.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <map>
#include <vector>

#include <doctest/doctest.h>

using expressions::Box;
using expressions::Probabilities;
using expressions::TrackedFace;
using expressions::Tracker;

namespace {

// The number of the visible face whose centre is nearest to a column.
int number_at(const Tracker& tracker, double x) {
  int id = 0;
  double least = 1e9;
  for (const TrackedFace& face : tracker.visible())
    if (const double d = std::abs(face.box.x + face.box.width / 2.0 - x); d < least) {
      least = d;
      id = face.id;
    }
  return id;
}

Box face_at(double x, double y, int side) {
  return {static_cast<int>(std::lround(x)) - side / 2, static_cast<int>(std::lround(y)) - side / 2, side, side};
}

bool overlap(const Box& a, const Box& b) {
  return std::abs(a.x - b.x) < a.width / 3 && std::abs(a.y - b.y) < a.height / 3;
}

}  // namespace

TEST_CASE("two faces that cross keep their numbers") {
  // One of two overlapping faces hides the other, as for a detector.
  for (const bool hidden : {false, true}) {
    CAPTURE(hidden);
    Tracker tracker;
    int left = 0, right = 0;
    for (int i = 0; i <= 75; ++i) {
      const double t = i / 25.0, wobble = (i * 7 % 5) - 2;
      const Box a = face_at(100 + 150 * t + wobble, 200 - wobble, 100), b = face_at(550 - 150 * t - wobble, 215, 96);
      std::vector<Box> found = i % 2 == 0 ? std::vector<Box>{a, b} : std::vector<Box>{b, a};
      if (hidden && overlap(a, b)) found.pop_back();
      tracker.update(found, t);
      if (i == 10) {
        left = number_at(tracker, 100 + 150 * t);
        right = number_at(tracker, 550 - 150 * t);
        CHECK(std::min(left, right) == 1);
        CHECK(std::max(left, right) == 2);
      }
    }
    CHECK(tracker.visible().size() == 2);
    CHECK(number_at(tracker, 550) == left);
    CHECK(number_at(tracker, 100) == right);
  }
}

TEST_CASE("a face that returns within a second keeps its number") {
  Tracker tracker;
  const auto find = [&](double from, double until, std::vector<Box> found) {
    for (double t = from; t < until; t += 0.04) tracker.update(found, t);
  };
  const Box here = face_at(300, 200, 100), nearby = face_at(340, 210, 104);
  find(0, 1, {here});
  CHECK(number_at(tracker, 300) == 1);
  tracker.update({}, 1.1);
  CHECK(tracker.visible().size() == 1);  // one missed find is no change
  CHECK_FALSE(tracker.visible()[0].found);
  find(1.14, 2, {});
  CHECK(tracker.visible().empty());
  find(2, 2.5, std::vector<Box>{nearby});
  REQUIRE(tracker.visible().size() == 1);
  CHECK(tracker.visible()[0].id == 1);
  CHECK(std::abs(tracker.visible()[0].box.x - nearby.x) <= 3);

  SUBCASE("one that stays away does not") {
    find(2.5, 4.5, {});
    find(4.5, 5, {nearby});
    REQUIRE(tracker.visible().size() == 1);
    CHECK(tracker.visible()[0].id == 2);
  }
  SUBCASE("nor is one far away the same") {
    find(2.5, 3.3, {});
    find(3.3, 4, {face_at(600, 400, 100)});
    REQUIRE(tracker.visible().size() == 1);
    CHECK(tracker.visible()[0].id == 2);
  }
}

TEST_CASE("probabilities are as smooth at every rate of pictures") {
  // The answer to a step after 0.2 s, at a time constant of 0.1 s: 1 − e⁻².
  for (const int rate : {10, 25, 60, 200}) {
    CAPTURE(rate);
    Tracker tracker({.smooth = 0.1, .confirmations = 1});
    Probabilities before{}, after{};
    before[0] = after[3] = 1;
    Probabilities smoothed{};
    for (int i = 0; i <= rate; ++i) {
      const double t = static_cast<double>(i) / rate;
      tracker.update(std::vector<Box>{face_at(100, 100, 50)}, t);
      smoothed = tracker.observe(1, t < 0.799 ? before : after);
      if (i == 0) CHECK(smoothed == before);  // nothing to smooth yet
      // The step is the picture at 0.8 s, which counts for the time since the one before.
      if (std::abs(t - (0.8 - 1.0 / rate) - 0.2) < 1e-9) {
        CHECK(smoothed[3] == doctest::Approx(1 - std::exp(-2.0)).epsilon(1e-5));
        CHECK(smoothed[0] == doctest::Approx(std::exp(-2.0)).epsilon(1e-5));
      }
    }
    CHECK(smoothed[3] > 0.8);
  }
  Tracker at_once({.smooth = 0, .confirmations = 1});
  Probabilities p{};
  p[2] = 1;
  at_once.update(std::vector<Box>{face_at(100, 100, 50)}, 0);
  at_once.observe(1, Probabilities{1});
  at_once.update(std::vector<Box>{face_at(100, 100, 50)}, 0.04);
  CHECK(at_once.observe(1, p) == p);
}

TEST_CASE("a moving face is followed, and between searches it moves on") {
  for (const int every : {1, 2, 3}) {
    CAPTURE(every);
    Tracker tracker;
    for (int i = 0; i <= 50; ++i) {
      const double t = i / 25.0;
      const Box now = face_at(100 + 200 * t, 200, static_cast<int>(80 + 20 * t));
      if (i % every == 0)
        tracker.update(std::vector<Box>{now}, t);
      else
        tracker.advance(t);
      if (i < 25) continue;
      REQUIRE(tracker.visible().size() == 1);
      CHECK(tracker.visible()[0].found);
      CHECK(std::abs(tracker.visible()[0].box.x + tracker.visible()[0].box.width / 2 - (100 + 200 * t)) < 4);
    }
    CHECK(tracker.visible()[0].id == 1);
  }
}

TEST_CASE("a face is shown on a machine that manages one picture in two seconds") {
  Tracker tracker;
  for (int i = 0; i < 6; ++i) {
    if (i % 2 == 0)
      tracker.update(std::vector<Box>{face_at(200 + 5 * i, 200, 100)}, 2.0 * i);
    else
      tracker.advance(2.0 * i);
    CHECK(tracker.visible().size() == (i < 2 ? 0 : 1));
  }
  CHECK(tracker.visible()[0].id == 1);
  tracker.update({}, 12);
  CHECK(tracker.visible().empty());
}

TEST_CASE("a find of one picture is no face, and uses no number") {
  Tracker tracker;
  for (int i = 0; i < 50; ++i) {
    std::vector<Box> found{face_at(200, 200, 100)};
    if (i % 10 == 5) found.push_back(face_at(500, 100 + 5 * i, 60));
    tracker.update(found, i / 25.0);
    CHECK(tracker.visible().size() == (i < 1 ? 0 : 1));
  }
  tracker.update(std::vector<Box>{face_at(200, 200, 100), face_at(500, 300, 60)}, 2.04);
  tracker.update(std::vector<Box>{face_at(200, 200, 100), face_at(500, 300, 60)}, 2.08);
  REQUIRE(tracker.visible().size() == 2);
  CHECK(tracker.visible()[1].id == 2);
}

TEST_CASE("ten faces found in any order keep their numbers") {
  Tracker tracker;
  std::map<int, int> numbers;
  for (int i = 0; i < 50; ++i) {
    std::vector<Box> found;
    for (int k = 0; k < 10; ++k) {
      const int n = (k * 3 + i * 7) % 10;  // another order in each picture
      found.push_back(face_at(64 + 128 * (n % 5) + 3 * std::sin(i * 0.3 + n), 120 + 240 * (n / 5), 70));
    }
    tracker.update(found, i / 25.0);
    const auto faces = tracker.visible();
    if (i < 1) continue;
    REQUIRE(faces.size() == 10);
    for (const TrackedFace& face : faces) {
      const int place = face.box.x / 128 + 5 * (face.box.y / 240);
      if (i == 1) numbers[face.id] = place;
      CHECK(numbers.at(face.id) == place);
    }
  }
}

TEST_CASE("a tracker refuses times that run backwards, options out of range and unknown faces") {
  Tracker tracker;
  tracker.update({}, 1);
  CHECK(wengert::testing::message_of<wengert::ValueError>([&] { tracker.update({}, 0.9); }) ==
        "[Tracker] time 0.9 s: expected no less than the last, 1 s");
  CHECK(wengert::testing::message_of<wengert::ValueError>([&] { tracker.advance(std::nan("")); }) ==
        "[Tracker] time nan s: expected no less than the last, 1 s");
  CHECK(wengert::testing::message_of<wengert::ValueError>([&] { tracker.observe(3, {}); }) ==
        "[Tracker] there is no face of number 3");
  CHECK(wengert::testing::message_of<wengert::ValueError>([] { Tracker({.smooth = -1}); }) ==
        "[Tracker] a time of -1 s: expected 0 or more");
  CHECK(wengert::testing::message_of<wengert::ValueError>([] { Tracker({.reach = 0}); }) ==
        "[Tracker] reach = 0: expected more than 0");
  CHECK(wengert::testing::message_of<wengert::ValueError>([] { Tracker({.confirmations = 0}); }) ==
        "[Tracker] confirmations = 0: expected 1 or more");
}
