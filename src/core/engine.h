#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/environment.h"
#include "core/plan.h"
#include "core/services.h"
#include "core/state.h"

namespace envtool {

/// How `up` and `provision` treat provisioners.
struct ProvisionSelection {
  bool disabled = false;               ///< `--no-provision`
  bool forced = false;                 ///< run all, done or not (`envtool provision`, `up --provision`)
  std::vector<std::string> only = {};  ///< names or kinds, `--provision-with`; these run, done or not
  ProvisionFlags flags = {};
};

struct UpOptions {
  std::string provider = {};  ///< wins over the Envfile for machines not yet created
  ProvisionSelection provision = {};
  int jobs = 0;  ///< machines at a time; 0: all
  bool restart = false;
  bool recreate = false;  ///< the caller has asked the user already
  bool remove_orphans = false;
  bool destroy_on_error = false;  ///< machines that this run created
  bool locked = false;            ///< a box that is not locked is an error
};

/// What `destroy` does with disks that outlive their machine.
enum class DiskFate { as_written, removed };

/// What became of one machine.
struct MachineOutcome {
  std::string machine;
  enum class Result { done, unchanged, failed, skipped, interrupted } result = Result::done;
  std::optional<Error> error = {};
  std::string skipped_because = {};  ///< the failed machine it depends on
  std::chrono::milliseconds elapsed{0};
  bool is_removed = false;  ///< by 'up', as an orphan
};

/// All machines of a command; errors were reported as they happened.
struct Outcome {
  std::vector<MachineOutcome> machines;
  std::optional<Error> project_error = {};  ///< of a hook or `provision_all`, reported too
  bool interrupted = false;
  /// Null when all went well; the first error otherwise.
  const Error* first_error() const;
  bool failed() const;  ///< or interrupted
};

struct MachineStatus {
  std::string name;
  MachinePhase phase = MachinePhase::absent;
  std::string detail;  ///< why it is broken, "not in Envfile"...
  std::string busy;    ///< who works on it now: "pid 12, 'envtool up', since 10:04:11"
  bool in_envfile = true;
  bool primary = false;
  std::string provider;
  std::string backend_name;
  std::vector<std::string> addresses;
  std::vector<NetworkPlace> networks;
  std::vector<Forward> forwards;  ///< served now
  std::vector<PendingChange> pending;
  std::vector<std::string> kept_disks;  ///< that are there and outlive it
  std::optional<MachineRecord> record;  ///< nothing when never created
};

/// Where and how to log in.
struct SshTarget {
  std::string machine;
  SshEndpoint endpoint;
  bool forward_agent = false;
  std::vector<FolderConfig> folders;  ///< to map the working directory
  std::string config_alias;  ///< MACHINE.PROJECT, or MACHINE.PROJECT-ID4 beside another project of that name
};

/// One project's commands. `config` is null for commands on an environment whose project is not at hand
/// (`destroy @ENV`): machines are then those on record. Not for use from several threads at once.
class Engine {
 public:
  struct Setup {
    Host& host;
    const Services& services;
    EnvironmentStore& environments;
    const ProjectConfig* config = nullptr;
    std::optional<Environment> environment =
        {};  ///< nothing yet: made by the first command that changes something
    std::chrono::milliseconds lock_wait{0};  ///< `--wait`; zero: Error(busy) at once
    std::string command = {};                ///< for lock holders: "envtool up"
    bool adopt = false;
    std::stop_token stop = {};
  };
  explicit Engine(Setup setup);
  ~Engine();

  /// Machines meant by these names, blocks and globs; none: all of the file that autostart, or with
  /// `existing` all of the file and all on record. Throws Error(usage) with near names for one that is
  /// unknown.
  std::vector<std::string> select(const std::vector<std::string>& patterns, bool existing) const;
  /// The one machine that is meant; empty: the only or the primary one. Throws Error(usage) listing them.
  std::string select_one(const std::string& pattern) const;

  std::vector<MachinePlan> plan(const std::vector<std::string>& machines, const UpOptions& options);
  Outcome up(const std::vector<std::string>& machines, const UpOptions& options);
  Outcome provision(const std::vector<std::string>& machines, const ProvisionSelection& selection);
  Outcome halt(const std::vector<std::string>& machines, StopMode mode);
  /// Those that are there and in the Envfile; of others it says that they are left.
  Outcome reload(const std::vector<std::string>& machines, const UpOptions& options);
  Outcome destroy(const std::vector<std::string>& machines, DiskFate disks = DiskFate::as_written);
  /// Pushes rsync folders of running machines.
  Outcome sync(const std::vector<std::string>& machines);
  /// Sees changes in the folders that `sync` pushes. Throws Error(usage) when there is no such folder.
  std::unique_ptr<FolderWatch> watch(const std::vector<std::string>& machines);

  /// Says what the Envfile has the user told when these machines are up.
  void show_messages(const std::vector<std::string>& machines);

  /// Takes no lock, changes nothing, never throws for a single machine.
  std::vector<MachineStatus> status(const std::vector<std::string>& machines);
  /// Throws Error(failed) when the machine does not run.
  SshTarget ssh_target(const std::string& machine);
  /// A session to a running machine, for `exec` and `cp`.
  std::unique_ptr<Communicator> connect(const std::string& machine);
  /// The inventory of all running machines, as it is written to disk.
  std::string inventory();
  /// The machine's own log file and console tail.
  std::string console_tail(const std::string& machine, std::size_t lines);
  const std::optional<Environment>& environment() const;

 private:
  friend class Powers;
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace envtool
