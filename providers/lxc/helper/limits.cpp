#include "providers/lxc/helper/limits.h"

#include <fmt/format.h>

#include <cerrno>

#include "base/files.h"
#include "base/text.h"
#include "providers/lxc/parts/processes.h"

namespace envtool::lxc {

namespace fs = std::filesystem;

namespace {

std::optional<std::int64_t> number_in(const Value& value) {
  return value.is_integer() ? std::optional(value.as_integer()) : std::nullopt;
}

/// What systemd gives a user by itself is less: `cpu memory pids` with its version 252.
constexpr std::string_view delegation_hint =
    "let the user have that controller; with systemd, then log in anew or restart the host:\n"
    "  sudo mkdir -p /etc/systemd/system/user@.service.d\n"
    "  printf '[Service]\\nDelegate=cpu cpuset io memory pids\\n' | sudo tee "
    "/etc/systemd/system/user@.service.d/delegate.conf\n"
    "  sudo systemctl daemon-reload";

std::string refusal(const ControlFile& file, int number) {
  if (file.name == "memory.limit_in_bytes" && number == EBUSY) return "its programs use more than that now";
  return errno_text(number);
}

}  // namespace

LimitValues requested_limits(const Context& context) {
  const std::string& cpu_set = context.text("cpu_set");
  if (!cpu_set.empty() && !is_cpu_set(cpu_set))
    throw Error(ErrorKind::usage, fmt::format("'{}' is no set of CPUs", cpu_set))
        .with_hint("numbers and ranges, such as '0-1' or '0,2'");
  return {.cpus = number_in(context.request["cpus"]),
          .memory = number_in(context.request["memory"]),
          .cpu_set = cpu_set};
}

Value apply_limits(Context& context) {
  const Record record = complete_record(context);
  const Cgroups cgroups = Cgroups::of_machine(context.layout, record.name);
  if (!cgroups.is_running(record.name)) throw Error(ErrorKind::failed, "it does not run");
  const auto files = limit_files(requested_limits(context), parse_cgroup_layout(read_file("/proc/mounts")),
                                 cgroups.all_cpus(record.name));
  std::vector<std::pair<fs::path, std::string>> before;
  for (const ControlFile& file : files) {
    const auto path = cgroups.control(record.name, file.name);
    const std::string old(path ? trim(read_file(*path)) : "");
    if (path && (old == file.value || write_control(*path, file.value.empty() ? "\n" : file.value))) {
      before.emplace_back(*path, old);
      continue;
    }
    const int number = errno;
    for (auto changed = before.rbegin(); changed != before.rend(); ++changed)
      write_control(changed->first, changed->second.empty() ? "\n" : changed->second);
    Error error(ErrorKind::failed,
                fmt::format("the kernel refuses '{}' for its '{}': {}", file.value, file.name,
                            path ? refusal(file, number) : "this host has no such control"));
    if (!path && context.rootless()) error.with_hint(std::string(delegation_hint));
    throw error;
  }
  return Value::map();
}

}  // namespace envtool::lxc
