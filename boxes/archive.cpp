#include "boxes/archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <locale.h>
#include <unistd.h>

#include <cerrno>
#include <exception>
#include <memory>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/files.h"
#include "base/text.h"

namespace envtool {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t block_size = 256 << 10;

struct ReadDeleter {
  void operator()(archive* handle) const { archive_read_free(handle); }
};
struct WriteDeleter {
  void operator()(archive* handle) const { archive_write_free(handle); }
};
using Reader = std::unique_ptr<archive, ReadDeleter>;
using Writer = std::unique_ptr<archive, WriteDeleter>;

/// libarchive converts names by the thread's locale, and refuses those that are not ASCII under "C".
class Utf8Names {
 public:
  Utf8Names() : locale_(::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr)) {
    if (locale_ != nullptr) previous_ = ::uselocale(locale_);
  }
  ~Utf8Names() {
    if (locale_ == nullptr) return;
    ::uselocale(previous_);
    ::freelocale(locale_);
  }
  Utf8Names(const Utf8Names&) = delete;
  Utf8Names& operator=(const Utf8Names&) = delete;

 private:
  locale_t locale_;
  locale_t previous_ = nullptr;
};

[[noreturn]] void fail_unknown_format() {
  throw Error(ErrorKind::failed, "not an archive that envtool can read (tar, zip, 7z or cpio)");
}

std::string reason(archive* handle) {
  const char* text = archive_error_string(handle);
  return text == nullptr ? "unknown reason" : std::string(trim(text));
}

/// Formats are named one by one: "all" also has mtree, whose entries name files of the host, and filters that
/// start programs.
Reader make_reader() {
  Reader reader(archive_read_new());
  archive_read_support_format_tar(reader.get());
  archive_read_support_format_zip(reader.get());
  archive_read_support_format_7zip(reader.get());
  archive_read_support_format_cpio(reader.get());
  archive_read_support_filter_gzip(reader.get());
  archive_read_support_filter_bzip2(reader.get());
  archive_read_support_filter_xz(reader.get());
  archive_read_support_filter_lzma(reader.get());
  archive_read_support_filter_lz4(reader.get());
  archive_read_support_filter_zstd(reader.get());
  return reader;
}

Reader open_reader(const fs::path& path) {
  Reader reader = make_reader();
  if (archive_read_open_filename(reader.get(), path.c_str(), block_size) == ARCHIVE_OK) return reader;
  // What libarchive calls ARCHIVE_ERRNO_FILE_FORMAT, in a header it does not install.
  if (archive_errno(reader.get()) == EILSEQ) fail_unknown_format();
  throw Error(ErrorKind::failed, fmt::format("cannot read '{}': {}", path.string(), reason(reader.get())));
}

/// What libarchive reads from, and why that failed: nothing may be thrown through it.
struct Feed {
  ByteSource& source;
  Operation& operation;
  bool begun = false;
  std::exception_ptr failure = {};
};

la_ssize_t read_feed(archive* reader, void* data, const void** block) {
  Feed& feed = *static_cast<Feed*>(data);
  try {
    const std::string_view bytes = feed.source.read(feed.operation);
    if (!std::exchange(feed.begun, true) && bytes.starts_with("7z\xBC\xAF\x27\x1C"))
      throw Error(ErrorKind::failed, "a 7z archive cannot be unpacked while it is downloaded")
          .with_hint("download it, and name the file as the box");
    *block = bytes.data();
    return static_cast<la_ssize_t>(bytes.size());
  } catch (...) {
    feed.failure = std::current_exception();
    archive_set_error(reader, EIO, "it cannot be read");
    return ARCHIVE_FATAL;
  }
}

/// The next entry, or null at the end.
archive_entry* next_entry(archive* reader, bool first) {
  archive_entry* entry = nullptr;
  const int status = archive_read_next_header(reader, &entry);
  if (status == ARCHIVE_EOF) return nullptr;
  if (status == ARCHIVE_OK || status == ARCHIVE_WARN) return entry;
  if (first) fail_unknown_format();
  throw Error(ErrorKind::failed, fmt::format("the archive is damaged: {}", reason(reader)));
}

std::string entry_name(archive_entry* entry) {
  const char* name = archive_entry_pathname(entry);
  if (name == nullptr) name = archive_entry_pathname_utf8(entry);
  if (name == nullptr) throw Error(ErrorKind::failed, "the archive has an entry without a readable name");
  return name;
}

[[noreturn]] void refuse(const std::string& name, std::string_view why) {
  throw Error(ErrorKind::failed, fmt::format("its entry '{}' {}", name, why));
}

/// The entry's place below the directory; empty for the directory itself. Backslashes are slashes, as in
/// `vagrant box add`.
fs::path place_of(const std::string& name) {
  if (name.starts_with('/') || name.starts_with('\\')) refuse(name, "has an absolute path");
  fs::path place;
  for (const auto& part : split(replace_all(name, "\\", "/"), '/')) {
    if (part.empty() || part == ".") continue;
    if (part == "..") refuse(name, "lies outside of the box");
    place /= part;
  }
  return place;
}

void report_progress(archive* reader, std::uint64_t total, Operation& operation) {
  operation.check_stop();
  const auto done = archive_filter_bytes(reader, -1);
  operation.progress({.done = static_cast<std::uint64_t>(done), .total = total, .unit = "B"});
}

void write_at(int fd, const char* bytes, std::size_t size, la_int64_t offset, const fs::path& path) {
  while (size > 0) {
    const ssize_t written = ::pwrite(fd, bytes, size, offset);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0)
      throw Error(ErrorKind::failed, fmt::format("cannot write '{}': {}", path.string(), errno_text(errno)));
    bytes += written;
    size -= static_cast<std::size_t>(written);
    offset += written;
  }
}

