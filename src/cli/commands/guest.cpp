#include "cli/commands/guest.h"

#include "base/files.h"
#include "base/shell.h"

namespace envtool {

namespace fs = std::filesystem;

std::optional<std::string> guest_directory(const std::vector<FolderConfig>& folders,
                                           const fs::path& directory) {
  std::error_code ignored;
  const fs::path here = fs::weakly_canonical(directory, ignored);
  std::optional<std::string> best;
  std::size_t best_depth = 0;
  for (const FolderConfig& folder : folders) {
    const fs::path relative = here.lexically_relative(fs::weakly_canonical(folder.host, ignored));
    const auto depth = static_cast<std::size_t>(std::distance(folder.host.begin(), folder.host.end()));
    if (relative.empty() || *relative.begin() == ".." || depth < best_depth) continue;
    best = (fs::path(folder.guest) / relative).lexically_normal().string();
    if (best->size() > 1 && best->ends_with('/')) best->pop_back();
    best_depth = depth;
  }
  return best;
}

std::string in_directory(const std::optional<std::string>& directory, const std::string& line) {
  return directory ? "cd " + quote_shell(*directory) + " 2>/dev/null; " + line : line;
}

OpenSshOptions ssh_options(const Session& session, const SshTarget& target,
                           const std::vector<std::string>& extra) {
  OpenSshOptions options{.forward_agent = target.forward_agent};
  if (extra.empty())
    options.control_path = control_path(control_directory(session.host.paths), target.endpoint);
  return options;
}

void write_ssh_config(const Session& session, Engine& engine) {
  std::string text;
  for (const MachineStatus& status : engine.status(engine.select({}, true))) {
    if (status.phase != MachinePhase::running) continue;
    const SshTarget target = engine.ssh_target(status.name);
    text += ssh_config_block(target.config_alias, target.endpoint, ssh_options(session, target)) + "\n";
  }
  const fs::path path = engine.environment()->directory / ".envtool" / "ssh_config";
  if (read_file_if_there(path) != text) write_file(path, text, 0600);
}

std::vector<std::string> ssh_command_line(const Session& session, const SshTarget& target,
                                          const SshCommand& command) {
  std::vector<std::string> words =
      ssh_arguments(target.endpoint, ssh_options(session, target, command.extra));
  if (command.terminal == Terminal::allocate) words.push_back("-t");
  if (command.terminal == Terminal::none) words.push_back("-T");
  words.insert(words.end(), command.extra.begin(), command.extra.end());
  words.push_back(target.config_alias);
  if (!command.line.empty()) words.push_back(command.line);
  return words;
}

int attach_here(const Session& session, Engine& engine, const SshTarget& target, AttachCommand command) {
  command.directory = guest_directory(target.folders, session.host.working_directory).value_or("");
  command.terminal = terminal_here(session) == Terminal::allocate;
  for (const auto& [name, value] : session.host.variables)
    if (name == "LANG" || name.starts_with("LC_") || (name == "TERM" && command.terminal))
      command.environment[name] = value;
  return Powers(engine).attach(target.machine, command);
}

Terminal terminal_here(const Session& session) {
  return session.console.input_is_terminal() && session.console.output_is_terminal() ? Terminal::allocate
                                                                                     : Terminal::none;
}

}  // namespace envtool
