#include "conformance/provider_conformance.h"

#include <doctest/doctest.h>

#include <thread>

#include "core/capabilities.h"
#include "core/folder_devices.h"

namespace envtool {

namespace {

using namespace std::chrono_literals;

MachinePhase phase_of(const ProviderUnderTest& test, const std::string& name) {
  return test.provider.inspect(name, test.operation).phase;
}

void destroy(const ProviderUnderTest& test, const std::string& name) {
  test.provider.destroy(name, test.environment_id, test.operation);
}

template <class Power>
void check_power(const ProviderUnderTest& test) {
  const bool listed = test.provider.info().capabilities.contains(Power::capability);
  const bool has = power_of<Power>(test.provider) != nullptr;
  CHECK_MESSAGE(listed == has, "capability '" << to_string(Power::capability) << "' is "
                                              << (listed ? "" : "not ") << "listed and "
                                              << (has ? "" : "not ") << "there");
}

}  // namespace

MachineSpec conformance_spec(const ProviderUnderTest& test, const std::string& backend_name) {
  MachineSpec spec;
  spec.backend_name = backend_name;
  spec.environment_id = test.environment_id;
  spec.project = "conformance";
  spec.name = spec.hostname = "web";
  spec.shutdown_timeout = 20s;
  spec.identity = {
      .user = "vagrant",
      .authorized_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIConformanceConformanceConformanceCon test",
      .host_private_key = "not a key\n",
      .host_public_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHostHostHostHostHostHostHostHostHostHo host"};
  spec.options = Value::map();
  for (const OptionSpec& option : test.provider.info().schema.options)
    if (!option.fallback.is_null()) spec.options.set(option.name, option.fallback);
  return spec;
}

void check_life_of_a_machine(const ProviderUnderTest& test) {
  const MachineSpec spec = conformance_spec(test, "conformance-life");
  CHECK(phase_of(test, spec.backend_name) == MachinePhase::absent);

  test.provider.create(spec, test.box, test.operation);
  CHECK(phase_of(test, spec.backend_name) == MachinePhase::stopped);
  CHECK(test.provider.inspect(spec.backend_name, test.operation).environment_id == test.environment_id);

  test.provider.start(spec, test.operation);
  CHECK(phase_of(test, spec.backend_name) == MachinePhase::running);
  test.provider.start(spec, test.operation);  // running already: nothing to do

  test.provider.stop(spec.backend_name, StopMode::graceful, spec.shutdown_timeout, test.operation);
  CHECK(phase_of(test, spec.backend_name) == MachinePhase::stopped);
  test.provider.stop(spec.backend_name, StopMode::hard, spec.shutdown_timeout, test.operation);

  test.provider.start(spec, test.operation);
  CHECK(phase_of(test, spec.backend_name) == MachinePhase::running);
  destroy(test, spec.backend_name);
  CHECK(phase_of(test, spec.backend_name) == MachinePhase::absent);
}

void check_creating_twice(const ProviderUnderTest& test) {
  const MachineSpec spec = conformance_spec(test, "conformance-twice");
  test.provider.create(spec, test.box, test.operation);
  test.provider.start(spec, test.operation);

  CHECK_THROWS_AS(test.provider.create(spec, test.box, test.operation), Error);

  CHECK(phase_of(test, spec.backend_name) == MachinePhase::running);
  destroy(test, spec.backend_name);
}

void check_absent_machines(const ProviderUnderTest& test) {
  const MachineSpec spec = conformance_spec(test, "conformance-absent");

  CHECK_NOTHROW(destroy(test, spec.backend_name));
  CHECK_NOTHROW(test.provider.stop(spec.backend_name, StopMode::hard, 1s, test.operation));
  CHECK_NOTHROW(test.provider.stop(spec.backend_name, StopMode::graceful, 1s, test.operation));
  CHECK(phase_of(test, spec.backend_name) == MachinePhase::absent);
  CHECK_THROWS_AS(test.provider.start(spec, test.operation), Error);
  CHECK_THROWS_AS(test.provider.endpoint(spec.backend_name, test.operation), Error);
}

void check_inspect_after_a_kill(const ProviderUnderTest& test) {
  const MachineSpec spec = conformance_spec(test, "conformance-kill");
  test.provider.create(spec, test.box, test.operation);
  test.provider.start(spec, test.operation);

  test.kill(spec.backend_name);

  CHECK(phase_of(test, spec.backend_name) != MachinePhase::running);
  test.provider.start(spec, test.operation);
  CHECK(phase_of(test, spec.backend_name) == MachinePhase::running);
  destroy(test, spec.backend_name);
}

void check_odd_names(const ProviderUnderTest& test) {
  // What the core makes of project and machine names: lower-case letters, digits and dashes, at most 49 long.
  for (const std::string& name :
       {std::string("a"), std::string("0-0"), std::string("x--y"), std::string(49, 'n')}) {
    CAPTURE(name);
    const MachineSpec spec = conformance_spec(test, name);
    test.provider.create(spec, test.box, test.operation);
    CHECK(phase_of(test, name) == MachinePhase::stopped);
    destroy(test, name);
    CHECK(phase_of(test, name) == MachinePhase::absent);
  }
}

void check_two_at_once(const ProviderUnderTest& test) {
  const auto live = [&test](const std::string& name) {
    const MachineSpec spec = conformance_spec(test, name);
    Operation operation{test.operation.host, name, test.operation.stop};
    test.provider.create(spec, test.box, operation);
    test.provider.start(spec, operation);
  };
  std::exception_ptr failure;
  {
    const std::jthread other([&] {
      try {
        live("conformance-one");
      } catch (...) {
        failure = std::current_exception();
      }
    });
    live("conformance-two");
  }

  CHECK(failure == nullptr);
  for (const char* name : {"conformance-one", "conformance-two"}) {
    CHECK(phase_of(test, name) == MachinePhase::running);
    destroy(test, name);
  }
}

void check_foreign_machines(const ProviderUnderTest& test) {
  const MachineSpec spec = conformance_spec(test, "conformance-foreign");
  test.provider.create(spec, test.box, test.operation);

  CHECK_THROWS_AS(test.provider.destroy(spec.backend_name, "ffffffffffffffff", test.operation), Error);

  CHECK(phase_of(test, spec.backend_name) == MachinePhase::stopped);
  destroy(test, spec.backend_name);
}

void check_capabilities(const ProviderUnderTest& test) {
  check_power<NativeFolders>(test);
  check_power<FolderDevices>(test);
  check_power<Lifetime>(test);
  check_power<LiveLimits>(test);
  check_power<Suspend>(test);
  check_power<Snapshots>(test);
  check_power<Usage>(test);
  CHECK(test.provider.info().capabilities.contains(Capability::package) ==
        (power_of<Package>(test.provider) != nullptr || power_of<DiskPackage>(test.provider) != nullptr));
  check_power<Attach>(test);
  check_power<ConsoleAccess>(test);
  check_power<ConsoleLog>(test);
  check_power<KeptDisks>(test);
  CHECK_FALSE(test.provider.info().box_formats.empty());
  CHECK_FALSE(test.provider.info().summary.empty());
  CHECK(test.provider.info().schema.name == test.provider.info().name);
}

namespace {

/// A machine that runs, with its power; null where the provider has none, and then there is no machine.
template <class Power>
Power* with_running_machine(const ProviderUnderTest& test, const MachineSpec& spec) {
  Power* const power = power_of<Power>(test.provider);
  if (!power) return nullptr;
  test.provider.create(spec, test.box, test.operation);
  test.provider.start(spec, test.operation);
  return power;
}

std::vector<std::string> names_of(const std::vector<SnapshotInfo>& snapshots) {
  std::vector<std::string> names;
  for (const SnapshotInfo& snapshot : snapshots) names.push_back(snapshot.name);
  return names;
}

}  // namespace

void check_suspend(const ProviderUnderTest& test) {
  const MachineSpec spec = conformance_spec(test, "conformance-suspend");
  Suspend* const power = with_running_machine<Suspend>(test, spec);
  if (!power) return;

  power->suspend(spec.backend_name, test.operation);
  CHECK(phase_of(test, spec.backend_name) == MachinePhase::paused);
  power->suspend(spec.backend_name, test.operation);
  power->resume(spec.backend_name, test.operation);
  CHECK(phase_of(test, spec.backend_name) == MachinePhase::running);
  power->resume(spec.backend_name, test.operation);

  power->suspend(spec.backend_name, test.operation);
  CHECK_THROWS_AS(test.provider.start(spec, test.operation), Error);
  test.provider.stop(spec.backend_name, StopMode::hard, 1s, test.operation);
  CHECK(phase_of(test, spec.backend_name) == MachinePhase::stopped);
  CHECK_THROWS_AS(power->suspend(spec.backend_name, test.operation), Error);

  test.provider.start(spec, test.operation);
  power->suspend(spec.backend_name, test.operation);
  destroy(test, spec.backend_name);
  CHECK(phase_of(test, spec.backend_name) == MachinePhase::absent);
}

void check_snapshots(const ProviderUnderTest& test) {
  const MachineSpec spec = conformance_spec(test, "conformance-snapshots");
  const std::string& name = spec.backend_name;
  Snapshots* const power = with_running_machine<Snapshots>(test, spec);
  if (!power) return;
  CHECK(power->snapshots(name, test.operation).empty());

  power->save_snapshot(name, "live", test.operation);
  CHECK(phase_of(test, name) == MachinePhase::running);
  CHECK_THROWS_AS(power->save_snapshot(name, "live", test.operation), Error);
  test.provider.stop(name, StopMode::hard, 1s, test.operation);
  power->save_snapshot(name, "still", test.operation);
  CHECK(phase_of(test, name) == MachinePhase::stopped);
  CHECK(names_of(power->snapshots(name, test.operation)) == std::vector<std::string>{"live", "still"});

  CHECK_THROWS_AS(power->restore_snapshot(name, "none", test.operation), Error);
  for (const char* snapshot : {"still", "live", "still"}) {
    power->check_snapshot(name, snapshot, test.operation);
    power->restore_snapshot(name, snapshot, test.operation);
    CHECK(phase_of(test, name) == MachinePhase::stopped);
    test.provider.start(spec, test.operation);
    CHECK(phase_of(test, name) == MachinePhase::running);
    CHECK_THROWS_AS(power->restore_snapshot(name, snapshot, test.operation), Error);
    test.provider.stop(name, StopMode::hard, 1s, test.operation);
  }

  power->delete_snapshot(name, "live", test.operation);
  power->delete_snapshot(name, "live", test.operation);
  CHECK(names_of(power->snapshots(name, test.operation)) == std::vector<std::string>{"still"});
  test.provider.start(spec, test.operation);
  CHECK(phase_of(test, name) == MachinePhase::running);
  destroy(test, name);
  CHECK(power->snapshots(name, test.operation).empty());
}

void check_package(const ProviderUnderTest& test) {
  const MachineSpec spec = conformance_spec(test, "conformance-package");
  const std::string& name = spec.backend_name;
  Package* const power = with_running_machine<Package>(test, spec);
  if (!power) return;
  const auto discard = [](std::string_view) {};

  power->export_rootfs(name, discard, test.operation);
  CHECK(phase_of(test, name) == MachinePhase::running);
  const auto give_up = [](std::string_view) { throw Error(ErrorKind::failed, "no room"); };
  CHECK_THROWS_WITH_AS(power->export_rootfs(name, give_up, test.operation), "no room", Error);
  CHECK(phase_of(test, name) == MachinePhase::running);
  test.provider.stop(name, StopMode::hard, 1s, test.operation);
  power->export_rootfs(name, discard, test.operation);
  CHECK(phase_of(test, name) == MachinePhase::stopped);

  destroy(test, name);
  CHECK_THROWS_AS(power->export_rootfs(name, discard, test.operation), Error);
}

void check_limits(const ProviderUnderTest& test) {
  MachineSpec spec = conformance_spec(test, "conformance-limits");
  spec.cpus = 1;
  spec.memory = ByteSize{512 << 20};
  LiveLimits* const power = with_running_machine<LiveLimits>(test, spec);
  if (!power) return;
  CHECK(power->limits(spec.backend_name, test.operation) == Limits{1, ByteSize{512 << 20}, ""});

  const Limits other{2, ByteSize{768 << 20}, "0"};
  power->apply_limits(spec.backend_name, other, test.operation);
  CHECK(power->limits(spec.backend_name, test.operation) == other);
  power->apply_limits(spec.backend_name, {}, test.operation);
  CHECK(power->limits(spec.backend_name, test.operation) == Limits{});
  destroy(test, spec.backend_name);
}

void check_usage(const ProviderUnderTest& test) {
  const MachineSpec spec = conformance_spec(test, "conformance-usage");
  Usage* const power = with_running_machine<Usage>(test, spec);
  if (!power) return;

  CHECK(power->usage(spec.backend_name, test.operation).cpu_time.has_value());
  test.provider.stop(spec.backend_name, StopMode::hard, 1s, test.operation);
  CHECK_FALSE(power->usage(spec.backend_name, test.operation).cpu_time.has_value());
  destroy(test, spec.backend_name);
}

void check_kept_disks(const ProviderUnderTest& test) {
  MachineSpec spec = conformance_spec(test, "conformance-disks");
  spec.disks = {{.name = "data", .size = ByteSize{64 << 20}, .mount = "/srv/data", .keep = true},
                {.name = "scratch", .size = ByteSize{64 << 20}, .mount = "/srv/scratch"}};
  const std::string& name = spec.backend_name;
  using Names = std::vector<std::string>;
  KeptDisks* const power = with_running_machine<KeptDisks>(test, spec);
  if (!power) return;
  const auto kept = [&] { return power->kept_disks(name, test.operation); };
  CHECK(kept() == Names{"data"});
  destroy(test, name);
  CHECK(phase_of(test, name) == MachinePhase::absent);
  CHECK(kept() == Names{"data"});
  CHECK_NOTHROW(destroy(test, name));
  CHECK(kept() == Names{"data"});

  with_running_machine<KeptDisks>(test, spec);
  power->keep_disks(name, test.environment_id, {"scratch", "none"}, test.operation);
  CHECK(kept() == Names{"scratch"});
  destroy(test, name);
  CHECK(kept() == Names{"scratch"});

  CHECK_THROWS_AS(power->keep_disks(name, "another0another0", {}, test.operation), Error);
  CHECK(kept() == Names{"scratch"});
  power->keep_disks(name, test.environment_id, {}, test.operation);
  CHECK(kept().empty());
}

}  // namespace envtool
