#pragma once

#include <filesystem>
#include <string>

#include "core/box.h"

namespace envtool {

/// What an unpacked box says of itself.
struct BoxFacts {
  std::string format;  ///< metadata.json's `provider`
  Value metadata;
  BoxDefaults defaults;
};

/// Reads `metadata.json` and `Vagrantfile` of an unpacked box. Throws Error(failed) when the first is
/// missing, is not JSON or names no provider.
BoxFacts read_box_facts(const std::filesystem::path& directory);

/// Throws Error(failed) when the box lacks what its format prescribes. For "lxc": `version` 1.0.0, 2 or 3 and
/// one `rootfs.tar` or `rootfs.tar.*`. Source: vagrant-lxc's BOXES.md.
void check_box_content(const std::filesystem::path& directory, const BoxFacts& facts);

/// Of a box's Vagrantfile only `config.ssh.username = "name"` is understood: a plain assignment of a plain
/// name.
BoxDefaults vagrantfile_defaults(std::string_view text);

}  // namespace envtool
