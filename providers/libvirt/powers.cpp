#include <fmt/format.h>
#include <unistd.h>

#include <set>

#include "base/ip.h"
#include "base/text.h"
#include "providers/libvirt/console.h"
#include "providers/libvirt/disks.h"
#include "providers/libvirt/folders.h"
#include "providers/libvirt/live_copy.h"
#include "providers/libvirt/machine.h"
#include "providers/libvirt/package.h"
#include "providers/libvirt/processes.h"
#include "providers/libvirt/provider.h"
#include "providers/libvirt/running.h"
#include "providers/libvirt/snapshots.h"
#include "providers/libvirt/storage.h"

namespace envtool::libvirt {

namespace {

/// Throws Error(host_not_ready) when SSH does not get to that libvirt's host, if it is another one.
void check_answers(const std::string& uri, Operation& operation) {
  const Uri facts = parse_uri(uri);
  if (!facts.is_remote()) return;
  // A way through further hosts may hang where ssh's own limit does not count.
  const ProcessSpec ssh{.argv = {"sh", "-c", "exec " + knock_at_host(facts)},
                        .timeout = std::chrono::seconds(20)};
  const ProcessResult result = operation.run(ssh);
  // Any other status is of what that host lets a key do.
  if (result.status != 255 && !result.timed_out) return;
  const std::string why = last_lines(replace_all(result.error, "\r", ""), 1);
  throw Error(ErrorKind::host_not_ready, why.empty() ? fmt::format("'{}' does not answer", facts.host) : why);
}

}  // namespace

std::vector<std::string> LibvirtProvider::kept_disks(const std::string& name, Operation&) {
  const auto place = places_.find(name);
  if (!place || !place->may_keep) return {};
  const auto storage = Storage::find(connect(place->uri));
  return storage ? libvirt::kept_disks(*storage, {name, place->environment}) : std::vector<std::string>();
}

void LibvirtProvider::keep_disks(const std::string& name, const std::string& environment_id,
                                 const std::set<std::string>& disks, Operation&) {
  const auto place = places_.find(name);
  if (!place) return;
  if (place->environment != environment_id)
    throw Error(ErrorKind::failed,
                fmt::format("the disks of '{}' belong to environment {}", name, place->environment));
  const Connection& connection = connect(place->uri);
  const auto storage = Storage::find(connection);
  if (!storage) return;
  const MachineNames names{name, environment_id};
  if (!disks.empty()) expect_kept_disks(name);
  libvirt::keep_disks(*storage, names, disks, DiskVolumes(connection, *storage, names));
  if (connection.find_domain(name)) return;
  remove_volumes(*storage, names);
  leave_disks(connection, names);
}

std::string LibvirtProvider::disk_device(const std::string& disk) {
  return "/dev/disk/by-id/virtio-" + disk_serial(disk);
}

std::vector<GuestNetworks::Device> LibvirtProvider::network_devices(const std::string& name, Operation&) {
  std::vector<GuestNetworks::Device> devices;
  const auto tag = tag_of(find(name).domain);
  if (!tag) return devices;
  for (const NetworkLink& link : tag->networks) {
    GuestNetworks::Device device{.network = link.name, .mac = link.mac, .address = {}};
    if (const auto subnet = IpSubnet::parse(link.subnet); subnet && !link.address.empty())
      device.address = fmt::format("{}/{}", link.address, subnet->bits);
    devices.push_back(std::move(device));
  }
  return devices;
}

std::string LibvirtProvider::folder_obstacle(const Value& options, const NativeFolder& folder, Operation&) {
  const std::string& driver = options["driver"].as_text();
  const FolderHost host = folder_host(connect(uri_of(options)), driver.empty() ? "auto" : driver);
  return libvirt::folder_obstacle(host, folder.type, folder.read_only);
}

std::vector<FolderDevices::Device> LibvirtProvider::folder_devices(const std::string& name, Operation&) {
  const auto* const connection = connection_of(name);
  const Domain domain = connection == nullptr ? Domain() : connection->find_domain(name);
  const MachinePhase phase = domain ? phase_of(domain) : MachinePhase::absent;
  if (phase != MachinePhase::running && phase != MachinePhase::paused) return {};
  const Text xml(api().virDomainGetXMLDesc(domain.get(), 0));
  return xml ? folder_devices_in(xml.get()) : std::vector<FolderDevices::Device>();
}

UniqueFd LibvirtProvider::run_ended(const std::string& name, Operation&) {
  const auto place = places_.find(name);
  if (!place || parse_uri(place->uri).is_remote()) return {};
  return process_of(MachineNames{name, place->environment}.uuid());
}

std::string LibvirtProvider::console_tail(const std::string& name, std::size_t lines, Operation&) {
  constexpr std::uint64_t enough = 65536;
  try {
    const auto place = places_.find(name);
    if (!place) return {};
    const auto storage = Storage::find(connect(place->uri));
    if (!storage) return {};
    const std::string text = storage->tail(MachineNames{name, place->environment}.console(), enough);
    if (text.empty() && runs_on_kvm(find(name).domain))
      return "(nothing: this host's KVM may not be able to boot a guest; 'driver: qemu' does without it)";
    return last_lines(replace_all(text, "\r", ""), lines);
  } catch (const Error&) {
    return {};
  }
}

void LibvirtProvider::open_console(const std::string& name, Operation& operation) {
  join_console(find(name).connection.uri(), name, operation);
}

Limits LibvirtProvider::limits(const std::string& name, Operation&) {
  const Found machine = find(name);
  return limits_of(machine.connection, machine.domain);
}

void LibvirtProvider::apply_limits(const std::string& name, const Limits& limits, Operation& operation) {
  const Found machine = find(name);
  set_limits(machine.connection, machine.domain, limits, operation);
}

void LibvirtProvider::suspend(const std::string& name, Operation&) { pause(find(name).domain, name); }

void LibvirtProvider::resume(const std::string& name, Operation& operation) {
  const Found machine = find(name);
  go_on(machine.domain, name, operation);
  end_copying(machine.domain);
}

std::vector<SnapshotInfo> LibvirtProvider::snapshots(const std::string& name, Operation&) {
  const auto place = places_.find(name);
  if (!place) return {};
  const Connection& connection = connect(place->uri);
  const Domain domain = connection.find_domain(name);
  return domain ? snapshots_of({connection, domain, {name, place->environment}})
                : std::vector<SnapshotInfo>();
}

void LibvirtProvider::save_snapshot(const std::string& name, const std::string& snapshot,
                                    Operation& operation) {
  const Found machine = find(name);
  libvirt::save_snapshot(snapshot_owner(machine.connection, machine.domain, machine.names), snapshot,
                         operation);
}

void LibvirtProvider::check_snapshot(const std::string& name, const std::string& snapshot, Operation&) {
  const Found machine = find(name);
  libvirt::check_snapshot(snapshot_owner(machine.connection, machine.domain, machine.names), snapshot);
}

void LibvirtProvider::restore_snapshot(const std::string& name, const std::string& snapshot,
                                       Operation& operation) {
  const Found machine = find(name);
  libvirt::restore_snapshot(snapshot_owner(machine.connection, machine.domain, machine.names), snapshot,
                            operation);
}

void LibvirtProvider::delete_snapshot(const std::string& name, const std::string& snapshot, Operation&) {
  const Found machine = find(name);
  libvirt::delete_snapshot(snapshot_owner(machine.connection, machine.domain, machine.names), snapshot);
}

MachineUsage LibvirtProvider::usage(const std::string& name, Operation&) {
  const auto place = places_.find(name);
  const auto* const connection = place ? &connect(place->uri) : nullptr;
  const Domain domain = connection == nullptr ? Domain() : connection->find_domain(name);
  return domain ? usage_of(domain, MachineNames{name, place->environment}.mac()) : MachineUsage();
}

std::string LibvirtProvider::start_copy(const MachineSpec& spec, Operation& operation) {
  const Connection& connection = find(spec.backend_name).connection;
  const std::string copy = copy_of({spec.backend_name, spec.environment_id}).machine;
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
  const std::string copy = copy_of({name, environment_id}).machine;
  const auto* const connection = connection_of(copy);
  if (connection == nullptr) return;
  libvirt::remove_copy(*connection, {name, environment_id}, operation);
  places_.remove(copy);
}

void LibvirtProvider::forget_box(const std::string& digest, Operation&) {
  for (BoxPlace& place : box_places_.all()) {
    if (place.digest != digest) continue;
    place.unwanted = true;
    box_places_.write(place);
  }
  std::set<std::string> uris;
  if (!parse_uri(uri_of({})).is_remote()) uris.insert(uri_of({}));
  if (std::filesystem::exists(session_pool())) uris.insert("qemu:///session");
  for (const std::string& uri : uris) {
    try {
      const Connection& connection = connect(uri);
      if (const auto storage = Storage::find(connection))
        storage->remove_box(digest, pool_directory(connection));
      box_places_.remove({digest, uri, ""});
    } catch (const Error& error) {
      if (error.kind() == ErrorKind::failed) throw;  // without a libvirt there may be no copy in it
    }
  }
  std::error_code not_empty;
  std::filesystem::remove(session_pool(), not_empty);
}

void LibvirtProvider::forget_elsewhere(Operation& operation) {
  std::map<std::string, std::vector<BoxPlace>> copies;
  for (const BoxPlace& place : box_places_.all())
    if (place.unwanted) copies[place.uri].push_back(place);
  for (auto& [uri, those] : copies) forget_at(uri, std::move(those), operation);
}

void LibvirtProvider::forget_at(const std::string& uri, std::vector<BoxPlace> copies, Operation& operation) {
  try {
    check_answers(uri, operation);
    for (; !copies.empty(); copies.pop_back()) {
      const Connection& connection = connect(uri);
      if (const auto storage = Storage::find(connection))
        storage->remove_box(copies.back().digest, pool_directory(connection));
      box_places_.remove(copies.back());
    }
  } catch (const Error& error) {
    for (const BoxPlace& copy : copies)
      operation.say(fmt::format("the copy of box '{}' in libvirt at '{}' stays for now: {}; 'envtool box "
                                "prune' tries again, unless that host is gone for good and you remove '{}'",
                                copy.name, uri, error.what(), box_places_.file_of(copy).string()),
                    Tone::warning);
  }
}

std::vector<HostCheck> LibvirtProvider::diagnose(Operation&) {
  std::vector<HostCheck> checks;
  const Connection* connection = nullptr;
  try {
    check_uri(uri_of({}), ::geteuid() == 0);
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
  const bool has_daemon = has_virtiofsd();
  checks.push_back({"folders by virtiofs", has_daemon, false,
                    has_daemon ? "yes" : "virtiofsd is not installed",
                    has_daemon ? "" : "sudo apt-get install virtiofsd (Debian 12: qemu-system-common)"});
  return checks;
}

}  // namespace envtool::libvirt
