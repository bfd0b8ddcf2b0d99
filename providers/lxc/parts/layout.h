#pragma once

#include <filesystem>
#include <string>

/// Where root's part of envtool keeps LXC machines.
namespace envtool::lxc {

/// Names below root's directory. `root` is canonical: liblxc knows a container by the literal path it lies
/// in.
struct Layout {
  std::filesystem::path root;

  /// The only lxcpath. It and what is in it can be read by everybody.
  std::filesystem::path containers() const { return root / "lxc"; }
  std::filesystem::path container(const std::string& name) const { return containers() / name; }
  std::filesystem::path record(const std::string& name) const { return container(name) / "machine.json"; }
  std::filesystem::path config(const std::string& name) const { return container(name) / "config"; }
  std::filesystem::path log(const std::string& name) const { return container(name) / "lxc.log"; }
  std::filesystem::path console(const std::string& name) const { return container(name) / "console.log"; }
  /// Of a machine that does not lie in the host's own: its directories in the cgroup hierarchies, one a line.
  std::filesystem::path cgroups(const std::string& name) const { return container(name) / "cgroups"; }
  /// What its disk is made of (parts/stack.h); not there before its first snapshot.
  std::filesystem::path stack(const std::string& name) const { return container(name) / "layers.json"; }
  /// The request that starts it with the host; only of machines that want that.
  std::filesystem::path boot_request(const std::string& name) const { return container(name) / "boot.json"; }
  /// Mount points; what is mounted there only the machine's own processes see.
  std::filesystem::path mounts(const std::string& name) const { return root / "root" / name; }
  std::filesystem::path rootfs(const std::string& name) const { return mounts(name) / "rootfs"; }
  std::filesystem::path folder(const std::string& name, std::size_t number) const {
    return mounts(name) / "folders" / std::to_string(number);
  }
  std::filesystem::path disk(const std::string& name, const std::string& disk) const {
    return mounts(name) / "disks" / disk;
  }
  /// Disks that outlive a machine; a directory each, which root alone enters. Everybody may read the names.
  std::filesystem::path disks(const std::string& name) const { return root / "disks" / name; }
  std::filesystem::path disks_owner(const std::string& name) const { return disks(name) / "owner.json"; }
  std::filesystem::path kept_disk(const std::string& name, const std::string& disk) const {
    return disks(name) / disk / "files";
  }
  /// What a machine wrote; root's alone.
  std::filesystem::path machine(const std::string& name) const { return root / "machines" / name; }
  std::filesystem::path boxes() const { return root / "boxes"; }
  std::filesystem::path box(const std::string& digest) const { return boxes() / digest; }
  /// Held while boxes are put in their place or taken away.
  std::filesystem::path boxes_lock() const { return root / "boxes.lock"; }
  /// Held from finding a box in its place until the record that says who uses it is written.
  std::filesystem::path uses_lock() const { return root / "uses.lock"; }
  std::filesystem::path network() const { return root / "net.json"; }
  std::filesystem::path network_lock() const { return root / "net.lock"; }
  std::filesystem::path host_facts() const { return root / "host.json"; }
};

inline constexpr const char* default_root = "/var/lib/envtool";

/// There when systemd starts machines with the host.
inline constexpr const char* boot_unit_link =
    "/etc/systemd/system/multi-user.target.wants/envtool-lxc-boot.service";

/// Letters, digits, `-`, `_` and inner dots, at most 63: one file name, safe in LXC's configuration.
bool is_machine_name(const std::string& name);
/// 64 lower-case hexadecimal digits.
bool is_digest(const std::string& text);

}  // namespace envtool::lxc
