#include "providers/lxc/helper/machine.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <future>
#include <set>

#include "base/files.h"
#include "base/hash.h"
#include "base/hosts.h"
#include "base/text.h"
#include "providers/lxc/helper/boot.h"
#include "providers/lxc/helper/container.h"
#include "providers/lxc/helper/devices.h"
#include "providers/lxc/helper/disks.h"
#include "providers/lxc/helper/folders.h"
#include "providers/lxc/helper/guest_networks.h"
#include "providers/lxc/helper/host_facts.h"
#include "providers/lxc/helper/import.h"
#include "providers/lxc/helper/layers.h"
#include "providers/lxc/helper/limits.h"
#include "providers/lxc/helper/machine_parts.h"
#include "providers/lxc/helper/mounts.h"
#include "providers/lxc/helper/network.h"
#include "providers/lxc/helper/project_networks.h"
#include "providers/lxc/helper/seal.h"
#include "providers/lxc/helper/stores.h"
#include "providers/lxc/helper/subvolumes.h"
#include "providers/lxc/helper/surroundings.h"
#include "providers/lxc/parts/container_config.h"
#include "providers/lxc/parts/guest_files.h"
#include "providers/lxc/parts/processes.h"
#include "providers/lxc/parts/raw_config.h"
#include "providers/lxc/parts/stack.h"

