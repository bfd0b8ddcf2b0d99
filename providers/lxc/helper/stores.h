#pragma once

#include "providers/lxc/helper/context.h"

/// File systems of machines' own, which liblxc makes and removes: as those of a container whose directory is
/// the machine's own, beside the one that runs. Each process that needs one mounts it for itself, where a
/// copied box would lie, and it is gone with the last of them.
namespace envtool::lxc {

/// What this host lacks for stores of a type; empty where it has all.
std::string store_obstacle(const Store& store);

/// Throws Error(unsupported) without root, Error(host_not_ready) when this host cannot have that store, and
/// Error(failed) when there is one already that would be the machine's. Changes nothing.
void check_store(const Context& context, const Store& store);

/// Makes the record's store, which is mounted for this process then, and copies the box into it. REQUIRES:
/// the record is written. Throws Error(failed) with what liblxc says, or that the box does not fit.
void fill_store(const Context& context, const Record& record, const std::filesystem::path& box);

/// Mounts the record's store, if it has one, in a mount namespace of this process's own. Throws
/// Error(failed).
void mount_store(const Context& context, const Record& record);
/// The same for a machine that is to start: with the size that the request says, if it is larger.
void mount_grown_store(Context& context, Record& record);
/// Takes it off again; what was written is on it.
void unmount_store(const Context& context, const Record& record);

/// Removes the record's store, half-made ones too. Nothing there: nothing to do. Throws Error(failed).
void remove_store(const Context& context, const Record& record);

}  // namespace envtool::lxc
