#include "providers/lxc/parts/login.h"

#include <algorithm>
#include <charconv>

#include "base/text.h"

namespace envtool::lxc {

namespace {

std::optional<std::uint32_t> number_of(const std::string& text) {
  std::uint32_t number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  return code == std::errc() && end == text.data() + text.size() ? std::optional(number) : std::nullopt;
}

std::string without_quotes(std::string_view value) {
  if (value.size() >= 2 && value.front() == value.back() && (value.front() == '"' || value.front() == '\''))
    value = value.substr(1, value.size() - 2);
  return std::string(value);
}

}  // namespace

std::optional<Login> find_login(std::string_view passwd, std::string_view group, const std::string& user) {
  std::optional<Login> login;
  for (const std::string& line : split(passwd, '\n')) {
    const std::vector<std::string> fields = split(line, ':');
    if (fields.size() < 7 || fields[0] != user) continue;
    const auto uid = number_of(fields[2]), gid = number_of(fields[3]);
    if (!uid || !gid) continue;
    login = Login{user, *uid, *gid, {*gid}, fields[5], fields[6]};
    break;
  }
  if (!login) return login;
  if (login->home.empty()) login->home = "/";
  if (login->shell.empty()) login->shell = "/bin/sh";
  for (const std::string& line : split(group, '\n')) {
    const std::vector<std::string> fields = split(line, ':');
    const auto gid = fields.size() < 4 ? std::nullopt : number_of(fields[2]);
    if (!gid || *gid == login->gid) continue;
    const std::vector<std::string> members = split(trim(fields[3]), ',');
    if (std::find(members.begin(), members.end(), user) != members.end()) login->groups.push_back(*gid);
  }
  return login;
}

std::map<std::string, std::string> login_environment(const Login& login, std::string_view etc_environment) {
  // As Debian's login and sshd have it.
  std::map<std::string, std::string> environment = {
      {"HOME", login.home},
      {"USER", login.user},
      {"LOGNAME", login.user},
      {"SHELL", login.shell},
      {"PATH", login.uid == 0 ? "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
                              : "/usr/local/bin:/usr/bin:/bin:/usr/local/games:/usr/games"}};
  for (const std::string& line : split(etc_environment, '\n')) {
    std::string_view text = trim(line);
    if (text.starts_with("export ")) text = trim(text.substr(7));
    const std::size_t equals = text.find('=');
    if (text.starts_with('#') || equals == std::string_view::npos || equals == 0) continue;
    environment[std::string(text.substr(0, equals))] = without_quotes(text.substr(equals + 1));
  }
  return environment;
}

}  // namespace envtool::lxc
