#pragma once

#include <locale.h>

#include <exception>
#include <filesystem>
#include <memory>
#include <string>

#include "base/error.h"
#include "base/libarchive.h"
#include "boxes/byte_source.h"

namespace envtool {

/// libarchive converts names by the thread's locale, and refuses those that are not ASCII under "C". While
/// this lives, the locale is UTF-8.
class Utf8Names {
 public:
  Utf8Names();
  ~Utf8Names();
  Utf8Names(const Utf8Names&) = delete;
  Utf8Names& operator=(const Utf8Names&) = delete;

 private:
  locale_t locale_;
  locale_t previous_ = nullptr;
};

/// An archive that is read entry by entry: tar (with gzip, bzip2, xz, lzma, lz4, zstd or nothing), zip, 7z
/// and cpio, known by content. Errors are Error(failed) without the archive's name, or what its source
/// throws.
class ArchiveReader {
 public:
  /// Reads the file, back and forth where its format wants that.
  explicit ArchiveReader(const std::filesystem::path& file);
  /// Reads what comes in order. A 7z archive cannot be read so, which the error says.
  ArchiveReader(ByteSource& source, Operation& operation);

  /// The next entry, valid until the next call; null at the end.
  archive_entry* next();
  struct Block {
    std::string_view bytes;
    std::uint64_t place = 0;  ///< in the entry's content; what lies between blocks is a hole
  };
  /// The next part of the entry's content; false at its end.
  bool next_block(Block& block);
  /// Bytes of the archive, as it is packed, that were read so far.
  std::uint64_t packed_bytes() const;

 private:
  /// What libarchive reads from, and why that failed: nothing may be thrown through it.
  struct Feed {
    ByteSource& source;
    Operation& operation;
    bool begun = false;
    std::exception_ptr failure = {};
  };
  struct Deleter {
    void operator()(archive* handle) const { archive_read_free(handle); }
  };
  static la_ssize_t read_feed(archive* reader, void* data, const void** block);
  [[noreturn]] void fail_damaged() const;
  void throw_failure_of_source() const;

  std::unique_ptr<Feed> feed_;
  std::unique_ptr<archive, Deleter> reader_;
  bool begun_ = false;
};

/// The last error of a libarchive handle, in its own words.
std::string archive_reason(archive* handle);

/// The entry's name as it is written. Throws Error(failed) when it has none that can be read.
std::string entry_name(archive_entry* entry);

/// Error(failed) "its entry 'name' ...".
[[noreturn]] void refuse_entry(const std::string& name, std::string_view why);

/// The entry's place below the directory that it is unpacked into, in plain parts; empty for the directory
/// itself. Throws Error(failed) for an absolute path or one that leads outside.
std::string entry_place(const std::string& name);

}  // namespace envtool
