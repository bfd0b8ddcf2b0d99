#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/box.h"

namespace envtool {

/// What a box's Vagrantfile says, as far as it can be known without running it.
struct Vagrantfile {
  BoxDefaults defaults;
  std::vector<std::string> notes;  ///< a sentence for each line that is not understood
};

/// Reads plain assignments of literals: `config.ssh.username`, `config.vm.base_mac`, the switch that takes
/// the project's synced folder away, and `memory` and `cpus` in the block of the provider that the box is
/// for. Whatever stands under a condition or in a loop is not understood. The last assignment counts.
Vagrantfile read_vagrantfile(std::string_view text, std::string_view provider);

}  // namespace envtool
