#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

#include "base/files.h"
#include "providers/lxc/parts/ids.h"

/// Mounts that only this process and its children see.
namespace envtool::lxc {

/// Gives this process a mount namespace of its own, into which the host's changes still come, none go out.
void enter_private_mounts();

/// While it lives, this process sees the mounts of another one, and paths are the other's. Neither /proc nor
/// anything else of the host is there then.
class InMountsOf {
 public:
  explicit InMountsOf(pid_t process);
  ~InMountsOf();
  InMountsOf(const InMountsOf&) = delete;
  InMountsOf& operator=(const InMountsOf&) = delete;

 private:
  UniqueFd own_;
};

/// A user namespace with these maps, held by nothing but the descriptor.
UniqueFd user_namespace(const IdMap& users, const IdMap& groups);

struct CloneOptions {
  bool read_only = false;
  bool recursive = false;   ///< with what is mounted below, which without root cannot be left away
  int user_namespace = -1;  ///< shifts owners as its maps say
};
/// A copy of the mount that the directory descriptor stands for, attached nowhere yet.
/// Throws Error(unsupported) when its file system cannot shift owners.
UniqueFd clone_mount(int directory, const CloneOptions& options, const std::string& what);

/// A detached clone of the mounts at that path of this namespace, as a guest gets them at its start: locked
/// against its root, who can neither take one off alone nor make it writable. The kernel locks what it copies
/// into a namespace of less privilege (mount_namespaces(7)); the process is one of the guest's.
UniqueFd clone_for_guest(const std::filesystem::path& tree, pid_t process);

/// Attaches such a copy over a directory.
void attach(int mount, const std::filesystem::path& target);
void attach(int mount, int target);

struct Overlay {
  int lower = -1;  ///< a descriptor of a directory or of an unattached mount
  std::filesystem::path upper, work, target;
  std::vector<UniqueFd> layers = {};  ///< directories between the two, the lowest first
  bool user_xattr = false;            ///< keeps its marks where a user may write them, without root
};
/// Mounts it. Throws Error(unsupported) when the kernel refuses.
void mount_overlay(const Overlay& overlay);

/// A descriptor of a directory. Throws Error(failed).
UniqueFd open_directory(const std::filesystem::path& path);

}  // namespace envtool::lxc