/// Holes of the archive stay holes. No link is ever made below the directory, so the path cannot lead out of
/// it.
void extract_file(archive* reader, archive_entry* entry, const fs::path& path, std::uint64_t total,
                  Operation& operation) {
  UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644));
  if (!fd && (errno == EEXIST || errno == EISDIR)) refuse(entry_name(entry), "is there twice");
  if (!fd)
    throw Error(ErrorKind::failed, fmt::format("cannot make '{}': {}", path.string(), errno_text(errno)));
  while (true) {
    const void* bytes = nullptr;
    std::size_t size = 0;
    la_int64_t offset = 0;
    const int status = archive_read_data_block(reader, &bytes, &size, &offset);
    if (status == ARCHIVE_EOF) break;
    if (status != ARCHIVE_OK && status != ARCHIVE_WARN)
      throw Error(ErrorKind::failed, fmt::format("the archive is damaged: {}", reason(reader)));
    write_at(fd.get(), static_cast<const char*>(bytes), size, offset, path);
    report_progress(reader, total, operation);
  }
  // A hole at the end comes as no block.
  if (archive_entry_size_is_set(entry) && ::ftruncate(fd.get(), archive_entry_size(entry)) != 0)
    throw Error(ErrorKind::failed, fmt::format("cannot write '{}': {}", path.string(), errno_text(errno)));
}

void extract_entry(archive* reader, archive_entry* entry, const fs::path& directory, std::uint64_t total,
                   Operation& operation) {
  const std::string name = entry_name(entry);
  if (archive_entry_hardlink(entry) != nullptr) refuse(name, "is a hard link");
  const auto type = archive_entry_filetype(entry);
  if (type == AE_IFLNK) refuse(name, "is a symbolic link");
  if (type != AE_IFREG && type != AE_IFDIR) refuse(name, "is neither a file nor a directory");
  const fs::path place = place_of(name);
  if (place.empty()) {
    if (type == AE_IFREG) refuse(name, "has no name");
    return;
  }
  std::error_code failure;
  fs::create_directories(type == AE_IFDIR ? directory / place : (directory / place).parent_path(), failure);
  if (failure) throw Error(ErrorKind::failed, fmt::format("cannot make '{}': {}", name, failure.message()));
  if (type == AE_IFREG) extract_file(reader, entry, directory / place, total, operation);
}

void extract_all(archive* reader, const fs::path& directory, std::uint64_t total, Operation& operation) {
  bool first = true;
  while (archive_entry* entry = next_entry(reader, first)) {
    first = false;
    extract_entry(reader, entry, directory, total, operation);
    report_progress(reader, total, operation);
  }
}

void check_written(archive* writer, la_ssize_t status) {
  if (status < 0 && status != ARCHIVE_WARN)
    throw Error(ErrorKind::failed, fmt::format("cannot write the box: {}", reason(writer)));
}

/// "./etc/passwd" becomes "./rootfs/etc/passwd".
std::string below_rootfs(std::string_view name) {
  while (name.starts_with("./")) name.remove_prefix(2);
  while (name.starts_with('/')) name.remove_prefix(1);
  return name.empty() || name == "." ? "./rootfs/" : "./rootfs/" + std::string(name);
}

void copy_content(archive* reader, archive* writer) {
  std::vector<char> buffer(block_size);
  while (true) {
    const la_ssize_t size = archive_read_data(reader, buffer.data(), buffer.size());
    if (size < 0) throw Error(ErrorKind::failed, fmt::format("the archive is damaged: {}", reason(reader)));
    if (size == 0) return;
    check_written(writer, archive_write_data(writer, buffer.data(), static_cast<std::size_t>(size)));
  }
}

}  // namespace

void unpack_archive(const fs::path& archive, const fs::path& directory, Operation& operation) {
  const Utf8Names names;
  const Reader reader = open_reader(archive);
  extract_all(reader.get(), directory, fs::file_size(archive), operation);
}

void unpack_archive(ByteSource& source, const fs::path& directory, Operation& operation) {
  const Utf8Names names;
  Feed feed{source, operation};
  const Reader reader = make_reader();
  try {
    if (archive_read_open(reader.get(), &feed, nullptr, read_feed, nullptr) != ARCHIVE_OK)
      fail_unknown_format();
    extract_all(reader.get(), directory, source.size(), operation);
  } catch (const Error&) {
    if (feed.failure) std::rethrow_exception(feed.failure);
    throw;
  }
  while (!source.read(operation).empty()) {
  }
}

void pack_rootfs(const fs::path& tar, const fs::path& output, Operation& operation) {
  const Utf8Names names;
  const Reader reader = open_reader(tar);
  const Writer writer(archive_write_new());
  check_written(writer.get(), archive_write_set_format_pax_restricted(writer.get()));
  // Only the header that every tar reads; libarchive's own makes GNU tar warn.
  check_written(writer.get(), archive_write_set_format_option(writer.get(), "pax", "xattrheader", "SCHILY"));
  check_written(writer.get(), archive_write_add_filter_zstd(writer.get()));
  check_written(writer.get(), archive_write_open_filename(writer.get(), output.c_str()));
  bool first = true;
  while (archive_entry* entry = next_entry(reader.get(), first)) {
    first = false;
    operation.check_stop();
    archive_entry_copy_pathname(entry, below_rootfs(entry_name(entry)).c_str());
    if (const char* target = archive_entry_hardlink(entry))
      archive_entry_copy_hardlink(entry, below_rootfs(target).c_str());
    check_written(writer.get(), archive_write_header(writer.get(), entry));
    copy_content(reader.get(), writer.get());
  }
  check_written(writer.get(), archive_write_close(writer.get()));
}

}  // namespace envtool
