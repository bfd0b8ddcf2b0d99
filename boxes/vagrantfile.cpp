#include "boxes/vagrantfile.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/text.h"

namespace envtool {

namespace {

constexpr std::size_t most_notes = 20, longest_line = 80;

bool is_user_name(std::string_view name) {
  const auto is_first = [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; };
  const auto is_later = [&](char c) { return is_first(c) || (c >= '0' && c <= '9') || c == '-'; };
  return !name.empty() && name.size() <= 32 && is_first(name.front()) &&
         std::all_of(name.begin() + 1, name.end(), is_later);
}

/// Twelve hexadecimal digits in lower case, from any usual way to write them; empty for anything else.
std::string mac_digits(std::string_view text) {
  std::string digits;
  for (char c : text) {
    if (c == ':' || c == '-') continue;
    if (c >= 'A' && c <= 'F') c = static_cast<char>(c + 32);
    if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) return {};
    digits += c;
  }
  return digits.size() == 12 ? digits : std::string();
}

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/// The line without its comment; a '#' within quotes is none.
std::string_view without_comment(std::string_view line) {
  char quote = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (quote != 0)
      quote = line[i] == quote ? '\0' : quote;
    else if (line[i] == '"' || line[i] == '\'')
      quote = line[i];
    else if (line[i] == '#')
      return trim(line.substr(0, i));
  }
  return trim(line);
}

/// The text between two equal quotes that is all there is; empty for anything else.
std::string_view quoted_literal(std::string_view text) {
  if (text.size() < 2 || (text.front() != '"' && text.front() != '\'') || text.back() != text.front())
    return {};
  const std::string_view inner = text.substr(1, text.size() - 2);
  return inner.find_first_of("\"'\\#") == std::string_view::npos ? inner : std::string_view();
}

std::optional<std::uint64_t> number(std::string_view text) {
  if (const auto quoted = quoted_literal(text); !quoted.empty()) text = quoted;
  std::uint64_t value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  return code == std::errc() && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

/// The name between the bars of `... do |name|`; empty when the line opens no such block.
std::string_view block_variable(std::string_view line) {
  if (!line.ends_with('|')) return {};
  const auto bar = line.rfind('|', line.size() - 2);
  if (bar == std::string_view::npos || !trim(line.substr(0, bar)).ends_with(" do")) return {};
  return trim(line.substr(bar + 1, line.size() - bar - 2));
}

bool opens_block(std::string_view line) {
  for (const std::string_view word :
       {"if", "unless", "case", "begin", "def", "while", "until", "for", "class", "module"})
    if (line.starts_with(word) && (line.size() == word.size() || !is_word(line[word.size()]))) return true;
  return line.ends_with(" do") || !block_variable(line).empty();
}

bool is_end(std::string_view line) { return line == "end" || line.starts_with("end "); }

class Reader {
 public:
  explicit Reader(std::string_view provider) : provider_(provider) {}

  Vagrantfile read(std::string_view text) {
    int count = 0;
    for (const std::string& whole : split(text, '\n')) {
      ++count;
      const std::string_view line = without_comment(trim(whole));
      if (!line.empty() && !take(line)) note(count, line);
    }
    return std::move(found_);
  }

 private:
  /// Whether the line is understood.
  bool take(std::string_view line) {
    if (is_end(line)) return close();
    if (opens_block(line)) return open(line);
    if (strange_ > 0) return false;
    return in_provider_ ? assign_hardware(line) : assign(line);
  }

  bool close() {
    if (strange_ > 0) return --strange_, true;
    in_provider_ = false;
    return true;
  }

  bool open(std::string_view line) {
    const std::string_view name = block_variable(line);
    const bool is_top = line.starts_with("Vagrant.configure") || line.starts_with("Vagrant::Config.run");
    if (strange_ == 0 && !in_provider_ && is_top && !name.empty()) {
      config_ = name;
      return true;
    }
    if (strange_ == 0 && !in_provider_ && !name.empty() && names_provider(line)) {
      in_provider_ = true;
      hardware_ = name;
      return true;
    }
    ++strange_;
    return false;
  }

  /// `config.vm.provider :libvirt do |v|`, in any way to write the name.
  bool names_provider(std::string_view line) const {
    if (!line.starts_with(config_ + ".vm.provider")) return false;
    for (const char* form : {":{} ", "\"{}\"", "'{}'", ":{},"})
      if (line.find(fmt::format(fmt::runtime(form), provider_)) != std::string_view::npos) return true;
    return false;
  }

  /// What is assigned to that; nothing when the line does something else.
  static std::optional<std::string_view> value_of(std::string_view line, std::string_view key) {
    if (!line.starts_with(key)) return std::nullopt;
    line = trim(line.substr(key.size()));
    if (!line.starts_with('=') || line.starts_with("==")) return std::nullopt;
    return trim(line.substr(1));
  }

  bool assign(std::string_view line) {
    if (const auto value = value_of(line, config_ + ".ssh.username")) {
      const std::string_view name = quoted_literal(*value);
      if (is_user_name(name)) found_.defaults.ssh_user = name;
      return is_user_name(name);
    }
    if (const auto value = value_of(line, config_ + ".vm.base_mac")) {
      const std::string mac = mac_digits(quoted_literal(*value));
      if (!mac.empty())
        found_.notes.push_back(fmt::format(
            "it was made for the MAC address {}, which has no effect: machines have their own", mac));
      return !mac.empty();
    }
    return assign_folder(line);
  }

  /// `config.vm.synced_folder ".", "/vagrant", disabled: true`
  bool assign_folder(std::string_view line) {
    if (!line.starts_with(config_ + ".vm.synced_folder")) return false;
    std::string plain;
    for (const char c : line.substr(config_.size() + 17))
      if (c != ' ' && c != '(' && c != ')') plain += c == '\'' ? '"' : c;
    if (plain == "\".\",\"/vagrant\",disabled:true" || plain == "\".\",\"/vagrant\",:disabled=>true") {
      found_.notes.push_back(
          "it was made for machines without the project's folder; 'folders: []' in the Envfile leaves that "
          "out");
      return true;
    }
    return plain == "\".\",\"/vagrant\"" || plain == "\".\",\"/vagrant\",disabled:false";
  }

  bool assign_hardware(std::string_view line) {
    if (const auto value = value_of(line, hardware_ + ".memory")) {
      const auto mebibytes = number(*value);
      if (mebibytes && *mebibytes > 0 && *mebibytes <= (1 << 24))
        return found_.defaults.memory = ByteSize{*mebibytes << 20}, true;
    }
    if (const auto value = value_of(line, hardware_ + ".cpus")) {
      const auto count = number(*value);
      if (count && *count > 0 && *count <= 1024) return found_.defaults.cpus = static_cast<int>(*count), true;
    }
    return false;
  }

  void note(int number, std::string_view line) {
    if (found_.notes.size() == most_notes) found_.notes.push_back("its Vagrantfile goes on like that");
    if (found_.notes.size() > most_notes) return;
    std::string shown(line.substr(0, longest_line));
    for (char& c : shown)
      if (static_cast<unsigned char>(c) < 32 || c == 127) c = '?';
    found_.notes.push_back(fmt::format("line {} of its Vagrantfile has no effect: {}", number, shown));
  }

  std::string provider_;
  std::string config_ = "config", hardware_;
  bool in_provider_ = false;
  int strange_ = 0;  ///< blocks that are open and not understood
  Vagrantfile found_;
};

}  // namespace

Vagrantfile read_vagrantfile(std::string_view text, std::string_view provider) {
  return Reader(provider).read(text);
}

}  // namespace envtool
