#include "providers/lxc/helper/guest_networks.h"

#include <fmt/format.h>

#include <set>

#include "providers/lxc/parts/guest_files.h"
#include "providers/lxc/parts/guest_networks.h"

namespace envtool::lxc {

namespace {

constexpr const char* networkd_directory = "/etc/systemd/network";

/// Where its unit lies; empty when the guest does not have it.
std::string networkd_unit(const GuestTree& guest) {
  for (const char* directory : {"/usr/lib/systemd", "/lib/systemd"})
    if (guest.owner_of(std::string(directory) + "/systemd-networkd"))
      return std::string(directory) + "/system/systemd-networkd.service";
  return "";
}

void write_networkd_files(const GuestTree& guest, const std::vector<NetworkLink>& links) {
  std::set<std::string> wanted;
  for (std::size_t at = 0; at < links.size(); ++at) {
    const std::string device = fmt::format("eth{}", at + 1);
    wanted.insert(networkd_file_name(device));
    guest.write_if_changed(fmt::format("{}/{}", networkd_directory, networkd_file_name(device)),
                           networkd_file(device, links[at].address.empty()));
  }
  for (const std::string& name : guest.list(networkd_directory))
    if (is_networkd_file_name(name) && !wanted.contains(name))
      guest.remove(fmt::format("{}/{}", networkd_directory, name));
}

/// The guest's own NetworkManager asks on every device that it is not told to leave alone.
void write_network_manager_file(const GuestTree& guest, const std::vector<NetworkLink>& links) {
  std::vector<std::string> set_devices;
  for (std::size_t at = 0; at < links.size(); ++at)
    if (!links[at].address.empty()) set_devices.push_back(fmt::format("eth{}", at + 1));
  guest.write_if_changed(network_manager_file, network_manager_settings(set_devices));
}

}  // namespace

void write_guest_networks(Context& context, const Record& record, const GuestTree& guest) {
  const std::vector<NetworkLink>& links = record.networks;
  if (guest.is_directory("/etc/systemd")) write_networkd_files(guest, links);
  const bool has_manager = guest.is_directory("/etc/NetworkManager/conf.d");
  if (has_manager) write_network_manager_file(guest, links);
  for (std::size_t at = 0; at < links.size(); ++at) {
    if (!links[at].address.empty() || has_manager) continue;
    if (const std::string unit = networkd_unit(guest); !unit.empty()) {
      guest.make_link("/etc/systemd/system/multi-user.target.wants/systemd-networkd.service", unit);
      continue;
    }
    context.warnings.push_back(
        fmt::format("the guest has no systemd-networkd, so nothing asks for an address on eth{}, its network "
                    "'{}'; an 'ip' in the Envfile gives it one",
                    at + 1, links[at].name));
  }
}

}  // namespace envtool::lxc
