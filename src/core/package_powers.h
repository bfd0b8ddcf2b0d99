#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "core/provider.h"

/// Optional powers to make a box out of a machine; a provider has one of them or none. See
/// core/capabilities.h.
namespace envtool {

/// Of machines whose files the provider can read.
class Package {
 public:
  static constexpr Capability capability = Capability::package;
  virtual ~Package() = default;
  /// Gives the machine's root file system, piece by piece, as a plain tar: entries lie below `./rootfs`,
  /// owners are the guest's numbers. What the provider put there for this machine alone (keys, names,
  /// addresses) is not in it; in its place is what a box of the provider's first format has, Vagrant's public
  /// key for the ssh user included. The machine goes on as it was; a running one stands still for a moment,
  /// and the tar is of that moment. Throws what `take` throws.
  virtual void export_rootfs(const std::string& backend_name,
                             const std::function<void(std::string_view)>& take, Operation& operation) = 0;
};

/// Of machines whose disks only a guest can read: the core enters a copy and takes out what was the
/// machine's own.
class DiskPackage {
 public:
  static constexpr Capability capability = Capability::package;
  virtual ~DiskPackage() = default;
  /// Starts a second machine with the disks of the first one's box as they are at this moment, its keys and
  /// its name, and gives the backend name by which Provider's calls know it; its endpoint is the first one's
  /// in all that is not the address. The machine goes on as it was; a running one may stand still for a
  /// moment.
  virtual std::string start_copy(const MachineSpec& spec, Operation& operation) = 0;
  /// The disks of the stopped copy, whole, for as long as the copy is there.
  virtual NewBoxDisks export_disks(const std::string& copy, Operation& operation) = 0;
  /// Removes the machine's copy, also half of one. Not there: nothing to do. `destroy` of the machine does
  /// it, too.
  virtual void remove_copy(const std::string& backend_name, const std::string& environment_id,
                           Operation& operation) = 0;
};

}  // namespace envtool
