#include "providers/libvirt/snapshots.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "base/text.h"
#include "providers/libvirt/disks.h"
#include "providers/libvirt/domains.h"
#include "providers/libvirt/folders.h"
#include "providers/libvirt/machine.h"
#include "providers/libvirt/restorable.h"
#include "providers/libvirt/storage.h"
#include "providers/libvirt/xml.h"

namespace envtool::libvirt {

namespace {

std::string description_of(const Snapshot& snapshot) {
  const Text xml(api().virDomainSnapshotGetXMLDesc(snapshot.get(), 0));
  if (!xml) fail("read a snapshot");
  return xml.get();
}

Snapshot find_snapshot(const Domain& domain, const std::string& name) {
  Snapshot snapshot(api().virDomainSnapshotLookupByName(domain.get(), name.c_str(), 0));
  if (!snapshot && last_code() != VIR_ERR_NO_DOMAIN_SNAPSHOT)
    fail(fmt::format("look for the snapshot '{}'", name));
  return snapshot;
}

}  // namespace

std::string snapshot_xml(const std::string& name, const std::vector<std::string>& left_out) {
  std::string disks;
  for (const std::string& target : left_out)
    disks += fmt::format("    <disk name='{}' snapshot='no'/>\n", target);
  return fmt::format("<domainsnapshot>\n  <name>{}</name>\n{}</domainsnapshot>\n", escape_xml(name),
                     disks.empty() ? "" : "  <disks>\n" + disks + "  </disks>\n");
}

SnapshotInfo snapshot_info(std::string_view xml) {
  const std::string created = xml_text(xml, "creationTime");
  std::time_t seconds = 0;
  std::from_chars(created.data(), created.data() + created.size(), seconds);
  return {xml_text(xml, "name"),
          fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(seconds)),
          {},
          xml_text(xml, "state") != "shutoff"};
}

std::vector<std::string> descriptions_of_snapshots(const Domain& domain) {
  virDomainSnapshotPtr* list = nullptr;
  const int count =
      api().virDomainListAllSnapshots(domain.get(), &list, VIR_DOMAIN_SNAPSHOT_LIST_TOPOLOGICAL);
  if (count < 0) fail("list the snapshots");
  std::vector<Snapshot> snapshots;
  for (int i = 0; i < count; ++i) snapshots.emplace_back(list[i]);
  std::free(list);
  std::vector<std::string> descriptions;
  for (const Snapshot& snapshot : snapshots) descriptions.push_back(description_of(snapshot));
  return descriptions;
}

std::vector<SnapshotInfo> snapshots_of(const SnapshotOwner& machine) {
  std::vector<SnapshotInfo> infos;
  for (const std::string& description : descriptions_of_snapshots(machine.domain))
    infos.push_back(snapshot_info(description));
  if (const auto storage = Storage::find(machine.connection)) {
    // Memory that lies beside the disks libvirt does not know of.
    for (SnapshotInfo& info : infos)
      if (storage->path_of(machine.names.memory(info.name))) info.has_memory = true;
    for (SnapshotInfo& copy : copies_of(*storage, machine.names)) infos.push_back(std::move(copy));
  }
  std::stable_sort(infos.begin(), infos.end(),
                   [](const SnapshotInfo& one, const SnapshotInfo& other) { return one.when < other.when; });
  return infos;
}

bool has_room_for_memory(std::string_view domain_xml) {
  return find_xml_tag(domain_xml, "loader")["type"] != "pflash";
}

