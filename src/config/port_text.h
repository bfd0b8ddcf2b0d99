#pragma once

#include <string>

#include "config/model.h"

namespace envtool {

/// As the Envfile writes it: "8080-8089:80", "0.0.0.0:5300:53/udp".
std::string to_string(const PortConfig& port);

/// The same with ten host ports to choose from, of which that one is the first where there is room.
std::string with_range(PortConfig port, std::uint16_t host);

}  // namespace envtool
