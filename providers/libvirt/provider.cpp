#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <mutex>

#include "base/ip.h"
#include "base/text.h"
#include "core/capabilities.h"
#include "core/disk_devices.h"
#include "core/guest_networks.h"
#include "core/registry.h"
#include "providers/libvirt/console.h"
#include "providers/libvirt/disks.h"
#include "providers/libvirt/lan.h"
#include "providers/libvirt/machine.h"
#include "providers/libvirt/package.h"
#include "providers/libvirt/places.h"
#include "providers/libvirt/processes.h"
#include "providers/libvirt/running.h"
#include "providers/libvirt/schema.h"
#include "providers/libvirt/snapshots.h"
#include "providers/libvirt/storage.h"
#include "providers/libvirt/user_network.h"
#include "providers/libvirt/vagrant_key.h"

namespace envtool {

namespace {

constexpr const char* default_uri = "qemu:///system";
/// Where a pool is made when there is none: beside libvirt's own, on its host.
constexpr const char* system_pool_directory = "/var/lib/libvirt/envtool";

ProviderInfo libvirt_info() {
  return {.name = "libvirt",
          .summary = "virtual machines of QEMU and KVM through libvirt",
          .box_formats = {"libvirt"},
          .features = {Feature::cpus, Feature::memory, Feature::disk, Feature::disks, Feature::bare_disks,
                       Feature::networks, Feature::host_bridges, Feature::mac},
          .capabilities = {Capability::lifetime, Capability::console, Capability::console_log,
                           Capability::live_limits, Capability::suspend, Capability::snapshots,
                           Capability::usage, Capability::kept_disks, Capability::package},
          .precedence = 10,  // a container starts in a second
          .schema = libvirt::options_schema()};
}

bool keeps_any(const std::vector<DiskConfig>& disks) {
  return std::any_of(disks.begin(), disks.end(), [](const DiskConfig& disk) { return disk.keep; });
}

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
                              public GuestNetworks,
                              public BoxCopies,
                              public HostDiagnosis {
 public:
  explicit LibvirtProvider(Host& host) : host_(host), places_(host.paths.state / "libvirt") {}

  const ProviderInfo& info() const override {
    static const ProviderInfo info = libvirt_info();
    return info;
  }

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
  void restore_snapshot(const std::string& name, const std::string& snapshot, Operation& operation) override;
  void delete_snapshot(const std::string& name, const std::string& snapshot, Operation& operation) override;
  MachineUsage usage(const std::string& name, Operation& operation) override;
  std::vector<std::string> kept_disks(const std::string& name, Operation& operation) override;
  void keep_disks(const std::string& name, const std::string& environment_id,
                  const std::set<std::string>& disks, Operation& operation) override;
  std::string disk_device(const std::string& disk) override;
  std::vector<Device> network_devices(const std::string& name, Operation& operation) override;
  std::string start_copy(const MachineSpec& spec, Operation& operation) override;
  NewBoxDisks export_disks(const std::string& copy, Operation& operation) override;
  void remove_copy(const std::string& name, const std::string& environment_id, Operation& operation) override;
  void forget_box(const std::string& digest, Operation& operation) override;
  std::vector<HostCheck> diagnose(Operation& operation) override;

 private:
  std::string uri_of(const Value& options) const;
  std::filesystem::path session_pool() const { return host_.paths.data / "libvirt-pool"; }
  std::filesystem::path pool_directory(const libvirt::Connection& connection) const;
  /// The connection, opened on first use, and anew when its daemon went away.
  const libvirt::Connection& connect(const std::string& uri);
  const libvirt::Connection* connection_of(const std::string& name);
  struct Found {
    const libvirt::Connection& connection;
    libvirt::Domain domain;
    libvirt::MachineNames names;
  };
  /// Throws Error(failed) when there is none.
  Found find(const std::string& name);
  void leave_disks(const libvirt::Connection& connection, const libvirt::MachineNames& names);
  void expect_kept_disks(const std::string& name);

  Host& host_;
  libvirt::Places places_;
  std::mutex mutex_;
  std::map<std::string, std::vector<std::unique_ptr<libvirt::Connection>>> connections_;
};

std::string LibvirtProvider::uri_of(const Value& options) const {
  const std::string& wanted = options["uri"].as_text();
  const std::string uri = wanted.empty() ? host_.variable("LIBVIRT_DEFAULT_URI", default_uri) : wanted;
  return uri;
}

std::filesystem::path LibvirtProvider::pool_directory(const libvirt::Connection& connection) const {
  return connection.is_session() ? session_pool() : system_pool_directory;
}

const libvirt::Connection& LibvirtProvider::connect(const std::string& uri) {
  const std::lock_guard lock(mutex_);
  // Dead ones stay: another thread may be in a call.
  auto& connections = connections_[uri];
  if (connections.empty() || !connections.back()->is_alive())
    connections.push_back(std::make_unique<libvirt::Connection>(uri));
  return *connections.back();
}

const libvirt::Connection* LibvirtProvider::connection_of(const std::string& name) {
  const auto place = places_.find(name);
  return place ? &connect(place->uri) : nullptr;
}

LibvirtProvider::Found LibvirtProvider::find(const std::string& name) {
  const auto place = places_.find(name);
  const auto* const connection = place ? &connect(place->uri) : nullptr;
  libvirt::Domain domain = connection == nullptr ? libvirt::Domain() : connection->find_domain(name);
  if (!domain) throw Error(ErrorKind::failed, fmt::format("there is no machine '{}'", name));
  return {*connection, std::move(domain), {name, place->environment}};
}

void LibvirtProvider::check_host(const Value& options, Operation&) {
  libvirt::check_uri(uri_of(options), ::geteuid() == 0);
  connect(uri_of(options))
      .domain_type(options["driver"].as_text().empty() ? "auto" : options["driver"].as_text());
}

MachineState LibvirtProvider::inspect(const std::string& name, Operation&) {
  try {
    const auto place = places_.find(name);
    if (!place) return {};
    MachineState state = libvirt::state_of(connect(place->uri), name);
    if (state.phase == MachinePhase::absent && place->only_disks) return {};
    if (state.phase == MachinePhase::absent)
      return {MachinePhase::broken, "its creation did not finish", place->environment, {}};
    return state;
  } catch (const Error& error) {
    return {MachinePhase::broken, error.what(), {}, {}};
  }
}

void LibvirtProvider::create(const MachineSpec& spec, const Box& box, Operation& operation) {
  const std::string uri = uri_of(spec.options);
  const libvirt::Connection& connection = connect(uri);
  if (connection.find_domain(spec.backend_name))
    throw Error(ErrorKind::failed,
                fmt::format("there is a domain '{}' in libvirt at '{}' already", spec.backend_name, uri))
        .with_hint(fmt::format("'virsh --connect {} dominfo {}' shows it", uri, spec.backend_name));
  const auto place = places_.find(spec.backend_name);
  if (place && place->only_disks && place->uri != uri)
    throw Error(ErrorKind::failed,
                fmt::format("disks of '{}' are kept in libvirt at '{}', and it is to be made at '{}'",
                            spec.backend_name, place->uri, uri))
        .with_hint("'envtool destroy --volumes' removes them");
  places_.write(spec.backend_name,
                {uri, spec.environment_id, false, (place && place->may_keep) || keeps_any(spec.disks)});
  libvirt::create_machine(connection, spec, box, pool_directory(connection), operation);
}

void LibvirtProvider::start(const MachineSpec& spec, Operation& operation) {
  const auto* const connection = connection_of(spec.backend_name);
  if (connection == nullptr)
    throw Error(ErrorKind::failed, fmt::format("there is no machine '{}'", spec.backend_name));
  if (keeps_any(spec.disks)) expect_kept_disks(spec.backend_name);
  libvirt::start_machine(*connection, spec, operation);
}

void LibvirtProvider::stop(const std::string& name, StopMode mode, std::chrono::milliseconds timeout,
                           Operation& operation) {
  if (const auto* const connection = connection_of(name))
    libvirt::stop_machine(*connection, name, mode, timeout, operation);
}

void LibvirtProvider::destroy(const std::string& name, const std::string& environment_id,
                              Operation& operation) {
  const auto* const connection = connection_of(name);
  if (connection == nullptr) return;
  remove_copy(name, environment_id, operation);
  libvirt::destroy_machine(*connection, {name, environment_id}, operation);
  leave_disks(*connection, {name, environment_id});
}

/// From now on libvirt is asked for them.
void LibvirtProvider::expect_kept_disks(const std::string& name) {
  auto place = places_.find(name);
  if (!place || place->may_keep) return;
  place->may_keep = true;
  places_.write(name, *place);
}

/// Once there is no machine: remembers where its kept disks are, or forgets it.
void LibvirtProvider::leave_disks(const libvirt::Connection& connection, const libvirt::MachineNames& names) {
  const auto storage = libvirt::Storage::find(connection);
  if (storage && !libvirt::kept_disks(*storage, names).empty())
    places_.write(names.machine, {connection.uri(), names.environment, true});
  else
    places_.remove(names.machine);
}

std::vector<std::string> LibvirtProvider::kept_disks(const std::string& name, Operation&) {
  const auto place = places_.find(name);
  if (!place || !place->may_keep) return {};
  const auto storage = libvirt::Storage::find(connect(place->uri));
  return storage ? libvirt::kept_disks(*storage, {name, place->environment}) : std::vector<std::string>();
}

void LibvirtProvider::keep_disks(const std::string& name, const std::string& environment_id,
                                 const std::set<std::string>& disks, Operation&) {
  const auto place = places_.find(name);
  if (!place) return;
  if (place->environment != environment_id)
    throw Error(ErrorKind::failed,
                fmt::format("the disks of '{}' belong to environment {}", name, place->environment));
  const libvirt::Connection& connection = connect(place->uri);
  const auto storage = libvirt::Storage::find(connection);
  if (!storage) return;
  const libvirt::MachineNames names{name, environment_id};
  if (!disks.empty()) expect_kept_disks(name);
  libvirt::keep_disks(*storage, names, disks);
  if (connection.find_domain(name)) return;
  libvirt::remove_volumes(*storage, names);
  leave_disks(connection, names);
}

std::string LibvirtProvider::disk_device(const std::string& disk) {
  return "/dev/disk/by-id/virtio-" + libvirt::disk_serial(disk);
}

std::vector<GuestNetworks::Device> LibvirtProvider::network_devices(const std::string& name, Operation&) {
  std::vector<Device> devices;
  const auto tag = libvirt::tag_of(find(name).domain);
  if (!tag) return devices;
  for (const libvirt::NetworkLink& link : tag->networks) {
    Device device{.network = link.name, .mac = link.mac, .address = {}};
    if (const auto subnet = IpSubnet::parse(link.subnet); subnet && !link.address.empty())
      device.address = fmt::format("{}/{}", link.address, subnet->bits);
    devices.push_back(std::move(device));
  }
  return devices;
}

SshEndpoint LibvirtProvider::endpoint(const std::string& name, Operation&) {
  const auto* const connection = connection_of(name);
  if (connection == nullptr) throw Error(ErrorKind::failed, fmt::format("there is no machine '{}'", name));
  const MachineState state = libvirt::state_of(*connection, name);
  if (state.phase != MachinePhase::running && state.phase != MachinePhase::paused)
    throw Error(ErrorKind::failed,
                fmt::format("the machine '{}' has no address: it is {}", name, to_string(state.phase)));
  const libvirt::Domain domain = connection->find_domain(name);
  SshEndpoint endpoint;
  if (connection->is_session()) {
    const auto port = libvirt::ssh_port_of(domain);
    if (!port)
      throw Error(ErrorKind::failed, fmt::format("QEMU listens on no port for SSH to '{}'", name))
          .with_hint("'envtool reload' starts it anew");
    endpoint.host = "127.0.0.1";
    endpoint.port = *port;
    endpoint.ssh_only = true;
  } else {
    endpoint.host = state.addresses.front();
    endpoint.proxy = libvirt::way_to_guests(connection->facts());
    if (connection->is_local()) endpoint.device = libvirt::network_device(*connection);
  }
  const auto tag = libvirt::tag_of(domain);
  if (tag && tag->box_keys) endpoint.first_key = libvirt::vagrant_key;
  return endpoint;
}

UniqueFd LibvirtProvider::run_ended(const std::string& name, Operation&) {
  const auto place = places_.find(name);
  if (!place || libvirt::parse_uri(place->uri).is_remote()) return {};
  return libvirt::process_of(libvirt::MachineNames{name, place->environment}.uuid());
}

std::string LibvirtProvider::console_tail(const std::string& name, std::size_t lines, Operation&) {
  constexpr std::uint64_t enough = 65536;
  try {
    const auto place = places_.find(name);
    if (!place) return {};
    const auto storage = libvirt::Storage::find(connect(place->uri));
    if (!storage) return {};
    const std::string text = storage->tail(libvirt::MachineNames{name, place->environment}.console(), enough);
    if (text.empty() && libvirt::runs_on_kvm(find(name).domain))
      return "(nothing: this host's KVM may not be able to boot a guest; 'driver: qemu' does without it)";
    return last_lines(replace_all(text, "\r", ""), lines);
  } catch (const Error&) {
    return {};
  }
}

void LibvirtProvider::open_console(const std::string& name, Operation& operation) {
  libvirt::join_console(find(name).connection.uri(), name, operation);
}

Limits LibvirtProvider::limits(const std::string& name, Operation&) {
  const Found machine = find(name);
  return libvirt::limits_of(machine.connection, machine.domain);
}

void LibvirtProvider::apply_limits(const std::string& name, const Limits& limits, Operation& operation) {
  const Found machine = find(name);
  libvirt::set_limits(machine.connection, machine.domain, limits, operation);
}

void LibvirtProvider::suspend(const std::string& name, Operation&) {
  libvirt::pause(find(name).domain, name);
}

void LibvirtProvider::resume(const std::string& name, Operation& operation) {
  libvirt::go_on(find(name).domain, name, operation);
}

std::vector<SnapshotInfo> LibvirtProvider::snapshots(const std::string& name, Operation&) {
  const auto* const connection = connection_of(name);
  const libvirt::Domain domain = connection == nullptr ? libvirt::Domain() : connection->find_domain(name);
  return domain ? libvirt::snapshots_of(domain) : std::vector<SnapshotInfo>();
}

void LibvirtProvider::save_snapshot(const std::string& name, const std::string& snapshot,
                                    Operation& operation) {
  std::vector<std::string> kept;
  const auto place = places_.find(name);
  for (const std::string& disk : kept_disks(name, operation))
    kept.push_back(libvirt::MachineNames{name, place->environment}.disk(disk));
  const Found machine = find(name);
  libvirt::save_snapshot({machine.connection, machine.domain, machine.names}, snapshot, kept);
}

void LibvirtProvider::restore_snapshot(const std::string& name, const std::string& snapshot, Operation&) {
  const Found machine = find(name);
  libvirt::restore_snapshot({machine.connection, machine.domain, machine.names}, snapshot);
}

void LibvirtProvider::delete_snapshot(const std::string& name, const std::string& snapshot, Operation&) {
  const Found machine = find(name);
  libvirt::delete_snapshot({machine.connection, machine.domain, machine.names}, snapshot);
}

MachineUsage LibvirtProvider::usage(const std::string& name, Operation&) {
  const auto place = places_.find(name);
  const auto* const connection = place ? &connect(place->uri) : nullptr;
  const libvirt::Domain domain = connection == nullptr ? libvirt::Domain() : connection->find_domain(name);
  return domain ? libvirt::usage_of(domain, libvirt::MachineNames{name, place->environment}.mac())
                : MachineUsage();
}

std::string LibvirtProvider::start_copy(const MachineSpec& spec, Operation& operation) {
  const libvirt::Connection& connection = find(spec.backend_name).connection;
  const std::string copy = libvirt::copy_of({spec.backend_name, spec.environment_id}).machine;
  places_.write(copy, {connection.uri(), spec.environment_id});
  libvirt::start_copy(connection, spec, operation);
  return copy;
}

NewBoxDisks LibvirtProvider::export_disks(const std::string& copy, Operation&) {
  const auto place = places_.find(copy);
  if (!place) throw Error(ErrorKind::failed, fmt::format("there is no machine '{}'", copy));
  return libvirt::export_disks(connect(place->uri), {copy, place->environment});
}

void LibvirtProvider::remove_copy(const std::string& name, const std::string& environment_id,
                                  Operation& operation) {
  const std::string copy = libvirt::copy_of({name, environment_id}).machine;
  const auto* const connection = connection_of(copy);
  if (connection == nullptr) return;
  libvirt::remove_copy(*connection, {name, environment_id}, operation);
  places_.remove(copy);
}

void LibvirtProvider::forget_box(const std::string& digest, Operation&) {
  std::set<std::string> uris = {uri_of({})};
  if (std::filesystem::exists(session_pool())) uris.insert("qemu:///session");
  for (const std::string& uri : uris) {
    try {
      if (const auto storage = libvirt::Storage::find(connect(uri))) storage->remove_box(digest);
    } catch (const Error& error) {
      if (error.kind() == ErrorKind::failed) throw;  // without a libvirt there is no copy in it
    }
  }
  std::error_code not_empty;
  std::filesystem::remove(session_pool(), not_empty);
}

std::vector<HostCheck> LibvirtProvider::diagnose(Operation&) {
  std::vector<HostCheck> checks;
  const libvirt::Connection* connection = nullptr;
  try {
    libvirt::check_uri(uri_of({}), ::geteuid() == 0);
    connection = &connect(uri_of({}));
    checks.push_back({"libvirt's daemon", true, true, connection->uri(), ""});
  } catch (const Error& error) {
    checks.push_back({"libvirt's daemon", false, true, error.what(), error.hint()});
    return checks;
  }
  for (const auto& [driver, required] : {std::pair("qemu", true), std::pair("kvm", false)}) {
    try {
      connection->domain_type(driver);
      checks.push_back({fmt::format("driver: {}", driver), true, required, "yes", ""});
    } catch (const Error& error) {
      checks.push_back({fmt::format("driver: {}", driver), false, required, error.what(), error.hint()});
    }
  }
  return checks;
}

}  // namespace

void register_libvirt_provider(ProviderRegistry& registry) {
  registry.add(libvirt_info(), [](Host& host) { return std::make_unique<LibvirtProvider>(host); });
}

}  // namespace envtool
