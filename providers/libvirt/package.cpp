#include "providers/libvirt/package.h"

#include <fmt/format.h>

#include "providers/libvirt/backup.h"
#include "providers/libvirt/machine.h"
#include "providers/libvirt/storage.h"

namespace envtool::libvirt {

namespace {

std::string image_volume(const MachineNames& copy, std::size_t number) {
  return copy.volume(fmt::format("image-{}.qcow2", number));
}

/// How many disks the machine has of its box.
std::size_t box_disks(const Storage& storage, const MachineNames& names) {
  std::size_t count = 0;
  while (storage.path_of(names.box_disk(count))) ++count;
  return count;
}

void bring_disks(const Domain& domain, const Storage& storage, const MachineNames& machine,
                 Operation& operation) {
  const MachineNames copy = copy_of(machine);
  const bool stands_still = phase_of(domain) == MachinePhase::stopped;
  std::vector<DiskCopy> to_fill;
  for (std::size_t i = 0; i < box_disks(storage, machine); ++i) {
    const std::string name = machine.box_disk(i);
    const std::uint64_t capacity = storage.capacity_of(name);
    if (stands_still)
      storage.make_overlay(copy.box_disk(i), {*storage.path_of(name), "qcow2", capacity}, capacity);
    else
      to_fill.push_back({disk_target("vd", i), storage.make_disk(copy.box_disk(i), capacity)});
  }
  if (!stands_still) copy_disks(domain, to_fill, operation);
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
  for (std::size_t i = 0; i < box_disks(*storage, copy); ++i) {
    const std::string image = image_volume(copy, i);
    storage->flatten(copy.box_disk(i), image);
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
