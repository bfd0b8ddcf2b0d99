#pragma once

#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "core/box.h"

namespace envtool {

/// What a lock file says: for each box, by the address that asks for it, the files it is made of. A value.
class BoxLock {
 public:
  /// Throws Error(failed) naming `what` for a text that is no lock file, or that of a newer envtool.
  static BoxLock parse(std::string_view text, const std::string& what);
  /// JSON, a value a line, always in the same order. Reads back to the same.
  std::string to_text() const;

  /// None when the address is not locked.
  const std::vector<BoxPin>& pins_of(const std::string& address) const;
  /// Puts pins in the place of those for the same format and architecture, or beside the others.
  void merge(const std::string& address, const std::vector<BoxPin>& pins);
  /// Puts them in the place of all that the address has.
  void replace(const std::string& address, std::vector<BoxPin> pins);
  /// Drops what is locked for other addresses.
  void keep_only(const std::set<std::string>& addresses);
  bool operator==(const BoxLock&) const = default;

 private:
  std::map<std::string, std::vector<BoxPin>> boxes_;
};

/// What a box is locked by: "generic/debian12@~> 4.3", "images:debian/12", "https://..."; empty for a file of
/// this host and for a name that the user gave one, which are not locked.
std::string lock_address(const BoxConfig& box);

/// The lock files of a project: `Envfile.lock` for what its Envfile names, and one outside of the project for
/// boxes that only the user's own files name. Read when first asked for. Safe from any thread, and from
/// several processes.
class BoxLocks {
 public:
  BoxLocks(const std::filesystem::path& project, const HostPaths& paths);

  /// Throws Error(bad_envfile) for a file that cannot be read.
  std::vector<BoxPin> pins_of(const BoxConfig& box);
  /// Writes what a box was found to be. False: the file said so already.
  bool record(const BoxConfig& box, const std::vector<BoxPin>& pins, Operation& operation);
  /// Writes these pins, and no others of that address.
  void move(const BoxConfig& box, const std::vector<BoxPin>& pins, Operation& operation);
  /// Drops what no box of the list needs.
  void keep_only(const std::vector<BoxConfig>& boxes, Operation& operation);

 private:
  struct File {
    std::filesystem::path path;
    std::optional<BoxLock> content;
  };
  File& file_of(bool personal) { return personal ? personal_ : shared_; }
  BoxLock& read(File& file) const;
  bool change(File& file, const std::function<void(BoxLock&)>& edit, Operation& operation);

  std::mutex mutex_;
  File shared_, personal_;
  std::filesystem::path guards_;  ///< where locks lie that keep other processes out
};

}  // namespace envtool
