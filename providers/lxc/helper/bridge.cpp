#include "providers/lxc/helper/bridge.h"

#include <fmt/format.h>

#include "base/files.h"
#include "base/text.h"
#include "providers/lxc/helper/context.h"

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

}  // namespace envtool::lxc
