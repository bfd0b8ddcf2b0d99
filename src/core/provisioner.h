#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/late.h"
#include "config/model.h"
#include "config/options.h"
#include "core/communicator.h"
#include "core/operation.h"

namespace envtool {

/// Where a provisioner runs. With `provision_all` there may be several machines; `communicator` is then null
/// for kinds that do not need one.
struct ProvisionContext {
  const ProjectConfig& project;
  std::vector<std::string> machines;  ///< names of those this run is about
  std::string ssh_user;               ///< of the machine, where there is one
  Communicator* communicator = nullptr;
  std::string job = {};  ///< for commands on the machine, so that the next run finds what a killed one left
  LateLookup late;       ///< for values known only now
  std::filesystem::path inventory;               ///< Ansible's, of all running machines; up to date
  std::filesystem::path state_directory;         ///< 0700, the provisioner's own between runs
  std::filesystem::path control_directory;       ///< for SSH control sockets, short
  std::shared_ptr<const void> inventory_keeper;  ///< removes an inventory with secrets in it after the run
  std::function<std::string(std::string)> mask;  ///< hides secrets in text that will be shown
};

/// Flags of `envtool provision` for those that understand them.
struct ProvisionFlags {
  bool check = false;
  bool diff = false;
  std::vector<std::string> raw = {};  ///< arguments after `--`
};

/// A way to set a machine up. Stateless; calls come from any thread.
class Provisioner {
 public:
  virtual ~Provisioner() = default;

  /// Name, options, default `run`. The same at every call.
  virtual const PluginSchema& schema() const = 0;

  /// What is wrong with the item, which can be seen before anything changes: a missing file, options that
  /// exclude each other. Reads files only.
  virtual std::vector<Diagnostic> check(const ProvisionConfig& item) const = 0;

  /// What this host lacks for it: a program that is not installed.
  virtual std::vector<Diagnostic> check_host(const ProvisionConfig&, const Host&) const { return {}; }

  /// A digest of everything that decides what a run does, for `run: changed`: options and content of files.
  virtual std::string fingerprint(const ProvisionConfig& item, const ProjectConfig& project) const = 0;

  /// Runs it; output goes to the reporter line by line as it comes. Throws Error(failed) with its exit status
  /// in the text when it failed; afterwards it counts as not done.
  virtual void run(const ProvisionConfig& item, const ProvisionContext& context, const ProvisionFlags& flags,
                   Operation& operation) const = 0;
  /// Whether it understands `--check`, `--diff` and raw arguments; others refuse them.
  virtual bool takes_flags() const { return false; }
};

/// "'site.yml' in '/home/ada/shop'": a path that is not there, for messages.
std::string in_its_directory(const std::filesystem::path& path);

}  // namespace envtool
