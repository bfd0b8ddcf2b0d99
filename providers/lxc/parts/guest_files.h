#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Texts of files in a guest: values to text, no file is touched here.
namespace envtool::lxc {

struct Account {
  std::string name;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::string home;
};

/// The accounts of a passwd file; lines that are none are skipped.
std::vector<Account> parse_passwd(std::string_view text);
std::optional<Account> find_account(std::string_view passwd, const std::string& name);

/// A passwd or shadow file in which no password opens any account. `*` and not `!`: sshd without PAM refuses
/// even keys for an account locked by `!`.
std::string lock_passwords(std::string_view text);

/// A box's hosts file without the lines of loopback addresses: localhost and the machine's own name come from
/// envtool, those of the box would only say it twice, or name the machine it was made on.
std::string without_loopback_lines(std::string_view hosts);

/// resolv.conf of these servers. The file stays ours as long as `is_our_resolv_conf` says so.
std::string resolv_conf_text(const std::vector<std::string>& servers, const std::vector<std::string>& search);
bool is_our_resolv_conf(std::string_view text);

/// Servers and search domains in a resolv.conf.
struct ResolverSettings {
  std::vector<std::string> servers;
  std::vector<std::string> search;
};
ResolverSettings parse_resolv_conf(std::string_view text);
/// Whether a server can be reached from the host only (127.0.0.53 of systemd-resolved, ::1).
bool is_loopback_server(std::string_view server);

/// What keeps others from giving eth0 an address, which it has from envtool.
inline constexpr const char* interfaces_file = "/etc/network/interfaces";
inline constexpr const char* eth0_networkd_file = "/etc/systemd/network/00-envtool.network";
inline constexpr const char* network_manager_file = "/etc/NetworkManager/conf.d/00-envtool.conf";
/// Interfaces for ifupdown, without eth0 or with one that asks for its address.
std::string interfaces_text(bool asks);

/// sshd's settings against passwords.
std::string sshd_settings();
/// Whether sshd reads `sshd_config.d`, before any Match block.
bool includes_drop_ins(std::string_view sshd_config);

}  // namespace envtool::lxc
