#include "providers/lxc/helper/stores.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <lxc/lxccontainer.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <thread>

#include "base/files.h"
#include "base/size.h"
#include "base/text.h"
#include "providers/lxc/helper/container.h"
#include "providers/lxc/helper/mounts.h"

namespace envtool::lxc {

namespace fs = std::filesystem;

namespace {

constexpr std::chrono::seconds patience{10};

std::string words(std::int64_t size) { return ByteSize{static_cast<std::uint64_t>(size)}.to_string(); }

std::string source_of(const Context& context, const std::string& machine, const Store& store) {
  return store_source(store, context.layout.machine(machine), machine);
}

fs::path target_of(const Context& context, const Record& record) {
  return context.layout.machine(record.name) / "rootfs";
}

/// Whether the command finds what it asks for.
bool finds(const std::vector<std::string>& command) {
  const ProcessResult result = run_program(command);
  return result.ok() && !trim(result.output).empty();
}

/// liblxc's handle of what has the machine's own directory for its own. One that a killed process was making
/// it removes here already.
Container store_container(const Context& context, const std::string& machine) {
  const fs::path own = context.layout.machine(machine);
  Container container(::lxc_container_new(machine.c_str(), own.parent_path().c_str()), &::lxc_container_put);
  if (!container) throw Error(ErrorKind::failed, fmt::format("liblxc cannot look at '{}'", own.string()));
  container->clear_config(container.get());
  container->set_config_item(container.get(), "lxc.log.file", context.layout.log(machine).c_str());
  container->set_config_item(container.get(), "lxc.log.level", "ERROR");
  return container;
}

Error store_error(const Context& context, const std::string& machine, const std::string& what) {
  const std::string said = last_lines(read_file_if_there(context.layout.log(machine)).value_or(""), 5);
  return Error(ErrorKind::failed, what + (said.empty() ? ", and does not say why" : ":\n" + indent(said, 4)));
}

/// Whether it is mounted for nobody, of this or another mount namespace.
bool is_free(const std::string& place) {
  struct stat facts {};
  if (::stat(place.c_str(), &facts) != 0) return true;
  if (S_ISREG(facts.st_mode)) return !finds({"losetup", "--associated", place});
  return static_cast<bool>(UniqueFd(::open(place.c_str(), O_RDONLY | O_EXCL | O_CLOEXEC)));
}

/// The last process that had it mounted may be gone a moment before its mounts are.
void wait_until_free(const std::string& place) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (!is_free(place)) {
    if (std::chrono::steady_clock::now() > deadline)
      throw Error(ErrorKind::failed, fmt::format("its disk cannot grow while '{}' is in use", place))
          .with_hint("'losetup --list' or 'lsof' may show who uses it");
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

/// Of a file or a device; 0 for what has none.
std::int64_t size_of(const std::string& place) {
  const UniqueFd fd(::open(place.c_str(), O_RDONLY | O_CLOEXEC));
  return fd ? std::max<std::int64_t>(0, ::lseek(fd.get(), 0, SEEK_END)) : 0;
}

void set_size(const Store& store, const std::string& source, std::int64_t size) {
  // Cut off, the last run may have got so far.
  if (size_of(place_of(source)) < size) run_checked(grow_command(store, source, size));
}

void spread(const Store& store, const std::string& source, const fs::path& target) {
  for (const auto& command : spread_commands(store, source, target)) {
    const ProcessSpec spec{.argv = command};
    const ProcessResult result = SystemProcessRunner().run(spec, {});
    const bool has_mended = command[0] == "e2fsck" && result.status == 1;
    if (!result.ok() && !has_mended) throw Error(ErrorKind::failed, describe_failure(spec, result));
  }
}

std::string parent_hint(const Store& store) {
  if (store.type == "zfs")
    return "make it by 'zfs create', or name another one: 'storage: {lxc: zfs, zfsroot: POOL/DATASET}'";
  if (!store.thinpool.empty()) return "make it by 'lvcreate --type thin-pool', or leave 'thinpool' out";
  return "make it by 'vgcreate', or name another one: 'storage: {lxc: lvm, vgname: GROUP}'";
}

std::string parent_in_words(const Store& store) {
  if (store.type == "zfs") return fmt::format("dataset '{}'", store.parent);
  if (!store.thinpool.empty()) return fmt::format("thin pool '{}/{}'", store.parent, store.thinpool);
  return fmt::format("volume group '{}'", store.parent);
}

void make_store(const Context& context, const Record& record) {
  Store store = *record.store;
  const Container container = store_container(context, record.name);
  bdev_specs specs{};
  specs.fssize = static_cast<std::uint64_t>(store.size);
  if (!store.fstype.empty()) specs.fstype = store.fstype.data();
  if (store.type == "zfs") specs.zfs.zfsroot = store.parent.data();
  if (store.type == "lvm") specs.lvm.vg = store.parent.data();
  if (!store.thinpool.empty()) specs.lvm.thinpool = store.thinpool.data();
  // Without a template liblxc makes no store. This one does nothing: the box is copied into it afterwards.
  char* const none[] = {nullptr};
  if (!container->create(container.get(), "/bin/true", store.type.c_str(), &specs, LXC_CREATE_QUIET, none))
    throw store_error(context, record.name, fmt::format("liblxc cannot make its '{}' store", store.type))
        .with_hint(store.type == "loop" ? "'losetup --list' shows which loop devices are taken" : "");
  if (store.type == "zfs" && store.size > 0)
    set_size(store, source_of(context, record.name, store), store.size);
}

}  // namespace

std::string store_obstacle(const Store& store) {
  const StoreNeed need = need_of(store.type, store.fstype);
  for (const auto& [program, package] : need.programs)
    if (!has_program(program))
      return fmt::format("'{}' is missing (Debian's package '{}' has it)", program, package);
  // Opened, it is there: its name may be, and the kernel without it.
  if (const UniqueFd device(::open(need.device.c_str(), O_RDWR | O_CLOEXEC)); !device)
    return fmt::format("this kernel has no {}: cannot open '{}': {}", need.power, need.device,
                       errno_text(errno));
  return {};
}

void check_store(const Context& context, const Store& store) {
  const std::string& name = context.text("name");
  const std::string option = fmt::format("'storage: {{lxc: {}}}'", store.type);
  if (context.rootless())
    throw Error(ErrorKind::unsupported, fmt::format("without root there is no {}", option))
        .with_hint("leave 'storage' out, or make the machine by root's helper: 'mode: root'");
  if (const std::string obstacle = store_obstacle(store); !obstacle.empty())
    throw Error(ErrorKind::host_not_ready, fmt::format("this host cannot have {}: {}", option, obstacle))
        .with_hint(
            "install what is missing, or choose another storage: 'envtool doctor' says what works here");
  if (const auto ask = ask_for_parent(store); !ask.empty() && !finds(ask))
    throw Error(ErrorKind::host_not_ready,
                fmt::format("{} needs the {}, and there is none", option, parent_in_words(store)))
        .with_hint(parent_hint(store));
  const std::string source = source_of(context, name, store);
  if (finds(ask_for_store(store, source)))
    throw Error(ErrorKind::failed,
                fmt::format("{} would be '{}', which is there and no machine's", option, place_of(source)))
        .with_hint("remove it if nobody needs it");
}

void fill_store(const Context& context, const Record& record, const fs::path& box) {
  make_store(context, record);
  mount_store(context, record);
  const fs::path target = target_of(context, record);
  // It is for e2fsck, which makes it where it needs it. No box has one.
  ::rmdir((target / "lost+found").c_str());
  const ProcessSpec spec{.argv = {"cp", "--archive", "--no-target-directory", box.string(), target.string()},
                         .ends_with_caller = true};
  const ProcessResult result = SystemProcessRunner().run(spec, {});
  if (result.ok()) return;
  struct statvfs room {};
  if (::statvfs(target.c_str(), &room) != 0 || (room.f_bavail > 0 && room.f_favail > 0))
    throw Error(ErrorKind::failed, describe_failure(spec, result));
  throw Error(ErrorKind::failed,
              fmt::format("its box does not fit into a disk of {}", words(record.store->size)))
      .with_hint("give it a larger one, as 'disk: 5GiB'");
}

void mount_store(const Context& context, const Record& record) {
  if (!record.store) return;
  enter_private_mounts();
  const fs::path target = target_of(context, record);
  make_directories(target, 0755);
  const std::string source = source_of(context, record.name, *record.store);
  const ProcessSpec spec{.argv = mount_command(*record.store, source, target)};
  const ProcessResult result = SystemProcessRunner().run(spec, {});
  if (!result.ok())
    throw Error(ErrorKind::failed, fmt::format("its store '{}' cannot be mounted:\n{}", place_of(source),
                                               indent(last_lines(result.error, 3), 4)))
        .with_hint(record.store->type == "loop" ? "'losetup --list' shows which loop devices are taken" : "");
}

void mount_grown_store(Context& context, Record& record) {
  const std::int64_t wanted = context.request["disk"].as_integer();
  if (!record.store || wanted == 0 || wanted == record.store->size) return mount_store(context, record);
  if (wanted < record.store->size) {
    context.warnings.push_back(
        fmt::format("its disk stays at {}: it grows only, and 'disk: {}' would make it "
                    "smaller ('envtool destroy', and 'up' makes it anew)",
                    words(record.store->size), words(wanted)));
    return mount_store(context, record);
  }
  const std::string source = source_of(context, record.name, *record.store);
  wait_until_free(place_of(source));
  set_size(*record.store, source, wanted);
  const bool mounted = spreads_mounted(*record.store);
  if (mounted) mount_store(context, record);
  spread(*record.store, source, target_of(context, record));
  if (!mounted) mount_store(context, record);
  record.store->size = wanted;
  save_record(context, record);
}

void unmount_store(const Context& context, const Record& record) {
  if (!record.store) return;
  const fs::path target = target_of(context, record);
  if (::umount2(target.c_str(), 0) != 0) fail(fmt::format("unmount '{}'", target.string()), errno);
}

void remove_store(const Context& context, const Record& record) {
  if (!record.store) return;
  // A file is there whatever tools are.
  if (const std::string obstacle = store_obstacle(*record.store);
      record.store->type != "loop" && !obstacle.empty())
    throw Error(ErrorKind::host_not_ready, fmt::format("its store cannot be removed: {}", obstacle))
        .with_hint("once this host has it again, the same command goes on");
  const std::string source = source_of(context, record.name, *record.store);
  const auto ask = ask_for_store(*record.store, source);
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (finds(ask)) {
    const Container container = store_container(context, record.name);
    container->set_config_item(container.get(), "lxc.rootfs.path", source.c_str());
    container->save_config(container.get(), nullptr);
    container->destroy(container.get());
    if (!finds(ask)) return;
    if (std::chrono::steady_clock::now() > deadline)
      throw store_error(context, record.name,
                        fmt::format("liblxc cannot remove its store '{}'", place_of(source)))
          .with_hint("once nothing uses it, the same command goes on");
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
}

}  // namespace envtool::lxc
