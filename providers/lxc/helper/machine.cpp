#include "providers/lxc/helper/machine.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <future>

#include "base/files.h"
#include "base/hash.h"
#include "base/hosts.h"
#include "base/text.h"
#include "providers/lxc/helper/container.h"
#include "providers/lxc/helper/folders.h"
#include "providers/lxc/helper/host_facts.h"
#include "providers/lxc/helper/layers.h"
#include "providers/lxc/helper/limits.h"
#include "providers/lxc/helper/machine_parts.h"
#include "providers/lxc/helper/mounts.h"
#include "providers/lxc/helper/network.h"
#include "providers/lxc/parts/container_config.h"
#include "providers/lxc/parts/guest_files.h"
#include "providers/lxc/parts/processes.h"
#include "providers/lxc/parts/stack.h"

namespace envtool::lxc {

namespace fs = std::filesystem;

namespace {

std::uint32_t host_number(const std::string& address) {
  std::uint32_t number = 0;
  const std::size_t dot = address.rfind('.');
  if (dot != std::string::npos)
    std::from_chars(address.data() + dot + 1, address.data() + address.size(), number);
  return number;
}

Storage storage_for(Context& context) {
  const std::string& wanted = context.text("storage");
  if (wanted == "dir") return Storage::copy;
  if (!context.request["unprivileged"].as_bool(true)) return Storage::overlay;
  const HostFacts facts = host_facts(context);
  if (!facts.shifting)
    throw Error(ErrorKind::host_not_ready, facts.refusal)
        .with_hint(
            "use a kernel of 5.12 or newer and ext4, xfs or btrfs, or set 'unprivileged: false' for LXC");
  if (facts.overlay) return Storage::overlay;
  if (wanted == "overlay")
    throw Error(ErrorKind::host_not_ready, facts.refusal).with_hint("use 'storage: dir'");
  context.warnings.push_back(
      fmt::format("machine '{}' gets a copy of its box: {}", context.text("name"), facts.refusal));
  return Storage::copy;
}

}  // namespace

Record reserve(Context& context, Storage storage) {
  Network network(context);
  std::vector<std::uint32_t> numbers;
  std::vector<IdRange> ids = parse_subordinate_ids(read_file_if_there("/etc/subuid").value_or(""));
  const std::vector<IdRange> groups = parse_subordinate_ids(read_file_if_there("/etc/subgid").value_or(""));
  ids.insert(ids.end(), groups.begin(), groups.end());
  for (const Record& other : all_records(context.layout)) {
    numbers.push_back(host_number(other.address));
    ids.push_back({other.ids, ids_per_machine});
  }
  const std::string& name = context.text("name");
  const Record record{.name = name,
                      .environment = context.text("environment"),
                      .owner = context.caller.uid,
                      .complete = false,
                      .box = context.text("digest"),
                      .storage = storage,
                      .ids = context.request["unprivileged"].as_bool(true) ? choose_id_block(ids) : 0,
                      .user = context.text("user"),
                      .bridge = network.bridge(),
                      .address = network.subnet().host(choose_host(numbers)),
                      .mac = mac_address(network.bridge(), name)};
  save_record(context, record);
  return record;
}

namespace {

/// Where the machine's own files are, and how their owners are shifted on disk.
GuestTree make_files(const Context& context, const Record& record) {
  const fs::path box = context.layout.box(record.box) / "rootfs";
  const fs::path own = context.layout.machine(record.name);
  make_directories(own, 0700);
  if (record.storage == Storage::copy) {
    // Not shifted: the mount will do that, as for a box.
    run_checked({"cp", "--archive", "--reflink=auto", box.string(), (own / "rootfs").string()});
    return GuestTree(own / "rootfs");
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
  const fs::path own = context.layout.machine(record.name);
  const fs::path target = context.layout.rootfs(record.name);
  make_directories(target, 0711);
  const bool copy = record.storage == Storage::copy;
  const LayerStack stack = stack_of(context.layout, record);
  const UniqueFd source = open_directory(copy ? own / stack.top : context.layout.box(record.box) / "rootfs");
  const IdMap map = box_id_map(record.ids);
  const UniqueFd space = record.ids != 0 ? user_namespace(map, map) : UniqueFd();
  const UniqueFd tree =
      clone_mount(source.get(), {.read_only = !copy, .user_namespace = space.get()}, "the box");
  if (copy) {
    attach(tree.get(), target);
    return GuestTree(own / stack.top);
  }
  Overlay overlay{
      .lower = tree.get(), .upper = own / stack.top, .work = own / work_of(stack.top), .target = target};
  for (const std::string& layer : stack.layers) overlay.layers.push_back(open_directory(own / layer));
  mount_overlay(overlay);
  return GuestTree(target, guest_ids(record));
}

namespace {

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

}  // namespace

void write_config(const Context& context, const Record& record, const std::vector<SharedFolder>& folders,
                  const std::string& gateway) {
  ContainerConfig config{.hostname = context.text("hostname"),
                         .gateway = gateway,
                         .limits = requested_limits(context),
                         .folders = {},
                         .raw = raw_config_of(context.request["config"])};
  for (std::size_t number = 0; number < folders.size(); ++number)
    config.folders.emplace_back(number, folders[number].guest);
  config.apparmor =
      read_file_if_there("/sys/module/apparmor/parameters/enabled").value_or("").starts_with('Y');
  const std::string seccomp = "/usr/share/lxc/config/common.seccomp";
  if (fs::exists(seccomp)) config.seccomp_profile = seccomp;
  config.cgroups = parse_cgroup_layout(read_file("/proc/mounts"));
  write_file(context.layout.config(record.name), container_config_text(context.layout, record, config));
  empty_log(context.layout.log(record.name), record.owner);
  empty_log(context.layout.console(record.name), record.owner);
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
    throw Error(ErrorKind::failed, fmt::format("there is a machine '{}' already", name));
  if (!is_digest(context.text("digest"))) throw Error(ErrorKind::usage, "'digest' is not a digest");
  raw_config_of(context.request["config"]);
  const fs::path box = context.layout.box(context.text("digest")) / "rootfs";
  std::optional<Lock> uses = wait_for_lock(context.layout.uses_lock(), std::chrono::seconds(60));
  if (!fs::exists(box)) return Value::map({{"needs_import", true}});
  const std::string& user = context.text("user");
  const auto account = find_account(GuestTree(box).read("/etc/passwd").value_or(""), user);
  if (!account)
    throw Error(ErrorKind::failed, fmt::format("box '{}' has no user '{}'", context.text("box"), user))
        .with_hint("name a user of the box under 'ssh: {user: ...}'");
  Record record = reserve(context, storage_for(context));
  uses.reset();
  write_identity(context, *account, make_files(context, record));
  record.complete = true;
  save_record(context, record);
  return Value::map({{"address", record.address}});
}

Value start_machine(Context& context) {
  Record record = complete_record(context);
  const std::string& name = record.name;
  if (const Cgroups cgroups = Cgroups::of_machine(context.layout, name); cgroups.is_running(name)) {
    if (!cgroups.is_frozen(name)) return Value::map();
    throw Error(ErrorKind::failed, fmt::format("machine '{}' is paused", name));
  }
  end_container(context.layout, name);
  std::string resolv_conf, gateway;
  {
    Network network(context);
    network.ensure_bridge();
    gateway = network.gateway();
    resolv_conf = network.resolv_conf();
    const std::string address = network.subnet().host(host_number(record.address));
    if (address != record.address) {
      record.address = address;
      save_record(context, record);
    }
  }
  enter_private_mounts();
  {
    const GuestTree guest = mount_rootfs(context, record);
    write_names(context, resolv_conf, guest);
    const std::vector<SharedFolder> folders = requested_folders(context, guest);
    for (std::size_t number = 0; number < folders.size(); ++number)
      prepare_folder(context, record, folders[number], number);
    remember_folders(context, name, folders);
    write_config(context, record, folders, gateway);
  }
  start_container(context.layout, name);
  // The guest boots meanwhile.
  Network(context).ensure_services();
  return Value::map({{"address", record.address}});
}

Value stop_machine(Context& context) {
  const std::optional<Record> record = own_record(context);
  if (!record) return Value::map();
  if (context.request["graceful"].as_bool() &&
      Cgroups::of_machine(context.layout, record->name).is_running(record->name))
    request_shutdown(context.layout, record->name);
  else
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
  if (is_last(context, name)) {
    network.emplace(context);
    if (is_last(context, name))
      removal = std::async(std::launch::async, &Network::remove, &*network);
    else
      network.reset();
  }
  if (record) end_container(context.layout, name);
  wait_for_discards(context.layout.machine(name));
  remove_tree(context.layout.machine(name));
  // Never recursively: were anything still mounted here, it would be somebody's files.
  std::error_code ignored;
  for (const fs::directory_entry& entry :
       fs::directory_iterator(context.layout.mounts(name) / "folders", ignored))
    ::rmdir(entry.path().c_str());
  for (const char* part : {"folders", "rootfs", ""}) ::rmdir((context.layout.mounts(name) / part).c_str());
  for (const fs::path& file :
       {context.layout.config(name), context.layout.log(name), context.layout.console(name)})
    fs::remove(file, ignored);
  if (removal.valid()) {
    removal.get();
    remove_tree(container);
    return Value::map();
  }
  network.emplace(context);
  remove_tree(container);
  if (is_last(context, name)) network->remove();
  return Value::map();
}

Value update_folders(Context& context) {
  const Record record = complete_record(context);
  const auto init = Cgroups::of_machine(context.layout, record.name).init(record.name);
  if (!init) throw Error(ErrorKind::failed, fmt::format("machine '{}' does not run", record.name));
  const GuestTree guest(fmt::format("/proc/{}/root", *init), guest_ids(record));
  change_folders_in_guest(context, record, requested_folders(context, guest), *init);
  return Value::map();
}

}  // namespace envtool::lxc
