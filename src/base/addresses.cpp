#include "base/addresses.h"

#include <fmt/format.h>

#include <set>

#include "base/error.h"

namespace envtool {

std::string choose_address(const IpSubnet& subnet, const AddressWish& wish, const std::string& earlier,
                           const std::map<std::string, std::string>& taken) {
  if (wish.ip || wish.number) {
    std::string fixed = wish.ip ? wish.ip->to_string() : subnet.host(*wish.number);
    const auto address = IpAddress::parse(fixed);
    if (!subnet.contains(*address))
      throw Error(ErrorKind::failed, fmt::format("network '{}' is '{}', which has no address {}",
                                                 wish.network, subnet.to_string(), fixed));
    const auto owner = taken.find(fixed);
    if (owner == taken.end()) return fixed;
    throw Error(ErrorKind::failed,
                fmt::format("network '{}': {} has the address {}", wish.network, owner->second, fixed))
        .with_hint("choose another; one that was only chosen for a machine gives way when that is restarted");
  }
  std::set<std::string> promised(wish.promised.begin(), wish.promised.end());
  const auto is_free = [&](std::uint64_t number) {
    return number > 1 && subnet.has_host(number) && !promised.contains(std::to_string(number)) &&
           !promised.contains(subnet.host(number)) && !taken.contains(subnet.host(number));
  };
  if (const auto address = IpAddress::parse(earlier))
    if (const auto number = subnet.number_of(*address); number && is_free(*number)) return earlier;
  for (std::uint64_t number = 2; subnet.has_host(number) && number < 65536; ++number)
    if (is_free(number)) return subnet.host(number);
  throw Error(ErrorKind::failed,
              fmt::format("network '{}' has no address left in '{}'", wish.network, subnet.to_string()))
      .with_hint("give it a larger 'subnet'");
}

}  // namespace envtool
