#pragma once

#include "providers/lxc/helper/context.h"
#include "providers/lxc/helper/guest_tree.h"

namespace envtool::lxc {

/// A folder of the request, checked.
struct SharedFolder {
  std::filesystem::path host;
  std::string guest;
  bool read_only = false;
  std::uint32_t uid = 0, gid = 0;  ///< in the guest, of what the host's user owns
  std::vector<std::string> covered;
  bool hides_project_state = false;

  bool operator==(const SharedFolder&) const = default;
};

/// The request's `folders`; owners are looked up in the guest. Throws Error(failed) for a path that cannot
/// be, or an owner the guest does not have.
std::vector<SharedFolder> requested_folders(const Context& context, const GuestTree& guest);

/// Mounts folder `number` at its place below the machine's mounts, in this process's namespace: owners
/// shifted, what is covered replaced by directories of the machine's own. The host's directory is opened with
/// the user's rights.
void prepare_folder(const Context& context, const Record& record, const SharedFolder& folder,
                    std::size_t number);

/// What the running machine has, and remembering it.
std::vector<SharedFolder> present_folders(const Context& context, const std::string& machine);
void remember_folders(const Context& context, const std::string& machine,
                      const std::vector<SharedFolder>& folders);

/// In the mounts of the running guest, whose init that is: takes away what is no longer wanted, and mounts
/// what is new.
void change_folders_in_guest(const Context& context, const Record& record,
                             const std::vector<SharedFolder>& wanted, pid_t init);

}  // namespace envtool::lxc
