#include "providers/libvirt/machine.h"

#include <fmt/format.h>

#include <algorithm>

#include "providers/libvirt/disks.h"
#include "providers/libvirt/domain_xml.h"
#include "providers/libvirt/events.h"
#include "providers/libvirt/folders.h"
#include "providers/libvirt/host_devices.h"
#include "providers/libvirt/lan.h"
#include "providers/libvirt/project_networks.h"
#include "providers/libvirt/running.h"
#include "providers/libvirt/seed.h"
#include "providers/libvirt/storage.h"
#include "providers/libvirt/user_network.h"
#include "providers/libvirt/xml.h"

namespace envtool::libvirt {

namespace {

using namespace std::chrono_literals;

constexpr int default_cpus = 2;
constexpr int least_most_cpus = 4;
constexpr std::uint64_t default_memory = 1ull << 30;

MachineNames names_of(const MachineSpec& spec) { return {spec.backend_name, spec.environment_id}; }

std::string path_of(const Storage& storage, const std::string& name) {
  auto path = storage.path_of(name);
  if (!path)
    throw Error(ErrorKind::failed, fmt::format("the volume '{}' is gone", name))
        .with_hint("'envtool up --recreate' makes the machine anew");
  return std::move(*path);
}

/// In the order in which the firmware tries them; the seed is for no firmware.
std::vector<DomainDisk> disks_of(const Storage& storage, const DiskVolumes& volumes,
                                 const MachineSpec& spec) {
  const MachineNames names = names_of(spec);
  std::vector<DomainDisk> disks = {
      {.path = path_of(storage, volumes[names.root_disk()]), .target = "vda", .boots = true}};
  while (auto path = storage.path_of(volumes[names.box_disk(disks.size())]))
    disks.push_back({.path = std::move(*path), .target = disk_target("vd", disks.size()), .boots = true});
  for (const DiskConfig& disk : spec.disks)
    disks.push_back({.path = path_of(storage, volumes[names.disk(disk.name)]),
                     .target = disk_target("vd", disks.size()),
                     .serial = disk_serial(disk.name)});
  std::size_t number = 0;
  for (const std::string& file : spec.options["cdroms"].as_texts())
    disks.push_back({.path = path_of(storage, names.cdrom(file)),
                     .format = "raw",
                     .target = disk_target("sd", number++),
                     .bus = "scsi",
                     .read_only = true,
                     .is_cdrom = true,
                     .boots = true});
  disks.push_back(
      {.path = path_of(storage, names.seed()), .format = "raw", .target = "vdz", .read_only = true});
  return disks;
}

/// Copies those that are not there, and removes those that are no more, or are another file by now.
void bring_cdroms(const Storage& storage, const MachineSpec& spec, Operation& operation) {
  const MachineNames names = names_of(spec);
  std::vector<std::string> wanted;
  for (const std::string& file : spec.options["cdroms"].as_texts()) {
    wanted.push_back(names.cdrom(file));
    if (storage.has_whole(wanted.back())) continue;
    storage.remove({wanted.back()});
    storage.copy_file(wanted.back(), file, operation);
  }
  for (const std::string& volume : storage.list(names.cdrom_prefix()))
    if (std::find(wanted.begin(), wanted.end(), volume) == wanted.end()) storage.remove({volume});
}

/// The one that every machine has comes first: it is the one by which it is reached.
std::vector<DomainInterface> interfaces_of(const Connection& connection, const MachineNames& names,
                                           const MachineTag& tag) {
  using Kind = DomainInterface::Kind;
  if (connection.is_session()) return {{.kind = Kind::user, .source = {}, .mac = names.mac()}};
  std::vector<DomainInterface> interfaces = {{.source = network_name, .mac = names.mac()}};
  for (const NetworkLink& link : tag.networks) {
    if (link.host_device.empty())
      interfaces.push_back({.source = project_network(tag.environment, link.name), .mac = link.mac});
    else
      interfaces.push_back({.kind = link.is_bridge ? Kind::bridge : Kind::direct,
                            .source = link.host_device,
                            .mac = link.mac});
  }
  return interfaces;
}

bool wants_uefi(const MachineSpec& spec) { return spec.options["firmware"].as_text() == "uefi"; }

/// KVM takes the host's CPU as it is; QEMU's own emulation everything it can emulate.
std::string cpu_of(const std::string& wanted, const std::string& type) {
  if (!wanted.empty()) return wanted;
  if (type == "kvm") return "host-passthrough";
  return type == "qemu" ? "max" : "";
}

DomainPlan plan_of(const Connection& connection, const Storage& storage, const MachineSpec& spec,
                   MachineTag tag) {
  const MachineNames names = names_of(spec);
  DomainPlan plan;
  plan.type = connection.domain_type(spec.options["driver"].as_text());
  plan.name = names.machine;
  plan.uuid = names.uuid();
  plan.hostname = spec.hostname;
  plan.cpus = spec.cpus.value_or(tag.cpus);
  plan.memory = spec.memory.value_or(ByteSize{tag.memory});
  plan.most_cpus = std::max(plan.cpus * 2, least_most_cpus);
  plan.most_memory = {plan.memory.bytes * 2};
  plan.cpu = cpu_of(spec.options["cpu"].as_text(), plan.type);
  plan.machine_type = spec.options["machine"].as_text();
  plan.uefi = wants_uefi(spec);
  if (spec.options.has("video")) plan.video = spec.options["video"].as_text();
  plan.more = spec.options["xml"]["domain"].as_text();
  plan.more_devices = spec.options["xml"]["devices"].as_text();
  plan.disks = disks_of(storage, DiskVolumes(connection, storage, names), spec);
  plan.interfaces = interfaces_of(connection, names, tag);
  plan.folders = domain_folders(spec.folders, connection.is_session());
  plan.console_log = path_of(storage, names.console());
  plan.tag = std::move(tag);
  return plan;
}

void define(const Connection& connection, const DomainPlan& plan) {
  const Domain domain(
      api().virDomainDefineXMLFlags(connection.get(), domain_xml(plan).c_str(), VIR_DOMAIN_DEFINE_VALIDATE));
  if (domain) return;
  const std::string why = last_message();
  Error error(ErrorKind::failed, fmt::format("cannot define the domain '{}': {}", plan.name, why));
  if (plan.uefi && why.find("firmware") != std::string::npos)
    error.with_hint("'firmware: uefi' needs one for guests: sudo apt-get install ovmf");
  else if (!plan.more.empty() || !plan.more_devices.empty())
    error.with_hint("the texts of 'xml' in the Envfile are part of it, as they are");
  throw error;
}

/// Before anything is made.
void check_networks(const Connection& connection, const MachineSpec& spec) {
  if (connection.is_session() && !spec.networks.empty())
    throw Error(ErrorKind::unsupported,
                fmt::format("libvirt at '{}' has no network that machines share, and the Envfile names '{}'",
                            connection.uri(), spec.networks.front().name))
        .with_hint("use 'uri: qemu:///system', or leave out 'networks'");
  for (const NetworkConfig& network : spec.networks)
    if (!network.bridge.empty()) host_device(connection, network.bridge);
}

/// In a session libvirt's own place for it lies below the home, which makes the name too long for a socket.
std::string agent_socket_of(const Connection& connection, const MachineSpec& spec, Operation& operation) {
  if (!connection.is_session()) return {};
  const std::filesystem::path& directory = operation.host.paths.runtime;
  make_directories(directory, 0700);
  return directory / (names_of(spec).uuid().substr(0, 13) + ".agent");
}

/// Of a domain that ended meanwhile: nothing to do.
void end(const Domain& domain, const std::string& name) {
  if (api().virDomainDestroyFlags(domain.get(), VIR_DOMAIN_DESTROY_DEFAULT) != 0 &&
      last_code() != VIR_ERR_OPERATION_INVALID && last_code() != VIR_ERR_NO_DOMAIN)
    fail(fmt::format("stop the domain '{}'", name));
}

/// Recipes, images and what is packaged of their machines do; of others' boxes nobody knows, but all have
/// Vagrant's key.
bool reads_seed(const Box& box) {
  return box.metadata.has("recipe") || box.metadata["image"].as_bool() ||
         box.metadata[reads_seed_key].as_bool();
}

bool is_active(MachinePhase phase) {
  return phase == MachinePhase::running || phase == MachinePhase::paused || phase == MachinePhase::broken;
}

/// Waits until the guest has shut down, as it was asked; false when it did not within `timeout`.
bool shuts_down(const Connection& connection, const Domain& domain, std::chrono::milliseconds timeout,
                Operation& operation) {
  DomainWatch watch(connection, domain);
  if (api().virDomainShutdownFlags(domain.get(), VIR_DOMAIN_SHUTDOWN_DEFAULT) != 0 &&
      is_active(phase_of(domain)))
    return false;
  const Clock& clock = operation.host.clock;
  for (const auto deadline = clock.now() + timeout; is_active(phase_of(domain));) {
    if (clock.now() >= deadline) return false;
    operation.check_stop();
    watch.wait(200ms);  // a request to stop is no event
  }
  return true;
}

}  // namespace

bool runs_on_kvm(const Domain& domain) {
  const Text xml(api().virDomainGetXMLDesc(domain.get(), 0));
  return xml && find_xml_tag(xml.get(), "domain")["type"] == "kvm" &&
         phase_of(domain) == MachinePhase::running;
}

MachinePhase phase_of(const Domain& domain) {
  int state = 0, reason = 0;
  if (api().virDomainGetState(domain.get(), &state, &reason, 0) != 0) {
    if (last_code() == VIR_ERR_NO_DOMAIN) return MachinePhase::absent;
    fail("ask for the state of a domain");
  }
  switch (state) {
    case VIR_DOMAIN_RUNNING:
    case VIR_DOMAIN_BLOCKED:
    case VIR_DOMAIN_SHUTDOWN:
      return MachinePhase::running;
    case VIR_DOMAIN_PAUSED:
      return reason == VIR_DOMAIN_PAUSED_IOERROR ? MachinePhase::broken : MachinePhase::paused;
    case VIR_DOMAIN_PMSUSPENDED:
      return MachinePhase::paused;
    default:
      return MachinePhase::stopped;
  }
}

namespace {

/// Of a domain that was looked up just now, which knows by itself whether it runs.
MachinePhase phase_of_new(const Domain& domain) {
  constexpr unsigned no_id = ~0u;
  return api().virDomainGetID(domain.get()) == no_id ? MachinePhase::stopped : phase_of(domain);
}

}  // namespace

MachineState state_of(const Connection& connection, const std::string& name) {
  const Domain domain = connection.find_domain(name);
  if (!domain) return {.phase = MachinePhase::absent, .detail = {}, .environment_id = {}, .addresses = {}};
  const auto tag = tag_of(domain);
  if (!tag)
    return {MachinePhase::broken, fmt::format("the domain '{}' was not made by envtool", name), {}, {}};
  MachineState state{phase_of_new(domain), {}, tag->environment, {}};
  if (!tag->address.empty()) state.addresses = {tag->address};
  state.networks = places_of(domain, *tag, state.phase == MachinePhase::running);
  if (state.phase == MachinePhase::broken)
    state.detail = "the host could not read or write its disk, and libvirt paused it; is a file system full?";
  return state;
}

void create_machine(const Connection& connection, const MachineSpec& spec, const Box& box,
                    const std::filesystem::path& pool_directory, Operation& operation) {
  const MachineNames names = names_of(spec);
  if (wants_uefi(spec) && box.metadata.has("recipe"))
    throw Error(ErrorKind::unsupported, fmt::format("the box '{}' boots by BIOS only", box.name))
        .with_hint("leave out 'firmware: uefi', or take a box with a loader for it");
  if (!spec.user_data.empty() && !box.metadata["image"].as_bool())
    throw Error(ErrorKind::unsupported,
                fmt::format("the box '{}' has no cloud-init, as far as is known, and 'cloud_init' is for it",
                            box.name))
        .with_hint("leave it out, or take an image with cloud-init");
  check_networks(connection, spec);
  const Storage storage = Storage::ensure(connection, pool_directory);
  const std::vector<Backing> disks = storage.box(box, operation);
  operation.check_stop();
  for (std::size_t i = 0; i < disks.size(); ++i) {
    const std::uint64_t wanted = i == 0 ? spec.disk.value_or(ByteSize{}).bytes : 0;
    storage.make_overlay(names.box_disk(i), disks[i], std::max(disks[i].capacity, wanted));
  }
  bring_disks(storage, names, spec.disks, DiskVolumes(connection, storage, names));
  bring_cdroms(storage, spec, operation);
  storage.make_file(names.seed(), iso_image(seed_volume_id, seed_files(spec)));
  storage.make_file(names.console(), {});
  MachineTag tag{.environment = spec.environment_id,
                 .project = spec.project,
                 .machine = spec.name,
                 .box = box.digest,
                 .address = address_of(connection, names),
                 .box_keys = !reads_seed(box),
                 .cpus = spec.cpus.value_or(default_cpus),
                 .memory = spec.memory.value_or(ByteSize{default_memory}).bytes};
  define_machine(connection, storage, spec, std::move(tag), operation);
}

std::string address_of(const Connection& connection, const MachineNames& names) {
  return connection.is_session() ? "" : reserve_address(connection, names);
}

void define_machine(const Connection& connection, const Storage& storage, const MachineSpec& spec,
                    MachineTag tag, Operation& operation) {
  std::optional<FileLock> lock;
  const bool has_any = !spec.networks.empty() || !tag.networks.empty();
  if (has_any) {
    lock = lock_networks(operation);
    tag.networks = join_networks(connection, spec, tag.networks);
  }
  DomainPlan plan = plan_of(connection, storage, spec, std::move(tag));
  plan.agent_socket = agent_socket_of(connection, spec, operation);
  define(connection, plan);
  if (has_any) drop_networks(connection, spec.environment_id);
}

void run_machine(const Connection& connection, const Domain& domain, const std::string& name) {
  if (api().virDomainCreateWithFlags(domain.get(), VIR_DOMAIN_NONE) != 0) {
    const std::string why = last_message();
    if (phase_of(domain) != MachinePhase::running) {
      Error error(ErrorKind::failed, fmt::format("cannot start the domain '{}': {}", name, why));
      if (why.find("virtiofs") != std::string::npos)
        error.with_hint("'type: rsync' copies folders instead of sharing them");
      throw error;
    }
  }
  if (connection.is_session()) open_ssh_port(domain, name);
}

void start_machine(const Connection& connection, const MachineSpec& spec, Operation& operation) {
  const std::string& name = spec.backend_name;
  const Domain domain = connection.find_domain(name);
  if (!domain) throw Error(ErrorKind::failed, fmt::format("there is no machine '{}'", name));
  const MachinePhase phase = phase_of(domain);
  if (phase == MachinePhase::running) return;
  if (phase == MachinePhase::paused)
    throw Error(ErrorKind::failed, fmt::format("the machine '{}' is paused", name))
        .with_hint("'envtool resume' lets it go on");
  auto tag = tag_of(domain);
  const auto storage = Storage::find(connection);
  if (!tag || !storage)
    throw Error(ErrorKind::failed, fmt::format("the machine '{}' lost its {}", name,
                                               tag ? "pool of volumes" : "mark in libvirt"));
  const MachineNames names = names_of(spec);
  const DiskVolumes volumes(connection, *storage, names);
  if (spec.disk) storage->grow(volumes[names.root_disk()], spec.disk->bytes);
  tag->address = address_of(connection, names);
  // The memory of a restored snapshot belongs to the domain as it was.
  const bool goes_on = api().virDomainHasManagedSaveImage(domain.get(), 0) == 1;
  if (!goes_on) {
    check_networks(connection, spec);
    bring_disks(*storage, names, spec.disks, volumes);
    bring_cdroms(*storage, spec, operation);
    define_machine(connection, *storage, spec, std::move(*tag), operation);
  } else if (!tag->networks.empty()) {
    const FileLock lock = lock_networks(operation);
    start_networks(connection, *tag);
  }
  run_machine(connection, domain, name);
  if (goes_on) set_clock(domain, operation);
}

void stop_machine(const Connection& connection, const std::string& name, StopMode mode,
                  std::chrono::milliseconds timeout, Operation& operation) {
  const Domain domain = connection.find_domain(name);
  if (!domain || !is_active(phase_of(domain))) return;
  if (mode == StopMode::graceful) {
    if (phase_of(domain) == MachinePhase::paused) api().virDomainResume(domain.get());
    if (shuts_down(connection, domain, timeout, operation)) return;
    operation.say(
        fmt::format("the guest did not shut down within {} s and is stopped hard", timeout.count() / 1000),
        Tone::warning);
  }
  end(domain, name);
}

void destroy_machine(const Connection& connection, const MachineNames& names, Operation& operation) {
  if (const Domain domain = connection.find_domain(names.machine)) {
    const auto tag = tag_of(domain);
    if (!tag || tag->environment != names.environment)
      throw Error(ErrorKind::failed,
                  fmt::format("the domain '{}' in libvirt at '{}' belongs to {}", names.machine,
                              connection.uri(), tag ? "environment " + tag->environment : "somebody else"));
    if (is_active(phase_of(domain))) end(domain, names.machine);
    constexpr unsigned known = VIR_DOMAIN_UNDEFINE_MANAGED_SAVE | VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA;
    const unsigned flags = connection.is_double()
                               ? known
                               : known | VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA | VIR_DOMAIN_UNDEFINE_NVRAM;
    if (api().virDomainUndefineFlags(domain.get(), flags) != 0 && last_code() != VIR_ERR_NO_DOMAIN)
      fail(fmt::format("remove the domain '{}'", names.machine));
  }
  if (const auto storage = Storage::find(connection)) remove_volumes(*storage, names);
  release_address(connection, names);
  const FileLock lock = lock_networks(operation);
  drop_networks(connection, names.environment);
}

}  // namespace envtool::libvirt
