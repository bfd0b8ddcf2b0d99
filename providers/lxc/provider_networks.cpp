#include <fmt/format.h>

#include "providers/lxc/parts/container_config.h"
#include "providers/lxc/parts/guest_networks.h"
#include "providers/lxc/provider.h"

namespace envtool::lxc {

namespace fs = std::filesystem;

namespace {

/// A bridge without the machine's device in it.
std::string bridge_without_device(const Record& record) {
  std::error_code code;
  const auto is_in = [&](const std::string& bridge, const std::string& device) {
    return fs::exists(fs::path("/sys/class/net") / bridge / "brif" / device, code);
  };
  if (!is_in(record.bridge, device_of(record))) return record.bridge;
  for (const NetworkLink& link : record.networks)
    if (!is_in(link.bridge, link.device)) return link.bridge;
  return "";
}

}  // namespace

std::string LxcProvider::lost_bridge(const Record& record, Operation& operation) const {
  if (bridge_without_device(record).empty()) return "";
  // So it is for a moment while a guest starts or restarts.
  operation.sleep_for(std::chrono::milliseconds(100));
  const std::string lost = bridge_without_device(record);
  return cgroups_of(record.name).is_running(record.name) ? lost : "";
}

std::vector<NetworkPlace> LxcProvider::network_places(const Record& record) const {
  std::vector<NetworkPlace> places;
  for (std::size_t at = 0; at < record.networks.size(); ++at) {
    const NetworkLink& link = record.networks[at];
    places.push_back({link.name, link.bridge, link.mac, {}});
    if (!link.address.empty()) {
      places.back().addresses = {link.address};
    } else if (const auto init = cgroups_of(record.name).init(record.name)) {
      const auto text = [&](const char* file) {
        return read_file_if_there(fmt::format("/proc/{}/net/{}", *init, file)).value_or("");
      };
      places.back().addresses =
          device_addresses(fmt::format("eth{}", at + 1), text("route"), text("fib_trie"), text("if_inet6"));
    }
  }
  return places;
}

void LxcProvider::require_possible(const MachineSpec& spec) const {
  const bool exists = record_of(spec.backend_name).has_value();
  if ((exists ? &side_of(spec.backend_name) : &side_for(spec)) != &user_) return;
  if (spec.options["start_on_boot"].as_bool())
    throw Error(ErrorKind::unsupported, "without root nothing starts it with the host")
        .with_hint(exists ? "leave out 'start_on_boot', or make the machine anew by 'sudo envtool up'"
                          : "leave out 'start_on_boot', or use 'sudo envtool up'");
  for (const NetworkConfig& network : spec.networks)
    if (network.bridge.empty())
      throw Error(
          ErrorKind::unsupported,
          fmt::format("network '{}' is the project's own, which without root cannot be made", network.name))
          .at(network.position)
          .with_hint(exists ? "make the machine anew by 'sudo envtool up', or give the network a 'bridge' of "
                              "this host's"
                            : "use 'sudo envtool up', or give the network a 'bridge' of this host's");
}

}  // namespace envtool::lxc
