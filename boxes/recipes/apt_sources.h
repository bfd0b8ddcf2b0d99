#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace envtool {

/// One enabled `deb` source of apt.
struct AptSource {
  std::vector<std::string> uris, suites, components;
  std::string signed_by;
};

/// Reads the one-line style of sources.list(5); what it cannot read is left out.
std::vector<AptSource> parse_apt_list(std::string_view text);
/// Reads the deb822 style of sources.list(5).
std::vector<AptSource> parse_apt_deb822(std::string_view text);

/// All sources below `/etc/apt` or a directory like it. A `mirror+file:` address, which Debian's cloud images
/// have, is replaced by the first server of its list. Files that cannot be read are left out.
std::vector<AptSource> read_apt_sources(const std::filesystem::path& directory);

/// Where Debian comes from; empty where a part is not known.
struct DebianMirrors {
  std::string archive, updates, security;
};

/// The mirrors among a host's sources that hold Debian's own archive with the component main; `archive` is
/// empty when there is none. Another distribution's or a vendor's archive does not count.
DebianMirrors debian_mirrors(const std::vector<AptSource>& sources);

/// Whether an address means something only on this host, or to its user: loopback, a file, or one with a user
/// name or password in it.
bool is_private_to_host(std::string_view uri);

}  // namespace envtool
