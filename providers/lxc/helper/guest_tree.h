#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/files.h"
#include "providers/lxc/parts/guest_files.h"
#include "providers/lxc/parts/ids.h"

namespace envtool::lxc {

/// A guest's files, read and written by root without ever leaving the guest's tree: whatever links the guest
/// made are followed inside of it only. Paths are the guest's, absolute.
class GuestTree {
 public:
  /// Owners are the guest's; `ids` says what they are on disk.
  explicit GuestTree(const std::filesystem::path& root, const GuestIds& ids = {});
  /// Looks in `root`, a box that stays as it is, and writes into `upper`, the fresh layer over it.
  GuestTree(const std::filesystem::path& root, const std::filesystem::path& upper, const GuestIds& ids);

  /// From now on notes there what it writes or removes: paths relative to the root, links followed. The list
  /// must live as long as this.
  void note_changes(std::vector<std::string>& changes);

  struct Owner {
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    unsigned mode = 0644;
  };

  std::optional<std::string> read(const std::string& path) const;
  /// Its owner and mode as the guest sees them; links are followed.
  std::optional<Owner> owner_of(const std::string& path) const;
  bool is_directory(const std::string& path) const;
  /// Where the directory is when its links are followed; itself when there is none.
  std::string real_directory(const std::string& path) const;
  /// Names in a directory; none when there is no such directory.
  std::vector<std::string> list(const std::string& path) const;

  /// Replaces whatever has that name, links not followed; missing directories are made (0755) with the same
  /// owner.
  void write(const std::string& path, std::string_view content, const Owner& owner) const;
  void write(const std::string& path, std::string_view content) const { write(path, content, Owner{}); }
  /// Writes only what differs, to keep the guest's times and save a copy-up.
  void write_if_changed(const std::string& path, std::string_view content) const;
  void make_directory(const std::string& path, const Owner& owner) const;
  void make_link(const std::string& path, const std::string& target) const;
  /// Removes a file or link; nothing there is fine. Not for use with an upper layer.
  void remove(const std::string& path) const;

 private:
  UniqueFd look(const std::string& path, int flags) const;
  UniqueFd directory_for_writing(const std::string& path, const Owner& owner) const;
  UniqueFd mirror(int directory) const;
  bool give(int fd, const Owner& owner) const;
  void note_change(int directory, const std::string& name) const;

  UniqueFd root_, upper_;
  std::string root_path_;  ///< known where it is needed
  GuestIds ids_;
  std::vector<std::string>* changes_ = nullptr;
};

/// The account of that name in a box. Throws Error(failed) when the box has none.
Account account_in(const GuestTree& box, const std::string& name, const std::string& user);

}  // namespace envtool::lxc
