#pragma once

#include <vector>

#include "core/capabilities.h"
#include "core/context.h"
#include "core/plan.h"

/// The steps that plans are made of, one or a few to a file. Each asks the world whether it is due.
namespace envtool {

/// Puts those of its folders that come as devices into the spec of a start. Throws Error(unsupported) where
/// the Envfile wants what cannot be.
void add_folder_devices(MachineContext& machine, MachineSpec& spec);

Step choose_ports_step();
Step resolve_box_step(const MachineContext& context);
/// A machine that is there keeps its box: its lock may have to be written again.
Step lock_box_step();
Step create_step();
Step start_step();
Step wait_ready_step();
Step names_step();
/// Of a provider whose guests know nothing of their networks: an address for each device.
Step set_up_networks_step();
Step limits_step();
/// Of a provider that gives disks as bare devices: a file system on what is empty, and its place.
Step mount_disks_step();
Step native_folders_step();
/// Of a provider that gives folders as devices: their places in the guest.
Step mount_folders_step();
Step sync_folders_step();
Step forward_ports_step();
std::vector<Step> provision_steps(const MachineContext& context);
Step probe_step();

Step resume_step();
Step suspend_step();
Step save_snapshot_step(const std::string& snapshot, MachinePhase phase);
Step restore_snapshot_step(const std::string& snapshot);
Step delete_snapshot_step(const std::string& snapshot);
Step set_limits_step(const Limits& limits);
Step package_step(const NewBox& box, MachinePhase phase);

Step stop_forwards_step();
Step stop_step(StopMode mode);
/// `disks`: with as_written, what the Envfile says of keeping a disk counts now.
Step destroy_step(DiskFate disks);
/// Forgets a machine that the provider has destroyed, but for where its kept disks are.
void forget_machine(MachineContext& machine);

/// Bringing a machine to running, provisioned and ready.
std::vector<Step> up_steps(const MachineContext& context);
/// Only what `envtool provision` does.
std::vector<Step> provision_only_steps(const MachineContext& context);
/// Starting one that has been up before, up to its SSH.
std::vector<Step> start_steps();
std::vector<Step> halt_steps(StopMode mode);
std::vector<Step> destroy_steps(DiskFate disks = DiskFate::as_written);

}  // namespace envtool
