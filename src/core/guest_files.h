#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace envtool {

/// The guest's files over SFTP, with the rights of the user who was asked for. Links are themselves here, not
/// what they point to. Each call waits for the guest's answer, and throws Error(failed) that names the path
/// in the guest with its reason; Interrupted when a stop was asked for and no answer comes for two seconds.
/// Owned by one thread, which has no other use of the connection as long as this is there.
class GuestFiles {
 public:
  struct Facts {
    std::uint32_t mode = 0;  ///< with the bits of its kind, as in stat(2)
    std::uint64_t size = 0;
    std::uint32_t modified = 0;  ///< seconds since the epoch
    std::uint32_t user = 0, group = 0;
  };

  virtual ~GuestFiles() = default;
  virtual Facts look_at(const std::string& path) = 0;
  /// By name, without "." and "..".
  virtual std::map<std::string, Facts> list(const std::string& directory) = 0;
  virtual std::string link_target(const std::string& link) = 0;

  virtual void remove(const std::string& path) = 0;
  virtual void remove_directory(const std::string& path) = 0;
  virtual void make_directory(const std::string& path) = 0;  ///< with mode 0700
  virtual void make_link(const std::string& path, const std::string& target) = 0;
  /// Makes a file that is not there yet, with mode 0600. `next` gives its pieces; an empty one ends it.
  virtual void make_file(const std::string& path, const std::function<std::string_view()>& next) = 0;
  /// Takes the place of what is there, which is no directory, and may be gone a moment before.
  virtual void rename(const std::string& from, const std::string& to) = 0;
  virtual void set_owner(const std::string& path, std::uint32_t user, std::uint32_t group) = 0;
  virtual void set_mode_and_time(const std::string& path, std::uint32_t mode, std::uint32_t modified) = 0;
};

}  // namespace envtool
