#include <fmt/format.h>

#include "base/text.h"
#include "core/guest_networks.h"
#include "core/steps/steps.h"

namespace envtool {

namespace {

/// Run as root with a line a device on its input: MAC address, network, address or "dhcp". It tells the
/// guest's own service for networks, so that it counts after a reboot, too. No other default route comes with
/// it.
constexpr std::string_view networks_script = R"sh(set -e
umask 077
device_of() {
  for path in /sys/class/net/*; do
    if [ -e "$path/device" ] && [ "$(cat "$path/address")" = "$1" ]; then echo "${path##*/}"; return; fi
  done
  echo "it has no network device with the MAC address $1" >&2
  exit 1
}
is_active() { systemctl is-active --quiet "$1" 2>/dev/null; }
has_address() { [ "$address" = dhcp ] || ip -oneline address show dev "$device" | grep -qF " $address "; }
# settle FILE MODE: FILE.new becomes FILE; false when it is as it was and counts already.
settle() {
  chmod "$2" "$1.new"
  if cmp -s "$1.new" "$1" && has_address; then rm "$1.new"; return 1; fi
  mv "$1.new" "$1"
}
forget_others() {
  for file in "$1"/*envtool-*; do
    case "$kept" in *" $file "*) ;; *) rm -f "$file" ;; esac
  done
}

by_networkd() {
  mkdir -p /etc/systemd/network
  # Before what netplan, cloud-init and the box have for any device.
  file=/etc/systemd/network/05-envtool-$network.network
  kept="$kept$file "
  {
    printf '[Match]\nMACAddress=%s\n[Link]\nRequiredForOnline=no\n[Network]\n' "$mac"
    if [ "$address" = dhcp ]; then
      printf 'DHCP=yes\nIPv6AcceptRA=yes\n[DHCPv4]\nUseGateway=no\nUseDNS=no\nUseHostname=no\n'
      printf '[DHCPv6]\nUseDNS=no\nUseHostname=no\n[IPv6AcceptRA]\nUseGateway=no\nUseDNS=no\n'
    else
      printf 'DHCP=no\nIPv6AcceptRA=no\nAddress=%s\n' "$address"
    fi
  } >"$file.new"
  settle "$file" 0644 || return 0
  { networkctl reload && networkctl reconfigure "$device"; } 2>/dev/null || systemctl restart systemd-networkd
}

by_network_manager() {
  file=/etc/NetworkManager/system-connections/envtool-$network.nmconnection
  kept="$kept$file "
  own=ipv4 other=ipv6
  case $address in *:*) own=ipv6 other=ipv4 ;; esac
  {
    printf '[connection]\nid=envtool-%s\ntype=ethernet\nautoconnect-priority=10\n' "$network"
    printf '[ethernet]\nmac-address=%s\n' "$mac"
    if [ "$address" = dhcp ]; then
      printf '[ipv4]\nmethod=auto\nnever-default=true\nignore-auto-dns=true\n'
      printf '[ipv6]\nmethod=auto\nnever-default=true\nignore-auto-dns=true\n'
    else
      printf '[%s]\nmethod=manual\naddress1=%s\nnever-default=true\n' "$own" "$address"
      printf '[%s]\nmethod=disabled\n' "$other"
    fi
  } >"$file.new"
  settle "$file" 0600 || return 0
  nmcli connection reload
  nmcli connection up id "envtool-$network" >/dev/null
}

by_ifupdown() {
  family=inet
  case $address in *:*) family=inet6 ;; esac
  {
    sed "/^# envtool $network begin$/,/^# envtool $network end$/d" /etc/network/interfaces
    printf '# envtool %s begin\nallow-hotplug %s\n' "$network" "$device"
    if [ "$address" = dhcp ]; then
      printf 'iface %s inet dhcp\n  up ip route delete default dev %s 2>/dev/null || true\n' "$device" "$device"
    else
      printf 'iface %s %s static\n  address %s\n' "$device" "$family" "$address"
    fi
    printf '# envtool %s end\n' "$network"
  } >/etc/network/interfaces.new
  settle /etc/network/interfaces 0644 || return 0
  ifdown --force "$device" >/dev/null 2>&1 || true
  ip address flush dev "$device"
  ifup "$device" >/dev/null
}

by_hand() {
  if [ "$address" = dhcp ]; then
    echo "it has neither systemd-networkd, NetworkManager nor ifupdown, which would ask for an address" >&2
    exit 1
  fi
  ip link set "$device" up
  ip address replace "$address" dev "$device"
}

if is_active systemd-networkd; then way=by_networkd
elif is_active NetworkManager; then way=by_network_manager
elif [ -e /etc/network/interfaces ] && command -v ifup >/dev/null; then way=by_ifupdown
else way=by_hand
fi
kept=" "
lines=$(cat)
while read -r mac network address; do
  device=$(device_of "$mac")
  $way
  tries=0
  until has_address; do
    if [ "$tries" -ge 40 ]; then
      echo "'$device' did not get the address $address" >&2
      exit 1
    fi
    tries=$((tries + 1))
    sleep 0.25
  done
done <<LINES
$lines
LINES
case $way in
  by_networkd) forget_others /etc/systemd/network ;;
  by_network_manager) forget_others /etc/NetworkManager/system-connections ;;
esac
)sh";

std::string device_lines(const std::vector<GuestNetworks::Device>& devices) {
  std::vector<std::string> lines;
  for (const GuestNetworks::Device& device : devices)
    lines.push_back(fmt::format("{} {} {}", device.mac, device.network,
                                device.address.empty() ? "dhcp" : device.address));
  return join(lines, "\n");
}

}  // namespace

Step set_up_networks_step() {
  Step step{.name = "networks", .title = "set up its networks"};
  step.need = [](MachineContext& machine) {
    // What the record has of the last start is written anew at each.
    const bool is_done = !machine.started_now && machine.record.started_with["networked"].as_bool();
    if (machine.config.networks.empty() || is_done || power_of<GuestNetworks>(machine.provider) == nullptr)
      return Need::none();
    std::vector<std::string> names;
    for (const NetworkConfig& network : machine.config.networks) names.push_back(network.name);
    return Need::because(join(names, ", "));
  };
  step.run = [](MachineContext& machine) {
    const auto devices = power_of<GuestNetworks>(machine.provider)
                             ->network_devices(machine.record.backend_name, machine.operation);
    const GuestCommand command{
        .script = std::string(networks_script), .user = "root", .input = device_lines(devices)};
    const ProcessResult result =
        devices.empty() ? ProcessResult{} : machine.guest().run(command, machine.operation);
    if (!result.ok())
      throw Error(ErrorKind::failed,
                  fmt::format("cannot set up its networks: {}", last_lines(result.error, 3)));
    machine.record.started_with.set("networked", true);
    machine.save();
  };
  return step;
}

}  // namespace envtool
