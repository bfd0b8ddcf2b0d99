#include "sync/rsync.h"

#include <fmt/format.h>

#include "base/shell.h"
#include "base/text.h"

namespace envtool {

namespace {

constexpr int status_cannot_start = 127;
constexpr int status_vanished = 24;  // rsync(1): source files went away meanwhile, as an editor's do

/// rsync splits the value of `-e` at blanks and knows quotes, in which a quote is written twice, but no
/// escapes.
std::string quote_for_rsync(const std::string& word) { return "'" + replace_all(word, "'", "''") + "'"; }

std::string remote_shell_option(const std::vector<std::string>& words) {
  std::vector<std::string> quoted;
  for (const std::string& word : words) quoted.push_back(quote_for_rsync(word));
  return join(quoted, " ");
}

/// Says what is missing in the guest, makes the directory, and gives its owner as "user:group".
std::string prepare_guest(const FolderConfig& folder, const SshEndpoint& endpoint, Communicator& communicator,
                          Operation& operation) {
  const std::string& owner = folder.owner.empty() ? endpoint.user : folder.owner;
  const GuestCommand command{
      .script =
          fmt::format("command -v rsync >/dev/null || exit 77; g=$(id -gn -- {1}) || exit 78; d={0}; "
                      "[ -d \"$d\" ] || {{ mkdir -p -- \"$d\" && chown -- {1}:\"$g\" \"$d\"; }}; echo \"$g\"",
                      quote_shell(folder.guest), quote_shell(owner)),
      .user = "root"};
  const ProcessResult result = communicator.run(command, operation);
  if (result.status == 77)
    throw NoRsync(folder, "the guest has no rsync",
                  "install rsync in the guest or its box: envtool exec -u root -- apt-get install -y rsync");
  if (result.status == 78)
    throw Error(ErrorKind::failed,
                fmt::format("folder '{}': the guest has no user '{}'", folder.guest, owner))
        .at(folder.position);
  if (!result.ok())
    throw Error(ErrorKind::failed, fmt::format("folder '{}': cannot make the directory in the guest: {}",
                                               folder.guest, last_lines(result.error, 2)))
        .at(folder.position);
  return fmt::format("{}:{}", owner, trim(result.output));
}

[[noreturn]] void fail(const FolderConfig& folder, const ProcessSpec& spec, const ProcessResult& result) {
  if (result.status == status_cannot_start)
    throw NoRsync(folder, last_lines(result.error, 1),
                  "install rsync on this host: sudo apt-get install rsync");
  throw Error(ErrorKind::failed, fmt::format("folder '{}': {}", folder.guest, describe_failure(spec, result)))
      .at(folder.position);
}

}  // namespace

NoRsync::NoRsync(const FolderConfig& folder, const std::string& reason, const std::string& hint)
    : Error(ErrorKind::host_not_ready, fmt::format("folder '{}': {}", folder.guest, reason)),
      reason_(reason) {
  at(folder.position).with_hint(hint);
}

std::vector<std::string> rsync_command(const FolderConfig& folder, const std::string& owner,
                                       const RsyncTarget& target) {
  const SshEndpoint& endpoint = target.endpoint;
  // Not compressed: the guest is on this host. `--secluded-args`, by its older name, keeps the guest's shell
  // away from the path.
  std::vector<std::string> words = {"rsync", "--archive", "--delete", "--protect-args",
                                    "--exclude=.envtool/"};
  for (const std::string& pattern : folder.exclude) words.push_back("--exclude=" + pattern);
  words.push_back("--chown=" + owner);
  words.push_back(endpoint.user == "root" ? "--rsync-path=rsync" : "--rsync-path=sudo -n rsync");
  words.push_back("--rsh=" + remote_shell_option(target.remote_shell));
  words.push_back("--");
  words.push_back(folder.host.string() + "/");
  const bool is_ipv6 = endpoint.host.find(':') != std::string::npos;
  words.push_back((is_ipv6 ? "[" + endpoint.host + "]" : endpoint.host) + ":" + folder.guest + "/");
  return words;
}

void push_by_rsync(const FolderConfig& folder, const RsyncTarget& target, Communicator& communicator,
                   Operation& operation) {
  const std::string owner = prepare_guest(folder, target.endpoint, communicator, operation);
  const ProcessSpec spec{.argv = rsync_command(folder, owner, target), .environment = {{"LC_ALL", "C"}}};
  const ProcessResult result = operation.run(spec);
  if (!result.ok() && result.status != status_vanished) fail(folder, spec, result);
}

}  // namespace envtool
