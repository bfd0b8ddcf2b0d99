#include "base/error.h"

#include <fmt/format.h>

#include <utility>

namespace envtool {

std::string_view SourceText::line(int number) const {
  std::string_view rest = text;
  for (int current = 1; !rest.empty(); ++current) {
    const size_t end = rest.find('\n');
    std::string_view here = rest.substr(0, end);
    if (current == number) {
      if (here.ends_with('\r')) here.remove_suffix(1);
      return here;
    }
    if (end == std::string_view::npos) break;
    rest.remove_prefix(end + 1);
  }
  return {};
}

std::string SourcePosition::to_string() const {
  return *this ? fmt::format("{}:{}:{}", source->name, line, column) : std::string();
}

namespace {

/// A source line may be a megabyte long; what is shown is a window around the column.
struct Window {
  std::string text;
  size_t caret;
};

Window window_around(std::string_view line, int column) {
  constexpr size_t width = 100;
  size_t offset = column > 0 ? static_cast<size_t>(column - 1) : 0;
  if (offset > line.size()) offset = line.size();
  size_t begin = offset > width / 2 && line.size() > width ? offset - width / 2 : 0;
  const auto is_continuation = [&](size_t at) {
    return (static_cast<unsigned char>(line[at]) & 0xC0) == 0x80;
  };
  while (begin < line.size() && is_continuation(begin)) ++begin;
  size_t end = std::min(line.size(), begin + width);
  while (end < line.size() && is_continuation(end)) ++end;
  Window window{std::string(line.substr(begin, end - begin)), 0};
  for (char& c : window.text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  // The caret stands under a character, so continuation bytes before it take no room.
  for (size_t at = begin; at < offset; ++at)
    if (!is_continuation(at)) ++window.caret;
  return window;
}

}  // namespace

std::string render(const Diagnostic& diagnostic, std::string_view label) {
  std::string out = fmt::format("{}: {}\n", label, diagnostic.text);
  if (diagnostic.position) {
    out += fmt::format("  --> {}\n", diagnostic.position.to_string());
    const Window shown =
        window_around(diagnostic.position.source->line(diagnostic.position.line), diagnostic.position.column);
    if (!shown.text.empty())
      out += fmt::format("   | {}\n   | {}^\n", shown.text, std::string(shown.caret, ' '));
  }
  if (!diagnostic.hint.empty()) out += fmt::format("  hint: {}\n", diagnostic.hint);
  return out;
}

Error::Error(ErrorKind kind, std::string text)
    : Error(kind, std::vector{Diagnostic{std::move(text), {}, {}}}) {}

Error::Error(ErrorKind kind, std::vector<Diagnostic> diagnostics)
    : kind_(kind), diagnostics_(std::move(diagnostics)) {
  if (diagnostics_.empty()) diagnostics_.push_back({"unknown error", {}, {}});
  compose();
}

Error& Error::with_hint(std::string hint) {
  diagnostics_.front().hint = std::move(hint);
  return *this;
}

Error& Error::at(SourcePosition position) {
  diagnostics_.front().position = std::move(position);
  return *this;
}

Error& Error::with_frame(std::string frame) {
  frames_.push_back(std::move(frame));
  compose();
  return *this;
}

void Error::compose() {
  what_.clear();
  for (auto frame = frames_.rbegin(); frame != frames_.rend(); ++frame) what_ += *frame + ": ";
  what_ += diagnostics_.front().text;
}

std::string Error::render() const {
  std::string out;
  Diagnostic first = diagnostics_.front();
  first.text = what_;
  out += envtool::render(first);
  for (size_t i = 1; i < diagnostics_.size(); ++i) out += envtool::render(diagnostics_[i]);
  return out;
}

}  // namespace envtool
