#pragma once

#include <string>
#include <vector>

#include "core/box_lock.h"
#include "core/registry.h"

namespace envtool {

/// A box that machines of a project are made of, and that a lock file can keep.
struct ProjectBox {
  BoxRequest request;  ///< with what it is locked to
  std::vector<std::string> machines;
};

/// All of them, in the order of the machines. `usual` are the formats for machines that name no provider.
std::vector<ProjectBox> project_boxes(const ProjectConfig& project, const ProviderRegistry& providers,
                                      const std::vector<std::string>& usual, BoxLocks& locks);

/// What of those pins is for this host: in the first of the formats that has any, the one of the host's
/// architecture or of none. Null when there is none.
const BoxPin* pin_for_host(const std::vector<BoxPin>& pins, const std::vector<std::string>& formats);

/// What became of a box by an update.
struct BoxMove {
  std::vector<BoxPin> before, after;
  bool has_changed() const { return before != after; }
};
/// Asks the source for the newest, puts it into the store, and locks it. Throws as BoxSource does.
BoxMove move_to_newest(const ProjectBox& box, BoxSource& source, BoxLocks& locks, Operation& operation);

}  // namespace envtool
