#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace envtool::libvirt {

/// A libvirt that a box was copied to: what none can be asked, since one has to know which to ask.
struct BoxPlace {
  std::string digest;
  std::string uri;
  std::string name;       ///< the box's, as the user knows it
  bool unwanted = false;  ///< the copy is to go as soon as that libvirt answers
};

/// Where the user's boxes were copied to, a file each. Written before there is a copy, removed after it is
/// gone: machines come and go meanwhile.
class BoxPlaces {
 public:
  explicit BoxPlaces(std::filesystem::path directory) : directory_(std::move(directory)) {}

  /// In the order of their files. Throws Error(failed) for one that cannot be read.
  std::vector<BoxPlace> all() const;
  /// Survives a power cut; what is there already costs nothing.
  void write(const BoxPlace& place) const;
  /// Nothing there: nothing to do. Takes the directory along with the last one.
  void remove(const BoxPlace& place) const;
  std::filesystem::path file_of(const BoxPlace& place) const;

 private:
  std::filesystem::path directory_;
};

}  // namespace envtool::libvirt
