#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "providers/lxc/parts/layout.h"

/// A container's processes as the kernel knows them: liblxc's own answer is wrong once its monitor was
/// killed.
namespace envtool::lxc {

/// Where cgroups are mounted on this host. Reading needs no privilege.
class Cgroups {
 public:
  /// Of /proc/mounts. Throws Error(failed) when it cannot be read.
  static Cgroups of_host();
  /// Where that machine's are: below the places that its start wrote down, else those of the host.
  static Cgroups of_machine(const Layout& layout, const std::string& name);
  explicit Cgroups(std::string_view mounts);

  /// Whether a process lives in `lxc.payload.<name>`, or in the group that followed it.
  bool is_running(const std::string& name) const;
  /// Whether all its processes stand still.
  bool is_frozen(const std::string& name) const;
  /// The container's monitor, the parent of its init.
  std::optional<pid_t> monitor(const std::string& name) const;
  /// The monitor and what it has started on the host's side.
  std::vector<pid_t> monitor_group(const std::string& name) const;
  /// Every process in the container.
  std::vector<pid_t> payload(const std::string& name) const;
  /// The guest's init as the host numbers it.
  std::optional<pid_t> init(const std::string& name) const;
  /// The group of the container's processes in each hierarchy that has one.
  std::vector<std::filesystem::path> payload_groups(const std::string& name) const;
  /// Directories of the container in every hierarchy, to be removed with all that is in them.
  std::vector<std::filesystem::path> directories(const std::string& name) const;
  /// The directory in which a control file of the container lies, if any hierarchy has it.
  std::optional<std::filesystem::path> control(const std::string& name, const std::string& file) const;
  /// What such a file says.
  std::optional<std::string> read_control(const std::string& name, const std::string& file) const;
  /// The CPUs that the container could have at most, "0-3"; empty where CPUs are not controlled.
  std::string all_cpus(const std::string& name) const;

 private:
  explicit Cgroups(const std::vector<std::filesystem::path>& own);
  /// The name of the group that the container's processes are in.
  std::string payload_group(const std::string& name) const;
  bool is_populated(const std::string& group) const;
  std::vector<pid_t> processes_in(const std::string& group) const;

  std::vector<std::filesystem::path> mounts_;  ///< the one that answers for all first
  std::vector<std::filesystem::path> own_;     ///< directories that are the machine's alone
  bool unified_first_ = false;
};

/// The signal that asks an init to shut down, by what /proc/PID/status says that it blocks or catches:
/// SIGRTMIN+3 for systemd, else SIGPWR, else SIGTERM, which ends a mere program. 0 when it would notice none
/// of them.
int halt_signal(std::string_view status);

}  // namespace envtool::lxc
