#include <fmt/format.h>

#include <algorithm>

#include "base/files.h"
#include "core/changes.h"
#include "core/guest_networks.h"
#include "core/steps/steps.h"
#include "core/user_data.h"

namespace envtool {

namespace {

void lock_box(MachineContext& machine) {
  if (machine.run.box_locks.record(*machine.config.box, machine.box->pins, machine.operation))
    machine.operation.say(fmt::format("box '{}' is locked from now on", machine.box->name));
}

}  // namespace

Step resolve_box_step(const MachineContext& context) {
  const std::string name = context.config.box ? context.config.box->name : "?";
  Step step{.name = "box", .title = fmt::format("get the box {}", name)};
  step.need = [](MachineContext& machine) {
    if (machine.state.phase != MachinePhase::absent) return Need::none();
    if (machine.planning) {
      if (machine.run.services.boxes.find(machine.box_request(), machine.operation)) return Need::none();
      return Need::because("it is not in the store yet");
    }
    return Need::because("the machine is not created");
  };
  step.run = [](MachineContext& machine) {
    machine.box = machine.run.services.boxes.resolve(machine.box_request(), machine.operation);
    if (!machine.run.only_locked_boxes) lock_box(machine);
  };
  step.undo = [](MachineContext& machine) {
    // There will be no machine for the ports that were chosen.
    machine.run.ports.release(machine.run.environment->id, machine.config.name);
  };
  return step;
}

Step lock_box_step() {
  Step step{.name = "lock", .title = "lock the box"};
  step.need = [](MachineContext& machine) {
    if (machine.state.phase == MachinePhase::absent || !machine.config.box) return Need::none();
    const BoxRequest request = machine.box_request();
    if (!request.pins.empty() || lock_address(request.box).empty()) return Need::none();
    machine.box = machine.run.services.boxes.find(request, machine.operation);
    // Once the Envfile names another box, the machine that is there does not tell what that one is.
    if (!machine.box || machine.box->digest != machine.record.box_digest) return Need::none();
    return Need::because("the machine is there, and no lock file says what its box is");
  };
  step.run = [](MachineContext& machine) { lock_box(machine); };
  return step;
}

namespace {

std::string ssh_user(const MachineContext& machine) {
  if (!machine.config.ssh.user.empty()) return machine.config.ssh.user;
  return machine.box->defaults.ssh_user.empty() ? "vagrant" : machine.box->defaults.ssh_user;
}

/// New keys for a new machine. The guest's own private key goes into it and is kept nowhere else.
GuestIdentity make_identity(MachineContext& machine) {
  const auto& make_key = machine.run.services.make_key;
  const KeyPair login = make_key(fmt::format("envtool {}", machine.record.backend_name));
  const KeyPair guest = make_key(machine.record.backend_name);
  write_file(machine.store.private_key(), login.private_key, 0600);
  write_file(machine.store.directory() / "key.pub", login.public_key + "\n", 0600);
  write_file(machine.store.known_hosts(),
             fmt::format("{} {}\n", machine.record.backend_name, guest.public_key), 0600);
  return {machine.record.ssh_user, login.public_key, guest.private_key, guest.public_key};
}

void create_machine(MachineContext& machine) {
  MachineRecord& record = machine.record;
  record.ssh_user = ssh_user(machine);
  record.box_name = machine.box->name;
  record.box_version = machine.box->version;
  record.box_digest = machine.box->digest;
  record.only_disks = false;
  record.provisioned.clear();
  // The name is on disk before anything has it, so that nothing is ever orphaned.
  machine.save(true);
  MachineSpec spec = machine.spec();
  spec.identity = make_identity(machine);
  spec.user_data = user_data_of(machine.config);
  if (!spec.cpus) spec.cpus = machine.box->defaults.cpus;
  if (!spec.memory) spec.memory = machine.box->defaults.memory;
  machine.provider.create(spec, *machine.box, machine.operation);
  record.created = timestamp(machine.run.host.clock);
  record.created_with = create_values(machine.config, machine.provider.info());
  machine.save();
}

}  // namespace

Step create_step() {
  Step step{.name = "create", .title = "create", .effect = StepEffect::creates};
  step.need = [](MachineContext& machine) {
    if (machine.state.phase != MachinePhase::absent) return Need::none();
    const std::vector<std::string> kept =
        kept_disks_of(machine.provider, machine.record.backend_name, machine.operation);
    return Need::because(kept.empty()
                             ? "there is no machine"
                             : fmt::format("there is no machine, only its {}", disks_in_words(kept)));
  };
  step.run = create_machine;
  step.undo = [](MachineContext& machine) {
    machine.provider.destroy(machine.record.backend_name, machine.run.environment->id, machine.operation);
    forget_machine(machine);
  };
  return step;
}

namespace {

/// A machine has every disk that it was ever started with, until it is made anew.
void remember_disks(MachineContext& machine) {
  std::vector<std::string> names = machine.record.created_with["disks"].as_texts();
  Value disks = Value::list();
  for (const DiskConfig& disk : machine.config.disks)
    if (std::ranges::find(names, disk.name) == names.end()) names.push_back(disk.name);
  for (const std::string& name : names) disks.push_back(name);
  machine.record.created_with.set("disks", disks);
}

}  // namespace

Step start_step() {
  Step step{.name = "start", .title = "start", .effect = StepEffect::starts};
  step.need = [](MachineContext& machine) {
    if (machine.state.phase == MachinePhase::running) return Need::none();
    return Need::because(machine.created_now ? "it is new"
                                             : fmt::format("it is {}", to_string(machine.state.phase)));
  };
  step.run = [](MachineContext& machine) {
    MachineSpec spec = machine.spec();
    make_missing_folders(machine.config);
    add_folder_devices(machine, spec);
    machine.provider.start(spec, machine.operation);
    machine.record.started_with = restart_values(machine.config, machine.provider.info());
    machine.record.started_with.set("limits", to_value(limits_of(machine.config, machine.provider.info())));
    machine.record.started_with.set("folders", folders_value(spec));
    // Other guests are told by SSH.
    if (power_of<GuestNetworks>(machine.provider) == nullptr)
      machine.record.started_with.set("hosts", hosts_block(spec.hostname, spec.hosts));
    remember_disks(machine);
    machine.save();
  };
  return step;
}

Step wait_ready_step() {
  Step step{.name = "ssh", .title = "wait for SSH"};
  step.need = [](MachineContext& machine) {
    if (machine.started_now) return Need::because("it has just been started");
    const bool had_no_session = machine.state.phase == MachinePhase::running && !machine.record.taken_over &&
                                !machine.run.endpoint_of(machine.record, machine.operation).first_key.empty();
    return had_no_session ? Need::because("it still has the keys of its box") : Need::none();
  };
  step.run = [](MachineContext& machine) { machine.guest(); };
  return step;
}

}  // namespace envtool
