#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/hosts.h"
#include "config/options.h"
#include "core/box.h"
#include "core/communicator.h"
#include "core/operation.h"

namespace envtool {

/// Keys of the Envfile that need something of the provider. What a provider does not list is refused by name
/// before anything changes.
enum class Feature {
  cpus,
  memory,
  disk,
  disks,
  bare_disks,
  networks,
  host_bridges,
  mac,
  cloud_init,
  proxy,
  ca_certs,
  password
};
/// The Envfile's key for it ("cloud_init", "ssh.password").
std::string_view to_string(Feature feature);

/// Optional powers, each a mix-in class in core/capabilities.h.
enum class Capability {
  native_folders,
  folder_devices,
  lifetime,
  snapshots,
  suspend,
  live_limits,
  usage,
  port_forward,
  attach,
  console,
  console_log,
  kept_disks,
  package
};
std::string_view to_string(Capability capability);
/// What who has it can do, after "can" and "cannot": "take snapshots".
std::string_view ability(Capability capability);

struct ProviderInfo {
  std::string name;
  std::string summary;                   ///< "system containers through liblxc"
  std::vector<std::string> box_formats;  ///< by preference
  std::set<Feature> features;
  /// Which options such a feature waits for, as a hint; empty where those of the machine bring it. Null: none
  /// waits.
  std::string (*wanting)(Feature feature, const Value& options) = nullptr;
  std::set<Capability> capabilities;
  /// Where the Envfile names no provider, the usable one of the lowest is taken.
  int precedence = 0;
  bool parallel_create = true;  ///< false: the core lets one `create` run at a time on the host
  PluginSchema schema;          ///< options under `providers: <name>:`
  /// What of those that a machine has is wrong on every host, beyond what the schema says. Null: nothing.
  std::vector<Diagnostic> (*wrong_options)(const Value& options) = nullptr;
};

/// What the guest must know before its first boot, so that nothing is replaced later.
struct GuestIdentity {
  std::string user;              ///< who may log in
  std::string authorized_key;    ///< one line of authorized_keys
  std::string host_private_key;  ///< an ed25519 key in OpenSSH's format, for /etc/ssh/ssh_host_ed25519_key
  std::string host_public_key;   ///< its one line
};

/// A folder of the host that the provider itself puts into the guest.
struct NativeFolder {
  std::filesystem::path host;
  std::string guest;
  bool read_only = false;
  std::string owner;                 ///< the guest's user who owns what the host's user owns
  std::vector<std::string> covered;  ///< directories below, relative, that stay the guest's own
  bool hides_project_state = false;  ///< `.envtool` in it gets an empty read-only directory over it
  /// Where it comes as a device (core/folder_devices.h): virtiofs or 9p, and what the guest knows it by.
  FolderType type = FolderType::bind;
  std::string tag = {};
};

/// A machine as its provider is to make it. Everything in it is decided before the first call.
struct MachineSpec {
  std::string backend_name;    ///< fixed and recorded before anything is created
  std::string environment_id;  ///< every object made for it carries this
  std::string project;
  std::string name;
  std::string hostname;
  std::optional<int> cpus;
  std::optional<ByteSize> memory, disk;
  std::vector<DiskConfig> disks;
  std::vector<NetworkConfig> networks;
  /// Of each of them: addresses and host numbers that the Envfile gives to other machines.
  std::map<std::string, std::vector<std::string>> promised;
  std::vector<NativeFolder> folders;
  std::vector<HostsEntry> hosts;  ///< names of the project's machines, as far as known
  GuestIdentity identity;
  std::string user_data;  ///< the user's own for cloud-init, of a machine that is to be made
  std::chrono::milliseconds shutdown_timeout{60'000};
  Value options;  ///< the provider's own table, validated, defaults filled in
};

enum class MachinePhase { absent, stopped, running, paused, broken };
std::string_view to_string(MachinePhase phase);

/// A machine's place in a network of `MachineSpec::networks`.
struct NetworkPlace {
  std::string name;
  std::string device;  ///< the bridge on the host
  std::string mac;
  std::vector<std::string> addresses;
};

/// What a backend says of a machine now.
struct MachineState {
  MachinePhase phase = MachinePhase::absent;
  std::string detail;                  ///< why it is broken, when it is
  std::string environment_id;          ///< the tag found on it; empty: not ours
  std::vector<std::string> addresses;  ///< in the network that every machine has
  std::vector<NetworkPlace> networks = {};
};

enum class StopMode { graceful, hard };

/// A backend that can hold machines. Stateless: a machine is named by its spec or its backend name, and every
/// answer comes from the backend. Calls may come from any thread; calls for one machine never overlap.
/// Errors are Error(failed) unless said otherwise.
class Provider {
 public:
  virtual ~Provider() = default;

  /// The same at every call; valid as long as the provider.
  virtual const ProviderInfo& info() const = 0;

  /// Whether machines with these options (`MachineSpec::options`; a null value: the defaults) can be had from
  /// here. Throws Error(host_not_ready), with the command that mends it as the hint. Fast: `up` calls it
  /// every time.
  virtual void check_host(const Value& options, Operation& operation) = 0;

  /// Never throws for a machine that is not there or damaged: that is an answer. Needs no privilege.
  virtual MachineState inspect(const std::string& backend_name, Operation& operation) = 0;

  /// Makes the machine, stopped. A crash at any moment leaves something that destroy() finds and removes.
  /// An existing machine of that name is an error, and is left as it is.
  virtual void create(const MachineSpec& spec, const Box& box, Operation& operation) = 0;

  /// Returns when the guest's init runs. Of a running machine: nothing to do. Takes folders, hosts and limits
  /// from the spec anew, so that what changed in the Envfile counts from the next start.
  virtual void start(const MachineSpec& spec, Operation& operation) = 0;

  /// Graceful: asks the guest and falls back to hard after `timeout`. Hard: of a paused machine too. Of one
  /// that does not run, or is not there: nothing to do.
  virtual void stop(const std::string& backend_name, StopMode mode, std::chrono::milliseconds timeout,
                    Operation& operation) = 0;

  /// Stops it hard and removes every trace but kept disks, half-made ones too. Nothing there: nothing to do.
  /// An object of that name that does not carry `environment_id` is not touched: Error(failed) says whose it
  /// is.
  virtual void destroy(const std::string& backend_name, const std::string& environment_id,
                       Operation& operation) = 0;

  /// Where the guest's sshd listens; host, port and device are set. Throws Error(failed) when it has no
  /// address.
  virtual SshEndpoint endpoint(const std::string& backend_name, Operation& operation) = 0;
};

}  // namespace envtool
