#include "support/fake_provider.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/shell.h"

namespace envtool {

void FakeBackend::fail_at(const std::string& call, std::string text) {
  const std::lock_guard lock(mutex_);
  failures_[call] = std::move(text);
}

void FakeBackend::break_at(const std::string& call, std::string text) {
  const std::lock_guard lock(mutex_);
  breaks_[call] = std::move(text);
}

void FakeBackend::kill(const std::string& backend_name) {
  const std::lock_guard lock(mutex_);
  machines_.at(backend_name).phase = MachinePhase::stopped;
}

void FakeBackend::write_disk(const std::string& backend_name, std::string content) {
  const std::lock_guard lock(mutex_);
  machines_.at(backend_name).disk = std::move(content);
}

void FakeBackend::write_disk(const std::string& backend_name, const std::string& disk, std::string content) {
  const std::lock_guard lock(mutex_);
  machines_.at(backend_name).disks.at(disk) = std::move(content);
}

void FakeBackend::lose(const std::string& backend_name) {
  const std::lock_guard lock(mutex_);
  machines_.erase(backend_name);
}

void FakeBackend::put(const std::string& backend_name, Machine machine) {
  const std::lock_guard lock(mutex_);
  machines_[backend_name] = std::move(machine);
}

std::map<std::string, FakeBackend::Machine> FakeBackend::machines() const {
  const std::lock_guard lock(mutex_);
  return machines_;
}

std::vector<std::string> FakeBackend::calls() const {
  const std::lock_guard lock(mutex_);
  return calls_;
}

void FakeBackend::enter(const std::string& call, const std::string& machine, Operation& operation) {
  if (on_call) on_call(call, machine, operation);
  operation.check_stop();
  const std::lock_guard lock(mutex_);
  calls_.push_back(call + " " + machine);
  const auto failure = failures_.extract(call);
  if (!failure.empty()) throw Error(ErrorKind::failed, failure.mapped());
}

void FakeBackend::halfway(const std::string& call) {
  const auto broken = breaks_.extract(call);
  if (!broken.empty()) throw Error(ErrorKind::failed, broken.mapped());
}

ProviderInfo FakeProvider::make_info() {
  ProviderInfo info;
  info.name = "fake";
  info.summary = "machines in memory, for tests";
  info.box_formats = {"fake"};
  info.features = {Feature::cpus, Feature::memory, Feature::disks, Feature::networks};
  info.capabilities = {Capability::native_folders, Capability::live_limits, Capability::suspend,
                       Capability::snapshots,      Capability::usage,       Capability::attach,
                       Capability::console,        Capability::console_log, Capability::kept_disks,
                       Capability::package};
  info.schema = {
      .name = "fake",
      .options = {
          {.name = "speed", .type = OptionType::integer, .summary = "how fast", .fallback = Value(1)},
          {.name = "cpu_set", .type = OptionType::text, .summary = "which CPUs it may run on"},
          {.name = "shape", .type = OptionType::text, .summary = "what it looks like", .create_only = true}}};
  return info;
}

void FakeProvider::check_host(const Value&, Operation&) {
  if (backend_.host_problem.empty()) return;
  throw Error(ErrorKind::host_not_ready, backend_.host_problem).with_hint("mend the test");
}

MachineState FakeProvider::inspect(const std::string& backend_name, Operation&) {
  const std::lock_guard lock(backend_.mutex_);
  const auto machine = backend_.machines_.find(backend_name);
  if (machine == backend_.machines_.end()) return {};
  MachineState state{machine->second.phase, "", machine->second.environment_id, {}};
  if (state.phase == MachinePhase::broken) state.detail = "half of it is missing";
  if (state.phase == MachinePhase::running) state.addresses = {machine->second.address};
  const std::string number = machine->second.address.substr(machine->second.address.rfind('.') + 1);
  for (const NetworkConfig& network : machine->second.spec.networks)
    state.networks.push_back(
        {network.name,
         "br-" + network.name,
         network.mac,
         {network.ip.empty() ? fmt::format("10.98.{}.{}", network.name.size(), number) : network.ip}});
  return state;
}

void FakeProvider::create(const MachineSpec& spec, const Box& box, Operation& operation) {
  backend_.enter("create", spec.backend_name, operation);
  const std::lock_guard lock(backend_.mutex_);
  if (backend_.machines_.contains(spec.backend_name))
    throw Error(ErrorKind::failed, fmt::format("machine '{}' exists already", spec.backend_name));
  if (box.format != "fake")
    throw Error(ErrorKind::failed, fmt::format("a box of format '{}' is none of ours", box.format));
  FakeBackend::Machine& machine = backend_.machines_[spec.backend_name];
  machine.phase = MachinePhase::broken;
  machine.environment_id = spec.environment_id;
  backend_.halfway("create");
  machine.phase = MachinePhase::stopped;
  machine.box_digest = box.digest;
  machine.user = spec.identity.user;
  machine.spec = spec;
  const auto left = backend_.left_.extract(spec.backend_name);
  for (const DiskConfig& disk : spec.disks) {
    std::string& content = machine.disks[disk.name];
    if (!left.empty() && left.mapped().disks.contains(disk.name)) content = left.mapped().disks[disk.name];
    if (disk.keep) machine.kept.insert(disk.name);
  }
  const int number = ++backend_.addresses_;
  machine.address = fmt::format("10.99.{}.{}", number / 250, 2 + number % 250);
}

void FakeProvider::start(const MachineSpec& spec, Operation& operation) {
  backend_.enter("start", spec.backend_name, operation);
  const std::lock_guard lock(backend_.mutex_);
  const auto machine = backend_.machines_.find(spec.backend_name);
  if (machine == backend_.machines_.end())
    throw Error(ErrorKind::failed, fmt::format("there is no machine '{}'", spec.backend_name));
  if (machine->second.phase == MachinePhase::running) return;
  if (machine->second.phase != MachinePhase::stopped)
    throw Error(ErrorKind::failed,
                fmt::format("machine '{}' is {}", spec.backend_name, to_string(machine->second.phase)));
  backend_.halfway("start");
  machine->second.phase = MachinePhase::running;
  machine->second.spec = spec;
  machine->second.limits = {
      .cpus = spec.cpus, .memory = spec.memory, .cpu_set = spec.options["cpu_set"].as_text()};
  ++machine->second.starts;
}

void FakeProvider::stop(const std::string& backend_name, StopMode mode, std::chrono::milliseconds,
                        Operation& operation) {
  backend_.enter("stop", backend_name, operation);
  const std::lock_guard lock(backend_.mutex_);
  const auto machine = backend_.machines_.find(backend_name);
  if (machine == backend_.machines_.end()) return;
  if (machine->second.phase == MachinePhase::paused && mode == StopMode::graceful)
    throw Error(ErrorKind::failed, fmt::format("machine '{}' is paused and cannot be asked", backend_name));
  if (machine->second.phase == MachinePhase::running || machine->second.phase == MachinePhase::paused)
    machine->second.phase = MachinePhase::stopped;
}

void FakeProvider::destroy(const std::string& backend_name, const std::string& environment_id,
                           Operation& operation) {
  backend_.enter("destroy", backend_name, operation);
  const std::lock_guard lock(backend_.mutex_);
  const auto machine = backend_.machines_.find(backend_name);
  if (machine == backend_.machines_.end()) return;
  if (machine->second.environment_id != environment_id)
    throw Error(ErrorKind::failed, fmt::format("machine '{}' belongs to environment '{}'", backend_name,
                                               machine->second.environment_id));
  if (backend_.breaks_.contains("destroy")) machine->second.phase = MachinePhase::broken;
  backend_.halfway("destroy");
  for (const std::string& disk : machine->second.kept)
    backend_.left_[backend_name].disks[disk] = machine->second.disks[disk];
  if (backend_.left_.contains(backend_name)) backend_.left_[backend_name].environment_id = environment_id;
  backend_.machines_.erase(machine);
}

FakeBackend::Machine& FakeProvider::existing(const std::string& backend_name) {
  const auto machine = backend_.machines_.find(backend_name);
  if (machine == backend_.machines_.end())
    throw Error(ErrorKind::failed, fmt::format("there is no machine '{}'", backend_name));
  return machine->second;
}

FakeBackend::Machine& FakeProvider::running(const std::string& backend_name) {
  const auto machine = backend_.machines_.find(backend_name);
  if (machine == backend_.machines_.end() || machine->second.phase != MachinePhase::running)
    throw Error(ErrorKind::failed, fmt::format("machine '{}' does not run", backend_name));
  return machine->second;
}

SshEndpoint FakeProvider::endpoint(const std::string& backend_name, Operation&) {
  const std::lock_guard lock(backend_.mutex_);
  return {.host = running(backend_name).address, .port = 22, .first_key = backend_.first_key};
}

void FakeProvider::update_folders(const MachineSpec& spec, Operation& operation) {
  backend_.enter("update_folders", spec.backend_name, operation);
  const std::lock_guard lock(backend_.mutex_);
  running(spec.backend_name).spec.folders = spec.folders;
}

std::vector<std::string> FakeProvider::kept_disks(const std::string& backend_name, Operation&) {
  const std::lock_guard lock(backend_.mutex_);
  std::vector<std::string> names;
  if (const auto machine = backend_.machines_.find(backend_name); machine != backend_.machines_.end())
    names.assign(machine->second.kept.begin(), machine->second.kept.end());
  else if (const auto left = backend_.left_.find(backend_name); left != backend_.left_.end())
    for (const auto& [disk, content] : left->second.disks) names.push_back(disk);
  return names;
}

void FakeProvider::keep_disks(const std::string& backend_name, const std::string& environment_id,
                              const std::set<std::string>& disks, Operation& operation) {
  backend_.enter("keep_disks", backend_name, operation);
  const std::lock_guard lock(backend_.mutex_);
  if (const auto machine = backend_.machines_.find(backend_name); machine != backend_.machines_.end()) {
    machine->second.kept.clear();
    for (const std::string& disk : disks)
      if (machine->second.disks.contains(disk)) machine->second.kept.insert(disk);
    return;
  }
  const auto left = backend_.left_.find(backend_name);
  if (left == backend_.left_.end()) return;
  if (left->second.environment_id != environment_id)
    throw Error(ErrorKind::failed, fmt::format("disks of '{}' belong to environment '{}'", backend_name,
                                               left->second.environment_id));
  std::erase_if(left->second.disks, [&](const auto& entry) { return !disks.contains(entry.first); });
  if (left->second.disks.empty()) backend_.left_.erase(left);
}

Limits FakeProvider::limits(const std::string& backend_name, Operation&) {
  const std::lock_guard lock(backend_.mutex_);
  return running(backend_name).limits;
}

void FakeProvider::apply_limits(const std::string& backend_name, const Limits& limits, Operation& operation) {
  backend_.enter("apply_limits", backend_name, operation);
  const std::lock_guard lock(backend_.mutex_);
  running(backend_name).limits = limits;
}

void FakeProvider::suspend(const std::string& backend_name, Operation& operation) {
  backend_.enter("suspend", backend_name, operation);
  const std::lock_guard lock(backend_.mutex_);
  if (existing(backend_name).phase != MachinePhase::paused)
    running(backend_name).phase = MachinePhase::paused;
}

void FakeProvider::resume(const std::string& backend_name, Operation& operation) {
  backend_.enter("resume", backend_name, operation);
  const std::lock_guard lock(backend_.mutex_);
  FakeBackend::Machine& machine = existing(backend_name);
  if (machine.phase != MachinePhase::paused)
    running(backend_name);
  else
    machine.phase = MachinePhase::running;
}

namespace {

auto find_snapshot(FakeBackend::Machine& machine, const std::string& name) {
  return std::find_if(machine.snapshots.begin(), machine.snapshots.end(),
                      [&](const auto& snapshot) { return snapshot.name == name; });
}

}  // namespace

std::vector<SnapshotInfo> FakeProvider::snapshots(const std::string& backend_name, Operation&) {
  const std::lock_guard lock(backend_.mutex_);
  std::vector<SnapshotInfo> found;
  const auto machine = backend_.machines_.find(backend_name);
  if (machine == backend_.machines_.end()) return found;
  for (const auto& snapshot : machine->second.snapshots)
    found.push_back({snapshot.name, "2024-05-01T10:20:30Z", ByteSize{snapshot.disk.size()}});
  return found;
}

void FakeProvider::check_saving(const std::string& backend_name, Operation& operation) {
  backend_.enter("check_saving", backend_name, operation);
}

void FakeProvider::save_snapshot(const std::string& backend_name, const std::string& snapshot,
                                 Operation& operation) {
  backend_.enter("save_snapshot", backend_name, operation);
  const std::lock_guard lock(backend_.mutex_);
  FakeBackend::Machine& machine = existing(backend_name);
  if (find_snapshot(machine, snapshot) != machine.snapshots.end())
    throw Error(ErrorKind::failed, fmt::format("there is a snapshot '{}' already", snapshot));
  const MachinePhase before = machine.phase;
  if (before == MachinePhase::running) machine.phase = MachinePhase::paused;
  backend_.halfway("save_snapshot");
  machine.snapshots.push_back({snapshot, machine.disk});
  machine.phase = before;
}

void FakeProvider::check_snapshot(const std::string& backend_name, const std::string&, Operation& operation) {
  backend_.enter("check_snapshot", backend_name, operation);
}

void FakeProvider::restore_snapshot(const std::string& backend_name, const std::string& snapshot,
                                    Operation& operation) {
  backend_.enter("restore_snapshot", backend_name, operation);
  const std::lock_guard lock(backend_.mutex_);
  FakeBackend::Machine& machine = existing(backend_name);
  if (machine.phase != MachinePhase::stopped)
    throw Error(ErrorKind::failed, fmt::format("machine '{}' is not stopped", backend_name));
  const auto found = find_snapshot(machine, snapshot);
  if (found == machine.snapshots.end())
    throw Error(ErrorKind::failed, fmt::format("there is no snapshot '{}'", snapshot));
  backend_.halfway("restore_snapshot");
  machine.disk = found->disk;
}

void FakeProvider::delete_snapshot(const std::string& backend_name, const std::string& snapshot,
                                   Operation& operation) {
  backend_.enter("delete_snapshot", backend_name, operation);
  const std::lock_guard lock(backend_.mutex_);
  const auto machine = backend_.machines_.find(backend_name);
  if (machine == backend_.machines_.end()) return;
  std::erase_if(machine->second.snapshots, [&](const auto& other) { return other.name == snapshot; });
}

MachineUsage FakeProvider::usage(const std::string& backend_name, Operation&) {
  const std::lock_guard lock(backend_.mutex_);
  if (existing(backend_name).phase == MachinePhase::stopped) return {};
  return {.cpu_time = std::chrono::milliseconds(1500),
          .memory = ByteSize{34 << 20},
          .disk_read = ByteSize{1 << 20},
          .disk_written = ByteSize{2 << 20},
          .received = ByteSize{3 << 10},
          .sent = ByteSize{4 << 10},
          .processes = 12};
}

void FakeProvider::export_rootfs(const std::string& backend_name,
                                 const std::function<void(std::string_view)>& take, Operation& operation) {
  backend_.enter("export_rootfs", backend_name, operation);
  std::string disk;
  {
    const std::lock_guard lock(backend_.mutex_);
    FakeBackend::Machine& machine = existing(backend_name);
    const MachinePhase before = machine.phase;
    if (before == MachinePhase::running) machine.phase = MachinePhase::paused;
    backend_.halfway("export_rootfs");
    machine.phase = before;
    disk = machine.disk;
  }
  take(disk);
}

int FakeProvider::attach(const std::string& backend_name, const AttachCommand& command,
                         Operation& operation) {
  backend_.enter(fmt::format("attach {} as {} in '{}'{}:",
                             command.argv.empty() ? "[" + command.script + "]" : quote_command(command.argv),
                             command.user, command.directory, command.terminal ? " on a terminal" : ""),
                 backend_name, operation);
  const std::lock_guard lock(backend_.mutex_);
  running(backend_name);
  return backend_.attach_status;
}

void FakeProvider::open_console(const std::string& backend_name, Operation& operation) {
  backend_.enter("open_console", backend_name, operation);
  const std::lock_guard lock(backend_.mutex_);
  running(backend_name);
}

std::string FakeProvider::console_tail(const std::string& backend_name, std::size_t, Operation&) {
  const std::lock_guard lock(backend_.mutex_);
  return backend_.machines_.contains(backend_name) ? "fake login:" : "";
}

void FakeProvider::forget_box(const std::string& digest, Operation& operation) {
  backend_.enter("forget_box", digest, operation);
}

void FakeProvider::forget_elsewhere(Operation& operation) {
  if (!backend_.left_elsewhere.empty()) operation.say(backend_.left_elsewhere, Tone::warning);
}

std::vector<HostCheck> FakeProvider::diagnose(Operation&) {
  return {
      {.name = "memory to keep machines in",
       .ok = backend_.host_problem.empty(),
       .found = backend_.host_problem.empty() ? "enough" : backend_.host_problem},
      {.name = "a comfortable chair", .ok = false, .required = false, .found = "none", .remedy = "sit down"}};
}

}  // namespace envtool
