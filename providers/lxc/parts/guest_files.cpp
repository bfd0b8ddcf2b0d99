#include "providers/lxc/parts/guest_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/text.h"

namespace envtool::lxc {

namespace {

constexpr std::string_view resolv_mark = "# written by envtool at start; remove this line to keep your own";

bool read_number(const std::string& text, std::uint32_t& number) {
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  return code == std::errc() && end == text.data() + text.size();
}

std::vector<std::string> words_of(std::string_view line) {
  std::vector<std::string> words = split(replace_all(std::string(line), "\t", " "), ' ');
  std::erase(words, "");
  return words;
}

}  // namespace

std::vector<Account> parse_passwd(std::string_view text) {
  std::vector<Account> accounts;
  for (const std::string& line : split(text, '\n')) {
    const std::vector<std::string> fields = split(line, ':');
    Account account;
    if (fields.size() != 7 || !read_number(fields[2], account.uid) || !read_number(fields[3], account.gid))
      continue;
    account.name = fields[0];
    account.home = fields[5];
    accounts.push_back(std::move(account));
  }
  return accounts;
}

std::optional<Account> find_account(std::string_view passwd, const std::string& name) {
  for (Account& account : parse_passwd(passwd))
    if (account.name == name) return std::move(account);
  return std::nullopt;
}

std::string lock_passwords(std::string_view text) {
  std::vector<std::string> lines = split(text, '\n');
  for (std::string& line : lines) {
    std::vector<std::string> fields = split(line, ':');
    // `x` sends the reader of passwd on to shadow, where this is done as well.
    if (fields.size() < 2 || fields[1] == "x") continue;
    fields[1] = "*";
    line = join(fields, ":");
  }
  return join(lines, "\n");
}

std::string without_loopback_lines(std::string_view hosts) {
  std::vector<std::string> lines = split(hosts, '\n');
  std::erase_if(lines, [](const std::string& line) {
    const std::vector<std::string> words = words_of(line);
    return !words.empty() && is_loopback_server(words[0]);
  });
  return join(lines, "\n");
}

std::string resolv_conf_text(const std::vector<std::string>& servers,
                             const std::vector<std::string>& search) {
  std::string text = std::string(resolv_mark) + "\n";
  if (!search.empty()) text += "search " + join(search, " ") + "\n";
  for (const std::string& server : servers) text += "nameserver " + server + "\n";
  return text;
}

bool is_our_resolv_conf(std::string_view text) { return text.starts_with(resolv_mark); }

ResolverSettings parse_resolv_conf(std::string_view text) {
  ResolverSettings settings;
  for (const std::string& line : split(text, '\n')) {
    const std::vector<std::string> words = words_of(line);
    if (words.size() < 2) continue;
    if (words[0] == "nameserver") settings.servers.push_back(words[1]);
    if (words[0] == "search" || words[0] == "domain") settings.search.assign(words.begin() + 1, words.end());
  }
  return settings;
}

bool is_loopback_server(std::string_view server) { return server.starts_with("127.") || server == "::1"; }

std::string interfaces_text(bool asks) {
  const std::string loopback = "auto lo\niface lo inet loopback\n";
  return asks ? loopback + "auto eth0\niface eth0 inet dhcp\n"
              : "# eth0 has its address from envtool.\n" + loopback;
}

std::string sshd_settings() {
  return "# Set by envtool: machines are entered with their own key only.\n"
         "PasswordAuthentication no\n"
         "KbdInteractiveAuthentication no\n"
         "PermitEmptyPasswords no\n";
}

bool includes_drop_ins(std::string_view sshd_config) {
  for (const std::string& line : split(sshd_config, '\n')) {
    const std::vector<std::string> words = words_of(line);
    if (words.empty()) continue;
    std::string key = words[0];
    std::transform(key.begin(), key.end(), key.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; });
    if (key == "match") return false;
    if (key == "include" && words.size() > 1 && words[1] == "/etc/ssh/sshd_config.d/*.conf") return true;
  }
  return false;
}

}  // namespace envtool::lxc
