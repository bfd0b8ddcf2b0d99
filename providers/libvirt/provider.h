#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/capabilities.h"
#include "core/disk_devices.h"
#include "core/folder_devices.h"
#include "core/guest_networks.h"
#include "providers/libvirt/box_places.h"
#include "providers/libvirt/connection.h"
#include "providers/libvirt/names.h"
#include "providers/libvirt/places.h"

namespace envtool::libvirt {

/// Machines as libvirt's domains. Connections are kept as long as the provider.
class LibvirtProvider final : public Provider,
                              public Lifetime,
                              public ConsoleLog,
                              public ConsoleAccess,
                              public LiveLimits,
                              public Suspend,
                              public Snapshots,
                              public Usage,
                              public KeptDisks,
                              public DiskPackage,
                              public DiskDevices,
                              public FolderDevices,
                              public GuestNetworks,
                              public BoxCopies,
                              public HostDiagnosis {
 public:
  explicit LibvirtProvider(Host& host)
      : host_(host), places_(host.paths.state / "libvirt"), box_places_(host.paths.data / "libvirt-boxes") {}

  const ProviderInfo& info() const override;
  void check_host(const Value& options, Operation& operation) override;
  MachineState inspect(const std::string& name, Operation& operation) override;
  void create(const MachineSpec& spec, const Box& box, Operation& operation) override;
  void start(const MachineSpec& spec, Operation& operation) override;
  void stop(const std::string& name, StopMode mode, std::chrono::milliseconds timeout,
            Operation& operation) override;
  void destroy(const std::string& name, const std::string& environment_id, Operation& operation) override;
  SshEndpoint endpoint(const std::string& name, Operation& operation) override;
  UniqueFd run_ended(const std::string& name, Operation& operation) override;
  std::string console_tail(const std::string& name, std::size_t lines, Operation& operation) override;
  void open_console(const std::string& name, Operation& operation) override;
  Limits limits(const std::string& name, Operation& operation) override;
  void apply_limits(const std::string& name, const Limits& limits, Operation& operation) override;
  void suspend(const std::string& name, Operation& operation) override;
  void resume(const std::string& name, Operation& operation) override;
  std::vector<SnapshotInfo> snapshots(const std::string& name, Operation& operation) override;
  void save_snapshot(const std::string& name, const std::string& snapshot, Operation& operation) override;
  void check_snapshot(const std::string& name, const std::string& snapshot, Operation& operation) override;
  void restore_snapshot(const std::string& name, const std::string& snapshot, Operation& operation) override;
  void delete_snapshot(const std::string& name, const std::string& snapshot, Operation& operation) override;
  MachineUsage usage(const std::string& name, Operation& operation) override;
  std::vector<std::string> kept_disks(const std::string& name, Operation& operation) override;
  void keep_disks(const std::string& name, const std::string& environment_id,
                  const std::set<std::string>& disks, Operation& operation) override;
  std::string disk_device(const std::string& disk) override;
  std::string folder_obstacle(const Value& options, const NativeFolder& folder,
                              Operation& operation) override;
  std::vector<FolderDevices::Device> folder_devices(const std::string& name, Operation& operation) override;
  std::vector<GuestNetworks::Device> network_devices(const std::string& name, Operation& operation) override;
  std::string start_copy(const MachineSpec& spec, Operation& operation) override;
  NewBoxDisks export_disks(const std::string& copy, Operation& operation) override;
  void remove_copy(const std::string& name, const std::string& environment_id, Operation& operation) override;
  void forget_box(const std::string& digest, Operation& operation) override;
  void forget_elsewhere(Operation& operation) override;
  std::vector<HostCheck> diagnose(Operation& operation) override;

 private:
  std::string uri_of(const Value& options) const;
  std::filesystem::path session_pool() const { return host_.paths.data / "libvirt-pool"; }
  std::filesystem::path pool_directory(const Connection& connection) const;
  /// The connection, opened on first use, and anew when its daemon went away.
  const Connection& connect(const std::string& uri);
  const Connection* connection_of(const std::string& name);
  struct Found {
    const Connection& connection;
    Domain domain;
    MachineNames names;
  };
  /// Throws Error(failed) when there is none.
  Found find(const std::string& name);
  /// Once there is no machine: remembers where its kept disks are, or forgets it.
  void leave_disks(const Connection& connection, const MachineNames& names);
  /// Removes those copies, all of one libvirt, or says which stay.
  void forget_at(const std::string& uri, std::vector<BoxPlace> copies, Operation& operation);
  /// From now on libvirt is asked for them.
  void expect_kept_disks(const std::string& name);

  Host& host_;
  Places places_;
  BoxPlaces box_places_;
  std::mutex mutex_;
  std::map<std::string, std::vector<std::unique_ptr<Connection>>> connections_;
};

}  // namespace envtool::libvirt
