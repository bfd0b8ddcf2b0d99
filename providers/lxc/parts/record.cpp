#include "providers/lxc/parts/record.h"

#include <fmt/format.h>

#include "base/files.h"

namespace envtool::lxc {

namespace fs = std::filesystem;

std::string_view to_string(Storage storage) {
  switch (storage) {
    case Storage::overlay:
      return "overlay";
    case Storage::copy:
      return "dir";
    case Storage::subvolume:
      return "btrfs";
    case Storage::store:
      return "lxc";
  }
  return "?";
}

namespace {

Storage storage_of(std::string_view word) {
  for (const Storage storage : {Storage::copy, Storage::subvolume, Storage::store})
    if (word == to_string(storage)) return storage;
  return Storage::overlay;
}

Value to_value(const NetworkLink& link) {
  return Value::map({{"name", link.name},
                     {"bridge", link.bridge},
                     {"foreign", link.foreign},
                     {"subnet", link.subnet},
                     {"address", link.address},
                     {"mac", link.mac},
                     {"device", link.device}});
}

NetworkLink network_link(const Value& value) {
  return {.name = value["name"].as_text(),
          .bridge = value["bridge"].as_text(),
          .foreign = value["foreign"].as_bool(),
          .subnet = value["subnet"].as_text(),
          .address = value["address"].as_text(),
          .mac = value["mac"].as_text(),
          .device = value["device"].as_text()};
}

}  // namespace

std::string record_text(const Record& record) {
  Value value = Value::map({{"version", 1},
                            {"name", record.name},
                            {"environment", record.environment},
                            {"owner", static_cast<std::int64_t>(record.owner)},
                            {"complete", record.complete},
                            {"box", record.box},
                            {"storage", to_string(record.storage)},
                            {"ids", static_cast<std::int64_t>(record.ids)},
                            {"user", record.user},
                            {"bridge", record.bridge},
                            {"address", record.address},
                            {"mac", record.mac}});
  if (record.store) value.set("store", to_value(*record.store));
  if (!record.device.empty()) value.set("device", record.device);
  if (record.prefix != 24) value.set("prefix", static_cast<std::int64_t>(record.prefix));
  if (record.own)
    value.set("own", Value::map({{"uid", static_cast<std::int64_t>(record.own->uid)},
                                 {"gid", static_cast<std::int64_t>(record.own->gid)}}));
  Value networks = Value::list();
  for (const NetworkLink& link : record.networks) networks.push_back(to_value(link));
  if (!record.networks.empty()) value.set("networks", networks);
  return to_json(value, 2) + "\n";
}

Record parse_record(std::string_view text, const std::string& what) {
  const Value value = parse_json(text, what);
  if (!value.is_map() || value["version"].as_integer() != 1)
    throw Error(ErrorKind::failed, fmt::format("'{}' is not the record of a machine of this version", what));
  std::optional<IdPair> own;
  if (const Value& ids = value["own"]; ids.is_map())
    own = IdPair{static_cast<std::uint32_t>(ids["uid"].as_integer()),
                 static_cast<std::uint32_t>(ids["gid"].as_integer())};
  std::vector<NetworkLink> networks;
  for (const Value& link : value["networks"].items()) networks.push_back(network_link(link));
  return {.name = value["name"].as_text(),
          .environment = value["environment"].as_text(),
          .owner = static_cast<unsigned>(value["owner"].as_integer()),
          .complete = value["complete"].as_bool(),
          .box = value["box"].as_text(),
          .storage = storage_of(value["storage"].as_text()),
          .store = value["store"].is_map() ? std::optional(store_from(value["store"])) : std::nullopt,
          .ids = static_cast<std::uint32_t>(value["ids"].as_integer()),
          .user = value["user"].as_text(),
          .own = own,
          .bridge = value["bridge"].as_text(),
          .device = value["device"].as_text(),
          .address = value["address"].as_text(),
          .prefix = static_cast<unsigned>(value["prefix"].as_integer(24)),
          .mac = value["mac"].as_text(),
          .networks = std::move(networks)};
}

GuestIds guest_ids(const Record& record) {
  // The helper of an ordinary user sees the block as it is in its own namespace.
  return record.own ? GuestIds{0, record.own} : GuestIds{record.ids};
}

std::optional<Record> find_record(const Layout& layout, const std::string& name) {
  const fs::path path = layout.record(name);
  const std::optional<std::string> text = read_file_if_there(path);
  if (!text) return std::nullopt;
  return parse_record(*text, path.string());
}

std::vector<Record> all_records(const Layout& layout) {
  std::vector<Record> records;
  std::error_code code;
  for (const fs::directory_entry& entry : fs::directory_iterator(layout.containers(), code)) {
    try {
      if (auto record = find_record(layout, entry.path().filename().string()))
        records.push_back(std::move(*record));
    } catch (const Error&) {
    }
  }
  return records;
}

}  // namespace envtool::lxc
