#pragma once

#include <string>
#include <vector>

#include "core/capabilities.h"
#include "core/engine.h"

namespace envtool {

/// What the machines of an engine's project can do beyond the main road, where their providers can. What one
/// cannot is Error(unsupported) with the names of those that can, or such an error in the outcome. Not for
/// use from several threads at once, nor after its engine.
class Powers {
 public:
  explicit Powers(Engine& engine) : parts_(*engine.parts_) {}

  Outcome suspend(const std::vector<std::string>& machines);
  Outcome resume(const std::vector<std::string>& machines);

  /// Takes one of each machine that is created. Throws Error(usage) for what is no name, Error(failed)
  /// when one of them has a snapshot of that name, and Error(unsupported) when one cannot have any, before
  /// anything is done.
  Outcome save_snapshot(const std::vector<std::string>& machines, const std::string& snapshot);
  /// A machine that runs is stopped before and started after it, and not provisioned.
  Outcome restore_snapshot(const std::vector<std::string>& machines, const std::string& snapshot);
  Outcome delete_snapshot(const std::vector<std::string>& machines, const std::string& snapshot);
  /// Oldest first; none for a machine that is not created.
  std::vector<SnapshotInfo> snapshots(const std::string& machine);
  std::vector<std::string> snapshot_names(const std::string& machine);
  /// Those of the machines that have a snapshot of that name; with `every`, all of them must. Throws
  /// Error(usage) with near names for one that has not, or when none has.
  std::vector<std::string> with_snapshot(const std::vector<std::string>& machines,
                                         const std::string& snapshot, bool every);

  /// Makes a box of the machine, which goes on as it was. Throws Error(failed) for one that is not created.
  Outcome package(const std::string& machine, const NewBox& box);

  /// Of a running machine, as they are now.
  Limits limits(const std::string& machine);
  /// Until the next `up` or the machine's end.
  Outcome set_limits(const std::string& machine, const Limits& limits);

  /// All fields empty for a machine that does not run, and where the provider cannot tell.
  MachineUsage usage(const MachineStatus& machine);

  /// Whether `attach` can be had of the machine's provider, without a question to the user.
  bool can_attach(const std::string& machine);
  /// As Attach::attach, in a running machine.
  int attach(const std::string& machine, AttachCommand command);
  /// As ConsoleAccess::open_console.
  void open_console(const std::string& machine);

 private:
  template <class Power>
  Power& power_of_provider(const std::string& provider);
  void check_saving(const std::string& machine);

  Engine::Parts& parts_;
};

}  // namespace envtool
