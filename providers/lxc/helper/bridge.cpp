#include "providers/lxc/helper/bridge.h"

#include <fmt/format.h>

#include "base/files.h"
#include "base/text.h"
#include "providers/lxc/helper/context.h"
#include "providers/lxc/parts/network_plan.h"

namespace envtool::lxc {

namespace fs = std::filesystem;

std::optional<std::string> device_alias(const std::string& device) {
  const fs::path directory = fs::path("/sys/class/net") / device;
  const auto found = read_file_if_there(directory / "ifalias");
  if (!found) return std::nullopt;
  std::error_code code;
  if (!trim(*found).empty() || !fs::is_empty(directory / "brif", code) || code)
    return std::string(trim(*found));
  run_checked({"ip", "link", "delete", device});
  return std::nullopt;
}

void refuse_device(const std::string& device) {
  throw Error(ErrorKind::failed,
              fmt::format("a network device '{}' is in the way that envtool did not make", device))
      .with_hint(fmt::format("'ip link show {}' shows it; remove or rename it", device));
}

namespace {

/// Before all others by its name; it goes with the boot, as the bridge does.
fs::path unmanaged_file(const std::string& bridge) {
  return "/run/systemd/network/00-" + bridge + ".network";
}

}  // namespace

void keep_unmanaged(const std::string& bridge) {
  std::error_code code;
  if (!fs::exists("/run/systemd/netif", code)) return;
  if (read_file_if_there(unmanaged_file(bridge)) == unmanaged_network()) return;
  fs::create_directories(unmanaged_file(bridge).parent_path());
  write_file(unmanaged_file(bridge), unmanaged_network(), 0644);
  // Of one that does not run nobody needs to be told: it reads the file when it starts.
  run_program({"networkctl", "reload"});
}

void manage_again(const std::string& bridge) {
  std::error_code ignored;
  fs::remove(unmanaged_file(bridge), ignored);
}

}  // namespace envtool::lxc
