#include "providers/lxc/helper/seal.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/text.h"
#include "providers/lxc/helper/context.h"
#include "providers/lxc/parts/guest_files.h"
#include "providers/lxc/parts/guest_networks.h"

namespace envtool::lxc {

namespace fs = std::filesystem;

namespace {

/// Units that wait for a network envtool has set already, make keys it has written, or want a kernel of their
/// own.
constexpr std::array masked_units = {"systemd-networkd-wait-online.service",
                                     "NetworkManager-wait-online.service",
                                     "ifupdown-wait-online.service",
                                     "ssh-keygen.service",
                                     "sshd-keygen.service",
                                     "sshd-keygen.target",
                                     "sshd-keygen@.service",
                                     "regenerate_ssh_host_keys.service",
                                     "ifupdown-pre.service",
                                     "console-getty.service",
                                     "container-getty@.service",
                                     "getty@.service",
                                     "serial-getty@.service",
                                     "systemd-udevd.service",
                                     "systemd-udev-trigger.service",
                                     "systemd-udev-settle.service",
                                     "systemd-udevd-control.socket",
                                     "systemd-udevd-kernel.socket",
                                     "systemd-journald-audit.socket",
                                     "systemd-modules-load.service",
                                     "systemd-binfmt.service",
                                     "systemd-hwdb-update.service",
                                     "systemd-firstboot.service",
                                     "dev-hugepages.mount",
                                     "sys-kernel-debug.mount",
                                     "sys-kernel-tracing.mount",
                                     "sys-kernel-config.mount",
                                     "sys-fs-fuse-connections.mount",
                                     "proc-sys-fs-binfmt_misc.automount"};

/// Not started at boot, but there for who asks: lo and eth0 are up before init runs, and package updates that
/// start by themselves hold dpkg's lock just when a provisioner wants it.
constexpr std::array disabled_units = {"networking.service", "e2scrub_reap.service", "apt-daily.timer",
                                       "apt-daily-upgrade.timer"};

void remove_all_in(const GuestTree& box, const std::string& directory, std::string_view suffix) {
  for (const std::string& name : box.list(directory))
    if (name.ends_with(suffix)) box.remove(directory + "/" + name);
}

void remove_keys(const GuestTree& box) {
  for (const std::string& name : box.list("/etc/ssh"))
    if (name.starts_with("ssh_host_")) box.remove("/etc/ssh/" + name);
  std::vector<std::string> homes = {"/root"};
  for (const Account& account : parse_passwd(box.read("/etc/passwd").value_or("")))
    if (account.home.starts_with('/')) homes.push_back(account.home);
  for (const std::string& home : homes)
    for (const char* file : {"/.ssh/authorized_keys", "/.ssh/authorized_keys2"}) box.remove(home + file);
}

void close_passwords(const GuestTree& box) {
  for (const char* path : {"/etc/passwd", "/etc/shadow"}) {
    const auto text = box.read(path);
    if (text)
      box.write(path, lock_passwords(*text), box.owner_of(path).value_or(GuestTree::Owner{0, 0, 0600}));
  }
  for (const char* path : {"/etc/shadow-", "/etc/passwd-"}) box.remove(path);
  const auto settings = box.read("/etc/ssh/sshd_config");
  if (!settings) return;
  if (includes_drop_ins(*settings))
    box.write("/etc/ssh/sshd_config.d/00-envtool.conf", sshd_settings());
  else
    box.write("/etc/ssh/sshd_config", sshd_settings() + "\n" + *settings);
}

void take_network_configuration_away(const GuestTree& box) {
  if (box.is_directory("/etc/network")) {
    for (const std::string& name : box.list("/etc/network/interfaces.d"))
      box.remove("/etc/network/interfaces.d/" + name);
    box.write(interfaces_file, interfaces_text(false));
  }
  remove_all_in(box, "/etc/netplan", ".yaml");
  remove_all_in(box, "/etc/netplan", ".yml");
  remove_all_in(box, "/etc/NetworkManager/system-connections", "");
  remove_all_in(box, "/etc/sysconfig/network-scripts", "ifcfg-eth0");
  remove_all_in(box, "/etc/systemd/network", ".network");
  if (box.is_directory("/etc/systemd"))
    box.write(eth0_networkd_file,
              "# eth0 has its address from envtool.\n[Match]\nName=eth0\n[Link]\nUnmanaged=yes\n");
  if (box.is_directory("/etc/NetworkManager")) box.write(network_manager_file, network_manager_settings({}));
}

void take_names_away(const GuestTree& box) {
  if (const auto hosts = box.read("/etc/hosts")) box.write("/etc/hosts", without_loopback_lines(*hosts));
}

void quicken_boot(const GuestTree& box) {
  if (box.is_directory("/etc/systemd"))
    for (const char* unit : masked_units)
      box.make_link(std::string("/etc/systemd/system/") + unit, "/dev/null");
  for (const std::string& name : box.list("/etc/systemd/system"))
    if (name.ends_with(".wants"))
      for (const char* unit : disabled_units) box.remove("/etc/systemd/system/" + name + "/" + unit);
  if (box.is_directory("/etc/cloud")) box.write("/etc/cloud/cloud-init.disabled", "");
  box.remove("/var/lib/dbus/machine-id");
  box.write("/etc/machine-id", "", {0, 0, 0444});
}

}  // namespace

std::string files_of_people(const fs::path& tree) {
  std::string list;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(tree)) {
    struct stat facts {};
    const std::string path = entry.path().lexically_relative(tree).string();
    if (::lstat(entry.path().c_str(), &facts) != 0) fail(fmt::format("look at '{}'", path), errno);
    if ((facts.st_uid != 0 || facts.st_gid != 0) && path.find('\n') == std::string::npos) list += path + "\n";
  }
  return list;
}

void hand_over(const fs::path& tree, const std::string& list, const Account& account) {
  for (const std::string& line : split(list, '\n')) {
    const fs::path path = tree / line;
    struct stat facts {};
    if (line.empty() || ::lstat(path.c_str(), &facts) != 0) continue;
    const bool user = facts.st_uid == account.uid, group = facts.st_gid == account.gid;
    if (!user && !group) continue;
    if (::lchown(path.c_str(), user ? own_id : facts.st_uid, group ? own_id : facts.st_gid) != 0)
      fail(fmt::format("set the owner of '{}'", path.string()), errno);
    // The kernel takes set-user-id away from a file that changes hands.
    if (S_ISREG(facts.st_mode) && (facts.st_mode & (S_ISUID | S_ISGID)) != 0 &&
        ::chmod(path.c_str(), facts.st_mode & 07777) != 0)
      fail(fmt::format("set the mode of '{}'", path.string()), errno);
  }
}

void seal_box(const GuestTree& box) {
  remove_keys(box);
  close_passwords(box);
  take_network_configuration_away(box);
  take_names_away(box);
  quicken_boot(box);
}

}  // namespace envtool::lxc
