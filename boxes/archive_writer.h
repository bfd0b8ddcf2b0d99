#pragma once

#include <exception>
#include <filesystem>
#include <functional>
#include <memory>
#include <string_view>

#include "boxes/libarchive.h"

namespace envtool {

/// Writes a tar entry by entry. Errors are Error(failed), or what the sink throws.
class ArchiveWriter {
 public:
  enum class Packing { none, gzip, zstd };
  using Sink = std::function<void(std::string_view)>;

  /// A new file.
  ArchiveWriter(const std::filesystem::path& file, Packing packing);
  /// Gives what it writes to a function at once, not compressed.
  explicit ArchiveWriter(Sink sink);
  /// What is not finished is left as it is.
  ~ArchiveWriter();
  ArchiveWriter(const ArchiveWriter&) = delete;
  ArchiveWriter& operator=(const ArchiveWriter&) = delete;

  void begin(archive_entry* entry);
  /// The next bytes of the entry's content.
  void add(std::string_view bytes);
  void add_zeros(std::uint64_t count);
  /// Writes what is left; without it the archive is not whole.
  void finish();

 private:
  struct Output {
    Sink sink;
    std::exception_ptr failure = {};
  };
  struct Deleter {
    void operator()(archive* handle) const { archive_write_free(handle); }
  };
  static la_ssize_t write_output(archive* writer, void* data, const void* bytes, std::size_t size);
  void set_format();
  void check(la_ssize_t status) const;

  std::unique_ptr<Output> output_;
  std::unique_ptr<archive, Deleter> writer_;
  bool finished_ = false;
};

}  // namespace envtool
