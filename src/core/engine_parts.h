#pragma once

#include <list>

#include "base/files.h"
#include "core/engine.h"
#include "core/executor.h"
#include "core/report_log.h"
#include "core/scheduler.h"

namespace envtool {

/// One machine at work: its lock, its log and its context. Made and used by one thread.
class MachineJob {
 public:
  /// Takes the lock, waiting as long as the command may, loads the record, asks the provider.
  /// Throws Error(busy) naming the holder.
  MachineJob(ProjectRun& run, const MachineConfig& machine, const Engine::Setup& setup,
             const std::string& wanted_provider, const ProvisionSelection& selection);

  MachineContext& context() { return *context_; }
  Journal& journal() { return journal_; }

 private:
  FileLock take_lock(const Engine::Setup& setup);

  MachineStore store_;
  ReportLog log_;
  Host host_;
  Operation operation_;
  FileLock lock_;
  Journal journal_;
  MachineConfig config_;
  std::optional<MachineContext> context_;
};

struct Engine::Parts {
  explicit Parts(Setup given);

  Setup setup;
  ProjectConfig config;  ///< the Envfile's, or what the records say of a project that is not at hand
  std::list<MachineConfig> orphans;  ///< machines on record that the Envfile does not have
  Operation project_operation;
  ProjectRun run;

  const MachineConfig* machine(const std::string& name);
  /// Throws Error(failed) with what to do when the machine does not run.
  MachineRecord running_record(const std::string& name, Operation& operation);
  void find_orphans();
  /// Makes the environment when there is none, and holds it against being forgotten by another command.
  FileLock use_environment();
  /// Does the work of a command in the environment. How it ends is told and goes into the outcome.
  Outcome in_environment(const std::function<void(Outcome&)>& work);
  /// The same, with the Envfile's hooks before and, if it succeeds, after it.
  Outcome with_hooks(const std::string& command, const std::function<void(Outcome&)>& work);
  /// The machines of these names, with all about them that can be known to fail before anything changes.
  std::vector<const MachineConfig*> check(const std::vector<std::string>& machines,
                                          const std::string& wanted_provider = {});
  /// Forgets the environment when its last machine is gone and nobody else uses it.
  void forget_if_empty(FileLock use);

  using Work = std::function<bool(MachineJob&)>;
  /// How a command goes over its machines.
  struct Tour {
    enum class Order { dependencies, reverse } order = Order::dependencies;
    bool recorded_only = true;  ///< a machine that was never made has nothing to do
    int jobs = 0;
    std::string provider = {};
    ProvisionSelection selection = {};
  };
  /// One task a machine, in the tour's order; errors are reported as they come.
  Outcome for_each(const std::vector<std::string>& machines, const Tour& tour, const Work& work);

  Task task_for(const Tour& tour, const Work& work, MachineOutcome& outcome);

  bool bring_up(MachineJob& job, const UpOptions& options);
  void apply_restarting_changes(MachineJob& job, const UpOptions& options);
  void announce_changes(MachineJob& job);
  /// Tells running machines the names and addresses of machines that came up after them.
  void update_hosts();
  void finish_project(Outcome& outcome, const ProvisionSelection& selection);
  /// Machines that nobody will see by reading the Envfile are told of.
  void mention_orphans();
};

}  // namespace envtool
