#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/environment.h"
#include "core/services.h"

namespace envtool {

/// A provisioner that has succeeded.
struct ProvisionRecord {
  std::string fingerprint;
  std::string when;  ///< UTC, "2024-05-01T10:20:30Z"
};

/// What is kept of a machine because its backend cannot be asked for it. Written before anything is created.
struct MachineRecord {
  std::string name;
  std::string backend_name;
  std::string provider;
  std::string created;  ///< UTC; empty until create is done
  std::string box_name, box_version, box_digest;
  std::string ssh_user;
  bool taken_over = false;        ///< it has its own keys in place of those of its box
  bool only_disks = false;        ///< it was destroyed, and this is for the disks that it keeps
  std::vector<Forward> forwards;  ///< host ports chosen for it
  std::map<std::string, ProvisionRecord> provisioned;
  std::string job;  ///< of the provisioner that runs now, or ran when envtool was killed
  /// Of each key that a running machine does not follow by itself: what it was when the machine last started
  /// (`restart`) or was created (`recreate`).
  Value started_with, created_with;
};

Value to_value(const MachineRecord& record);
Value to_value(const std::map<std::string, ProvisionRecord>& provisioned);
/// The reverse; what is no map gives none.
std::map<std::string, ProvisionRecord> provisioned_from(const Value& value);
/// Throws Error(failed) naming `what` when the document is not a record.
MachineRecord machine_record(const Value& document, std::string_view what);

/// A machine's files below its environment's state directory.
class MachineStore {
 public:
  MachineStore(const Environment& environment, std::string machine);

  const std::filesystem::path& directory() const { return directory_; }
  std::filesystem::path private_key() const { return directory_ / "key"; }
  std::filesystem::path known_hosts() const { return directory_ / "known_hosts"; }
  std::filesystem::path log() const { return directory_ / "log"; }
  std::filesystem::path lock() const { return directory_ / "lock"; }
  std::filesystem::path journal() const { return directory_ / "journal"; }

  /// Nothing when the machine was never made. Throws Error(failed) for a damaged record.
  std::optional<MachineRecord> load() const;
  void save(const MachineRecord& record, bool synced = false) const;
  /// Everything but the lock, which others may wait for.
  void remove() const;
  /// The same, but for a record that says where its kept disks are.
  void remove_but_disks(const MachineRecord& record) const;

 private:
  void remove_but(const std::string& file) const;

  std::filesystem::path directory_;
};

/// Names of the machines on record, sorted.
std::vector<std::string> recorded_machines(const Environment& environment);

/// The machines on record, as "@3f9a12cd/web", by the digest of the box that each was made of. Throws
/// Error(failed) for a damaged record.
std::map<std::string, std::vector<std::string>> machines_by_box(const EnvironmentStore& environments);

/// Now, as in ProvisionRecord::when.
std::string timestamp(const Clock& clock);

}  // namespace envtool
