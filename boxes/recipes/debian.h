#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "boxes/recipes/apt_sources.h"
#include "core/operation.h"

namespace envtool {

/// Raised when what the recipe makes changes, so that boxes of the old one are made anew.
inline constexpr int debian_recipe_version = 2;

/// "debian/bookworm"...: what may follow `build:`.
std::vector<std::string> debian_recipes();

/// What of the host a recipe reads.
struct RecipeHost {
  std::filesystem::path apt_directory = "/etc/apt";
  std::filesystem::path keyring = "/usr/share/keyrings/debian-archive-keyring.gpg";
};

struct DebianBuild {
  std::string release;  ///< "bookworm"
  DebianMirrors mirrors;
  std::filesystem::path keyring;
  /// As root mmdebstrap mounts /proc, /sys and the host's /dev/shm below its work, and leaves them when it is
  /// killed: in a mount namespace of its own they end with it. As a user it makes one by itself.
  bool own_mounts = false;
  /// 0 or more: the open image of a disk that is filled, in place of a tar.
  int image_fd = -1;
};

/// The mirrors that count: those of `sources.debian`, else of ENVTOOL_DEBIAN_MIRROR, else of the host's apt.
/// Throws Error(host_not_ready) naming the setting when there are none, and Error(usage) for one that is no
/// address.
DebianMirrors choose_debian_mirrors(const std::string& setting, const std::string& variable,
                                    const RecipeHost& recipe_host);

/// The sources.list that mmdebstrap builds from.
std::string build_sources(const DebianBuild& build);
/// The one the guest gets: the same servers, but Debian's public ones in place of any that is private to this
/// host.
std::string guest_sources(const DebianBuild& build);
/// The shell script that makes a Debian a box; mmdebstrap gives it the root directory as `$1`.
std::string customize_script(const DebianBuild& build);
/// The command that writes the root file system, as a tar or into the disk's image; it reads its sources from
/// standard input.
std::vector<std::string> mmdebstrap_command(const DebianBuild& build, const std::filesystem::path& tar);

/// Runs it, which takes about half a minute. `tar` is not used for a disk. Throws Error(host_not_ready) when
/// mmdebstrap is missing.
void run_mmdebstrap(const DebianBuild& build, const std::filesystem::path& tar,
                    const std::filesystem::path& log, Operation& operation);

/// Makes the box in an existing directory: `rootfs.tar.zst` and `metadata.json`. About half a minute. What
/// the program says goes to `log`. Throws Error(host_not_ready) when mmdebstrap is missing.
void build_debian_box(const DebianBuild& build, const std::filesystem::path& directory,
                      const std::filesystem::path& log, Operation& operation);

}  // namespace envtool
