#include "providers/libvirt/package.h"

#include <fmt/format.h>

#include "providers/libvirt/domains.h"
#include "providers/libvirt/live_copy.h"
#include "providers/libvirt/machine.h"
#include "providers/libvirt/volumes.h"

namespace envtool::libvirt {

namespace {

std::string image_volume(const MachineNames& copy, std::size_t number) {
  return copy.volume(fmt::format("image-{}.qcow2", number));
}

/// The disks that the machine has of its box, in their order.
std::vector<OwnDisk> box_disks(const Domain& domain, const MachineNames& names) {
  std::vector<OwnDisk> disks = own_disks(definition_of(domain), names);
  std::erase_if(disks, [&](const OwnDisk& disk) { return !names.is_box_disk(disk.volume); });
  return disks;
}

void bring_disks(const Domain& domain, const Storage& storage, const MachineNames& machine,
                 Operation& operation) {
  const MachineNames copy = copy_of(machine);
  const std::vector<OwnDisk> disks = box_disks(domain, machine);
  std::vector<DiskCopy> to_fill;
  for (std::size_t i = 0; i < disks.size(); ++i) {
    if (phase_of(domain) != MachinePhase::stopped) {
      to_fill.push_back(make_target(storage, disks[i], copy.box_disk(i)));
      continue;
    }
    const std::uint64_t capacity = storage.capacity_of(disks[i].volume);
    storage.make_overlay(copy.box_disk(i), {*storage.path_of(disks[i].volume), "qcow2", capacity}, capacity);
  }
  if (!to_fill.empty()) copy_disks(domain, to_fill, operation);
}

}  // namespace

MachineNames copy_of(const MachineNames& machine) {
  return {machine.machine + "-package", machine.environment};
}

void start_copy(const Connection& connection, const MachineSpec& spec, Operation& operation) {
  const MachineNames machine{spec.backend_name, spec.environment_id}, copy = copy_of(machine);
  const Domain domain = connection.find_domain(machine.machine);
  auto tag = domain ? tag_of(domain) : std::nullopt;
  const auto storage = Storage::find(connection);
  if (!tag || !storage)
    throw Error(ErrorKind::failed, fmt::format("there is no machine '{}'", machine.machine));
  remove_copy(connection, machine, operation);
  bring_disks(domain, *storage, machine, operation);
  constexpr std::uint64_t most_of_a_seed = 16 << 20;
  storage->make_file(copy.seed(), storage->tail(machine.seed(), most_of_a_seed));
  storage->make_file(copy.console(), {});
  MachineSpec second = spec;
  second.backend_name = copy.machine;
  second.disks.clear();
  second.networks.clear();
  // What the user's own XML names of the host's devices, the machine itself may hold.
  for (const char* option : {"cdroms", "xml"}) second.options.erase(option);
  define_machine(connection, *storage, second,
                 {.environment = tag->environment,
                  .project = tag->project,
                  .machine = tag->machine,
                  .box = tag->box,
                  .address = address_of(connection, copy),
                  .box_keys = tag->box_keys,
                  .cpus = tag->cpus,
                  .memory = tag->memory},
                 operation);
  run_machine(connection, connection.find_domain(copy.machine), copy.machine);
}

NewBoxDisks export_disks(const Connection& connection, const MachineNames& copy) {
  const Domain domain = connection.find_domain(copy.machine);
  const auto tag = domain ? tag_of(domain) : std::nullopt;
  const auto storage = Storage::find(connection);
  if (!tag || !storage) throw Error(ErrorKind::failed, fmt::format("there is no machine '{}'", copy.machine));
  NewBoxDisks result{.disks = {}, .metadata = Value::map()};
  // Whoever makes a machine of the box need not enter it by Vagrant's key.
  if (!tag->box_keys) result.metadata.set(reads_seed_key, true);
  for (const OwnDisk& disk : box_disks(domain, copy)) {
    const std::string image = image_volume(copy, result.disks.size());
    storage->flatten(disk.volume, image);
    result.disks.push_back({.virtual_size = {storage->capacity_of(image)},
                            .size = storage->file_size_of(image),
                            .read = [storage = *storage, image](const auto& take, Operation& operation) {
                              storage.read(image, take, operation);
                            }});
  }
  return result;
}

void remove_copy(const Connection& connection, const MachineNames& machine, Operation& operation) {
  if (const Domain domain = connection.find_domain(machine.machine)) end_copying(domain);
  destroy_machine(connection, copy_of(machine), operation);
}

}  // namespace envtool::libvirt
