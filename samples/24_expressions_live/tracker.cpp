// Follows faces from picture to picture: keeps them apart, and smooths their boxes and probabilities over time.
#include "tracker.hpp"

#include <wengert/base/error.hpp>

#include <algorithm>
#include <cmath>
#include <tuple>

#include <fmt/format.h>

namespace expressions {

namespace {

// Velocities are averaged over this time, and trusted for twice as long without a find.
constexpr double velocity_time = 0.15;

// How much of a change is followed within a time, by an exponential average with a time constant.
double followed(double elapsed, double constant) { return constant > 0 ? 1 - std::exp(-elapsed / constant) : 1; }

std::array<double, 4> measured(const Box& box) {
  return {box.x + box.width / 2.0, box.y + box.height / 2.0, std::log(std::max(1, box.width)),
          std::log(std::max(1, box.height))};
}

Box box_at(const std::array<double, 4>& at) {
  const double width = std::exp(at[2]), height = std::exp(at[3]);
  const auto rounded = [](double v) { return static_cast<int>(std::lround(std::clamp(v, -1e6, 1e6))); };
  return {rounded(at[0] - width / 2), rounded(at[1] - height / 2), std::max(1, rounded(width)),
          std::max(1, rounded(height))};
}

// The distance of the centres in sides of the larger box, and the ratio of the sizes; twice the size is as far as a
// distance of 0.69 sides.
double distance(const std::array<double, 4>& a, const std::array<double, 4>& b) {
  const double side = std::exp(std::max((a[2] + a[3]) / 2, (b[2] + b[3]) / 2));
  return std::hypot(a[0] - b[0], a[1] - b[1]) / side + std::abs(a[2] + a[3] - b[2] - b[3]) / 2;
}

}  // namespace

Tracker::Tracker(TrackerOptions options) : options_(options) {
  const TrackerOptions& o = options_;
  for (const double t : {o.smooth, o.box_smooth, o.memory, o.hold})
    if (!(t >= 0 && std::isfinite(t)))
      throw wengert::ValueError("Tracker", fmt::format("a time of {} s: expected 0 or more", t));
  if (!(o.reach > 0)) throw wengert::ValueError("Tracker", fmt::format("reach = {}: expected more than 0", o.reach));
  if (o.confirmations < 1)
    throw wengert::ValueError("Tracker", fmt::format("confirmations = {}: expected 1 or more", o.confirmations));
}

void Tracker::advance(double time) {
  if (!std::isfinite(time) || (time_ && time < *time_))
    throw wengert::ValueError("Tracker",
                              fmt::format("time {} s: expected no less than the last, {} s", time, time_.value_or(0)));
  const double elapsed = time_ ? time - *time_ : 0;
  time_ = time;
  for (Face& face : faces_) {
    // A face that is lost comes to rest, so that it is found again where it turned or stopped.
    const double lost = time - face.seen;
    if (lost > 2 * velocity_time) face.state.velocity.fill(0);
    for (std::size_t i = 0; i < 4; ++i) face.state.at[i] += elapsed * face.state.velocity[i];
  }
  std::erase_if(faces_, [&](const Face& face) { return face.seen != searched_ && time - face.seen > options_.memory; });
}

void Tracker::update(std::span<const Box> found, double time) {
  advance(time);
  searched_ = time;
  match(found, time);
}

void Tracker::match(std::span<const Box> found, double time) {
  std::vector<std::tuple<double, std::size_t, std::size_t>> pairs;
  for (std::size_t f = 0; f < faces_.size(); ++f)
    for (std::size_t b = 0; b < found.size(); ++b)
      if (const double d = distance(faces_[f].state.at, measured(found[b])); d < options_.reach)
        pairs.emplace_back(d, f, b);
  std::sort(pairs.begin(), pairs.end());

  std::vector<bool> face_matched(faces_.size()), box_matched(found.size());
  for (const auto& [d, f, b] : pairs) {
    if (face_matched[f] || box_matched[b]) continue;
    face_matched[f] = box_matched[b] = true;
    Face& face = faces_[f];
    const double elapsed = time - face.seen;
    const auto at = measured(found[b]);
    // After a gap, the face is where it is found: it has not moved there along a straight line.
    const bool gap = elapsed > 2 * velocity_time;
    for (std::size_t i = 0; i < 4; ++i) {
      const double error = at[i] - face.state.at[i];
      face.state.at[i] += (gap ? 1 : followed(elapsed, options_.box_smooth)) * error;
      if (elapsed > 0 && !gap && i < 2) face.state.velocity[i] += followed(elapsed, velocity_time) * error / elapsed;
    }
    face.seen = time;
    ++face.finds;
  }
  // A find that is lost before it is confirmed was none.
  std::size_t f = 0;
  std::erase_if(faces_, [&](const Face& face) { return !face_matched[f++] && face.finds < options_.confirmations; });
  for (std::size_t b = 0; b < found.size(); ++b)
    if (!box_matched[b]) faces_.push_back({0, {measured(found[b]), {}}, time, time});
  for (Face& face : faces_)
    if (face.id == 0 && face.finds >= options_.confirmations) face.id = ++last_id_;
}

std::vector<TrackedFace> Tracker::visible() const {
  std::vector<TrackedFace> shown;
  for (const Face& face : faces_)
    if (face.id > 0 && (face.seen == searched_ || *time_ - face.seen <= options_.hold))
      shown.push_back({face.id, box_at(face.state.at), face.seen == searched_, face.probabilities});
  std::sort(shown.begin(), shown.end(), [](const TrackedFace& a, const TrackedFace& b) { return a.id < b.id; });
  return shown;
}

const Probabilities& Tracker::observe(int id, const Probabilities& predicted) {
  const auto face = std::find_if(faces_.begin(), faces_.end(), [&](const Face& f) { return f.id == id; });
  if (id < 1 || face == faces_.end())
    throw wengert::ValueError("Tracker", fmt::format("there is no face of number {}", id));
  const float share = static_cast<float>(followed(*time_ - face->observed, options_.smooth));
  if (!face->probabilities)
    face->probabilities = predicted;
  else
    for (std::size_t k = 0; k < class_count; ++k)
      (*face->probabilities)[k] += share * (predicted[k] - (*face->probabilities)[k]);
  face->observed = *time_;
  return *face->probabilities;
}

}  // namespace expressions
