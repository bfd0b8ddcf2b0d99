#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/session.h"
#include "core/powers.h"
#include "ssh/openssh.h"

/// What commands that go into a guest by the host's OpenSSH client share.
namespace envtool {

/// The guest's directory that shows this one of the host; nothing when no shared folder does. The deepest
/// folder wins.
std::optional<std::string> guest_directory(const std::vector<FolderConfig>& folders,
                                           const std::filesystem::path& directory);

/// A line for the guest's shell that runs `line` in the directory, or in the home where that is not there.
std::string in_directory(const std::optional<std::string>& directory, const std::string& line);

enum class Terminal { none, allocate, as_ssh_likes };

/// How ssh reaches the machine: one connection is shared by all commands, so that only the first pays for it.
/// The user's own arguments get a connection of their own, which ends with the command.
OpenSshOptions ssh_options(const Session& session, const SshTarget& target,
                           const std::vector<std::string>& extra = {});

/// Keeps an ssh configuration of the running machines in the environment's `.envtool`, for editors.
void write_ssh_config(const Session& session, Engine& engine);

/// `ssh` with everything it needs; `extra` are the user's own arguments for it, `line` is what the guest's
/// shell shall run, empty for a login shell.
struct SshCommand {
  Terminal terminal = Terminal::none;
  std::vector<std::string> extra = {};
  std::string line = {};
};
std::vector<std::string> ssh_command_line(const Session& session, const SshTarget& target,
                                          const SshCommand& command);

/// Runs in the machine without SSH, in the directory that corresponds to the working directory, with the
/// terminal's variables that sshd would take too. `command` says what and as whom.
int attach_here(const Session& session, Engine& engine, const SshTarget& target, AttachCommand command);

/// A terminal in the guest only where there is one on both sides here.
Terminal terminal_here(const Session& session);

}  // namespace envtool
