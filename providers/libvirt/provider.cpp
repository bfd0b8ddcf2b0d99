#include "providers/libvirt/provider.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "core/registry.h"
#include "providers/libvirt/disks.h"
#include "providers/libvirt/lan.h"
#include "providers/libvirt/machine.h"
#include "providers/libvirt/schema.h"
#include "providers/libvirt/storage.h"
#include "providers/libvirt/user_network.h"
#include "providers/libvirt/vagrant_key.h"

namespace envtool::libvirt {

namespace {

constexpr const char* default_uri = "qemu:///system";
/// Where a pool is made when there is none: beside libvirt's own, on its host.
constexpr const char* system_pool_directory = "/var/lib/libvirt/envtool";

ProviderInfo libvirt_info() {
  return {
      .name = "libvirt",
      .summary = "virtual machines of QEMU and KVM through libvirt",
      .box_formats = {"libvirt"},
      .features = {Feature::cpus, Feature::memory, Feature::disk, Feature::disks, Feature::bare_disks,
                   Feature::networks, Feature::host_bridges, Feature::mac, Feature::cloud_init},
      .capabilities = {Capability::lifetime, Capability::console, Capability::console_log,
                       Capability::live_limits, Capability::suspend, Capability::snapshots, Capability::usage,
                       Capability::kept_disks, Capability::package, Capability::folder_devices},
      .precedence = 10,  // a container starts in a second
      .schema = options_schema()};
}

bool keeps_any(const std::vector<DiskConfig>& disks) {
  return std::any_of(disks.begin(), disks.end(), [](const DiskConfig& disk) { return disk.keep; });
}

}  // namespace

const ProviderInfo& LibvirtProvider::info() const {
  static const ProviderInfo info = libvirt_info();
  return info;
}

std::string LibvirtProvider::uri_of(const Value& options) const {
  const std::string& wanted = options["uri"].as_text();
  return wanted.empty() ? host_.variable("LIBVIRT_DEFAULT_URI", default_uri) : wanted;
}

std::filesystem::path LibvirtProvider::pool_directory(const Connection& connection) const {
  return connection.is_session() ? session_pool() : system_pool_directory;
}

const Connection& LibvirtProvider::connect(const std::string& uri) {
  const std::lock_guard lock(mutex_);
  // Dead ones stay: another thread may be in a call.
  auto& connections = connections_[uri];
  if (connections.empty() || !connections.back()->is_alive())
    connections.push_back(std::make_unique<Connection>(uri));
  return *connections.back();
}

const Connection* LibvirtProvider::connection_of(const std::string& name) {
  const auto place = places_.find(name);
  return place ? &connect(place->uri) : nullptr;
}

LibvirtProvider::Found LibvirtProvider::find(const std::string& name) {
  const auto place = places_.find(name);
  const auto* const connection = place ? &connect(place->uri) : nullptr;
  Domain domain = connection == nullptr ? Domain() : connection->find_domain(name);
  if (!domain) throw Error(ErrorKind::failed, fmt::format("there is no machine '{}'", name));
  return {*connection, std::move(domain), {name, place->environment}};
}

void LibvirtProvider::check_host(const Value& options, Operation&) {
  check_uri(uri_of(options), ::geteuid() == 0);
  connect(uri_of(options))
      .domain_type(options["driver"].as_text().empty() ? "auto" : options["driver"].as_text());
}

MachineState LibvirtProvider::inspect(const std::string& name, Operation&) {
  try {
    const auto place = places_.find(name);
    if (!place) return {};
    MachineState state = state_of(connect(place->uri), name);
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
  const Connection& connection = connect(uri);
  if (connection.find_domain(spec.backend_name))
    throw Error(ErrorKind::failed,
                fmt::format("there is a domain '{}' in libvirt at '{}' already", spec.backend_name, uri))
        .with_hint(fmt::format("'virsh --connect {} dominfo {}' shows it; rename or remove it", uri,
                               spec.backend_name));
  const auto place = places_.find(spec.backend_name);
  if (place && place->only_disks && place->uri != uri)
    throw Error(ErrorKind::failed,
                fmt::format("disks of '{}' are kept in libvirt at '{}', and it is to be made at '{}'",
                            spec.backend_name, place->uri, uri))
        .with_hint("'envtool destroy --volumes' removes them");
  places_.write(spec.backend_name,
                {uri, spec.environment_id, false, (place && place->may_keep) || keeps_any(spec.disks)});
  box_places_.write({box.digest, uri, box.name});
  create_machine(connection, spec, box, pool_directory(connection), operation);
}

void LibvirtProvider::start(const MachineSpec& spec, Operation& operation) {
  const auto* const connection = connection_of(spec.backend_name);
  if (connection == nullptr)
    throw Error(ErrorKind::failed, fmt::format("there is no machine '{}'", spec.backend_name));
  if (keeps_any(spec.disks)) expect_kept_disks(spec.backend_name);
  start_machine(*connection, spec, operation);
}

void LibvirtProvider::stop(const std::string& name, StopMode mode, std::chrono::milliseconds timeout,
                           Operation& operation) {
  if (const auto* const connection = connection_of(name))
    stop_machine(*connection, name, mode, timeout, operation);
}

void LibvirtProvider::destroy(const std::string& name, const std::string& environment_id,
                              Operation& operation) {
  const auto* const connection = connection_of(name);
  if (connection == nullptr) return;
  remove_copy(name, environment_id, operation);
  destroy_machine(*connection, {name, environment_id}, operation);
  leave_disks(*connection, {name, environment_id});
}

void LibvirtProvider::expect_kept_disks(const std::string& name) {
  auto place = places_.find(name);
  if (!place || place->may_keep) return;
  place->may_keep = true;
  places_.write(name, *place);
}

void LibvirtProvider::leave_disks(const Connection& connection, const MachineNames& names) {
  const auto storage = Storage::find(connection);
  if (storage && !libvirt::kept_disks(*storage, names).empty())
    places_.write(names.machine, {connection.uri(), names.environment, true});
  else
    places_.remove(names.machine);
}

SshEndpoint LibvirtProvider::endpoint(const std::string& name, Operation&) {
  const auto* const connection = connection_of(name);
  if (connection == nullptr) throw Error(ErrorKind::failed, fmt::format("there is no machine '{}'", name));
  const MachineState state = state_of(*connection, name);
  if (state.phase != MachinePhase::running && state.phase != MachinePhase::paused)
    throw Error(ErrorKind::failed,
                fmt::format("the machine '{}' has no address: it is {}", name, to_string(state.phase)));
  const Domain domain = connection->find_domain(name);
  SshEndpoint endpoint;
  if (connection->is_session()) {
    const auto port = ssh_port_of(domain);
    if (!port)
      throw Error(ErrorKind::failed, fmt::format("QEMU listens on no port for SSH to '{}'", name))
          .with_hint("'envtool reload' starts it anew");
    endpoint.host = "127.0.0.1";
    endpoint.port = *port;
    endpoint.ssh_only = true;
  } else {
    endpoint.host = state.addresses.front();
    endpoint.proxy = way_to_guests(connection->facts());
    if (connection->is_local()) endpoint.device = network_device(*connection);
  }
  const auto tag = tag_of(domain);
  if (tag && tag->box_keys) endpoint.first_key = vagrant_key;
  return endpoint;
}

}  // namespace envtool::libvirt

namespace envtool {

void register_libvirt_provider(ProviderRegistry& registry) {
  registry.add(libvirt::libvirt_info(),
               [](Host& host) { return std::make_unique<libvirt::LibvirtProvider>(host); });
}

}  // namespace envtool
