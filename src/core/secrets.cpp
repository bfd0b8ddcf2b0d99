#include "core/secrets.h"

#include <fmt/format.h>

#include <optional>

#include "base/files.h"
#include "base/shell.h"
#include "base/text.h"
#include "base/value.h"

namespace envtool {

namespace {

/// Shorter texts would be masked out of ordinary words.
constexpr std::size_t shortest_masked = 3;

std::string without_line_end(std::string text) {
  while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
  return text;
}

/// The secret from one source, or why it has none, appended to `tried`.
std::optional<std::string> from_source(const SecretSource& source, const ProjectConfig& project, Host& host,
                                       std::string& tried) {
  if (!source.environment.empty()) {
    const auto variable = host.variables.find(source.environment);
    if (variable != host.variables.end()) return variable->second;
    tried += fmt::format("\n    environment variable '{}': not set", source.environment);
  } else if (!source.file.empty()) {
    if (auto text = read_file_if_there(source.file, 1 << 20)) return without_line_end(std::move(*text));
    tried += fmt::format("\n    file '{}': not there", source.file.string());
  } else {
    ProcessSpec spec{source.command};
    spec.directory = project.directory;
    spec.timeout = std::chrono::seconds(60);
    const ProcessResult result = host.processes.run(spec, {});
    if (result.ok()) return without_line_end(result.output);
    tried += fmt::format("\n    command '{}': status {}{}", quote_command(source.command), result.status,
                         result.error.empty() ? "" : ", " + last_lines(result.error, 1));
  }
  return std::nullopt;
}

}  // namespace

std::string SecretStore::read(const std::string& name, const std::stop_token& stop) {
  throw_if_stopped(stop);
  const std::lock_guard lock(mutex_);
  if (const auto known = known_.find(name); known != known_.end()) return known->second;
  const auto sources = project_.secrets.find(name);
  if (sources == project_.secrets.end())
    throw Error(ErrorKind::failed, fmt::format("no secret '{}' under 'secrets:'", name));
  std::string tried;
  for (const SecretSource& source : sources->second)
    if (auto secret = from_source(source, project_, host_, tried)) return known_[name] = std::move(*secret);
  throw Error(ErrorKind::failed, fmt::format("cannot read the secret '{}':{}", name, tried))
      .with_hint("let one of these give it, or name another source under 'secrets:'");
}

std::string SecretStore::mask(std::string text) const {
  const std::lock_guard lock(mutex_);
  for (const auto& [name, secret] : known_) {
    if (secret.size() < shortest_masked) continue;
    text = replace_all(std::move(text), secret, "***");
    // As it stands between the quotes of JSON, which Ansible prints.
    const std::string quoted = to_json(Value(secret));
    text = replace_all(std::move(text), quoted.substr(1, quoted.size() - 2), "***");
    // Output comes line by line, so each line of a longer secret is hidden too.
    if (secret.find('\n') == std::string::npos) continue;
    for (const std::string& line : split(secret, '\n'))
      if (line.size() >= shortest_masked) text = replace_all(std::move(text), line, "***");
  }
  return text;
}

}  // namespace envtool
