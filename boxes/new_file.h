#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/files.h"

namespace envtool {

/// A file of the user's in the making: it gets its name when it is complete, and replaces nothing. Where the
/// file system can, it has none before, so that not even a kill leaves anything. Errors are Error(failed).
class NewUserFile {
 public:
  /// Throws when something of that name is there, or the directory is not.
  explicit NewUserFile(std::filesystem::path path);
  ~NewUserFile();
  NewUserFile(const NewUserFile&) = delete;
  NewUserFile& operator=(const NewUserFile&) = delete;

  /// At the end.
  void write(std::string_view bytes);
  /// Over what was written.
  void write_at(std::string_view bytes, std::uint64_t place) const;
  std::uint64_t size() const { return size_; }
  /// Throws too when something got that name meanwhile.
  void publish();

 private:
  [[noreturn]] void fail(int number) const;
  [[noreturn]] void fail_taken() const;

  std::filesystem::path path_;
  std::filesystem::path part_;  ///< its name so far; empty: none
  UniqueFd fd_;
  std::uint64_t size_ = 0;
};

}  // namespace envtool
