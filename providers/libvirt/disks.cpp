#include "providers/libvirt/disks.h"

#include "base/hash.h"

namespace envtool::libvirt {

std::string disk_serial(const std::string& disk) {
  constexpr std::size_t most = 20;
  return disk.size() <= most ? disk : sha256(disk).substr(0, most);
}

void bring_disks(const Storage& storage, const MachineNames& names, const std::vector<DiskConfig>& disks) {
  for (const DiskConfig& disk : disks) {
    const std::string volume = names.disk(disk.name), mark = names.kept_mark(disk.name);
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
  const std::string prefix = names.kept_mark("");
  std::vector<std::string> kept;
  for (const std::string& mark : storage.list(prefix)) {
    const std::string disk = mark.substr(prefix.size());
    if (storage.path_of(names.disk(disk))) kept.push_back(disk);
  }
  return kept;
}

void keep_disks(const Storage& storage, const MachineNames& names, const std::set<std::string>& disks) {
  for (const std::string& disk : disks)
    if (storage.path_of(names.disk(disk)) && !storage.path_of(names.kept_mark(disk)))
      storage.make_file(names.kept_mark(disk), {});
  for (const std::string& disk : kept_disks(storage, names))
    if (!disks.contains(disk)) storage.remove({names.kept_mark(disk)});
}

void remove_volumes(const Storage& storage, const MachineNames& names) {
  std::set<std::string> kept;
  for (const std::string& disk : kept_disks(storage, names)) {
    kept.insert(names.disk(disk));
    kept.insert(names.kept_mark(disk));
  }
  std::vector<std::string> rest;
  for (const std::string& volume : storage.list(names.volume_prefix()))
    if (!kept.contains(volume)) rest.push_back(volume);
  storage.remove(rest);
}

}  // namespace envtool::libvirt
