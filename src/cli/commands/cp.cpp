#include <fmt/format.h>

#include "base/shell.h"
#include "base/text.h"
#include "cli/commands/commands.h"
#include "cli/commands/guest.h"

namespace envtool {

namespace fs = std::filesystem;

namespace {

/// One side of a copy: a path here, or one in a machine.
struct Place {
  std::optional<std::string> machine;
  std::string path;
};

/// "web:/etc/hosts", ":notes" for the primary machine; "./a:b" and "/a:b" are paths here.
Place place_of(const std::string& word) {
  const size_t colon = word.find(':');
  const size_t slash = word.find('/');
  const bool in_environment = word.starts_with('@') && colon != std::string::npos;
  if (colon == std::string::npos || (slash < colon && !in_environment)) return {std::nullopt, word};
  return {word.substr(0, colon), word.substr(colon + 1)};
}

std::string without_slashes(std::string path) {
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  return path;
}

/// Writes a tar of the one entry to its standard output. A path that starts with a dash stays a path.
std::string pack_script(const std::string& source) {
  const fs::path path = without_slashes(source.empty() ? "." : source);
  const bool whole = path.filename() == "." || path.filename() == ".." || !path.has_filename();
  const std::string parent = whole                    ? path.string()
                             : path.has_parent_path() ? path.parent_path().string()
                                                      : ".";
  return fmt::format("tar -C {} -cf - -- {}", quote_shell(parent),
                     whole ? "." : quote_shell("./" + path.filename().string()));
}

/// Files belong to who unpacks them. Puts the tar's one entry where `cp` would: into a directory that is
/// there, else under the new name.
std::string unpack_script(const std::string& source, const std::string& target) {
  const std::string name = fs::path(without_slashes(source)).filename();
  const std::string to = target.empty() ? "." : target;
  if (name.empty() || name == "." || name == "..")
    return fmt::format("mkdir -p -- {0} && tar -C {0} -xpof -", quote_shell(to));
  const std::string into = fmt::format("tar -C {} -xpof -", quote_shell(to));
  if (to.ends_with('/')) return fmt::format("mkdir -p -- {} && {}", quote_shell(to), into);
  // Unpacked beside its place first, so that a copy that breaks off replaces nothing.
  return fmt::format(
      "if [ -d {0} ]; then {1}; else t=$(mktemp -d -- {0}.XXXXXX) && tar -C \"$t\" -xpof - && mv -T -- "
      "\"$t\"/{2} {0}; "
      "s=$?; rm -rf -- \"$t\"; exit $s; fi",
      quote_shell(to.starts_with('-') ? "./" + to : to), into, quote_shell(name));
}

/// The script as a command for the host's shell, in the machine where there is one.
std::string at(Session& session, const Place& place, const std::string& script) {
  if (!place.machine) return "sh -c " + quote_shell(script);
  const Session::MachineTarget found = session.open_one(*place.machine);
  const SshTarget target = found.engine.ssh_target(found.machine);
  return quote_command(ssh_command_line(session, target, {.line = "sh -c " + quote_shell(script)}));
}

int copy(Session& session, const std::vector<std::string>& words) {
  Place to = place_of(words.back());
  const bool several = words.size() > 2;
  if (several && !to.path.ends_with('/')) to.path += to.path.empty() ? "./" : "/";
  for (std::size_t i = 0; i + 1 < words.size(); ++i) {
    const Place from = place_of(words[i]);
    if (!from.machine && !to.machine)
      throw Error(ErrorKind::usage, "neither side of the copy is in a machine")
          .with_hint("name one: 'web:path' or ':path'");
    if (!from.machine && !fs::exists(fs::symlink_status(session.host.working_directory / from.path)))
      throw Error(ErrorKind::failed, fmt::format("there is no '{}'", from.path));
    const std::string pipeline = "set -o pipefail; " + at(session, from, pack_script(from.path)) + " | " +
                                 at(session, to, unpack_script(from.path, to.path));
    const ProcessSpec spec{.argv = {"bash", "-c", pipeline}, .directory = session.host.working_directory};
    const ProcessResult result = session.host.processes.run(spec, session.stop);
    if (!result.ok())
      throw Error(ErrorKind::failed,
                  fmt::format("cannot copy '{}' to '{}': {}", words[i], words.back(),
                              result.error.empty() ? fmt::format("status {}", result.status)
                                                   : std::string(last_lines(result.error, 3))));
  }
  return exit_code::done;
}

}  // namespace

Command cp_command() {
  const auto words = std::make_shared<std::vector<std::string>>();
  return {.name = "cp",
          .group = group::inside,
          .summary = "copy files to and from machines",
          .description =
              "MACHINE:PATH is in a machine, :PATH in the only or primary one; relative paths begin at the\n"
              "user's home there. Directories, modes and symbolic links are kept, and a destination that\n"
              "is a directory is copied into, as cp does.",
          .examples = {"envtool cp dump.sql db:/tmp/", "envtool cp web:/var/log/nginx ./logs",
                       "envtool cp web-1:a web-2:b"},
          .arguments = {{.name = "SRC",
                         .help = "one or more sources",
                         .set = [words](const std::string& word) { words->push_back(word); },
                         .required = true,
                         .repeated = true,
                         .completes = Completes::files},
                        {.name = "DST",
                         .help = "the destination",
                         .set = [words](const std::string& word) { words->push_back(word); },
                         .required = true,
                         .completes = Completes::files}},
          .run = [words](Session& session) { return copy(session, *words); }};
}

}  // namespace envtool
