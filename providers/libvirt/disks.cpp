#include "providers/libvirt/disks.h"

#include <algorithm>

#include "base/hash.h"

namespace envtool::libvirt {

namespace {

/// What a disk's volume, and its mark, have behind the name of the first one: "", "+1764558830".
std::string rest_of(const std::string& volume) { return volume.substr(first_volume(volume).size()); }

std::string mark_of(const MachineNames& names, const std::string& disk, const std::string& volume) {
  return names.kept_mark(disk) + rest_of(volume);
}

struct KeptDisk {
  std::string name, volume, mark;
};
/// A mark of a volume that is not there means nothing.
std::vector<KeptDisk> kept_among(const std::vector<std::string>& volumes, const MachineNames& names) {
  const std::string prefix = names.kept_mark("");
  std::vector<KeptDisk> kept;
  for (const std::string& mark : volumes) {
    if (!mark.starts_with(prefix)) continue;
    const std::string name = first_volume(mark).substr(prefix.size());
    const std::string volume = names.disk(name) + rest_of(mark);
    if (std::find(volumes.begin(), volumes.end(), volume) != volumes.end())
      kept.push_back({name, volume, mark});
  }
  return kept;
}

}  // namespace

std::string disk_serial(const std::string& disk) {
  constexpr std::size_t most = 20;
  return disk.size() <= most ? disk : sha256(disk).substr(0, most);
}

void bring_disks(const Storage& storage, const MachineNames& names, const std::vector<DiskConfig>& disks,
                 const DiskVolumes& volumes) {
  for (const DiskConfig& disk : disks) {
    const std::string volume = volumes[names.disk(disk.name)], mark = mark_of(names, disk.name, volume);
    if (!storage.path_of(volume)) {
      // First what it is: a kill in between leaves a mark of nothing, which means nothing.
      if (disk.keep && !storage.path_of(mark)) storage.make_file(mark, {});
      storage.make_disk(volume, disk.size.bytes);
    } else {
      storage.grow(volume, disk.size.bytes);
    }
  }
}

std::vector<std::string> kept_disks(const Storage& storage, const MachineNames& names) {
  std::vector<std::string> kept;
  for (const KeptDisk& disk : kept_among(storage.list(names.volume_prefix()), names))
    kept.push_back(disk.name);
  return kept;
}

std::set<std::string> kept_volumes(const std::vector<std::string>& volumes, const MachineNames& names) {
  std::set<std::string> kept;
  for (const KeptDisk& disk : kept_among(volumes, names)) kept.insert(disk.volume);
  return kept;
}

void keep_disks(const Storage& storage, const MachineNames& names, const std::set<std::string>& disks,
                const DiskVolumes& volumes) {
  for (const std::string& disk : disks) {
    const std::string volume = volumes[names.disk(disk)], mark = mark_of(names, disk, volume);
    if (storage.path_of(volume) && !storage.path_of(mark)) storage.make_file(mark, {});
  }
  for (const KeptDisk& disk : kept_among(storage.list(names.volume_prefix()), names))
    if (!disks.contains(disk.name)) storage.remove({disk.mark});
}

void remove_volumes(const Storage& storage, const MachineNames& names) {
  const std::vector<std::string> volumes = storage.list(names.volume_prefix());
  std::set<std::string> kept;
  for (const KeptDisk& disk : kept_among(volumes, names)) kept.insert({disk.volume, disk.mark});
  std::vector<std::string> rest;
  for (const std::string& volume : volumes)
    if (!kept.contains(volume)) rest.push_back(volume);
  storage.remove(rest);
}

}  // namespace envtool::libvirt