namespace {

Storage storage_of(const SnapshotOwner& machine) {
  auto storage = Storage::find(machine.connection);
  if (!storage) throw Error(ErrorKind::failed, fmt::format("the pool '{}' is gone", pool_name));
  return std::move(*storage);
}

void make_snapshot(const Domain& domain, const std::string& name, const std::string& xml) {
  if (!Snapshot(api().virDomainSnapshotCreateXML(domain.get(), xml.c_str(), 0)))
    fail(fmt::format("save the snapshot '{}'", name));
}

void run_from(const SnapshotOwner& machine, const std::string& memory, unsigned flags) {
  if (api().virDomainRestoreFlags(machine.connection.get(), memory.c_str(), nullptr, flags) != 0)
    fail("go on with the memory that was saved");
}

/// The machine ends with its memory in a file, its disks are saved as those of one that stands still, and it
/// goes on.
void save_beside(const SnapshotOwner& machine, const std::string& name, const std::string& xml,
                 MachinePhase phase) {
  const Storage storage = storage_of(machine);
  const std::string volume = machine.names.memory(name);
  storage.remove({volume});  // of one that was cut off
  const std::string memory = storage.make_file(volume, {});
  const unsigned flags = phase == MachinePhase::paused ? VIR_DOMAIN_SAVE_PAUSED : VIR_DOMAIN_SAVE_RUNNING;
  try {
    if (api().virDomainSaveFlags(machine.domain.get(), memory.c_str(), nullptr, flags) != 0)
      fail("save the machine's memory");
    try {
      make_snapshot(machine.domain, name, xml);
    } catch (const Error&) {
      run_from(machine, memory, flags);
      throw;
    }
  } catch (const Error&) {
    storage.remove({volume});
    throw;
  }
  run_from(machine, memory, flags);
}

/// The stopped machine's disks are those of the snapshot: now its memory, for the next start.
void take_memory_from(const SnapshotOwner& machine, const std::string& memory) {
  run_from(machine, memory, VIR_DOMAIN_SAVE_PAUSED);
  if (api().virDomainManagedSave(machine.domain.get(), VIR_DOMAIN_SAVE_RUNNING) != 0)
    fail("keep the memory of the snapshot");
}

/// Out of QEMU's refusal: what can be saved beside a folder's device is up to the versions of QEMU and of the
/// folder's daemon. Empty when it is about something else; libvirt has no code for it.
std::string folder_in_the_way(std::string_view domain_xml, const Error& refusal) {
  const auto folders = folder_devices_in(domain_xml);
  if (folders.empty() || std::string_view(refusal.what()).find("igrat") == std::string_view::npos) return {};
  return fmt::format("QEMU cannot save it beside the folder '{}' by {}", folders.front().host.string(),
                     to_string(folders.front().type));
}

/// Why it cannot be, as words that go on a sentence; empty: it is saved.
std::string save_with_memory(const SnapshotOwner& machine, const std::string& snapshot,
                             const std::string& domain_xml, MachinePhase phase) {
  const auto cpus = [&](unsigned flags) { return api().virDomainGetVcpusFlags(machine.domain.get(), flags); };
  if (const auto kept = kept_disks(storage_of(machine), machine.names); !kept.empty())
    return fmt::format("its disk '{}' outlives it, and memory knows what was on all disks", kept.front());
  if (cpus(VIR_DOMAIN_AFFECT_LIVE) != cpus(VIR_DOMAIN_AFFECT_CONFIG))
    return "its number of CPUs was changed while it ran, and QEMU could not read it back";
  try {
    if (has_room_for_memory(domain_xml))
      make_snapshot(machine.domain, snapshot, snapshot_xml(snapshot));
    else
      save_beside(machine, snapshot, snapshot_xml(snapshot), phase);
    return {};
  } catch (const Error& refusal) {
    std::string folder = folder_in_the_way(domain_xml, refusal);
    if (folder.empty()) throw;
    return folder;
  }
}

}  // namespace

void save_snapshot(const SnapshotOwner& machine, const std::string& snapshot, Operation& operation) {
  const Domain& domain = machine.domain;
  const Storage storage = storage_of(machine);
  if (find_snapshot(domain, snapshot) || find_copy(storage, machine.names, snapshot))
    throw Error(ErrorKind::failed, fmt::format("there is a snapshot '{}' already", snapshot));
  const std::string xml = description_of(domain);
  std::vector<std::string> left_out;
  for (const OwnDisk& disk : own_disks(xml, machine.names))
    if (machine.kept.contains(disk.volume)) left_out.push_back(disk.target);
  const MachinePhase phase = phase_of(domain);
  if (phase != MachinePhase::running && phase != MachinePhase::paused)
    return make_snapshot(domain, snapshot, snapshot_xml(snapshot, left_out));
  const std::string obstacle = save_with_memory(machine, snapshot, xml, phase);
  if (obstacle.empty()) return;
  operation.say(fmt::format("without its memory, as {}: restored, it boots", obstacle));
  save_copy(machine, storage, snapshot, operation);
}

