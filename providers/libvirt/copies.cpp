#include "providers/libvirt/copies.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "base/text.h"
#include "providers/libvirt/disks.h"
#include "providers/libvirt/domains.h"
#include "providers/libvirt/live_copy.h"
#include "providers/libvirt/restorable.h"
#include "providers/libvirt/snapshots.h"
#include "providers/libvirt/xml.h"

namespace envtool::libvirt {

namespace {

/// Its volume says that all others of the copy are complete.
std::string mark_of(const MachineNames& names, const std::string& snapshot, Moment moment) {
  return saved_volume(names.copy_mark(snapshot), moment);
}

/// Zero for a name without one.
Moment moment_of(std::string_view volume) {
  const auto begin = volume.find_first_of("@+");
  Moment moment = 0;
  if (begin != std::string_view::npos)
    std::from_chars(volume.data() + begin + 1, volume.data() + volume.size(), moment);
  return moment;
}

/// Now, or as soon as none of the machine's volumes is of that second.
Moment new_moment(const Storage& storage, const MachineNames& names, Operation& operation) {
  const auto now = operation.host.clock.wall_time().time_since_epoch();
  auto moment = static_cast<Moment>(std::chrono::duration_cast<std::chrono::seconds>(now).count());
  for (const std::string& volume : storage.list(names.volume_prefix()))
    moment = std::max(moment, moment_of(volume) + 1);
  return moment;
}

std::string name_of_path(const std::string& path) { return std::filesystem::path(path).filename().string(); }

std::set<std::string> volumes_in(const std::vector<std::string>& descriptions, const MachineNames& names) {
  std::set<std::string> volumes;
  for (const std::string& description : descriptions)
    for (const OwnDisk& disk : own_disks(description, names)) volumes.insert(disk.volume);
  return volumes;
}

/// A volume with what was saved. Only of the box's disks, which go with the machine, does it lie over that.
std::string restored(const SnapshotOwner& machine, const Storage& storage, const std::string& saved,
                     const std::string& name) {
  if (!machine.names.is_box_disk(first_volume(saved))) {
    storage.flatten(saved, name);
    return *storage.path_of(name);
  }
  const std::uint64_t capacity = storage.capacity_of(saved);
  return storage.make_overlay(name, {*storage.path_of(saved), "qcow2", capacity}, capacity);
}

}  // namespace

SnapshotOwner snapshot_owner(const Connection& connection, const Domain& domain, const MachineNames& names) {
  SnapshotOwner owner{connection, domain, names};
  if (const auto storage = Storage::find(connection))
    owner.kept = kept_volumes(storage->list(names.volume_prefix()), names);
  return owner;
}

std::vector<CopiedDisks> copies_among(const std::vector<std::string>& volumes, const MachineNames& names) {
  const std::string prefix = names.copy_mark("");
  std::vector<CopiedDisks> copies;
  for (const std::string& mark : volumes) {
    if (!mark.starts_with(prefix) || moment_of(mark) == 0) continue;
    CopiedDisks copy{first_volume(mark).substr(prefix.size()), moment_of(mark), mark};
    for (const std::string& volume : volumes)
      if (volume != mark && volume == saved_volume(first_volume(volume), copy.moment))
        copy.volumes.push_back(volume);
    copies.push_back(std::move(copy));
  }
  std::sort(copies.begin(), copies.end(),
            [](const CopiedDisks& one, const CopiedDisks& other) { return one.moment < other.moment; });
  return copies;
}

std::vector<SnapshotInfo> copies_of(const Storage& storage, const MachineNames& names) {
  std::vector<SnapshotInfo> infos;
  for (const CopiedDisks& copy : copies_among(storage.list(names.volume_prefix()), names)) {
    SnapshotInfo info{
        copy.snapshot,
        fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(static_cast<std::time_t>(copy.moment))), ByteSize{}};
    for (const std::string& volume : copy.volumes) info.size->bytes += storage.file_size_of(volume);
    infos.push_back(std::move(info));
  }
  return infos;
}

