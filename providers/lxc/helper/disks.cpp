#include "providers/lxc/helper/disks.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "base/files.h"
#include "providers/lxc/helper/layers.h"
#include "providers/lxc/helper/mounts.h"
#include "providers/lxc/helper/subvolumes.h"

namespace envtool::lxc {

namespace fs = std::filesystem;

namespace {

constexpr const char* removed = ".removed";

/// Throws Error(failed) when disks of that name are another environment's, or another user's.
void check_owner(const Context& context) {
  const fs::path path = context.layout.disks_owner(context.text("name"));
  const auto text = read_file_if_there(path);
  if (!text) return;
  const Value owner = parse_json(*text, path.string());
  if (owner["environment"].as_text() != context.text("environment"))
    throw Error(ErrorKind::failed, fmt::format("its kept disks belong to another environment, '{}'",
                                               owner["environment"].as_text()));
  if (context.caller.uid != 0 && owner["owner"].as_integer() != context.caller.host_uid)
    throw Error(ErrorKind::failed,
                fmt::format("its kept disks belong to user id {}", owner["owner"].as_integer()));
}

/// Whose they are, before there is one.
void claim(const Context& context) {
  const fs::path path = context.layout.disks_owner(context.text("name"));
  if (fs::exists(path)) return;
  make_directories(context.layout.disks(context.text("name")), 0755);
  const Value owner = Value::map({{"environment", context.text("environment")},
                                  {"owner", static_cast<std::int64_t>(context.caller.host_uid)}});
  write_file(path, to_json(owner, 2) + "\n", 0644);
}

/// The disks of one machine, and where each is.
class Places {
 public:
  Places(Context& context, const Record& record)
      : context_(context),
        record_(record),
        own_(context.layout.machine(record.name)),
        stack_(stack_of(context.layout, record)) {}

  std::vector<std::string> names() const {
    std::vector<std::string> names = kept_disks(context_.layout, record_.name);
    for (const auto& [name, layer] : stack_.disks)
      if (!is_kept(name)) names.push_back(name);
    return names;
  }

  bool is_kept(const std::string& disk) const {
    return fs::exists(context_.layout.kept_disk(record_.name, disk));
  }

  /// Cut off half-way, a disk is where it was: the kept place counts as long as it is there.
  void keep(const std::string& disk, bool wanted) {
    const fs::path kept = context_.layout.kept_disk(record_.name, disk);
    if (is_kept(disk) == wanted) return;
    if (wanted) {
      claim(context_);
      make_directories(kept.parent_path(), 0700);
      fs::rename(own_ / stack_.disks.at(disk), kept);
      stack_.disks.erase(disk);
      save();
      return;
    }
    take_layer(disk);
    fs::rename(kept, own_ / stack_.disks.at(disk));
    remove_tree(kept.parent_path());
  }

  /// Its directory, made if it is not there.
  fs::path make(const MachineDisk& disk) {
    if (!is_kept(disk.name) && !stack_.disks.contains(disk.name)) {
      context_.warnings.push_back(fmt::format(
          "disk '{}' is a directory here, and takes what the host has: its size is no limit", disk.name));
      if (!disk.keep) take_layer(disk.name);
    }
    const bool is_layer = stack_.disks.contains(disk.name) && !is_kept(disk.name);
    if (is_layer) make_subvolume_or_directory(own_ / stack_.disks.at(disk.name));
    if (is_layer || is_kept(disk.name)) {
      keep(disk.name, disk.keep);
    } else {
      claim(context_);
      make_directories(context_.layout.kept_disk(record_.name, disk.name).parent_path(), 0700);
      make_subvolume_or_directory(context_.layout.kept_disk(record_.name, disk.name));
    }
    return disk.keep ? context_.layout.kept_disk(record_.name, disk.name) : own_ / stack_.disks.at(disk.name);
  }

 private:
  void take_layer(const std::string& disk) {
    make_directories(own_ / "layers", 0700);
    stack_.disks[disk] = stack_.new_layer();
    save();
  }
  void save() const { save_stack(context_, record_, stack_); }

  Context& context_;
  const Record& record_;
  fs::path own_;
  LayerStack stack_;
};

void remove_disk(const Layout& layout, const std::string& machine, const std::string& disk) {
  // Out of the way first: cut off, it must not look like a disk with half of what was on it.
  const fs::path heap = layout.disks(machine) / removed;
  remove_subvolumes(heap);
  fs::rename(layout.disks(machine) / disk, heap);
  remove_subvolumes(heap);
}

}  // namespace

void prepare_disks(Context& context, const Record& record) {
  const std::vector<MachineDisk> disks = parse_disks(context.request["disks"]);
  if (disks.empty()) return;
  check_owner(context);
  const bool shifts = record.ids != 0 && !context.rootless();
  const IdMap map = box_id_map(record.ids);
  const UniqueFd space = shifts ? user_namespace(map, map) : UniqueFd();
  Places places(context, record);
  for (const MachineDisk& disk : disks) {
    const UniqueFd directory = open_directory(places.make(disk));
    const UniqueFd mount = clone_mount(directory.get(), {.user_namespace = space.get()},
                                       fmt::format("the disk '{}'", disk.name));
    const fs::path target = context.layout.disk(record.name, disk.name);
    make_directories(target, 0711);
    attach(mount.get(), target);
  }
}

Value keep_disks(Context& context) {
  const std::string& machine = context.text("name");
  const std::optional<Record> record = own_record(context);
  check_owner(context);
  const std::vector<std::string> wanted = context.request["disks"].as_texts();
  const auto is_wanted = [&](const std::string& disk) {
    return std::find(wanted.begin(), wanted.end(), disk) != wanted.end();
  };
  if (record) {
    Places places(context, *record);
    for (const std::string& disk : places.names()) places.keep(disk, is_wanted(disk));
  } else {
    for (const std::string& disk : kept_disks(context.layout, machine))
      if (!is_wanted(disk)) remove_disk(context.layout, machine, disk);
  }
  tidy_disks(context.layout, machine);
  return Value::map();
}

void tidy_disks(const Layout& layout, const std::string& machine) {
  if (kept_disks(layout, machine).empty())
    remove_tree(layout.disks(machine));
  else
    remove_tree(layout.disks(machine) / removed);
}

}  // namespace envtool::lxc
