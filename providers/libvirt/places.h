#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace envtool::libvirt {

/// Where a machine is: what libvirt cannot be asked, since one has to know which libvirt to ask.
struct Place {
  std::string uri;
  std::string environment;
  bool only_disks = false;  ///< the machine is gone, but for disks that it keeps
  bool may_keep = true;     ///< false: no disk of it is to be kept, and libvirt need not be asked for any
};

/// The user's machines by name, a file each. Written before anything of a machine exists, removed last.
class Places {
 public:
  explicit Places(std::filesystem::path directory) : directory_(std::move(directory)) {}

  /// Throws Error(failed) for a file that cannot be read.
  std::optional<Place> find(const std::string& machine) const;
  /// Survives a power cut.
  void write(const std::string& machine, const Place& place) const;
  /// Nothing there: nothing to do. Takes the directory along with the last one.
  void remove(const std::string& machine) const;

 private:
  std::filesystem::path file_of(const std::string& machine) const { return directory_ / (machine + ".json"); }
  std::filesystem::path directory_;
};

}  // namespace envtool::libvirt
