// The error types. Every error that the library throws is one of them.
//
// Messages have the form `[subject] what was given: what was expected; a hint (file:line)`, for example
// `[matmul] shapes (64, 4) and (16, 4): inner sizes 4 and 16 differ; did you mean transpose(b)? (main.cpp:12)`.
#pragma once

#include <source_location>
#include <stdexcept>
#include <string>
#include <string_view>

namespace wengert {

/// The line in the caller's source that a message or a node refers to.
using Location = std::source_location;

/// Base of all errors thrown by Wengert.
class Error : public std::runtime_error {
 public:
  /// Builds `[subject] message`.
  Error(std::string_view subject, std::string_view message);
  /// Builds `[subject] message (file:line)`.
  Error(std::string_view subject, std::string_view message, const Location& where);

  /// The message, with the caller's line if known.
  const char* what() const noexcept override { return text_.c_str(); }
  /// The op or function that the message names in brackets.
  const std::string& subject() const noexcept { return subject_; }
  /// Appends the caller's file and line, unless the message has them already.
  void locate(const Location& where);
  /// If the message names a line of `file`, replaces it by `where`: an error of an op that a library module calls is
  /// reported at the line that called the module.
  void relocate(std::string_view file, const Location& where);
  /// Replaces the subject and prepends what the caller was doing: `[subject] context: [op] …`.
  void prefix(std::string_view subject, std::string_view context);

 private:
  std::string subject_;
  std::string text_;
  Location where_{};  // line 0: none
};

/// Shapes that do not match each other or the op.
class ShapeError : public Error {
  using Error::Error;
};
/// An axis out of range or named twice.
class AxisError : public Error {
  using Error::Error;
};
/// A Var that is empty, whose node was rewound, that belongs to another or a destroyed tape, or whose parameter has
/// changed since; a Program that was moved from or evicted, or that is in use by another call.
class HandleError : public Error {
  using Error::Error;
};
/// A gradient that is not defined as requested.
class GradientError : public Error {
  using Error::Error;
};
/// A value outside an op's domain, NaN included.
class ValueError : public Error {
  using Error::Error;
};
/// Memory that cannot be allocated.
class MemoryError : public Error {
  using Error::Error;
};
/// A file that is missing, truncated, inconsistent or cannot be written.
class FileError : public Error {
  using Error::Error;
};

}  // namespace wengert