std::optional<CopiedDisks> find_copy(const Storage& storage, const MachineNames& names,
                                     const std::string& snapshot) {
  for (CopiedDisks& copy : copies_among(storage.list(names.volume_prefix()), names))
    if (copy.snapshot == snapshot) return std::move(copy);
  return std::nullopt;
}

void save_copy(const SnapshotOwner& machine, const Storage& storage, const std::string& snapshot,
               Operation& operation) {
  remove_unused(machine, storage);
  const Moment moment = new_moment(storage, machine.names, operation);
  std::vector<DiskCopy> copies;
  std::vector<std::string> volumes;
  try {
    for (const OwnDisk& disk : own_disks(description_of(machine.domain), machine.names)) {
      if (machine.kept.contains(disk.volume)) continue;
      volumes.push_back(saved_volume(first_volume(disk.volume), moment));
      copies.push_back(make_target(storage, disk, volumes.back()));
    }
    copy_disks(machine.domain, copies, operation);
    storage.make_file(mark_of(machine.names, snapshot, moment), {});
  } catch (...) {
    storage.remove(volumes);
    throw;
  }
}

std::vector<std::string> why_not_restorable(const CopiedDisks& copy, const std::vector<OwnDisk>& disks,
                                            const std::set<std::string>& kept) {
  std::vector<std::string> reasons;
  for (const std::string& saved : copy.volumes) {
    const std::string first = first_volume(saved);
    const auto disk = std::find_if(disks.begin(), disks.end(), [&](const OwnDisk& candidate) {
      return first_volume(candidate.volume) == first;
    });
    if (disk == disks.end())
      reasons.push_back(fmt::format("the machine has lost the disk whose volume was '{}'", first));
    else if (kept.contains(disk->volume))
      reasons.push_back(outlives(disk->target, disk->volume));
  }
  return reasons;
}

void restore_copy(const SnapshotOwner& machine, const Storage& storage, const CopiedDisks& copy,
                  Operation& operation) {
  const DiskVolumes current(machine.connection, storage, machine.names);
  const Moment moment = new_moment(storage, machine.names, operation);
  std::string definition = definition_of(machine.domain);
  for (const std::string& saved : copy.volumes) {
    const std::string first = first_volume(saved), replaced = current[first];
    const std::string name = restored_volume(first, moment);
    const std::string path = restored(machine, storage, saved, name);
    storage.grow(name, storage.capacity_of(replaced));
    const auto place = [](const std::string& file) { return fmt::format("file='{}'", escape_xml(file)); };
    definition = replace_all(definition, place(*storage.path_of(replaced)), place(path));
  }
  if (api().virDomainHasManagedSaveImage(machine.domain.get(), 0) == 1)
    api().virDomainManagedSaveRemove(machine.domain.get(), 0);
  // Now all at once: until here the machine has the disks that it had.
  if (!Domain(api().virDomainDefineXMLFlags(machine.connection.get(), definition.c_str(), 0)))
    fail(fmt::format("give it the disks of the snapshot '{}'", copy.snapshot));
  remove_unused(machine, storage);
}

void remove_unused(const SnapshotOwner& machine, const Storage& storage) {
  const std::vector<std::string> all = storage.list(machine.names.volume_prefix());
  std::vector<std::string> descriptions = descriptions_of_snapshots(machine.domain);
  descriptions.push_back(definition_of(machine.domain));
  descriptions.push_back(description_of(machine.domain));
  std::set<std::string> needed = volumes_in(descriptions, machine.names), has;
  for (const std::string& volume : needed) has.insert(first_volume(volume));
  for (const CopiedDisks& copy : copies_among(all, machine.names))
    needed.insert(copy.volumes.begin(), copy.volumes.end());
  std::map<std::string, std::string> disks;
  for (const std::string& volume : all) {
    // A disk that it does not have for now may come back.
    if (!has.contains(first_volume(volume))) continue;
    const auto below = storage.backing_of(volume);
    disks[volume] = below ? name_of_path(below->path) : "";
  }
  storage.remove(unused_volumes(disks, std::move(needed)));
}

}  // namespace envtool::libvirt
