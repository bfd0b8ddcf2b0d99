#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/host.h"

namespace envtool {

/// One project directory's machines as a whole; the unit that `up` makes and `destroy` removes.
struct Environment {
  std::string id;                   ///< 16 hexadecimal digits, for ever
  std::string name;                 ///< the project's, when it was last recorded
  std::filesystem::path directory;  ///< the project's, when it was last seen; may be gone
  std::filesystem::path state;      ///< $XDG_STATE_HOME/envtool/<id>

  std::filesystem::path machine_directory(const std::string& machine) const {
    return state / "machines" / machine;
  }
};

/// What `find` saw of a project directory.
struct FoundEnvironment {
  std::optional<Environment> environment;  ///< nothing: none was made for this directory
  std::string note;  ///< for the user: "this is a copy of ..."; empty when nothing is unusual
  /// Set when the directory's environment belongs to a project of another name and the id file is gone:
  /// commands that change something refuse it (see `Error` of ensure).
  std::optional<Environment> foreign = {};
};

/// All environments of this user: which there are, and which one a directory's is. The id file in a project's
/// `.envtool` only points; the record below `state` is the truth. Safe for several processes at once.
class EnvironmentStore {
 public:
  /// `machine_id` tells hosts apart; empty means that of this one, which is found when it is needed.
  EnvironmentStore(Host& host, std::string machine_id = {});

  /// The environment of that project directory, without making one. A moved project's record follows it; a
  /// copy has none; a lost or wrong id file is written again.
  FoundEnvironment find(const std::filesystem::path& directory, const std::string& project_name);
  /// The same, made when there is none, safely on disk before it returns. Throws Error(usage) when the
  /// directory held a project of another name, unless `adopt`.
  Environment ensure(const std::filesystem::path& directory, const std::string& project_name, bool adopt);

  /// Every environment on record, by name and id; damaged ones with what could be read.
  std::vector<Environment> all() const;
  /// By id digits (at least 4) or project name, without the "@". Throws Error(usage) for none or several.
  Environment by_reference(const std::string& reference) const;
  /// Removes the record of an environment whose machines are gone.
  void forget(const Environment& environment) const;
  /// Removes what a kill left of an environment of this directory that was never recorded.
  void forget_half_made(const std::filesystem::path& directory) const;

 private:
  std::optional<Environment> load(const std::string& id) const;
  std::optional<Environment> recorded_at(const std::filesystem::path& directory) const;
  void record(const Environment& environment) const;
  void write_id_file(const Environment& environment) const;

  const std::string& machine_id() const;

  Host& host_;
  mutable std::string machine_id_;
};

/// /etc/machine-id of this host, or what stands in for it.
std::string host_machine_id();

}  // namespace envtool
