#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/size.h"
#include "base/value.h"

/// What an Envfile says, after layers, expansion and validation: plain values, no YAML. A `Value` that is
/// late
/// (`is_late()`) still holds references such as `${machine.ip}`; config/late.h expands them when they are
/// known.
namespace envtool {

enum class Protocol { tcp, udp };
std::string_view to_string(Protocol protocol);

/// Host ports a forward may use; one port has first == last.
struct PortRange {
  std::uint16_t first = 0;
  std::uint16_t last = 0;
  bool operator==(const PortRange&) const = default;
};

struct PortConfig {
  std::string bind = "127.0.0.1";
  std::optional<PortRange> host;  ///< nothing: any free port is chosen and kept
  std::uint16_t guest = 0;
  Protocol protocol = Protocol::tcp;
  SourcePosition position;
};

enum class FolderType { automatic, bind, virtiofs, ninep, rsync, sftp };
std::string_view to_string(FolderType type);

struct FolderConfig {
  std::filesystem::path host;  ///< absolute
  std::string guest;           ///< absolute
  FolderType type = FolderType::automatic;
  bool read_only = false;
  std::vector<std::string> exclude;
  std::string owner;  ///< empty: the ssh user
  bool watch = false;
  bool create = false;
  SourcePosition position;
};

/// A machine's place in a network. What the project's machines say of one of its networks counts for all of
/// them, and stands in each (config/networks.h).
struct NetworkConfig {
  std::string name;
  std::string subnet;              ///< empty: chosen, or the bridge's
  std::string ip;                  ///< empty: by its number, or chosen
  std::string bridge;              ///< the host's; empty: a network of the project's own
  std::string mac;                 ///< lower case; empty: made from the machine's name
  std::optional<int> host_number;  ///< `ip: 11` in a subnet that is to be chosen
  std::optional<bool> isolated;    ///< has a value once the project's networks are settled
  SourcePosition position, ip_position;
};

struct DiskConfig {
  std::string name;
  ByteSize size;
  std::string mount;
  bool keep = false;
  SourcePosition position;
};

struct BoxConfig {
  std::string name;  ///< the address as written: `images:debian/12`, `build:debian/bookworm`, a path, a URL
  std::string version, url, checksum, architecture, format;
  std::filesystem::path base_directory;  ///< what a relative path in `name` is relative to
  bool personal = false;                 ///< named by a file that is the user's own, not the project's
  SourcePosition position;
};

enum class RunPolicy { once, always, never, changed };
std::string_view to_string(RunPolicy policy);

struct ProvisionConfig {
  std::string name;  ///< given, or made from the kind and the place: unique within its machine
  std::string kind;  ///< a provisioner's name
  Value options;     ///< a map, validated by the provisioner's table
  RunPolicy run = RunPolicy::once;
  std::vector<std::string> machines;  ///< `provision_all` only: machines, blocks; empty: all
  SourcePosition position;
};

enum class ProbeKind { tcp, http, run };

struct ReadyProbe {
  ProbeKind kind = ProbeKind::tcp;
  std::uint16_t port = 0;
  std::string path = "/";  ///< http
  std::string command;     ///< run
  std::chrono::milliseconds timeout{60'000};
  std::string hint;
  SourcePosition position;
};

struct SshConfig {
  std::string user;  ///< empty: what the box says, else "vagrant"
  bool forward_agent = false;
  Value password;  ///< null, text or late
};

struct TimeoutConfig {
  std::chrono::milliseconds boot{300'000};
  std::chrono::milliseconds shutdown{60'000};
};

enum class HookMoment { before, after };

struct HookConfig {
  HookMoment moment = HookMoment::before;
  std::string command;  ///< the envtool command it belongs to: "up", "destroy"...
  std::string run;      ///< for the host's shell
  bool continue_on_error = false;
  SourcePosition position;
};

/// Keys that are settings of a machine and may stand in its provider's block, where they win.
struct MachineOverrides {
  std::optional<BoxConfig> box;
  std::optional<int> cpus;
  std::optional<ByteSize> memory, disk;
  std::optional<std::vector<FolderConfig>> folders;
  std::optional<std::vector<NetworkConfig>> networks;
  Value options;  ///< a map, validated by the provider's table, with its defaults filled in
};

struct MachineConfig {
  std::string name;
  std::string block;  ///< the name under `machines:`; differs from `name` where there is a `count`
  int index = 1;
  bool primary = false;
  bool autostart = true;
  std::vector<std::string> depends_on;  ///< machine names; blocks are resolved

  std::vector<std::string> providers;  ///< by preference; empty: the first usable
  std::optional<BoxConfig> box;
  std::optional<int> cpus;
  std::optional<ByteSize> memory, disk;
  std::vector<DiskConfig> disks;
  std::vector<PortConfig> ports;
  std::vector<NetworkConfig> networks;
  std::vector<std::string> aliases;
  std::vector<FolderConfig> folders;
  std::vector<std::string> groups;
  Value vars;  ///< a map
  std::vector<ProvisionConfig> provision;
  std::vector<ReadyProbe> ready;
  std::string hostname;
  SshConfig ssh;
  TimeoutConfig timeouts;
  Value proxy;                                                 ///< null for none, the text "host", or a map
  std::vector<std::filesystem::path> ca_certs;                 ///< absolute
  Value cloud_init;                                            ///< null, or a map with `inline` or `file`
  Value message;                                               ///< null, text or late
  std::map<std::string, MachineOverrides> provider_overrides;  ///< by provider name

  /// Where each key that was written stands, for messages ("cpus", "cloud_init"...).
  std::map<std::string, SourcePosition> positions;
  SourcePosition position;

  /// Where the key was written, else where the machine was.
  const SourcePosition& position_of(const std::string& key) const;
};

/// The machine as this provider is to make it: its block's settings over the machine's own.
MachineConfig effective_for(const MachineConfig& machine, const std::string& provider);
/// The options of the provider's own table for this machine; a map.
Value provider_options(const MachineConfig& machine, const std::string& provider);

struct AnsibleGroup {
  std::vector<std::string> hosts, children;  ///< patterns as written
  Value vars;
};

struct AnsibleSettings {
  std::filesystem::path config;                  ///< empty: none
  std::vector<std::filesystem::path> inventory;  ///< files and directories beside the generated one
  std::filesystem::path galaxy;                  ///< requirements file; empty: none
  std::map<std::string, AnsibleGroup> groups;
};

/// Where a secret comes from; the first source that has it wins.
struct SecretSource {
  std::string environment;
  std::vector<std::string> command;
  std::filesystem::path file;
};

/// What a server is to be shown, and no other.
struct Credential {
  std::string token;  ///< "Authorization: Bearer"; else:
  std::string user, password;
};

struct SourcesConfig {
  std::vector<std::string> catalogs;
  std::string images;
  std::string debian;
  std::map<std::string, Credential> credentials = {};  ///< by host; from the user's own configuration only
};

struct ProjectConfig {
  std::string name;
  std::filesystem::path directory;           ///< canonical
  std::vector<std::filesystem::path> files;  ///< that were read, outermost first
  std::map<std::string, std::string> params;
  std::vector<MachineConfig> machines;  ///< in the order of the file; at least one
  std::vector<ProvisionConfig> provision_all;
  AnsibleSettings ansible;
  std::map<std::string, std::vector<SecretSource>> secrets;
  SourcesConfig sources;
  std::vector<HookConfig> hooks;
  Value message;  ///< null, text or late

  const MachineConfig* find(const std::string& machine) const;
};

}  // namespace envtool