namespace {

SnapshotWorld world_of(const SnapshotOwner& machine, const Storage& storage, const SnapshotFacts& facts) {
  SnapshotWorld world;
  for (const std::string& volume : storage.list(machine.names.volume_prefix())) {
    const std::string path = storage.path_of(volume).value_or("");
    world.directory = std::filesystem::path(path).parent_path();
    world.files.insert(path);
    if (machine.kept.contains(volume)) world.kept.insert(path);
  }
  for (const std::string& name : facts.networks)
    if (machine.connection.find_network(name)) world.networks.insert(name);
  add_definition(world, definition_of(machine.domain));
  return world;
}

/// QEMU reads memory back into the kind of machine that it was only.
bool runs_here(const Connection& connection, const SnapshotFacts& facts) {
  if (!facts.has_memory || connection.is_double() || facts.machine.empty()) return true;
  return Text(api().virConnectGetDomainCapabilities(connection.get(), nullptr, facts.architecture.c_str(),
                                                    facts.machine.c_str(), facts.type.c_str(), 0)) != nullptr;
}

std::vector<std::string> why_not_restorable(const SnapshotOwner& machine, const Storage& storage,
                                            const Snapshot& snapshot, const std::string& name) {
  SnapshotFacts facts = snapshot_facts(description_of(snapshot));
  // Memory that lies beside the disks libvirt does not know of.
  if (storage.path_of(machine.names.memory(name))) facts.has_memory = true;
  std::vector<std::string> reasons = why_not_restorable(facts, world_of(machine, storage, facts));
  if (!runs_here(machine.connection, facts))
    reasons.push_back(
        fmt::format("its host has no '{}' machines of type '{}' any more", facts.machine, facts.type));
  return reasons;
}

Error no_snapshot(const std::string& name) {
  return {ErrorKind::failed, fmt::format("there is no snapshot '{}'", name)};
}

}  // namespace

void check_snapshot(const SnapshotOwner& machine, const std::string& name) {
  const Storage storage = storage_of(machine);
  std::vector<std::string> reasons;
  if (const auto copy = find_copy(storage, machine.names, name)) {
    reasons =
        why_not_restorable(*copy, own_disks(definition_of(machine.domain), machine.names), machine.kept);
  } else if (const Snapshot snapshot = find_snapshot(machine.domain, name)) {
    reasons = why_not_restorable(machine, storage, snapshot, name);
  } else {
    throw no_snapshot(name);
  }
  if (reasons.empty()) return;
  throw Error(ErrorKind::failed,
              fmt::format("the snapshot '{}' cannot be restored: {}", name, join(reasons, "; ")))
      .with_hint(
          fmt::format("give the machine back what it had then, or 'envtool snapshot delete {}'", name));
}

void restore_snapshot(const SnapshotOwner& machine, const std::string& name, Operation& operation) {
  const Domain& domain = machine.domain;
  if (phase_of(domain) != MachinePhase::stopped)
    throw Error(ErrorKind::failed, "the machine runs; only a stopped one is restored");
  const Storage storage = storage_of(machine);
  if (const auto copy = find_copy(storage, machine.names, name))
    return restore_copy(machine, storage, *copy, operation);
  const Snapshot snapshot = find_snapshot(domain, name);
  if (!snapshot) throw no_snapshot(name);
  if (api().virDomainHasManagedSaveImage(domain.get(), 0) == 1)
    api().virDomainManagedSaveRemove(domain.get(), 0);
  const bool has_memory = xml_text(description_of(snapshot), "state") != "shutoff";
  if (api().virDomainRevertToSnapshot(snapshot.get(), has_memory ? VIR_DOMAIN_SNAPSHOT_REVERT_PAUSED : 0) !=
      0)
    fail(fmt::format("restore the snapshot '{}'", name));
  if (has_memory && api().virDomainManagedSave(domain.get(), VIR_DOMAIN_SAVE_RUNNING) != 0)
    fail(fmt::format("keep the memory of the snapshot '{}'", name));
  if (const auto memory = storage.path_of(machine.names.memory(name))) take_memory_from(machine, *memory);
  remove_unused(machine, storage);
}

void delete_snapshot(const SnapshotOwner& machine, const std::string& name) {
  const Storage storage = storage_of(machine);
  const Snapshot snapshot = find_snapshot(machine.domain, name);
  if (snapshot && api().virDomainSnapshotDelete(snapshot.get(), 0) != 0)
    fail(fmt::format("delete the snapshot '{}'", name));
  storage.remove({machine.names.memory(name)});
  if (const auto copy = find_copy(storage, machine.names, name)) storage.remove({copy->mark});
  remove_unused(machine, storage);
}

}  // namespace envtool::libvirt
