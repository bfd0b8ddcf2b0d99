#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "providers/libvirt/names.h"
#include "providers/libvirt/storage.h"

/// Which volumes a machine's disks lie in. A disk's first volume has the disk's own name. A snapshot that is
/// a copy has volumes of its own, and restoring it puts others in the place of those in use, as libvirt can
/// rename none: each with the moment of its making behind the first one's name.
namespace envtool::libvirt {

/// Seconds since 1970; of a machine's volumes no two sets have the same.
using Moment = std::uint64_t;

/// What was in the disk at that moment, for a snapshot: nobody writes into it.
std::string saved_volume(std::string_view first, Moment moment);
/// The disk's own since a snapshot was restored at that moment.
std::string restored_volume(std::string_view first, Moment moment);
/// The disk's first volume, of any of its volumes; of another the name itself.
std::string first_volume(std::string_view volume);

/// A disk of a machine's own, which a guest writes into.
struct OwnDisk {
  std::string target;  ///< "vda"
  std::string volume;
};
/// Those in a domain's XML.
std::vector<OwnDisk> own_disks(std::string_view domain_xml, const MachineNames& names);

/// As the domain has them; without one, as marks of disks that are kept say.
class DiskVolumes {
 public:
  DiskVolumes(const Connection& connection, const Storage& storage, const MachineNames& names);

  /// The volume that the disk with this first volume lies in: the first one where nothing took its place.
  std::string operator[](const std::string& first) const;

 private:
  std::map<std::string, std::string> in_use_;
};

/// Of volumes, each with the one that it lies over (or an empty name), those that nobody needs who needs
/// `used` and what these lie over.
std::vector<std::string> unused_volumes(const std::map<std::string, std::string>& volumes,
                                        std::set<std::string> used);

}  // namespace envtool::libvirt
