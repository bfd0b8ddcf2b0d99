#include "providers/libvirt/network_xml.h"

#include <fmt/format.h>

#include <algorithm>

#include "providers/libvirt/names.h"
#include "providers/libvirt/xml.h"

namespace envtool::libvirt {

std::vector<Subnet> candidate_subnets() {
  std::vector<Subnet> subnets;
  for (int third = 0; third < 8; ++third) subnets.push_back(fmt::format("10.87.{}", third));
  for (int third = 0; third < 4; ++third) subnets.push_back(fmt::format("172.30.{}", third));
  for (int third = 210; third < 218; ++third) subnets.push_back(fmt::format("192.168.{}", third));
  return subnets;
}

std::string network_xml(const Subnet& subnet, const Reservation& first) {
  return fmt::format(
      "<network>\n"
      "  <name>{0}</name>\n"
      "  <metadata>\n    <envtool:network xmlns:envtool='{1}'/>\n  </metadata>\n"
      "  <forward mode='nat'/>\n"
      "  <bridge name='{2}' stp='off' delay='0'/>\n"
      "  <ip address='{3}.1' netmask='255.255.255.0'>\n"
      "    <dhcp>\n"
      "      <range start='{3}.2' end='{3}.254'/>\n"
      "      {4}\n"
      "    </dhcp>\n"
      "  </ip>\n"
      "</network>\n",
      network_name, xml_namespace, bridge_name, subnet, reservation_xml(first));
}

std::string project_network_xml(const ProjectNetwork& network) {
  const bool is_routed = !network.isolated && !network.subnet.is_v6();
  std::string text = fmt::format(
      "<network{}>\n"
      "  <name>{}</name>\n"
      "  <metadata>\n"
      "    <envtool:network xmlns:envtool='{}' environment='{}' name='{}' subnet='{}' isolated='{}'/>\n"
      "  </metadata>\n",
      is_routed ? " xmlns:dnsmasq='http://libvirt.org/schemas/network/dnsmasq/1.0'" : "",
      project_network(network.environment, network.name), xml_namespace, escape_xml(network.environment),
      escape_xml(network.name), network.subnet.to_string(), network.isolated ? "yes" : "no");
  if (is_routed) text += "  <forward mode='nat'/>\n";
  text += fmt::format("  <bridge name='{}' stp='off' delay='0'/>\n",
                      project_bridge(network.environment, network.name));
  if (!network.isolated)
    text += fmt::format(
        "  <dns enable='no'/>\n"
        "  <ip family='{}' address='{}' prefix='{}'/>\n",
        network.subnet.is_v6() ? "ipv6" : "ipv4", network.subnet.host(1), network.subnet.bits);
  // Without a router in it: the default route is that of the network that every machine has.
  if (is_routed)
    text +=
        "  <dnsmasq:options>\n"
        "    <dnsmasq:option value='dhcp-option=3'/>\n"
        "  </dnsmasq:options>\n";
  return text + "</network>\n";
}

std::optional<ProjectNetwork> parse_project_network(std::string_view xml) {
  for (const XmlTag& tag : xml_tags(xml)) {
    const auto subnet = IpSubnet::parse_exact(tag["subnet"]);
    if (tag.name == "envtool:network" && subnet && !tag["environment"].empty())
      return ProjectNetwork{tag["environment"], tag["name"], *subnet, tag["isolated"] == "yes"};
  }
  return std::nullopt;
}

std::string reservation_xml(const Reservation& reservation) {
  return fmt::format("<host mac='{}' name='{}' ip='{}'/>", reservation.mac, escape_xml(reservation.name),
                     reservation.address);
}

NetworkFacts network_facts(std::string_view xml) {
  NetworkFacts facts;
  for (const XmlTag& tag : xml_tags(xml)) {
    if (tag.name == "envtool:network") facts.ours = true;
    if (tag.name == "host" && !tag["mac"].empty())
      facts.reservations.push_back({tag["mac"], tag["name"], tag["ip"]});
    const std::string address = tag["address"];
    if (tag.name == "ip" && facts.subnet.empty() && address.find('.') != std::string::npos)
      facts.subnet = address.substr(0, address.rfind('.'));
  }
  return facts;
}

std::optional<std::string> free_address(const NetworkFacts& network) {
  for (int number = 2; number < 255; ++number) {
    std::string address = fmt::format("{}.{}", network.subnet, number);
    if (std::none_of(network.reservations.begin(), network.reservations.end(),
                     [&](const Reservation& other) { return other.address == address; }))
      return address;
  }
  return std::nullopt;
}

}  // namespace envtool::libvirt
