#include <fmt/format.h>

#include "base/text.h"
#include "config/files.h"

namespace envtool {

namespace {

/// What stands between double quotes, or nothing when they do not end there.
std::optional<std::string> unescape(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '"') return std::nullopt;
    if (text[at] != '\\') {
      out += text[at];
      continue;
    }
    if (++at == text.size()) return std::nullopt;
    out += text[at] == 'n' ? '\n' : text[at] == 't' ? '\t' : text[at];
  }
  return out;
}

std::optional<std::string> value_of(std::string_view text) {
  if (text.empty()) return "";
  const char quote = text.front();
  if (quote != '"' && quote != '\'') return std::string(trim(text.substr(0, text.find(" #"))));
  const std::size_t end = text.rfind(quote);
  const std::string_view rest = trim(text.substr(end + 1));
  if (end == 0 || !(rest.empty() || rest.starts_with('#'))) return std::nullopt;
  const std::string_view inner = text.substr(1, end - 1);
  if (quote == '"') return unescape(inner);
  return inner.find('\'') == std::string_view::npos ? std::optional(std::string(inner)) : std::nullopt;
}

}  // namespace

std::map<std::string, std::string> parse_dotenv(const std::shared_ptr<const SourceText>& source,
                                                Diagnostics& problems) {
  std::map<std::string, std::string> variables;
  int number = 0;
  for (const std::string& each : split(source->text, '\n')) {
    ++number;
    std::string_view line = trim(each);
    if (line.empty() || line.starts_with('#')) continue;
    if (line.starts_with("export ")) line = trim(line.substr(7));
    const std::size_t equals = line.find('=');
    const std::string name(trim(line.substr(0, equals)));
    const auto value =
        equals == std::string_view::npos ? std::nullopt : value_of(trim(line.substr(equals + 1)));
    if (name.empty() || !value)
      problems.add({source, number, 1}, "this is not a 'NAME=value' line");
    else
      variables[name] = *value;
  }
  return variables;
}

}  // namespace envtool
