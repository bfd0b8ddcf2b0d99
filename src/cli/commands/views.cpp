#include "cli/commands/views.h"

#include <fmt/format.h>

namespace envtool {

Value to_value(const Forward& forward) {
  return Value::map({{"bind", forward.bind},
                     {"host", static_cast<int>(forward.host)},
                     {"guest", static_cast<int>(forward.guest)},
                     {"protocol", to_string(forward.protocol)}});
}

std::string to_text(const Forward& forward) {
  const bool is_ipv6 = forward.bind.find(':') != std::string::npos;
  return fmt::format("{}{}{}:{} -> {}{}", is_ipv6 ? "[" : "", forward.bind, is_ipv6 ? "]" : "", forward.host,
                     forward.guest, forward.protocol == Protocol::udp ? "/udp" : "");
}

Value to_value(const MachineStatus& status) {
  static constexpr std::string_view needs[] = {"up", "restart", "recreate"};
  Value addresses = Value::list(), ports = Value::list(), pending = Value::list();
  for (const std::string& address : status.addresses) addresses.push_back(address);
  for (const Forward& forward : status.forwards) ports.push_back(to_value(forward));
  for (const PendingChange& change : status.pending)
    pending.push_back(Value::map({{"key", change.key}, {"needs", needs[static_cast<int>(change.needs)]}}));
  Value value = Value::map({{"name", status.name},
                            {"state", to_string(status.phase)},
                            {"in_envfile", status.in_envfile},
                            {"primary", status.primary},
                            {"provider", status.provider},
                            {"backend_name", status.backend_name},
                            {"addresses", addresses},
                            {"ports", ports},
                            {"pending", pending}});
  if (!status.detail.empty()) value.set("detail", status.detail);
  if (!status.busy.empty()) value.set("busy", status.busy);
  return value;
}

}  // namespace envtool
