#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace envtool::lxc {

/// What a bare image may lack of what a machine needs.
struct Preparation {
  std::vector<std::string> programs;  ///< of "sshd", "python3", "sudo"
  std::string user;                   ///< to be made; empty: it is there

  bool is_needed() const { return !programs.empty() || !user.empty(); }
  /// "sshd, python3 and the user 'vagrant'"
  std::string in_words() const;
};

/// The container that images are prepared in. Control groups are the whole host's, so it has another name for
/// each root that boxes lie below.
std::string preparation_name(const std::filesystem::path& root);

/// What the image's own first process runs to get it: the package manager that it finds installs the
/// programs. A shell script without anything that `sh` of an image may lack.
std::string preparation_script(const Preparation& preparation);

/// Files of the guest in which the script keeps what was said, and tells that it came to its end.
inline constexpr const char* preparation_log = "/.envtool-prepare.log";
inline constexpr const char* preparation_done = "/.envtool-prepared";

}  // namespace envtool::lxc
