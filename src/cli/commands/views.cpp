#include "cli/commands/views.h"

#include <fmt/format.h>

#include "base/text.h"

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

Value to_value(const std::vector<PendingChange>& changes) {
  static constexpr std::string_view needs[] = {"up", "restart", "recreate"};
  Value list = Value::list();
  for (const PendingChange& change : changes)
    list.push_back(Value::map({{"key", change.key}, {"needs", needs[static_cast<int>(change.needs)]}}));
  return list;
}

Value to_value(const std::vector<SnapshotInfo>& snapshots) {
  Value list = Value::list();
  for (const SnapshotInfo& snapshot : snapshots) {
    Value item =
        Value::map({{"name", snapshot.name}, {"when", snapshot.when}, {"memory", snapshot.has_memory}});
    if (snapshot.size) item.set("size", static_cast<std::int64_t>(snapshot.size->bytes));
    list.push_back(std::move(item));
  }
  return list;
}

std::vector<std::string> to_words(const SnapshotInfo& snapshot) {
  std::vector<std::string> words;
  if (snapshot.size) words.push_back(snapshot.size->to_string());
  if (snapshot.has_memory) words.emplace_back("with memory");
  return words;
}

Value to_value(const MachineStatus& status) {
  Value ports = Value::list(), networks = Value::list();
  for (const Forward& forward : status.forwards) ports.push_back(to_value(forward));
  for (const NetworkPlace& place : status.networks)
    networks.push_back(Value::map({{"name", place.name},
                                   {"device", place.device},
                                   {"mac", place.mac},
                                   {"addresses", Value::texts(place.addresses)}}));
  Value value = Value::map({{"name", status.name},
                            {"state", to_string(status.phase)},
                            {"in_envfile", status.in_envfile},
                            {"primary", status.primary},
                            {"provider", status.provider},
                            {"backend_name", status.backend_name},
                            {"addresses", Value::texts(status.addresses)},
                            {"networks", networks},
                            {"ports", ports},
                            {"pending", to_value(status.pending)},
                            {"kept_disks", Value::texts(status.kept_disks)}});
  if (!status.detail.empty()) value.set("detail", status.detail);
  if (!status.busy.empty()) value.set("busy", status.busy);
  return value;
}

std::string to_text(const NetworkPlace& place) {
  return place.addresses.empty() ? place.name : fmt::format("{} {}", place.name, join(place.addresses, " "));
}

Value to_value(const MachineUsage& usage) {
  Value value = Value::map();
  const auto add = [&](const char* key, const std::optional<ByteSize>& size) {
    if (size) value.set(key, static_cast<std::int64_t>(size->bytes));
  };
  if (usage.cpu_time) value.set("cpu_seconds", static_cast<double>(usage.cpu_time->count()) / 1000);
  add("memory", usage.memory);
  add("disk_read", usage.disk_read);
  add("disk_written", usage.disk_written);
  add("received", usage.received);
  add("sent", usage.sent);
  if (usage.processes) value.set("processes", *usage.processes);
  return value;
}

std::vector<std::pair<std::string, std::string>> to_words(const MachineUsage& usage) {
  std::vector<std::pair<std::string, std::string>> words;
  if (usage.cpu_time)
    words.emplace_back("cpu time",
                       fmt::format("{:.1f} s", static_cast<double>(usage.cpu_time->count()) / 1000));
  if (usage.memory) words.emplace_back("memory", usage.memory->to_string());
  if (usage.disk_read && usage.disk_written)
    words.emplace_back("disk", fmt::format("{} read, {} written", usage.disk_read->to_string(),
                                           usage.disk_written->to_string()));
  if (usage.received && usage.sent)
    words.emplace_back(
        "network", fmt::format("{} received, {} sent", usage.received->to_string(), usage.sent->to_string()));
  if (usage.processes) words.emplace_back("processes", std::to_string(*usage.processes));
  return words;
}

}  // namespace envtool
