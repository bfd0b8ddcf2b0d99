#include "ssh/openssh.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>

#include "base/files.h"
#include "base/hash.h"
#include "base/text.h"

namespace envtool {

namespace {

struct Setting {
  std::string key;
  std::string value;
};

/// A path as a value: quoted, since it may hold blanks, and without anything that ssh expands.
std::string path_value(const std::filesystem::path& path) {
  const std::string& text = path.native();
  // ssh_config(5) has no way to write these.
  for (const char* forbidden : {"\n", "\"", "\\", "${"})
    if (text.find(forbidden) != std::string::npos)
      throw Error(ErrorKind::failed,
                  fmt::format("the path '{}' cannot be written in an ssh configuration", text))
          .with_hint(
              "choose a directory without quotes, backslashes, line breaks and '${', for example by "
              "ENVTOOL_HOME");
  return "\"" + replace_all(text, "%", "%%") + "\"";
}

std::vector<Setting> settings_of(const SshEndpoint& endpoint, const OpenSshOptions& options) {
  std::vector<Setting> settings = {
      {"HostName", replace_all(endpoint.host, "%", "%%")},
      {"Port", std::to_string(endpoint.port)},
      {"User", endpoint.user},
      {"IdentityFile", path_value(endpoint.private_key)},
      {"IdentitiesOnly", "yes"},
      {"PreferredAuthentications", "publickey"},
      {"UserKnownHostsFile", path_value(endpoint.known_hosts)},
      {"GlobalKnownHostsFile", "/dev/null"},
      {"HostKeyAlias", endpoint.host_key_alias},
      {"StrictHostKeyChecking", "yes"},
      {"CheckHostIP", "no"},
      {"UpdateHostKeys", "no"},
      {"ServerAliveInterval", "10"},
      {"LogLevel", "ERROR"},
  };
  // A machine's address beyond a bridge that is gone may be somebody else's machine.
  if (!endpoint.device.empty()) settings.push_back({"BindInterface", endpoint.device});
  if (!endpoint.proxy.empty()) settings.push_back({"ProxyCommand", endpoint.proxy});
  if (options.forward_agent) settings.push_back({"ForwardAgent", "yes"});
  if (!options.control_path.empty()) {
    settings.push_back({"ControlMaster", "auto"});
    settings.push_back({"ControlPath", path_value(options.control_path)});
    settings.push_back({"ControlPersist", fmt::format("{}s", options.control_persist.count())});
  }
  return settings;
}

/// OpenSSH binds to a temporary name first: the path, a dot and 16 random characters (muxserver_listen).
constexpr std::size_t temporary_suffix = 17;
constexpr std::size_t name_digits = 16;  ///< as many as of `fnv1a`

bool is_short_enough(const std::filesystem::path& directory) {
  return directory.native().size() + 1 + name_digits + temporary_suffix < sizeof(sockaddr_un::sun_path);
}

void require_private(const std::filesystem::path& directory) {
  struct stat found {};
  if (::lstat(directory.c_str(), &found) != 0)
    throw Error(ErrorKind::host_not_ready,
                fmt::format("cannot use directory '{}': {}", directory.string(), errno_text(errno)));
  if (S_ISDIR(found.st_mode) && found.st_uid == ::geteuid() && (found.st_mode & 077) == 0) return;
  throw Error(ErrorKind::host_not_ready,
              fmt::format("'{}' is not a directory that belongs to you alone: owner {}, mode {:04o}",
                          directory.string(), found.st_uid, found.st_mode & 07777u))
      .with_hint(fmt::format("remove it: sudo rm -rf {}", directory.string()));
}

}  // namespace

std::string ssh_config_block(const std::string& name, const SshEndpoint& endpoint,
                             const OpenSshOptions& options) {
  std::string block = "Host " + name + "\n";
  for (const Setting& setting : settings_of(endpoint, options))
    block += "  " + setting.key + " " + setting.value + "\n";
  return block;
}

std::vector<std::string> ssh_arguments(const SshEndpoint& endpoint, const OpenSshOptions& options) {
  std::vector<std::string> words = {"ssh", "-F", "none"};
  for (const Setting& setting : settings_of(endpoint, options)) {
    words.push_back("-o");
    words.push_back(setting.key + "=" + setting.value);
  }
  return words;
}

std::filesystem::path control_directory(const HostPaths& paths) {
  const std::filesystem::path directory =
      is_short_enough(paths.runtime) ? paths.runtime
                                     : std::filesystem::path(fmt::format("/tmp/envtool-{}", ::geteuid()));
  if (::mkdir(directory.c_str(), 0700) != 0 && errno == ENOENT) make_directories(directory, 0700);
  require_private(directory);
  return directory;
}

std::filesystem::path control_path(const std::filesystem::path& directory, const SshEndpoint& endpoint) {
  const std::string pinned = read_file_if_there(endpoint.known_hosts).value_or("");
  const std::string identity = fmt::format("{}\n{}\n{}\n{}\n{}", endpoint.user, endpoint.host, endpoint.port,
                                           endpoint.host_key_alias, pinned);
  return directory / fnv1a(identity);
}

void end_control_master(const std::filesystem::path& socket, Operation& operation) {
  struct stat found {};
  if (::lstat(socket.c_str(), &found) != 0) return;
  // The socket's name is all that the client needs; the destination only has to be there.
  operation.run(
      {.argv = {"ssh", "-F", "none", "-o", "ControlPath=" + path_value(socket), "-O", "exit", "envtool"},
       .timeout = std::chrono::seconds(2)});
  ::unlink(socket.c_str());
}

}  // namespace envtool
