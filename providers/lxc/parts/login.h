#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace envtool::lxc {

/// A guest's user as a program runs that is started for it.
struct Login {
  std::string user;
  std::uint32_t uid = 0, gid = 0;
  std::vector<std::uint32_t> groups;  ///< its own first
  std::string home, shell;
};

/// Out of the texts of passwd and group; nothing when there is no such user. Read as texts, because the
/// guest's own libraries for that must not run in a process of the host's.
std::optional<Login> find_login(std::string_view passwd, std::string_view group, const std::string& user);

/// What a session of the user begins with: HOME and the like, then the lines of /etc/environment.
std::map<std::string, std::string> login_environment(const Login& login, std::string_view etc_environment);

}  // namespace envtool::lxc
