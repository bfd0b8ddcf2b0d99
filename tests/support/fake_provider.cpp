#include "support/fake_provider.h"

#include <fmt/format.h>

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
  info.features = {Feature::cpus, Feature::memory};
  info.capabilities = {Capability::native_folders, Capability::live_limits, Capability::console_log};
  info.schema = {
      .name = "fake",
      .options = {
          {.name = "speed", .type = OptionType::integer, .summary = "how fast", .fallback = Value(1)}}};
  return info;
}

void FakeProvider::check_host(Operation&) {
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
  ++machine->second.starts;
}

void FakeProvider::stop(const std::string& backend_name, StopMode, std::chrono::milliseconds,
                        Operation& operation) {
  backend_.enter("stop", backend_name, operation);
  const std::lock_guard lock(backend_.mutex_);
  const auto machine = backend_.machines_.find(backend_name);
  if (machine != backend_.machines_.end() && machine->second.phase == MachinePhase::running)
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
  backend_.machines_.erase(machine);
}

FakeBackend::Machine& FakeProvider::running(const std::string& backend_name) {
  const auto machine = backend_.machines_.find(backend_name);
  if (machine == backend_.machines_.end() || machine->second.phase != MachinePhase::running)
    throw Error(ErrorKind::failed, fmt::format("machine '{}' does not run", backend_name));
  return machine->second;
}

SshEndpoint FakeProvider::endpoint(const std::string& backend_name, Operation&) {
  const std::lock_guard lock(backend_.mutex_);
  return {.host = running(backend_name).address, .port = 22};
}

void FakeProvider::update_folders(const MachineSpec& spec, Operation& operation) {
  backend_.enter("update_folders", spec.backend_name, operation);
  const std::lock_guard lock(backend_.mutex_);
  running(spec.backend_name).spec.folders = spec.folders;
}

void FakeProvider::apply_limits(const std::string& backend_name, std::optional<int> cpus,
                                std::optional<ByteSize> memory, Operation& operation) {
  backend_.enter("apply_limits", backend_name, operation);
  const std::lock_guard lock(backend_.mutex_);
  FakeBackend::Machine& machine = running(backend_name);
  machine.spec.cpus = cpus;
  machine.spec.memory = memory;
}

std::string FakeProvider::console_tail(const std::string& backend_name, std::size_t, Operation&) {
  const std::lock_guard lock(backend_.mutex_);
  return backend_.machines_.contains(backend_name) ? "fake login:" : "";
}

void FakeProvider::forget_box(const std::string& digest, Operation& operation) {
  backend_.enter("forget_box", digest, operation);
}

std::vector<HostCheck> FakeProvider::diagnose(Operation&) {
  return {
      {.name = "memory to keep machines in", .ok = true, .found = "enough"},
      {.name = "a comfortable chair", .ok = false, .required = false, .found = "none", .remedy = "sit down"}};
}

}  // namespace envtool
