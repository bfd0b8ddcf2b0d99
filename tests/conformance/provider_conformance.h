#pragma once

#include <functional>
#include <string>

#include "core/provider.h"

namespace envtool {

/// A provider and what its tests need of its world. Machines that a check leaves behind are the caller's to
/// remove: every one of them carries `environment_id`.
struct ProviderUnderTest {
  Provider& provider;
  Operation& operation;
  Box box;
  std::string environment_id;
  /// Ends a running machine behind the provider's back, as a crash would.
  std::function<void(const std::string& backend_name)> kill;
};

/// A machine that any provider can make.
MachineSpec conformance_spec(const ProviderUnderTest& test, const std::string& backend_name);

/// Each must hold for every provider; call each from a case of its own, with a world of its own.
void check_life_of_a_machine(const ProviderUnderTest& test);
void check_creating_twice(const ProviderUnderTest& test);
void check_absent_machines(const ProviderUnderTest& test);
void check_inspect_after_a_kill(const ProviderUnderTest& test);
void check_odd_names(const ProviderUnderTest& test);
void check_two_at_once(const ProviderUnderTest& test);
void check_foreign_machines(const ProviderUnderTest& test);
void check_capabilities(const ProviderUnderTest& test);
/// Of a provider that lacks the power each does nothing.
void check_suspend(const ProviderUnderTest& test);
void check_snapshots(const ProviderUnderTest& test);
void check_package(const ProviderUnderTest& test);
void check_limits(const ProviderUnderTest& test);
void check_usage(const ProviderUnderTest& test);
/// What is on a disk only the backend's own tests can look at.
void check_kept_disks(const ProviderUnderTest& test);

}  // namespace envtool
