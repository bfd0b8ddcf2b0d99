#pragma once

#include "base/files.h"
#include "core/capabilities.h"
#include "core/rootfs.h"
#include "providers/lxc/helper_client.h"
#include "providers/lxc/parts/processes.h"
#include "providers/lxc/parts/record.h"
#include "providers/lxc/user_needs.h"

namespace envtool::lxc {

/// Machines of root's helper, or of the user's.
struct Side {
  Layout layout;
  HelperClient helper;
};

/// Machines as LXC containers. What can be asked without root is read here; the rest does the helper. A
/// machine stays with whoever made it: its record lies there.
class LxcProvider final : public Provider,
                          public NativeFolders,
                          public Lifetime,
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
                          public RootfsStore,
                          public HostDiagnosis {
 public:
  explicit LxcProvider(Host& host)
      : host_(host),
        root_(side(host, Rights::root, host.paths.root)),
        user_(side(host, Rights::user, host.paths.data / "lxc")) {}

  const ProviderInfo& info() const override;

  void check_host(const Value& options, Operation& operation) override;
  MachineState inspect(const std::string& name, Operation& operation) override;
  void create(const MachineSpec& spec, const Box& box, Operation& operation) override;
  void start(const MachineSpec& spec, Operation& operation) override;
  void stop(const std::string& name, StopMode mode, std::chrono::milliseconds timeout,
            Operation& operation) override;
  void destroy(const std::string& name, const std::string& environment_id, Operation& operation) override;
  SshEndpoint endpoint(const std::string& name, Operation& operation) override;
  void update_folders(const MachineSpec& spec, Operation& operation) override;
  UniqueFd run_ended(const std::string& name, Operation& operation) override;
  Limits limits(const std::string& name, Operation& operation) override;
  void apply_limits(const std::string& name, const Limits& limits, Operation& operation) override;
  void suspend(const std::string& name, Operation& operation) override;
  void resume(const std::string& name, Operation& operation) override;
  std::vector<SnapshotInfo> snapshots(const std::string& name, Operation& operation) override;
  std::vector<std::string> snapshot_names(const std::string& name, Operation& operation) override;
  void check_saving(const std::string& name, Operation& operation) override;
  void save_snapshot(const std::string& name, const std::string& snapshot, Operation& operation) override;
  void restore_snapshot(const std::string& name, const std::string& snapshot, Operation& operation) override;
  void delete_snapshot(const std::string& name, const std::string& snapshot, Operation& operation) override;
  void export_rootfs(const std::string& name, const std::function<void(std::string_view)>& take,
                     Operation& operation) override;
  MachineUsage usage(const std::string& name, Operation& operation) override;
  std::vector<std::string> kept_disks(const std::string& name, Operation& operation) override;
  void keep_disks(const std::string& name, const std::string& environment_id,
                  const std::set<std::string>& disks, Operation& operation) override;
  int attach(const std::string& name, const AttachCommand& command, Operation& operation) override;
  bool attaches_unasked() override { return can_regain_root(); }
  void open_console(const std::string& name, Operation& operation) override;
  std::string console_tail(const std::string& name, std::size_t lines, Operation& operation) override;
  void forget_box(const std::string& digest, Operation& operation) override;
  void tidy(Operation& operation) override;
  bool has_rootfs(const std::string& digest) override;
  std::unique_ptr<RootfsSink> take_rootfs(const RootfsOrigin& origin, Operation& operation) override;
  void verify_rootfs(const std::string& digest, const std::string& manifest, Operation& operation) override;
  std::vector<HostCheck> diagnose(Operation& operation) override;

 private:
  static Side side(Host& host, Rights rights, const std::filesystem::path& root) {
    Layout layout{std::filesystem::weakly_canonical(root)};
    HelperClient helper(host, rights, layout.root);
    return {std::move(layout), std::move(helper)};
  }
  /// Where that machine is; root's for one that is nowhere.
  const Side& side_of(const std::string& name) const {
    std::error_code code;
    return std::filesystem::exists(user_.layout.container(name), code) ? user_ : root_;
  }
  /// Whose boxes are unpacked, and whose machines are made where the Envfile does not say.
  const Side& usual_side() const { return can_regain_root() || !is_ready_without_root() ? root_ : user_; }
  const Side& side_for(const MachineSpec& spec) const;
  /// Where disks of that machine are kept; null for nowhere.
  const Side* keeper_of(const std::string& name) const;
  /// Machine names become paths: only good ones get so far.
  std::optional<Record> record_of(const std::string& name) const {
    return is_machine_name(name) ? find_record(side_of(name).layout, name) : std::nullopt;
  }
  /// What every request about a machine begins with. Throws Error(failed) when there is none.
  Value own_request(const std::string& name) const;
  Cgroups cgroups_of(const std::string& name) const {
    return Cgroups::of_machine(side_of(name).layout, name);
  }
  bool is_ready_without_root() const { return are_met(user_checks(user_needs(host_))); }
  /// A bridge in which the machine's device is no more: it was deleted, made again or not. Else empty.
  std::string lost_bridge(const Record& record, Operation& operation) const;
  std::vector<NetworkPlace> network_places(const Record& record) const;
  /// Throws Error(unsupported) when who is to run the machine cannot make its networks, or start it with the
  /// host.
  void require_possible(const MachineSpec& spec) const;
  void check(const Side& side, Operation& operation) const;
  HostCheck overlay_without_root(Operation& operation) const;

  Host& host_;
  Side root_, user_;
};

}  // namespace envtool::lxc
