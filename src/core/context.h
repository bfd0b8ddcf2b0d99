#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "core/box_lock.h"
#include "core/capabilities.h"
#include "core/engine.h"
#include "core/forwarder.h"
#include "core/journal.h"
#include "core/ports.h"
#include "core/secrets.h"

namespace envtool {

/// What all machines of one command share. The members' own locks make it safe from any thread.
class ProjectRun {
 public:
  ProjectRun(Host& host, const Services& services, const ProjectConfig& project,
             std::optional<Environment> environment, std::stop_token stop);

  Host& host;
  const Services& services;
  const ProjectConfig& project;
  std::optional<Environment> environment;
  std::stop_token stop;
  SecretStore secrets;
  PortBook ports;
  Forwarders forwarders;
  BoxLocks box_locks;
  bool only_locked_boxes = false;  ///< `up --locked`

  /// The provider of that name, made on first use and shared.
  Provider& provider(const std::string& name);
  /// What check_host said of the machine's options, asked once a command; rethrown to everybody who asks
  /// again.
  void check_host(const std::string& provider, const MachineConfig& machine, Operation& operation);
  /// The provider for a machine that has none yet: the wanted one, ENVTOOL_PROVIDER, the Envfile's list, any;
  /// the first that is usable. Throws Error(host_not_ready) with every provider's reason.
  std::string choose_provider(const MachineConfig& machine, const std::string& wanted, Operation& operation);

  /// Answers `machine.ip`, `machines.db.port.80`, `secret.K` for this machine (empty: for the project).
  LateLookup late_for(const std::string& machine, Operation& operation);
  /// Where a running machine's sshd is and how to log in; Error(failed) when it has no address.
  SshEndpoint endpoint_of(const MachineRecord& record, Operation& operation);
  /// Writes the inventory of all running machines, for people into the project and for Ansible into the
  /// state, and gives the latter's path.
  std::filesystem::path write_inventory(Operation& operation);
  /// The text; secrets among the variables of `secrets_for` are in it, all others are left out.
  std::string inventory(Operation& operation, const std::vector<std::string>& secrets_for = {});
  bool has_secret_variables(const std::vector<std::string>& machines) const;

 private:
  std::optional<std::string> look_up(const std::string& machine, const std::string& reference,
                                     Operation& operation);
  std::optional<std::string> machine_fact(const std::string& machine, const std::string& fact,
                                          Operation& operation);

  std::mutex mutex_;
  std::map<std::string, std::unique_ptr<Provider>> providers_;
  std::mutex checks_mutex_;
  std::map<std::string, std::optional<Error>> checks_;
  std::mutex inventory_mutex_;
};

/// One machine on its way. Owned by its thread.
struct MachineContext {
  ProjectRun& run;
  const MachineConfig& config;  ///< as its provider is to make it
  Operation& operation;
  Provider& provider;
  MachineStore store;
  MachineRecord record;
  const ProvisionSelection& selection;
  MachineState state = {};  ///< last asked; while planning, what it will be
  bool planning = false;
  bool created_now = false;
  bool started_now = false;
  std::optional<Box> box = {};
  std::unique_ptr<Communicator> session = {};

  BoxRequest box_request() const;
  MachineSpec spec() const;
  /// The session, made on first use; waits for the guest to come up.
  Communicator& guest();
  void save(bool synced = false) const { store.save(record, synced); }
};

/// What a machine asks the store for when this provider is to make it. REQUIRES: it has a box.
BoxRequest box_request(ProjectRun& run, const MachineConfig& machine, const ProviderInfo& provider);

/// `project`: its directory.
NativeFolder native_folder(const FolderConfig& folder, const std::string& owner,
                           const std::filesystem::path& project);
/// Makes the folders of the host's that the Envfile says to make. Throws Error(failed).
void make_missing_folders(const MachineConfig& machine);
/// What the provider keeps of that machine; none where it cannot.
std::vector<std::string> kept_disks_of(Provider& provider, const std::string& backend_name,
                                       Operation& operation);
/// "disk 'data'", "disks 'data', 'logs'"
std::string disks_in_words(const std::vector<std::string>& disks);
}  // namespace envtool
