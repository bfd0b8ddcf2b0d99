#include "providers/lxc/helper/devices.h"

#include <fmt/format.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>

#include "base/files.h"

namespace envtool::lxc {

namespace fs = std::filesystem;

namespace {

struct stat device_at(const std::string& path) {
  struct stat facts {};
  if (::stat(path.c_str(), &facts) != 0) fail(fmt::format("give the guest the device '{}'", path), errno);
  if (!S_ISCHR(facts.st_mode) && !S_ISBLK(facts.st_mode))
    throw Error(ErrorKind::failed, fmt::format("option 'devices': '{}' is no device", path));
  return facts;
}

DeviceNode node_of(const std::string& path, const struct stat& facts, const fs::path& source) {
  return {.source = source,
          .guest = path,
          .rule = fmt::format("{} {}:{} rwm", S_ISCHR(facts.st_mode) ? 'c' : 'b', major(facts.st_rdev),
                              minor(facts.st_rdev))};
}

DeviceNode lend(const Context& context, const std::string& path) {
  const AsUser user(context.caller);
  if (::eaccess(path.c_str(), R_OK | W_OK) != 0)
    throw Error(ErrorKind::unsupported, fmt::format("user '{}' may not use the device '{}': {}",
                                                    context.caller.name, path, errno_text(errno)))
        .with_hint(
            "without root a guest has only what its user may use; or make the machine by root's helper: "
            "'providers: {lxc: {mode: root}}'");
  return node_of(path, device_at(path), path);
}

}  // namespace

std::vector<DeviceNode> prepare_devices(const Context& context, const Record& record,
                                        const std::vector<std::string>& paths) {
  std::vector<DeviceNode> nodes;
  if (paths.empty()) return nodes;
  if (context.rootless()) {
    for (const std::string& path : paths) nodes.push_back(lend(context, path));
    return nodes;
  }
  // Where machines lie, devices may be forbidden by a mount option.
  const fs::path place = context.layout.mounts(record.name) / "devices";
  make_directories(place, 0711);
  if (::mount("tmpfs", place.c_str(), "tmpfs", MS_NOSUID | MS_NOEXEC, "size=64k,mode=0711") != 0)
    fail(fmt::format("mount '{}'", place.string()), errno);
  const GuestIds ids = guest_ids(record);
  for (const std::string& path : paths) {
    const struct stat facts = device_at(path);
    const fs::path own = place / std::to_string(nodes.size());
    if (::mknod(own.c_str(), facts.st_mode, facts.st_rdev) != 0 ||
        ::chmod(own.c_str(), facts.st_mode & 0777) != 0 || ::chown(own.c_str(), ids.uid(0), ids.gid(0)) != 0)
      fail(fmt::format("make the device '{}' for the guest", path), errno);
    nodes.push_back(node_of(path, facts, own));
  }
  return nodes;
}

}  // namespace envtool::lxc
