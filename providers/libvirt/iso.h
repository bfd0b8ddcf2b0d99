#pragma once

#include <string>
#include <vector>

namespace envtool::libvirt {

struct IsoFile {
  std::string path;  ///< "meta-data", "envtool/user"
  std::string content;
  unsigned mode = 0644;
};

/// An ISO 9660 image with Rock Ridge names. Throws Error(failed).
std::string iso_image(const std::string& volume_id, const std::vector<IsoFile>& files);

}  // namespace envtool::libvirt
