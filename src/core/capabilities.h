#pragma once

#include "base/files.h"
#include "core/machine_powers.h"
#include "core/package_powers.h"
#include "core/registry.h"

/// Optional powers of providers: a provider also derives from each that it has, and lists it in its info.
namespace envtool {

/// `MachineSpec::folders` are honoured by `start`; a provider without this gets rsync.
class NativeFolders {
 public:
  static constexpr Capability capability = Capability::native_folders;
  virtual ~NativeFolders() = default;
  /// Makes the running machine's folders those of the spec, without a restart.
  virtual void update_folders(const MachineSpec& spec, Operation& operation) = 0;
};

/// Tells others when a machine's run ends.
class Lifetime {
 public:
  static constexpr Capability capability = Capability::lifetime;
  virtual ~Lifetime() = default;
  /// A descriptor that becomes readable when this run of the machine ends, a reboot inside the guest not
  /// counting (a pidfd of what outlives the guest's init). Invalid when it does not run.
  virtual UniqueFd run_ended(const std::string& backend_name, Operation& operation) = 0;
};

/// The machine's console output, for errors and `envtool logs`.
class ConsoleLog {
 public:
  static constexpr Capability capability = Capability::console_log;
  virtual ~ConsoleLog() = default;
  /// The last lines the guest wrote on its console, empty when there are none. Never throws.
  virtual std::string console_tail(const std::string& backend_name, std::size_t lines,
                                   Operation& operation) = 0;
};

/// Keeps what it made of boxes, for its machines to share.
class BoxCopies {
 public:
  virtual ~BoxCopies() = default;
  /// Removes what it made of that box. Nothing there: nothing to do. What a machine of any user of this host
  /// needs stays.
  virtual void forget_box(const std::string& digest, Operation& operation) = 0;
  /// Removes what it made of forgotten boxes on other hosts. Says what of it stays for now, as such a host
  /// need not answer.
  virtual void forget_elsewhere(Operation&) {}
  /// Removes what a killed process left of its work on a box. Fast where there is nothing.
  virtual void tidy(Operation&) {}
};

/// A command for root, with its standard input.
struct RootCommand {
  std::vector<std::string> argv;
  std::string input = {};
};

/// What a provider says of its needs on this host, for `envtool doctor`.
struct HostCheck {
  std::string name;  ///< "kernel: overlay on idmapped layers"
  bool ok = false;
  bool required = true;  ///< false: works without it, worse
  std::string found;
  std::string remedy = {};  ///< the command or lines that mend it, when `fix` does not say it
  /// What `envtool doctor --fix` does: safe to do twice, and it keeps what files hold already.
  std::vector<RootCommand> fix = {};
};

class HostDiagnosis {
 public:
  virtual ~HostDiagnosis() = default;
  /// Every need, met or not. Does not change the host.
  virtual std::vector<HostCheck> diagnose(Operation& operation) = 0;
};

/// The power as an interface, or null.
template <class Power>
Power* power_of(Provider& provider) {
  return dynamic_cast<Power*>(&provider);
}

/// Error(unsupported) "provider 'x' cannot take snapshots; providers that can: ...".
[[noreturn]] void refuse(Capability capability, const ProviderInfo& provider,
                         const ProviderRegistry& providers);

/// The power, or what `refuse` throws.
template <class Power>
Power& require(Provider& provider, const ProviderRegistry& providers) {
  if (Power* power = power_of<Power>(provider)) return *power;
  refuse(Power::capability, provider.info(), providers);
}

}  // namespace envtool
