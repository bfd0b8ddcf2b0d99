#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/files.h"
#include "core/services.h"

namespace envtool {

/// Whether a directory below a folder's root (by its relative path) is excluded as a whole, so that nothing
/// in it needs to be watched. Sure for patterns that are a name or begin with a slash; of others it says no.
bool is_excluded_directory(const std::filesystem::path& relative, const std::vector<std::string>& exclude);

/// Sees changes below folders of the host by inotify(7). Not for use from several threads.
class InotifyWatch : public FolderWatch {
 public:
  /// Changes count from here on. Throws Error(host_not_ready) when the kernel watches no more directories.
  explicit InotifyWatch(const std::vector<FolderConfig>& folders);
  void wait(const std::stop_token& stop) override;

 private:
  struct Place {
    std::filesystem::path directory;
    const FolderConfig* folder;
  };

  void add(const Place& place);
  bool is_of_interest(const Place& place, const std::string& name) const;
  /// Takes what has happened; whether any of it is to be told.
  bool read_events();
  /// Until something happens, `timeout` ends (false) or a stop is asked for, which throws Interrupted.
  bool wait_for_events(int timeout_milliseconds, const std::stop_token& stop) const;

  std::vector<FolderConfig> folders_;
  UniqueFd inotify_, stopped_;
  std::map<int, Place> places_;
};

}  // namespace envtool