namespace envtool::lxc {

namespace fs = std::filesystem;

namespace {

std::optional<Store> requested_store(const Context& context) {
  return parse_store(context.request["storage"], context.request["disk"].as_integer());
}

/// Throws Error(host_not_ready) where the box is no subvolume, of which a machine's could be made.
void check_subvolumes(const Context& context) {
  if (context.rootless())
    throw Error(ErrorKind::unsupported, "without root there is no 'storage: btrfs'")
        .with_hint("leave 'storage' out, or make the machine by root's helper: 'mode: root'");
  if (is_subvolume(context.layout.box(context.text("digest")) / "rootfs")) return;
  throw Error(ErrorKind::host_not_ready,
              fmt::format("'storage: btrfs' needs '{}' on btrfs, with boxes unpacked there",
                          context.layout.boxes().string()))
      .with_hint(
          "put it on btrfs and unpack the box anew ('envtool box remove', then 'up'), or use "
          "'storage: overlay' or 'dir'");
}

Storage storage_for(Context& context) {
  if (const auto store = requested_store(context)) {
    check_store(context, *store);
    return Storage::store;
  }
  const std::string& wanted = context.text("storage");
  if (wanted == "dir") return Storage::copy;
  if (wanted == "btrfs") {
    check_subvolumes(context);
    return Storage::subvolume;
  }
  if (!context.request["unprivileged"].as_bool(true)) return Storage::overlay;
  const HostFacts facts = host_facts(context);
  if (!facts.shifting)
    throw Error(ErrorKind::host_not_ready, facts.refusal)
        .with_hint(
            "use a kernel of 5.12 or newer and ext4, xfs or btrfs, or set 'unprivileged: false' for LXC");
  if (facts.overlay) return Storage::overlay;
  if (wanted == "overlay")
    throw Error(ErrorKind::host_not_ready, facts.refusal).with_hint("use 'storage: dir'");
  context.warnings.push_back("it gets a copy of its box: " + facts.refusal);
  return Storage::copy;
}

/// Where the machine's own files are, and how their owners are shifted on disk.
GuestTree make_files(const Context& context, const Record& record) {
  const fs::path box = context.layout.box(record.box) / "rootfs";
  const fs::path own = context.layout.machine(record.name);
  make_directories(own, 0700);
  if (record.storage != Storage::overlay) {
    // Not shifted: the mount will do that, as for a box.
    if (record.storage == Storage::subvolume)
      copy_subvolume(box, own / "rootfs");
    else if (record.store)
      fill_store(context, record, box);
    else
      run_checked({"cp", "--archive", "--reflink=auto", box.string(), (own / "rootfs").string()});
    return GuestTree(own / "rootfs", context.rootless() ? guest_ids(record) : GuestIds{});
  }
  make_directories(own / "work", 0700);
  make_directories(own / "upper", 0755);
  const GuestIds ids = guest_ids(record);
  if (::chown((own / "upper").c_str(), ids.uid(0), ids.gid(0)) != 0)
    fail("set the owner of the machine's layer", errno);
  return GuestTree(box, own / "upper", ids);
}

void write_identity(const Context& context, const Account& user, const GuestTree& guest) {
  const std::string ssh = user.home + "/.ssh";
  guest.make_directory(ssh, {user.uid, user.gid, 0700});
  guest.write(ssh + "/authorized_keys", context.text("authorized_key") + "\n", {user.uid, user.gid, 0600});
  const std::string key = "/etc/ssh/ssh_host_ed25519_key";
  guest.write(key, context.text("host_private_key"), {0, 0, 0600});
  guest.write(key + ".pub", std::string(trim(context.text("host_public_key"))) + "\n");
  guest.write("/etc/machine-id", random_hex(16) + "\n", {0, 0, 0444});
  guest.write("/etc/resolv.conf", resolv_conf_text({}, {}));
}

}  // namespace

GuestTree mount_rootfs(const Context& context, const Record& record) {
  return mount_rootfs(context, record, stack_of(context.layout, record));
}

GuestTree mount_rootfs(const Context& context, const Record& record, const LayerStack& stack) {
  const fs::path own = context.layout.machine(record.name);
  const fs::path target = context.layout.rootfs(record.name);
  make_directories(target, 0711);
  const bool copy = record.storage != Storage::overlay;
  const UniqueFd source = open_directory(copy ? own / stack.top : context.layout.box(record.box) / "rootfs");
  const IdMap map = box_id_map(record.ids);
  const bool shifts = record.ids != 0 && !context.rootless();
  const UniqueFd space = shifts ? user_namespace(map, map) : UniqueFd();
  const UniqueFd tree =
      clone_mount(source.get(), {.read_only = !copy, .user_namespace = space.get()}, "the box");
  if (copy) {
    attach(tree.get(), target);
    return GuestTree(own / stack.top, context.rootless() ? guest_ids(record) : GuestIds{});
  }
  Overlay overlay{.lower = tree.get(),
                  .upper = own / stack.top,
                  .work = own / work_of(stack.top),
                  .target = target,
                  .user_xattr = context.rootless()};
  for (const std::string& layer : stack.layers) overlay.layers.push_back(open_directory(own / layer));
  mount_overlay(overlay);
  return GuestTree(target, guest_ids(record));
}

namespace {

/// Without root the machine's layer holds what belongs to its ssh user: as the host user's, not as the box
/// has it.
GuestTree hand_over_files(const Context& context, const Record& record, const Account& account) {
  enter_private_mounts();
  GuestTree guest = mount_rootfs(context, record);
  const fs::path list = context.layout.box(record.box) / owned_file;
  hand_over(context.layout.rootfs(record.name), read_file_if_there(list).value_or(""), account);
  return guest;
}

void write_names(const Context& context, const std::string& resolv_conf, const GuestTree& guest) {
  const std::string& hostname = context.text("hostname");
  std::vector<HostsEntry> others;
  for (const Value& host : context.request["hosts"].items())
    others.push_back({host["address"].as_text(), host["names"].as_texts()});
  guest.write_if_changed("/etc/hostname", hostname + "\n");
  guest.write_if_changed("/etc/hosts",
                         hosts_file(guest.read("/etc/hosts").value_or(""), hosts_block(hostname, others)));
  if (is_our_resolv_conf(guest.read("/etc/resolv.conf").value_or("")))
    guest.write_if_changed("/etc/resolv.conf", resolv_conf);
}

void empty_log(const fs::path& path, uid_t owner) {
  const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd || ::fchown(fd.get(), owner, static_cast<gid_t>(-1)) != 0)
    fail(fmt::format("write '{}'", path.string()), errno);
}

/// Without root a limit is possible where its controller is delegated; liblxc does not start with any other.
void keep_possible_limits(Context& context, const std::vector<fs::path>& groups, ContainerConfig& config) {
  const auto is_possible = [&](const ControlFile& file) {
    return std::any_of(groups.begin(), groups.end(),
                       [&](const fs::path& group) { return fs::exists(group / file.name); });
  };
  std::set<std::string> lost;
  for (const ControlFile& file : limit_files(config.limits, config.cgroups, {})) {
    if (is_possible(file)) continue;
    config.absent_controls.push_back(file.name);
    if (config.limits.memory && file.name.starts_with("memory.")) lost.insert("memory");
    if (config.limits.cpus && file.name.starts_with("cpu.")) lost.insert("cpus");
    if (file.name == "cpuset.cpus") lost.insert("CPU sets");
  }
  for (const std::string& limit : lost)
    context.warnings.push_back(
        fmt::format("it runs without its limit of {}: that controller is not delegated to the user", limit));
}

}  // namespace

