#include "providers/lxc/helper/unseal.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "base/host_keys.h"
#include "base/hosts.h"
#include "base/tar.h"
#include "base/text.h"
#include "base/vagrant_key.h"
#include "providers/lxc/parts/guest_networks.h"

namespace envtool::lxc {

namespace {

constexpr std::string_view dhcp_network = "[Match]\nName=eth0\n\n[Network]\nDHCP=yes\n";

/// Without systemd-resolved nobody tells the guest what name servers systemd-networkd has found. Where
/// envtool writes resolv.conf it is no link, and this does nothing.
constexpr std::string_view resolver_path_unit = R"([Unit]
Description=Watch for the name servers that DHCP tells of
ConditionPathIsSymbolicLink=/etc/resolv.conf

[Path]
PathChanged=/run/systemd/netif/state

[Install]
WantedBy=multi-user.target
)";
constexpr std::string_view resolver_unit = R"([Unit]
Description=Use the name servers that DHCP tells of

[Service]
Type=oneshot
ExecStart=/bin/sh -c 'sed -n "s/^DNS=//p" /run/systemd/netif/state | tr " " "\\n" | sed "s/^/nameserver /" >/run/dhcp-resolv.conf'
)";

constexpr const char* units = "/etc/systemd/system/";

/// Collects the differences, by the places where things really are: links in the guest lead where it wants.
class Differences {
 public:
  explicit Differences(const GuestTree& tree)
      : guest(tree),
        now_(std::chrono::duration_cast<std::chrono::seconds>(
                 std::chrono::system_clock::now().time_since_epoch())
                 .count()) {}

  const GuestTree& guest;

  void leave_out(const std::string& path) { result_.left_out.push_back(real(path)); }
  void leave_out_all_in(const std::string& directory, std::string_view prefix = "") {
    for (const std::string& name : guest.list(directory))
      if (name.starts_with(prefix)) leave_out(directory + "/" + name);
  }
  void write(const std::string& path, std::string_view content, const GuestTree::Owner& owner = {}) {
    add({.name = real(path), .mode = owner.mode, .uid = owner.uid, .gid = owner.gid, .size = content.size()});
    result_.entries += std::string(content) + tar_padding(content.size());
  }
  void make_link(const std::string& path, const std::string& target) {
    add({.name = real(path), .kind = TarEntry::Kind::link, .mode = 0777, .link_to = target});
  }
  /// In case that there is none; else the guest's own entry comes after it.
  void make_directory(const std::string& path, const GuestTree::Owner& owner) {
    result_.entries += tar_header({.name = "./rootfs" + guest.real_directory(path) + "/",
                                   .kind = TarEntry::Kind::directory,
                                   .mode = owner.mode,
                                   .uid = owner.uid,
                                   .gid = owner.gid,
                                   .modified = now_});
  }
  void enable_unit(const std::string& unit, const std::string& place) {
    make_link(units + std::string("multi-user.target.wants/") + unit, place + unit);
  }
  bool has_any(std::initializer_list<const char*> paths) const {
    return std::any_of(paths.begin(), paths.end(), [&](const char* path) { return guest.owner_of(path); });
  }
  Unsealed take() { return std::move(result_); }

 private:
  std::string real(const std::string& path) const {
    const std::filesystem::path place(path);
    return guest.real_directory(place.parent_path()) + "/" + place.filename().string();
  }
  void add(TarEntry entry) {
    result_.left_out.push_back(entry.name);
    entry.name = "./rootfs" + entry.name;
    entry.modified = now_;
    result_.entries += tar_header(entry);
  }

  const std::int64_t now_;
  Unsealed result_;
};

void leave_out_identity(Differences& box) {
  box.leave_out_all_in("/etc/ssh", "ssh_host_");
  for (const char* path : {"/etc/hostname", "/var/lib/dbus/machine-id", "/var/lib/systemd/random-seed",
                           "/var/lib/systemd/credential.secret"})
    box.leave_out(path);
  box.leave_out_all_in("/var/log/journal");  // named after the machine id
  box.write("/etc/machine-id", "", {0, 0, 0444});
  box.write("/etc/hosts", hosts_file(box.guest.read("/etc/hosts").value_or(""),
                                     "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n"));
}

void let_vagrant_in(Differences& box, const Account& user) {
  const std::string ssh = user.home + "/.ssh";
  box.make_directory(ssh, {user.uid, user.gid, 0700});
  box.write(ssh + "/authorized_keys", vagrant_public_key, {user.uid, user.gid, 0600});
  if (!box.guest.is_directory(units) || !box.has_any({"/usr/bin/ssh-keygen"})) return;
  box.write(units + std::string("ssh-host-keys.service"), host_key_unit("ssh.service sshd.service"));
  box.enable_unit("ssh-host-keys.service", units);
}

std::string system_units(const Differences& box) {
  return box.guest.is_directory("/usr/lib/systemd/system") ? "/usr/lib/systemd/system/"
                                                           : "/lib/systemd/system/";
}

void ask_by_networkd(Differences& box) {
  box.write("/etc/systemd/network/80-dhcp.network", dhcp_network);
  box.enable_unit("systemd-networkd.service", system_units(box));
  if (box.has_any({"/usr/lib/systemd/systemd-resolved", "/lib/systemd/systemd-resolved"})) return;
  box.write(units + std::string("dhcp-resolv.path"), resolver_path_unit);
  box.write(units + std::string("dhcp-resolv.service"), resolver_unit);
  box.enable_unit("dhcp-resolv.path", units);
}

/// Whoever of those that are there would have done it if envtool had not kept them from it.
void ask_for_address(Differences& box) {
  box.leave_out(eth0_networkd_file);
  for (const std::string& name : box.guest.list("/etc/systemd/network"))
    if (is_networkd_file_name(name)) box.leave_out("/etc/systemd/network/" + name);
  box.leave_out(network_manager_file);
  if (box.has_any({"/sbin/ifup"}) && box.has_any({"/sbin/dhclient", "/sbin/udhcpc", "/sbin/dhcpcd"})) {
    if (box.guest.read(interfaces_file) == interfaces_text(false))
      box.write(interfaces_file, interfaces_text(true));
    if (box.has_any({"/lib/systemd/system/networking.service"}))
      box.enable_unit("networking.service", system_units(box));
  } else if (!box.has_any({"/usr/sbin/NetworkManager"}) &&
             box.has_any({"/usr/lib/systemd/systemd-networkd", "/lib/systemd/systemd-networkd"})) {
    ask_by_networkd(box);
  }
}

void use_own_resolver(Differences& box) {
  if (!is_our_resolv_conf(box.guest.read("/etc/resolv.conf").value_or(""))) return;
  if (box.has_any({"/usr/lib/systemd/systemd-resolved", "/lib/systemd/systemd-resolved"}))
    box.make_link("/etc/resolv.conf", "../run/systemd/resolve/stub-resolv.conf");
  else
    box.make_link("/etc/resolv.conf", "../run/dhcp-resolv.conf");
}

}  // namespace

Unsealed unseal(const GuestTree& guest, const Account& user) {
  Differences box(guest);
  leave_out_identity(box);
  let_vagrant_in(box, user);
  ask_for_address(box);
  use_own_resolver(box);
  return box.take();
}

}  // namespace envtool::lxc
