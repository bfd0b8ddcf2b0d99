#pragma once

#include <filesystem>
#include <memory>
#include <string_view>

#include "base/libarchive.h"

namespace envtool {

/// Writes a tar, packed by zstd, entry by entry. Errors are Error(failed).
class ArchiveWriter {
 public:
  /// A new file.
  explicit ArchiveWriter(const std::filesystem::path& file);

  void begin(archive_entry* entry);
  /// The next bytes of the entry's content.
  void add(std::string_view bytes);
  void add_zeros(std::uint64_t count);
  /// Writes what is left; without it the archive is not whole.
  void finish();

 private:
  struct Deleter {
    void operator()(archive* handle) const { archive_write_free(handle); }
  };
  void check(la_ssize_t status) const;

  std::unique_ptr<archive, Deleter> writer_;
};

}  // namespace envtool
