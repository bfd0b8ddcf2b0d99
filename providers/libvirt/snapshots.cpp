#include "providers/libvirt/snapshots.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "base/text.h"
#include "providers/libvirt/machine.h"
#include "providers/libvirt/restorable.h"
#include "providers/libvirt/storage.h"
#include "providers/libvirt/xml.h"

namespace envtool::libvirt {

namespace {

/// What stands between the first start and end of that element.
std::string_view content_of(std::string_view xml, std::string_view element) {
  const std::string open = fmt::format("<{}>", element), close = fmt::format("</{}>", element);
  const auto begin = xml.find(open);
  if (begin == std::string_view::npos) return {};
  const std::string_view rest = xml.substr(begin + open.size());
  return rest.substr(0, rest.find(close));
}

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

std::vector<std::string> targets_of(std::string_view domain_xml, const std::vector<std::string>& volumes) {
  std::vector<std::string> targets;
  std::string volume;
  for (const XmlTag& tag : xml_tags(domain_xml)) {
    if (tag.name == "disk") volume.clear();
    if (tag.name == "source" && volume.empty()) volume = std::filesystem::path(tag["file"]).filename();
    if (tag.name == "target" && std::find(volumes.begin(), volumes.end(), volume) != volumes.end())
      targets.push_back(tag["dev"]);
    if (tag.name == "target") volume.clear();
  }
  return targets;
}

SnapshotInfo snapshot_info(std::string_view xml) {
  const std::string_view created = content_of(xml, "creationTime");
  std::time_t seconds = 0;
  std::from_chars(created.data(), created.data() + created.size(), seconds);
  return {
      std::string(content_of(xml, "name")), fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(seconds)), {}};
}

std::vector<SnapshotInfo> snapshots_of(const Domain& domain) {
  virDomainSnapshotPtr* list = nullptr;
  const int count =
      api().virDomainListAllSnapshots(domain.get(), &list, VIR_DOMAIN_SNAPSHOT_LIST_TOPOLOGICAL);
  if (count < 0) fail("list the snapshots");
  std::vector<Snapshot> snapshots;
  for (int i = 0; i < count; ++i) snapshots.emplace_back(list[i]);
  std::free(list);
  std::vector<SnapshotInfo> infos;
  for (const Snapshot& snapshot : snapshots) infos.push_back(snapshot_info(description_of(snapshot)));
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

}  // namespace

void save_snapshot(const SnapshotOwner& machine, const std::string& snapshot,
                   const std::vector<std::string>& kept) {
  const Domain& domain = machine.domain;
  const MachinePhase phase = phase_of(domain);
  const bool has_memory = phase == MachinePhase::running || phase == MachinePhase::paused;
  if (has_memory && api().virDomainGetVcpusFlags(domain.get(), VIR_DOMAIN_AFFECT_LIVE) !=
                        api().virDomainGetVcpusFlags(domain.get(), VIR_DOMAIN_AFFECT_CONFIG))
    throw Error(ErrorKind::failed,
                "its number of CPUs was changed while it ran, and QEMU cannot restore such a machine")
        .with_hint("restart the machine first, or give it back the CPUs that it was started with");
  const Text xml(api().virDomainGetXMLDesc(domain.get(), 0));
  if (!xml) fail("read the domain");
  const std::vector<std::string> left_out = targets_of(xml.get(), kept);
  if (has_memory && !left_out.empty())
    throw Error(
        ErrorKind::failed,
        "a disk of it outlives it and is no part of snapshots, but the memory knows what was on all disks")
        .with_hint("'envtool halt' first: a snapshot of a stopped machine leaves such disks alone");
  if (const Snapshot there = find_snapshot(domain, snapshot))
    throw Error(ErrorKind::failed, fmt::format("there is a snapshot '{}' already", snapshot));
  if (has_memory && !has_room_for_memory(xml.get()))
    save_beside(machine, snapshot, snapshot_xml(snapshot, left_out), phase);
  else
    make_snapshot(domain, snapshot, snapshot_xml(snapshot, left_out));
}

namespace {

SnapshotWorld world_of(const SnapshotOwner& machine, const SnapshotFacts& facts,
                       const std::vector<std::string>& kept) {
  SnapshotWorld world;
  const Storage storage = storage_of(machine);
  for (const std::string& volume : storage.list(machine.names.volume_prefix())) {
    const std::string path = storage.path_of(volume).value_or("");
    world.directory = std::filesystem::path(path).parent_path();
    world.files.insert(path);
    if (std::find(kept.begin(), kept.end(), volume) != kept.end()) world.kept.insert(path);
  }
  for (const std::string& name : facts.networks)
    if (machine.connection.find_network(name)) world.networks.insert(name);
  const Text xml(api().virDomainGetXMLDesc(machine.domain.get(), VIR_DOMAIN_XML_INACTIVE));
  if (!xml) fail("read the domain");
  add_definition(world, xml.get());
  return world;
}

/// QEMU reads memory back into the kind of machine that it was only.
bool runs_here(const Connection& connection, const SnapshotFacts& facts) {
  if (!facts.has_memory || connection.is_double() || facts.machine.empty()) return true;
  return Text(api().virConnectGetDomainCapabilities(connection.get(), nullptr, facts.architecture.c_str(),
                                                    facts.machine.c_str(), facts.type.c_str(), 0)) != nullptr;
}

}  // namespace

void check_snapshot(const SnapshotOwner& machine, const std::string& name,
                    const std::vector<std::string>& kept) {
  const Snapshot snapshot = find_snapshot(machine.domain, name);
  if (!snapshot) throw Error(ErrorKind::failed, fmt::format("there is no snapshot '{}'", name));
  SnapshotFacts facts = snapshot_facts(description_of(snapshot));
  // Memory that lies beside the disks libvirt does not know of.
  if (storage_of(machine).path_of(machine.names.memory(name))) facts.has_memory = true;
  std::vector<std::string> reasons = why_not_restorable(facts, world_of(machine, facts, kept));
  if (!runs_here(machine.connection, facts))
    reasons.push_back(
        fmt::format("its host has no '{}' machines of type '{}' any more", facts.machine, facts.type));
  if (reasons.empty()) return;
  throw Error(ErrorKind::failed,
              fmt::format("the snapshot '{}' cannot be restored: {}", name, join(reasons, "; ")))
      .with_hint(
          fmt::format("give the machine back what it had then, or 'envtool snapshot delete {}'", name));
}

void restore_snapshot(const SnapshotOwner& machine, const std::string& name) {
  const Domain& domain = machine.domain;
  if (phase_of(domain) != MachinePhase::stopped)
    throw Error(ErrorKind::failed, "the machine runs; only a stopped one is restored");
  const Snapshot snapshot = find_snapshot(domain, name);
  if (!snapshot) throw Error(ErrorKind::failed, fmt::format("there is no snapshot '{}'", name));
  if (api().virDomainHasManagedSaveImage(domain.get(), 0) == 1)
    api().virDomainManagedSaveRemove(domain.get(), 0);
  const bool has_memory = content_of(description_of(snapshot), "state") != "shutoff";
  if (api().virDomainRevertToSnapshot(snapshot.get(), has_memory ? VIR_DOMAIN_SNAPSHOT_REVERT_PAUSED : 0) !=
      0)
    fail(fmt::format("restore the snapshot '{}'", name));
  if (has_memory && api().virDomainManagedSave(domain.get(), VIR_DOMAIN_SAVE_RUNNING) != 0)
    fail(fmt::format("keep the memory of the snapshot '{}'", name));
  const auto storage = Storage::find(machine.connection);
  if (const auto memory = storage ? storage->path_of(machine.names.memory(name)) : std::nullopt)
    take_memory_from(machine, *memory);
}

void delete_snapshot(const SnapshotOwner& machine, const std::string& name) {
  const Snapshot snapshot = find_snapshot(machine.domain, name);
  if (snapshot && api().virDomainSnapshotDelete(snapshot.get(), 0) != 0)
    fail(fmt::format("delete the snapshot '{}'", name));
  if (const auto storage = Storage::find(machine.connection)) storage->remove({machine.names.memory(name)});
}

}  // namespace envtool::libvirt
