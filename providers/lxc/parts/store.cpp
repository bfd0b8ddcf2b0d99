#include "providers/lxc/parts/store.h"

#include <fmt/format.h>

#include <algorithm>

namespace envtool::lxc {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

/// A name of lvm(8) or, with slashes between them, several of zfs(8), that no shell takes for anything else.
bool is_name(const std::string& text, bool several) {
  const auto is_plain = [&](char c) {
    return letters.find(c) != std::string_view::npos || c == '_' || c == '.' || c == '-' ||
           (several && c == '/');
  };
  return !text.empty() && text.size() <= 200 && letters.find(text.front()) != std::string_view::npos &&
         text.back() != '/' && text.find("//") == std::string::npos && text.find("..") == std::string::npos &&
         std::ranges::all_of(text, is_plain);
}

/// Which keys of the option a store of that type has beside `lxc`.
bool has_key(std::string_view type, std::string_view key) {
  if (key == "fstype") return type != "zfs";
  if (key == "zfsroot") return type == "zfs";
  return type == "lvm";
}

std::string text_or(const Value& value, const char* fallback) {
  return value.as_text().empty() ? fallback : value.as_text();
}

}  // namespace

const std::vector<std::string>& store_types() {
  static const std::vector<std::string> types = {"loop", "lvm", "zfs"};
  return types;
}

std::vector<Diagnostic> store_problems(const Value& option) {
  std::vector<Diagnostic> found;
  if (!option.is_map()) return found;
  const std::string& type = option["lxc"].as_text();
  for (const char* key : {"fstype", "vgname", "thinpool", "zfsroot"}) {
    if (!option.has(key)) continue;
    const Value& value = option[key];
    if (!has_key(type, key))
      found.push_back({fmt::format("option 'storage': '{}' means nothing with 'lxc: {}'", key, type),
                       value.position, "leave it out"});
    else if (!is_name(value.as_text(), std::string_view(key) == "zfsroot"))
      found.push_back({fmt::format("option 'storage': '{}' is no name for '{}'", value.as_text(), key),
                       value.position, "use letters, digits, '-', '_' and dots, a letter or digit first"});
  }
  return found;
}

std::optional<Store> parse_store(const Value& option, std::int64_t disk) {
  if (!option.is_map()) return std::nullopt;
  if (auto problems = store_problems(option); !problems.empty())
    throw Error(ErrorKind::failed, std::move(problems));
  const auto& types = store_types();
  Store store{.type = option["lxc"].as_text()};
  if (std::ranges::find(types, store.type) == types.end())
    throw Error(ErrorKind::usage, fmt::format("'{}' is no backing store", store.type));
  if (store.type == "zfs") {
    store.parent = text_or(option["zfsroot"], "lxc");
    store.size = disk;
    return store;
  }
  store.fstype = text_or(option["fstype"], "ext4");
  store.size = disk > 0 ? disk : default_store_size;
  if (store.type == "lvm") {
    store.parent = text_or(option["vgname"], "lxc");
    store.thinpool = option["thinpool"].as_text();
  }
  return store;
}

Value to_value(const Store& store) {
  return Value::map({{"type", store.type},
                     {"fstype", store.fstype},
                     {"parent", store.parent},
                     {"thinpool", store.thinpool},
                     {"size", store.size}});
}

Store store_from(const Value& value) {
  return {.type = value["type"].as_text(),
          .fstype = value["fstype"].as_text(),
          .parent = value["parent"].as_text(),
          .thinpool = value["thinpool"].as_text(),
          .size = value["size"].as_integer()};
}

std::string store_source(const Store& store, const fs::path& own, const std::string& machine) {
  if (store.type == "loop") return "loop:" + (own / "rootdev").string();
  if (store.type == "lvm") return fmt::format("lvm:/dev/{}/{}", store.parent, machine);
  return fmt::format("zfs:{}/{}", store.parent, machine);
}

std::string place_of(const std::string& source) { return source.substr(source.find(':') + 1); }

std::vector<std::string> ask_for_store(const Store& store, const std::string& source) {
  if (store.type == "loop") return {"ls", place_of(source)};
  if (store.type == "lvm") return {"lvs", "--noheadings", place_of(source)};
  return {"zfs", "list", "-H", place_of(source)};
}

std::vector<std::string> ask_for_parent(const Store& store) {
  if (store.type == "loop") return {};
  if (store.type == "zfs") return {"zfs", "list", "-H", store.parent};
  if (store.thinpool.empty()) return {"vgs", "--noheadings", store.parent};
  // A volume that is no pool liblxc takes for none at all.
  return {"lvs", "--select", "segtype=thin-pool", "--noheadings", store.parent + "/" + store.thinpool};
}

std::vector<std::string> mount_command(const Store& store, const std::string& source,
                                       const fs::path& target) {
  std::vector<std::string> command = {"mount", "--no-mtab"};
  // One that is mounted for another process is the same device here: `mount` looks for it (losetup(8)).
  if (store.type == "loop") command.insert(command.end(), {"--options", "loop"});
  // As liblxc mounts it: see mount.zfs(8).
  if (store.type == "zfs") command.insert(command.end(), {"--types", "zfs", "--options", "zfsutil"});
  if (!store.fstype.empty()) command.insert(command.end(), {"--types", store.fstype});
  command.insert(command.end(), {place_of(source), target.string()});
  return command;
}

std::vector<std::string> grow_command(const Store& store, const std::string& source, std::int64_t size) {
  if (store.type == "loop") return {"truncate", fmt::format("--size={}", size), place_of(source)};
  if (store.type == "lvm") return {"lvextend", "--size", fmt::format("{}b", size), place_of(source)};
  return {"zfs", "set", fmt::format("refquota={}", size), place_of(source)};
}

std::vector<std::vector<std::string>> spread_commands(const Store& store, const std::string& source,
                                                      const fs::path& target) {
  // Mounted, ext4 would want a capability (CAP_SYS_RESOURCE) that root of a container may not have.
  if (store.fstype == "ext4")
    return {{"e2fsck", "-f", "-p", place_of(source)}, {"resize2fs", place_of(source)}};
  if (store.fstype == "xfs") return {{"xfs_growfs", target.string()}};
  return {};
}

bool spreads_mounted(const Store& store) { return store.fstype == "xfs"; }

StoreNeed need_of(std::string_view type, std::string_view fstype) {
  if (type == "zfs") return {{{"zfs", "zfsutils-linux"}}, "/dev/zfs", "zfs"};
  StoreNeed need{.device = "/dev/loop-control", .power = "loop devices"};
  const auto add = [&](const char* package, std::initializer_list<const char*> programs) {
    for (const char* program : programs) need.programs.emplace_back(program, package);
  };
  if (type == "lvm") {
    need.device = "/dev/mapper/control";
    need.power = "device mapper";
    add("lvm2", {"lvcreate", "lvextend", "lvremove", "lvs", "vgs"});
  } else {
    add("mount", {"losetup"});
  }
  if (fstype == "xfs")
    add("xfsprogs", {"mkfs.xfs", "xfs_growfs"});
  else
    add("e2fsprogs", {"mkfs.ext4", "e2fsck", "resize2fs"});
  return need;
}

}  // namespace envtool::lxc
