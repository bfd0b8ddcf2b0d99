#pragma once

#include "providers/lxc/helper/context.h"

namespace envtool::lxc {

/// Stops every process of the running machine where it is, and waits until all stand still. Throws
/// Error(failed) when one does not within ten seconds; they then run on.
void freeze(const Layout& layout, const std::string& machine);
/// Lets them run on; nothing is frozen: nothing to do. Throws Error(failed).
void thaw(const Layout& layout, const std::string& machine);

/// While it lives, the running machine stands still; one that did so already is left alone. Throws as
/// `freeze`.
class StandStill {
 public:
  StandStill(const Layout& layout, const std::string& machine);
  ~StandStill();
  StandStill(const StandStill&) = delete;
  StandStill& operator=(const StandStill&) = delete;

 private:
  const Layout& layout_;
  const std::string& machine_;
  const bool ours_;
};

/// The operations of that name: on a running machine, paused or not.
Value suspend_machine(Context& context);
Value resume_machine(Context& context);

}  // namespace envtool::lxc
