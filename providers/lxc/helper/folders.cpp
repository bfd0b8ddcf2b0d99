#include "providers/lxc/helper/folders.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/openat2.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/hash.h"
#include "base/text.h"
#include "providers/lxc/helper/mounts.h"
#include "providers/lxc/parts/guest_files.h"

namespace envtool::lxc {

namespace fs = std::filesystem;

namespace {

bool is_plain_path(const std::string& path) {
  return std::none_of(path.begin(), path.end(), [](char c) { return static_cast<unsigned char>(c) < 32; });
}

SharedFolder folder_of(const Value& value, std::string_view passwd) {
  SharedFolder folder{.host = value["host"].as_text(),
                      .guest = value["guest"].as_text(),
                      .read_only = value["read_only"].as_bool(),
                      .uid = 0,
                      .gid = 0,
                      .covered = value["covered"].as_texts(),
                      .hides_project_state = value["hides_project_state"].as_bool()};
  if (!folder.host.is_absolute() || !folder.guest.starts_with('/') || folder.guest.size() < 2 ||
      !is_plain_path(folder.guest) || fs::path(folder.guest).lexically_normal() != folder.guest)
    throw Error(ErrorKind::failed,
                fmt::format("folder '{}' cannot be shared as '{}': both must be plain absolute paths",
                            folder.host.string(), folder.guest));
  const std::string& owner = value["owner"].as_text();
  const std::optional<Account> account = find_account(passwd, owner);
  if (!account)
    throw Error(ErrorKind::failed,
                fmt::format("folder '{}': the guest has no user '{}'", folder.guest, owner));
  folder.uid = account->uid;
  folder.gid = account->gid;
  return folder;
}

UniqueFd open_below(int directory, const std::string& path, int flags) {
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags) | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  return UniqueFd(static_cast<int>(::syscall(SYS_openat2, directory, path.c_str(), &how, sizeof how)));
}

/// The mount point for what covers a part of a folder must exist on the host; the user makes it.
void make_below(int directory, const std::string& path) {
  std::string made;
  for (const std::string& part : split(path, '/')) {
    made += (made.empty() ? "" : "/") + part;
    const UniqueFd parent =
        open_below(directory, fs::path(made).has_parent_path() ? fs::path(made).parent_path() : ".",
                   O_RDONLY | O_DIRECTORY);
    if (parent) ::mkdirat(parent.get(), part.c_str(), 0755);
  }
}

UniqueFd open_as_user(const Context& context, const SharedFolder& folder) {
  const AsUser user(context.caller);
  UniqueFd fd(::open(folder.host.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) fail(fmt::format("share the folder '{}'", folder.host.string()), errno);
  for (const std::string& covered : folder.covered) make_below(fd.get(), covered);
  return fd;
}

/// Puts a directory of the machine's own over one of the folder.
void cover(int folder, const std::string& place, const fs::path& own, bool read_only) {
  const UniqueFd target = open_below(folder, place, O_PATH | O_DIRECTORY);
  if (!target) return;  // not there: nothing to hide
  const UniqueFd copy = clone_mount(open_directory(own).get(), {.read_only = read_only}, own.string());
  attach(copy.get(), target.get());
}

fs::path own_directory(const fs::path& path, std::uint32_t uid, std::uint32_t gid) {
  if (!fs::is_directory(path)) {
    make_directories(path, 0755);
    if (::chown(path.c_str(), uid, gid) != 0)
      fail(fmt::format("set the owner of '{}'", path.string()), errno);
  }
  return path;
}

UniqueFd clone_shifted(const Context& context, const Record& record, const SharedFolder& folder, int host) {
  const IdMap users = folder_id_map(record.ids, record.owner, folder.uid);
  gid_t host_group = context.caller.gid;
  if (struct stat facts{}; context.caller.uid != record.owner && ::fstat(host, &facts) == 0)
    host_group = facts.st_gid;
  const UniqueFd space = user_namespace(users, folder_id_map(record.ids, host_group, folder.gid));
  return clone_mount(host, {.read_only = folder.read_only, .user_namespace = space.get()},
                     fmt::format("the folder '{}'", folder.host.string()));
}

/// Without root the guest's ssh user is the host's user everywhere, and nobody else can be.
UniqueFd clone_unshifted(const Record& record, const SharedFolder& folder, int host) {
  if (record.own && folder.uid != record.own->uid)
    throw Error(ErrorKind::unsupported,
                fmt::format("folder '{}': without root what the host's user owns can be of the guest's user "
                            "'{}' only",
                            folder.guest, record.user))
        .with_hint(
            "leave 'owner' out, copy the folder by 'type: rsync', or make the machine by root's helper: "
            "'providers: {lxc: {mode: root}}'");
  return clone_mount(host, {.read_only = folder.read_only, .recursive = true},
                     fmt::format("the folder '{}'", folder.host.string()));
}

fs::path list_file(const Context& context, const std::string& machine) {
  return context.layout.machine(machine) / "folders.json";
}

}  // namespace

std::vector<SharedFolder> requested_folders(const Context& context, const GuestTree& guest) {
  const std::string passwd = guest.read("/etc/passwd").value_or("");
  std::vector<SharedFolder> folders;
  for (const Value& value : context.request["folders"].items()) folders.push_back(folder_of(value, passwd));
  return folders;
}

void prepare_folder(const Context& context, const Record& record, const SharedFolder& folder,
                    std::size_t number) {
  const UniqueFd host = open_as_user(context, folder);
  const UniqueFd mount = context.rootless() ? clone_unshifted(record, folder, host.get())
                                            : clone_shifted(context, record, folder, host.get());
  const fs::path place = context.layout.folder(record.name, number);
  make_directories(place, 0711);
  attach(mount.get(), place);
  const UniqueFd top = open_directory(place);
  const fs::path own = context.layout.machine(record.name) / "covers";
  const GuestIds ids = guest_ids(record);
  for (const std::string& covered : folder.covered)
    cover(
        top.get(), covered,
        own_directory(own / sha256(folder.guest + "\n" + covered), ids.uid(folder.uid), ids.gid(folder.gid)),
        false);
  if (folder.hides_project_state)
    cover(top.get(), ".envtool", own_directory(own / "empty", ids.uid(0), ids.gid(0)), true);
}

std::vector<SharedFolder> present_folders(const Context& context, const std::string& machine) {
  std::vector<SharedFolder> folders;
  const auto text = read_file_if_there(list_file(context, machine));
  const Value list = text ? parse_json(*text, list_file(context, machine).string()) : Value();
  for (const Value& value : list.items())
    folders.push_back({value["host"].as_text(), value["guest"].as_text(), value["read_only"].as_bool(),
                       static_cast<std::uint32_t>(value["uid"].as_integer()),
                       static_cast<std::uint32_t>(value["gid"].as_integer()), value["covered"].as_texts(),
                       value["hides_project_state"].as_bool()});
  return folders;
}

void remember_folders(const Context& context, const std::string& machine,
                      const std::vector<SharedFolder>& folders) {
  Value list = Value::list();
  for (const SharedFolder& folder : folders) {
    Value covered = Value::list();
    for (const std::string& path : folder.covered) covered.push_back(path);
    list.push_back(Value::map({{"host", folder.host.string()},
                               {"guest", folder.guest},
                               {"read_only", folder.read_only},
                               {"uid", static_cast<std::int64_t>(folder.uid)},
                               {"gid", static_cast<std::int64_t>(folder.gid)},
                               {"covered", covered},
                               {"hides_project_state", folder.hides_project_state}}));
  }
  write_file(list_file(context, machine), to_json(list), 0600);
}

void change_folders_in_guest(const Context& context, const Record& record,
                             const std::vector<SharedFolder>& wanted, pid_t init) {
  const std::vector<SharedFolder> present = present_folders(context, record.name);
  const auto among = [](const std::vector<SharedFolder>& list, const SharedFolder& folder) {
    return std::find(list.begin(), list.end(), folder) != list.end();
  };
  enter_private_mounts();
  std::vector<std::pair<UniqueFd, std::string>> fresh;
  for (std::size_t number = 0; number < wanted.size(); ++number) {
    if (among(present, wanted[number])) continue;
    prepare_folder(context, record, wanted[number], number);
    fresh.emplace_back(clone_for_guest(context.layout.folder(record.name, number), init),
                       wanted[number].guest);
  }
  {
    const InMountsOf guest(init);
    for (const SharedFolder& folder : present)
      if (!among(wanted, folder)) ::umount2(folder.guest.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW);
    const GuestTree tree("/", guest_ids(record));
    for (const auto& [mount, place] : fresh) {
      tree.make_directory(place, {0, 0, 0755});
      attach(mount.get(), place);
    }
  }
  remember_folders(context, record.name, wanted);
}

}  // namespace envtool::lxc
