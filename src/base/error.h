#pragma once

#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace envtool {

/// Kinds differ only where the exit code does; `cli/exit_code` holds the one switch from kind to number.
enum class ErrorKind { failed, usage, bad_envfile, host_not_ready, busy, unsupported };

/// A file that was read, kept so that an error can show the line it speaks of.
struct SourceText {
  std::string name;
  std::string text;

  /// The line of that number, counted from 1, without its line end; empty when there is no such line.
  std::string_view line(int number) const;
};

/// A place in a source text. Lines and columns count from 1; columns count bytes.
struct SourcePosition {
  std::shared_ptr<const SourceText> source;
  int line = 0;
  int column = 0;

  explicit operator bool() const { return source != nullptr && line > 0; }
  /// "Envfile:14:27", or an empty text for a place that is not known.
  std::string to_string() const;
};

/// One problem in words: which object, what and why in `text`, what to do next in `hint`.
/// Lower case, no full stop, objects in single quotes.
struct Diagnostic {
  std::string text;
  SourcePosition position;
  std::string hint;
};

/// The text, its place with the source line and a caret, and the hint, as `error: ...` lines without colour.
/// The result ends with a newline.
std::string render(const Diagnostic& diagnostic, std::string_view label = "error");

/// The one exception for what went wrong in the world or in the user's files.
/// An interruption is not an Error: see base/cancel.h.
class Error : public std::exception {
 public:
  Error(ErrorKind kind, std::string text);
  Error(ErrorKind kind, std::vector<Diagnostic> diagnostics);

  Error& with_hint(std::string hint);
  Error& at(SourcePosition position);
  /// Says in what larger undertaking this happened ("machine 'web'"); layers add these, outermost last.
  Error& with_frame(std::string frame);

  ErrorKind kind() const { return kind_; }
  /// At least one; several when an Envfile has several problems.
  const std::vector<Diagnostic>& diagnostics() const { return diagnostics_; }
  const std::vector<std::string>& frames() const { return frames_; }
  /// The first diagnostic's text behind its frames: "machine 'web': no such box 'x'".
  const char* what() const noexcept override { return what_.c_str(); }
  const std::string& hint() const { return diagnostics_.front().hint; }
  /// All diagnostics with frames, places and hints, ready to print.
  std::string render() const;

 private:
  void compose();

  ErrorKind kind_;
  std::vector<Diagnostic> diagnostics_;
  std::vector<std::string> frames_;
  std::string what_;
};

}  // namespace envtool
