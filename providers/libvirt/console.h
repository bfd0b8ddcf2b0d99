#pragma once

#include <string>
#include <string_view>

#include "core/operation.h"

namespace envtool::libvirt {

/// What the user types, without what is meant for the console itself: Ctrl-a q leaves it, Ctrl-a twice is one
/// Ctrl-a for the guest; of another key after Ctrl-a the guest gets that key.
class ConsoleKeys {
 public:
  /// What of these bytes is for the guest. After the user has left, nothing is.
  std::string for_guest(std::string_view typed);
  bool has_left() const { return left_; }

 private:
  bool escaped_ = false;
  bool left_ = false;
};

/// Joins this program's terminal to the console of the running domain, by a connection of its own, until the
/// user leaves or the guest's end closes it. Throws Error(failed), which says so when another has it.
void join_console(const std::string& uri, const std::string& name, Operation& operation);

}  // namespace envtool::libvirt
