#pragma once

#include <string_view>

/// The public servers that envtool knows by itself. Every one of them can be replaced by a setting; no other
/// file of this program names a server.
namespace envtool::public_servers {

inline constexpr std::string_view debian = "http://deb.debian.org/debian";
inline constexpr std::string_view debian_security = "http://deb.debian.org/debian-security";
inline constexpr std::string_view catalogs = "https://vagrantcloud.com";
inline constexpr std::string_view images = "https://images.linuxcontainers.org";

}  // namespace envtool::public_servers
