// Follows faces from picture to picture: keeps them apart, and smooths their boxes and probabilities over time.
#pragma once

#include "../common/expressions/classes.hpp"
#include "../common/expressions/face.hpp"

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace expressions {

/// The probabilities of the classes.
using Probabilities = std::array<float, class_count>;

/// Options of a Tracker. Times are in seconds, so the result does not depend on the rate of pictures.
struct TrackerOptions {
  double smooth = 0.1;  ///< time constant of the probabilities: they follow a change by 63 % in this time; 0: at once
  double box_smooth = 0.05;  ///< time constant of the boxes
  double memory = 1.5;       ///< a face that returns within this time keeps its number
  double hold = 0.15;        ///< a face that is not found is still shown for this time
  double reach = 0.8;        ///< largest distance of a find from where a face is expected, in sides of the face
  int confirmations = 2;     ///< finds before a face is shown: 1 shows false finds of a single picture
};

/// A face that is followed.
struct TrackedFace {
  int id = 0;                                    ///< counts from 1; belongs to one face for good
  Box box{};                                     ///< where it is now
  bool found = false;                            ///< whether the last search has found it
  std::optional<Probabilities> probabilities{};  ///< smoothed; none before the first prediction
};

/// Follows faces. `update` or `advance`, then `visible`, then `observe` for each picture, with growing times.
///
/// A face is expected where its velocity has taken it. A find belongs to the face whose expected box is nearest, in
/// distance and size; nearest pairs first. A face that the last search has found is shown, however long ago that was.
class Tracker {
 public:
  /// Throws ValueError for negative times, a reach that is not positive, or fewer than one confirmation.
  explicit Tracker(TrackerOptions options = {});

  /// Moves the faces to the boxes found at a time. Throws ValueError for a time before the last.
  void update(std::span<const Box> found, double time);
  /// Moves the faces on to a time at which none were sought.
  void advance(double time);
  /// The faces to show, by number.
  std::vector<TrackedFace> visible() const;
  /// Enters a prediction for a face at the time of the last picture, and returns its smoothed probabilities. Throws
  /// ValueError if the tracker has no such face.
  const Probabilities& observe(int id, const Probabilities& predicted);

 private:
  // Centre and logarithm of the sides of a box, and their velocities.
  struct State {
    std::array<double, 4> at{}, velocity{};
  };
  struct Face {
    int id = 0;
    State state{};
    double seen = 0;      // when it was last found
    double observed = 0;  // when it was last predicted
    int finds = 1;
    std::optional<Probabilities> probabilities{};
  };

  void match(std::span<const Box> found, double time);

  TrackerOptions options_;
  std::vector<Face> faces_{};
  std::optional<double> time_{}, searched_{};  // of the last picture, and the last search
  int last_id_ = 0;
};

}  // namespace expressions
