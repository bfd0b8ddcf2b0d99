// What a machine can do while it is there, beyond its life cycle.
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "base/text.h"
#include "providers/lxc/parts/stack.h"
#include "providers/lxc/parts/usage.h"
#include "providers/lxc/provider.h"

namespace envtool::lxc {

UniqueFd LxcProvider::run_ended(const std::string& name, Operation&) {
  const Cgroups cgroups = cgroups_of(name);
  if (!is_machine_name(name) || !cgroups.is_running(name)) return {};
  // Without its monitor a guest cannot be started anew after a reboot: then init's end is the end.
  std::optional<pid_t> process = cgroups.monitor(name);
  if (!process) process = cgroups.init(name);
  return process ? UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, *process, 0))) : UniqueFd();
}

Limits LxcProvider::limits(const std::string& name, Operation&) {
  const Cgroups cgroups = cgroups_of(name);
  const LimitValues found = limits_in(
      [&](const std::string& file) { return cgroups.read_control(name, file); }, cgroups.all_cpus(name));
  Limits limits{.cpu_set = found.cpu_set};
  if (found.cpus) limits.cpus = static_cast<int>(*found.cpus);
  if (found.memory) limits.memory = ByteSize{static_cast<std::uint64_t>(*found.memory)};
  return limits;
}

void LxcProvider::apply_limits(const std::string& name, const Limits& limits, Operation& operation) {
  Value request = own_request(name);
  if (limits.cpus) request.set("cpus", *limits.cpus);
  if (limits.memory) request.set("memory", static_cast<std::int64_t>(limits.memory->bytes));
  request.set("cpu_set", limits.cpu_set);
  side_of(name).helper.call("limits", request, operation);
}

void LxcProvider::suspend(const std::string& name, Operation& operation) {
  side_of(name).helper.call("suspend", own_request(name), operation);
}

void LxcProvider::resume(const std::string& name, Operation& operation) {
  side_of(name).helper.call("resume", own_request(name), operation);
}

std::vector<SnapshotInfo> LxcProvider::snapshots(const std::string& name, Operation& operation) {
  const std::optional<Record> record = record_of(name);
  if (!record) return {};
  LayerStack stack = stack_of(side_of(name).layout, *record);
  if (std::any_of(stack.snapshots.begin(), stack.snapshots.end(),
                  [](const SavedStack& saved) { return saved.bytes < 0; })) {
    side_of(name).helper.call("measure_snapshots", own_request(name), operation);
    stack = stack_of(side_of(name).layout, *record);
  }
  std::vector<SnapshotInfo> infos;
  for (const SavedStack& saved : stack.snapshots)
    infos.push_back({saved.name, saved.when,
                     ByteSize{static_cast<std::uint64_t>(std::max<std::int64_t>(0, saved.bytes))}});
  return infos;
}

std::vector<std::string> LxcProvider::snapshot_names(const std::string& name, Operation&) {
  std::vector<std::string> names;
  if (const std::optional<Record> record = record_of(name))
    for (const SavedStack& saved : stack_of(side_of(name).layout, *record).snapshots)
      names.push_back(saved.name);
  return names;
}

void LxcProvider::check_saving(const std::string& name, Operation&) {
  const std::optional<Record> record = record_of(name);
  if (!record || !record->store) return;
  throw Error(ErrorKind::unsupported,
              fmt::format("it has no snapshots, as it lies in a store of liblxc's ('storage: {{lxc: {}}}')",
                          record->store->type))
      .with_hint(
          "'envtool package' makes a box of what it is now; machines with 'storage: overlay', 'dir' or "
          "'btrfs' have snapshots");
}

void LxcProvider::save_snapshot(const std::string& name, const std::string& snapshot, Operation& operation) {
  side_of(name).helper.call("save_snapshot", own_request(name).set("snapshot", snapshot), operation);
}

void LxcProvider::restore_snapshot(const std::string& name, const std::string& snapshot,
                                   Operation& operation) {
  side_of(name).helper.call("restore_snapshot", own_request(name).set("snapshot", snapshot), operation);
}

void LxcProvider::delete_snapshot(const std::string& name, const std::string& snapshot,
                                  Operation& operation) {
  if (record_of(name))
    side_of(name).helper.call("delete_snapshot", own_request(name).set("snapshot", snapshot), operation);
}

MachineUsage LxcProvider::usage(const std::string& name, Operation&) {
  const Cgroups cgroups = cgroups_of(name);
  const auto init = is_machine_name(name) ? cgroups.init(name) : std::nullopt;
  if (!init) return {};
  UsageValues found = usage_in([&](const std::string& file) { return cgroups.read_control(name, file); });
  if (const auto devices = read_file_if_there(fmt::format("/proc/{}/net/dev", *init)))
    add_network(found, *devices);
  const auto size = [](const std::optional<std::int64_t>& bytes) {
    return bytes ? std::optional(ByteSize{static_cast<std::uint64_t>(*bytes)}) : std::nullopt;
  };
  MachineUsage usage{.memory = size(found.memory),
                     .disk_read = size(found.disk_read),
                     .disk_written = size(found.disk_written),
                     .received = size(found.received),
                     .sent = size(found.sent)};
  if (found.cpu_nanoseconds) usage.cpu_time = std::chrono::milliseconds(*found.cpu_nanoseconds / 1'000'000);
  if (found.processes) usage.processes = static_cast<int>(*found.processes);
  return usage;
}

void LxcProvider::export_rootfs(const std::string& name, const std::function<void(std::string_view)>& take,
                                Operation& operation) {
  side_of(name).helper.export_rootfs(own_request(name), take, operation);
}

int LxcProvider::attach(const std::string& name, const AttachCommand& command, Operation&) {
  Value environment = Value::map();
  for (const auto& [variable, value] : command.environment) environment.set(variable, value);
  Value request = own_request(name);
  request.set("user", command.user)
      .set("script", command.script)
      .set("directory", command.directory)
      .set("terminal", command.terminal)
      .set("variables", environment);
  return side_of(name).helper.run_attached("attach", request, command.argv);
}

void LxcProvider::open_console(const std::string& name, Operation&) {
  if (side_of(name).helper.run_attached("console", own_request(name), {}) != 0)
    throw Error(ErrorKind::failed, "the console could not be opened");
}

std::string LxcProvider::console_tail(const std::string& name, std::size_t lines, Operation&) {
  constexpr std::streamoff enough = 65536;
  if (!is_machine_name(name)) return {};
  std::ifstream file(side_of(name).layout.console(name), std::ios::binary | std::ios::ate);
  if (!file) return {};
  const std::streamoff size = file.tellg();
  file.seekg(std::max<std::streamoff>(0, size - enough));
  const std::string text(std::istreambuf_iterator<char>(file), {});
  return last_lines(replace_all(text, "\r", ""), lines);
}

}  // namespace envtool::lxc
