#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/provider.h"

/// Optional powers over one machine that users ask for by commands of their own; see core/capabilities.h.
namespace envtool {

/// What a running machine may take of the host; an empty field is no limit.
struct Limits {
  std::optional<int> cpus;
  std::optional<ByteSize> memory;
  std::string cpu_set = {};  ///< the host's CPUs that it may run on, as "0-1,4"
  bool operator==(const Limits&) const = default;
};

class LiveLimits {
 public:
  static constexpr Capability capability = Capability::live_limits;
  virtual ~LiveLimits() = default;
  /// Those of the running machine, as the kernel has them. Needs no privilege.
  virtual Limits limits(const std::string& backend_name, Operation& operation) = 0;
  /// Makes the running machine's limits these, until it stops. Throws Error(failed) when the kernel refuses;
  /// it then has those from before.
  virtual void apply_limits(const std::string& backend_name, const Limits& limits, Operation& operation) = 0;
};

/// Holding a running machine where it is. A paused machine takes part in Provider's calls: it is stopped and
/// destroyed as any other (core resumes it before a graceful stop), and not started.
class Suspend {
 public:
  static constexpr Capability capability = Capability::suspend;
  virtual ~Suspend() = default;
  /// The running machine is `paused` afterwards: takes no CPU time, answers nobody, keeps its memory. Paused
  /// already: nothing to do.
  virtual void suspend(const std::string& backend_name, Operation& operation) = 0;
  /// It runs on where it was, its clock right. Running already: nothing to do.
  virtual void resume(const std::string& backend_name, Operation& operation) = 0;
};

struct SnapshotInfo {
  std::string name;
  std::string when;              ///< UTC, "2024-05-01T10:20:30Z"
  std::optional<ByteSize> size;  ///< of what was not in an older one, where the backend knows
  bool has_memory = false;       ///< what ran then runs on when it is restored
};

/// The machine's disks (all that `create` made, none that `keep`s) as they were at a moment. A kill at any
/// moment loses neither the machine nor a snapshot: what was begun is complete or as if it never had been.
/// `destroy` removes the machine's snapshots with it.
class Snapshots {
 public:
  static constexpr Capability capability = Capability::snapshots;
  virtual ~Snapshots() = default;
  /// Oldest first; none for a machine that is not there.
  virtual std::vector<SnapshotInfo> snapshots(const std::string& backend_name, Operation& operation) = 0;
  /// Only their names, where sizes would have to be measured first.
  virtual std::vector<std::string> snapshot_names(const std::string& backend_name, Operation& operation) {
    std::vector<std::string> names;
    for (const SnapshotInfo& snapshot : snapshots(backend_name, operation)) names.push_back(snapshot.name);
    return names;
  }
  /// Whether that machine can have snapshots at all: asked before anything is done for one. Changes nothing.
  /// Throws Error(unsupported) with what stands against it and a way out.
  virtual void check_saving(const std::string&, Operation&) {}
  /// Of a stopped, running or paused machine, which is so afterwards; a running one stands still meanwhile.
  /// A name that is taken: Error(failed). The core has checked that it is one (core/snapshots.h).
  virtual void save_snapshot(const std::string& backend_name, const std::string& snapshot,
                             Operation& operation) = 0;
  /// Whether it could be restored to the end, as far as can be known before: asked while the machine may
  /// still run. Changes nothing. Throws Error(failed) with what stands against it and a way out.
  virtual void check_snapshot(const std::string&, const std::string&, Operation&) {}
  /// Gives the stopped machine the disks of the snapshot, which stays. Address, MAC and name remain. No such
  /// snapshot: Error(failed).
  virtual void restore_snapshot(const std::string& backend_name, const std::string& snapshot,
                                Operation& operation) = 0;
  /// Whatever the machine does. Not there: nothing to do.
  virtual void delete_snapshot(const std::string& backend_name, const std::string& snapshot,
                               Operation& operation) = 0;
};

/// What a machine has taken since it started; a field is empty where the backend does not know.
struct MachineUsage {
  std::optional<std::chrono::milliseconds> cpu_time;
  std::optional<ByteSize> memory;                   ///< now, caches included
  std::optional<ByteSize> disk_read, disk_written;  ///< block I/O
  std::optional<ByteSize> received, sent;           ///< over its network devices
  std::optional<int> processes;
};

class Usage {
 public:
  static constexpr Capability capability = Capability::usage;
  virtual ~Usage() = default;
  /// Of a running or paused machine; all fields empty of another. Needs no privilege, is fast.
  virtual MachineUsage usage(const std::string& backend_name, Operation& operation) = 0;
};

/// Disks beside the root disk that outlive their machine: those of the spec that `keep`.
class KeptDisks {
 public:
  static constexpr Capability capability = Capability::kept_disks;
  virtual ~KeptDisks() = default;
  /// Names of the disks that `destroy` would keep of that machine, or has kept: the next `create` of that
  /// name makes the machine with them. Needs no privilege, is fast.
  virtual std::vector<std::string> kept_disks(const std::string& backend_name, Operation& operation) = 0;
  /// From now on `destroy` keeps these of the machine's disks and no others; a name that it does not have
  /// means nothing. Of a machine that is not there, the others are removed at once. Not those of another
  /// environment: Error(failed).
  virtual void keep_disks(const std::string& backend_name, const std::string& environment_id,
                          const std::set<std::string>& disks, Operation& operation) = 0;
};

struct AttachCommand {
  std::vector<std::string> argv = {};
  std::string script = {};     ///< without `argv`: for the user's shell; empty too: a login shell
  std::string user = {};       ///< the guest's; empty: the ssh user
  std::string directory = {};  ///< empty, or not there: the user's home
  std::map<std::string, std::string> environment = {};  ///< over what the guest gives the user
  bool terminal = false;  ///< this program's is the command's; else the streams go through as they are
};

class Attach {
 public:
  static constexpr Capability capability = Capability::attach;
  virtual ~Attach() = default;
  /// Runs a program in the running machine with this program's standard streams, without SSH. Gives its exit
  /// status, 128 + signal, or 127 when there is no such program. Throws Error(failed) when it cannot get in.
  virtual int attach(const std::string& backend_name, const AttachCommand& command, Operation& operation) = 0;
  /// Whether it would do so without asking for a password; else `exec` goes by SSH.
  virtual bool attaches_unasked() { return true; }
};

class ConsoleAccess {
 public:
  static constexpr Capability capability = Capability::console;
  virtual ~ConsoleAccess() = default;
  /// Joins this program's terminal to the running machine's console until the user types Ctrl-a q (Ctrl-a
  /// twice is one for the guest) or its run ends.
  virtual void open_console(const std::string& backend_name, Operation& operation) = 0;
};

}  // namespace envtool
