#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "core/capabilities.h"
#include "core/registry.h"

namespace envtool {

/// A backend that exists only in memory and outlives the provider objects that work on it, as a real one
/// does. Strict: it refuses what a real one would. Safe from any thread.
class FakeBackend {
 public:
  struct Machine {
    MachinePhase phase = MachinePhase::stopped;
    std::string environment_id;
    std::string address;
    std::string box_digest;
    std::string user;  ///< who may log in
    MachineSpec spec;  ///< as of the last start
    Limits limits = {};
    std::string disk = {};  ///< what snapshots are of
    struct Snapshot {
      std::string name, disk;
    };
    std::vector<Snapshot> snapshots = {};
    std::map<std::string, std::string> disks = {};  ///< beside the root disk: what is on each
    std::set<std::string> kept = {};                ///< of these, what survives
    int starts = 0;
  };

  /// Called before each call does anything, outside of locks; may throw, block, or change the world.
  std::function<void(const std::string& call, const std::string& machine, Operation&)> on_call;
  /// When set, the host is not ready, and this is why.
  std::string host_problem;
  /// What programs run by `attach` end with.
  int attach_status = 0;
  bool attach_asks = false;  ///< for a password
  /// The key that guests come up with; empty: the machine's own.
  std::string first_key;
  /// What another host keeps of a box that was forgotten: a sentence.
  std::string left_elsewhere;

  /// The next call of that name ("create", "start"...) throws, having done nothing.
  void fail_at(const std::string& call, std::string text);
  /// The next call of that name throws half-way: what a real backend would leave is left.
  void break_at(const std::string& call, std::string text);
  /// As if the power had failed for this machine.
  void kill(const std::string& backend_name);
  /// As if the guest wrote on its disk.
  void write_disk(const std::string& backend_name, std::string content);
  void write_disk(const std::string& backend_name, const std::string& disk, std::string content);
  /// Removes a machine behind everybody's back.
  void lose(const std::string& backend_name);
  /// Puts a machine there that somebody else made.
  void put(const std::string& backend_name, Machine machine);

  std::map<std::string, Machine> machines() const;
  /// "create shop-web-1a2b3c4d", in the order in which they came.
  std::vector<std::string> calls() const;

 private:
  friend class FakeProvider;

  void enter(const std::string& call, const std::string& machine, Operation& operation);
  /// Throws when `break_at` says so.
  void halfway(const std::string& call);

  mutable std::mutex mutex_;
  struct Left {
    std::string environment_id;
    std::map<std::string, std::string> disks;
  };

  std::map<std::string, Machine> machines_;
  std::map<std::string, Left> left_;  ///< by the machine that is gone
  std::vector<std::string> calls_;
  std::map<std::string, std::string> failures_, breaks_;
  int addresses_ = 0;
};

/// Called "fake". Has every power but a lifetime; its machines take boxes of the format "fake". In a network
/// they have the number that they have in the shared one.
class FakeProvider : public Provider,
                     public NativeFolders,
                     public LiveLimits,
                     public Suspend,
                     public Snapshots,
                     public Usage,
                     public KeptDisks,
                     public Package,
                     public Attach,
                     public ConsoleAccess,
                     public ConsoleLog,
                     public BoxCopies,
                     public HostDiagnosis {
 public:
  static ProviderInfo make_info();
  explicit FakeProvider(FakeBackend& backend) : backend_(backend), info_(make_info()) {}

  const ProviderInfo& info() const override { return info_; }
  void check_host(const Value& options, Operation& operation) override;
  MachineState inspect(const std::string& backend_name, Operation& operation) override;
  void create(const MachineSpec& spec, const Box& box, Operation& operation) override;
  void start(const MachineSpec& spec, Operation& operation) override;
  void stop(const std::string& backend_name, StopMode mode, std::chrono::milliseconds timeout,
            Operation& operation) override;
  void destroy(const std::string& backend_name, const std::string& environment_id,
               Operation& operation) override;
  SshEndpoint endpoint(const std::string& backend_name, Operation& operation) override;
  void update_folders(const MachineSpec& spec, Operation& operation) override;
  Limits limits(const std::string& backend_name, Operation& operation) override;
  void apply_limits(const std::string& backend_name, const Limits& limits, Operation& operation) override;
  void suspend(const std::string& backend_name, Operation& operation) override;
  void resume(const std::string& backend_name, Operation& operation) override;
  std::vector<SnapshotInfo> snapshots(const std::string& backend_name, Operation& operation) override;
  void check_saving(const std::string& backend_name, Operation& operation) override;
  void save_snapshot(const std::string& backend_name, const std::string& snapshot,
                     Operation& operation) override;
  void check_snapshot(const std::string& backend_name, const std::string& snapshot,
                      Operation& operation) override;
  void restore_snapshot(const std::string& backend_name, const std::string& snapshot,
                        Operation& operation) override;
  void delete_snapshot(const std::string& backend_name, const std::string& snapshot,
                       Operation& operation) override;
  MachineUsage usage(const std::string& backend_name, Operation& operation) override;
  std::vector<std::string> kept_disks(const std::string& backend_name, Operation& operation) override;
  void keep_disks(const std::string& backend_name, const std::string& environment_id,
                  const std::set<std::string>& disks, Operation& operation) override;
  /// In place of a tar, what the disk holds.
  void export_rootfs(const std::string& backend_name, const std::function<void(std::string_view)>& take,
                     Operation& operation) override;
  int attach(const std::string& backend_name, const AttachCommand& command, Operation& operation) override;
  bool attaches_unasked() override { return !backend_.attach_asks; }
  void open_console(const std::string& backend_name, Operation& operation) override;
  std::string console_tail(const std::string& backend_name, std::size_t lines, Operation& operation) override;
  void forget_box(const std::string& digest, Operation& operation) override;
  void forget_elsewhere(Operation& operation) override;
  std::vector<HostCheck> diagnose(Operation& operation) override;

 private:
  FakeBackend::Machine& existing(const std::string& backend_name);
  FakeBackend::Machine& running(const std::string& backend_name);

  FakeBackend& backend_;
  ProviderInfo info_;
};

}  // namespace envtool