void write_config(Context& context, const Record& record, const std::vector<SharedFolder>& folders,
                  const Surroundings& around) {
  ContainerConfig config{.hostname = context.text("hostname"),
                         .gateway = around.gateway,
                         .limits = requested_limits(context),
                         .folders = {},
                         .raw = raw_config_of(context.request["config"])};
  for (std::size_t number = 0; number < folders.size(); ++number)
    config.folders.emplace_back(number, folders[number].guest);
  config.disks = parse_disks(context.request["disks"]);
  config.options = parse_guest_options(context.request["options"]);
  config.devices = prepare_devices(context, record, config.options.devices);
  config.apparmor =
      read_file_if_there("/sys/module/apparmor/parameters/enabled").value_or("").starts_with('Y');
  const std::string seccomp = "/usr/share/lxc/config/common.seccomp";
  if (fs::exists(seccomp)) config.seccomp_profile = seccomp;
  config.cgroups = parse_cgroup_layout(read_file("/proc/mounts"));
  if (context.rootless()) keep_possible_limits(context, around.groups, config);
  write_file(context.layout.config(record.name), container_config_text(context.layout, record, config));
  const uid_t owner = context.rootless() ? context.caller.uid : record.owner;
  empty_log(context.layout.log(record.name), owner);
  empty_log(context.layout.console(record.name), owner);
}

namespace {

/// Whether no other machine is on this host, of any user.
bool is_last(const Context& context, const std::string& name) {
  std::error_code code;
  for (const fs::directory_entry& entry : fs::directory_iterator(context.layout.containers(), code))
    if (entry.path().filename() != name) return false;
  return !code;
}

}  // namespace

Value create_machine(Context& context) {
  const std::string& name = context.text("name");
  if (own_record(context))
    throw Error(ErrorKind::failed, fmt::format("its container '{}' is there already", name));
  if (!is_digest(context.text("digest"))) throw Error(ErrorKind::usage, "'digest' is not a digest");
  if (const Value unknown = unknown_keys(context.request["config"]); !unknown.items().empty())
    return Value::map({{"unknown_keys", unknown}});
  const std::string& user = context.text("user");
  const fs::path box = context.layout.box(context.text("digest")) / "rootfs";
  if (!has_whole_box(context.layout, context.text("digest"))) return Value::map({{"needs_import", true}});
  std::optional<Lock> uses = wait_for_lock(context.layout.uses_lock(), std::chrono::seconds(60));
  if (!fs::exists(box)) return Value::map({{"needs_import", true}});
  const Account account = account_in(GuestTree(box), context.text("box"), user);
  if (context.rootless() && (account.uid == 0 || account.gid == 0))
    throw Error(ErrorKind::unsupported,
                fmt::format("without root the guest's user '{}' cannot be its root", user))
        .with_hint("name another user of the box under 'ssh: {user: ...}', or use 'sudo envtool up'");
  Record record = reserve(context, storage_for(context), account);
  uses.reset();
  if (record.storage == Storage::store) {
    record.store = requested_store(context);
    save_record(context, record);
  }
  {
    const GuestTree files = make_files(context, record);
    if (context.rootless())
      write_identity(context, account, hand_over_files(context, record, account));
    else
      write_identity(context, account, files);
  }
  unmount_store(context, record);
  record.complete = true;
  save_record(context, record);
  return Value::map({{"address", record.address}});
}

