#pragma once

#include <string>

#include "core/communicator.h"

namespace envtool {

/// A guest command as it goes over the wire.
struct RemoteCommand {
  std::string line;      ///< for the ssh user's login shell, whatever shell that is
  std::string preamble;  ///< comes first on the command's standard input; the command itself never sees it
};

/// Puts user, directory, environment and command into one line. An environment travels in the preamble, since
/// every user of the guest can read argument lists; so does a command too long for one argument. `job` marks
/// every process of the command (`ENVTOOL_JOB`), so that end_job_script can find them.
/// Throws Error(failed) for a variable name that a shell cannot export.
RemoteCommand remote_command(const GuestCommand& command, const std::string& ssh_user,
                             const std::string& job);

/// A script that ends all processes of the job: SIGTERM now, SIGKILL two seconds later. It returns at once.
std::string end_job_script(const std::string& job);

/// The same, but it returns when none of them is left.
std::string await_job_end_script(const std::string& job);

/// A script that writes its standard input, which has `size` bytes, to the file by rename in its directory.
/// A connection that breaks half-way leaves the old file.
std::string receive_script(const Communicator::Upload& file, std::uintmax_t size);

}  // namespace envtool