Value start_machine(Context& context) {
  Record record = complete_record(context);
  const std::string& name = record.name;
  if (const Cgroups cgroups = Cgroups::of_machine(context.layout, name); cgroups.is_running(name)) {
    if (!cgroups.is_frozen(name)) return Value::map();
    throw Error(ErrorKind::failed, "it is paused");
  }
  if (context.rootless() && record.ids != context.outside->first_id)
    throw Error(
        ErrorKind::failed,
        fmt::format("it was made with user ids from {}, and '/etc/subuid' gives the user those from {} now",
                    record.ids, context.outside->first_id))
        .with_hint("give the old ones back, or make the machine anew by 'envtool up --recreate'");
  if (record.storage == Storage::overlay && !has_whole_box(context.layout, record.box))
    throw Error(ErrorKind::failed, "the root file system of its box is not there any more")
        .with_hint("'envtool box add' with the box's address fetches it again");
  if (const Value unknown = unknown_keys(context.request["config"]); !unknown.items().empty())
    return Value::map({{"unknown_keys", unknown}});
  end_container(context.layout, name);
  const Surroundings around = join_surroundings(context, record);
  enter_private_mounts();
  mount_grown_store(context, record);
  {
    const GuestTree guest = mount_rootfs(context, record);
    write_names(context, around.resolv_conf, guest);
    write_guest_networks(context, record, guest);
    prepare_disks(context, record);
    const std::vector<SharedFolder> folders = requested_folders(context, guest);
    for (std::size_t number = 0; number < folders.size(); ++number)
      prepare_folder(context, record, folders[number], number);
    remember_folders(context, name, folders);
    write_config(context, record, folders, around);
  }
  start_container(context.layout, name, around.groups);
  remember_for_boot(context);
  // The guest boots meanwhile.
  if (!context.rootless()) Network(context).ensure_services();
  return Value::map({{"address", record.address}});
}

Value stop_machine(Context& context) {
  const std::optional<Record> record = own_record(context);
  if (!record) return Value::map();
  if (const Value& timeout = context.request["timeout"]; timeout.is_integer()) {
    const std::chrono::milliseconds time(timeout.as_integer());
    const Shutdown outcome = shut_down(context.layout, record->name, time);
    if (outcome == Shutdown::given_up) return Value::map();
    if (outcome == Shutdown::refused)
      context.warnings.push_back(
          fmt::format("the guest did not shut down within {} s and is stopped hard", time.count() / 1000));
    if (outcome == Shutdown::unheard)
      context.warnings.push_back(
          "the guest's init listens to no signal that asks it to shut down, and is stopped hard");
  }
  end_container(context.layout, record->name);
  return Value::map();
}

Value destroy_machine(Context& context) {
  const std::string& name = context.text("name");
  const std::optional<Record> record = own_record(context);
  const fs::path container = context.layout.container(name);
  if (!record && !fs::exists(container)) return Value::map();
  // With the last machine the network goes, and at once: the kernel takes as long for it as for the machine.
  std::optional<Network> network;
  std::future<void> removal;
  if (!context.rootless() && is_last(context, name)) {
    network.emplace(context);
    if (is_last(context, name))
      removal = std::async(std::launch::async, &Network::remove, &*network);
    else
      network.reset();
  }
  if (record) end_container(context.layout, name);
  wait_for_discards(context.layout.machine(name));
  if (record) remove_store(context, *record);
  remove_subvolumes(context.layout.machine(name));
  tidy_disks(context.layout, name);
  // Never recursively: were anything still mounted here, it would be somebody's files.
  std::error_code ignored;
  for (const char* part : {"folders", "disks"})
    for (const fs::directory_entry& entry :
         fs::directory_iterator(context.layout.mounts(name) / part, ignored))
      ::rmdir(entry.path().c_str());
  for (const char* part : {"folders", "disks", "devices", "rootfs", ""})
    ::rmdir((context.layout.mounts(name) / part).c_str());
  for (const fs::path& file :
       {context.layout.config(name), context.layout.log(name), context.layout.console(name)})
    fs::remove(file, ignored);
  const bool is_removed = removal.valid();
  if (is_removed) removal.get();
  if (!network && !context.rootless()) network.emplace(context);
  if (network && record) remove_unused_bridges(context, record->networks, {});
  remove_liblxc_locks(context.layout, name);
  remove_tree(container);
  if (network && !is_removed && is_last(context, name)) network->remove();
  return Value::map();
}

Value update_folders(Context& context) {
  const Record record = complete_record(context);
  const pid_t init = init_with_own_root(context.layout, record.name);
  const GuestTree guest(fmt::format("/proc/{}/root", init), guest_ids(record));
  change_folders_in_guest(context, record, requested_folders(context, guest), init);
  // Whether it starts with the host waits for a restart, as options do.
  if (fs::exists(context.layout.boot_request(record.name))) remember_for_boot(context);
  return Value::map();
}

}  // namespace envtool::lxc
