#include "boxes/archive_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/text.h"

namespace envtool {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t block_size = 256 << 10;

[[noreturn]] void fail_unknown_format() {
  throw Error(ErrorKind::failed, "not an archive that envtool can read (tar, zip, 7z or cpio)");
}

/// Formats are named one by one: "all" also has mtree, whose entries name files of the host, and filters that
/// start programs.
archive* new_reader() {
  archive* reader = archive_read_new();
  archive_read_support_format_tar(reader);
  archive_read_support_format_zip(reader);
  archive_read_support_format_7zip(reader);
  archive_read_support_format_cpio(reader);
  archive_read_support_filter_gzip(reader);
  archive_read_support_filter_bzip2(reader);
  archive_read_support_filter_xz(reader);
  archive_read_support_filter_lzma(reader);
  archive_read_support_filter_lz4(reader);
  archive_read_support_filter_zstd(reader);
  return reader;
}

}  // namespace

Utf8Names::Utf8Names() : locale_(::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr)) {
  if (locale_ != nullptr) previous_ = ::uselocale(locale_);
}

Utf8Names::~Utf8Names() {
  if (locale_ == nullptr) return;
  ::uselocale(previous_);
  ::freelocale(locale_);
}

ArchiveReader::ArchiveReader(const fs::path& file) : reader_(new_reader()) {
  if (archive_read_open_filename(reader_.get(), file.c_str(), block_size) == ARCHIVE_OK) return;
  // What libarchive calls ARCHIVE_ERRNO_FILE_FORMAT, in a header it does not install.
  if (archive_errno(reader_.get()) == EILSEQ) fail_unknown_format();
  throw Error(ErrorKind::failed,
              fmt::format("cannot read '{}': {}", file.string(), archive_reason(reader_.get())));
}

ArchiveReader::ArchiveReader(ByteSource& source, Operation& operation)
    : feed_(new Feed{source, operation}), reader_(new_reader()) {
  if (archive_read_open(reader_.get(), feed_.get(), nullptr, read_feed, nullptr) == ARCHIVE_OK) return;
  throw_failure_of_source();
  fail_unknown_format();
}

la_ssize_t ArchiveReader::read_feed(archive*, void* data, const void** block) {
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
    return ARCHIVE_FATAL;
  }
}

void ArchiveReader::throw_failure_of_source() const {
  if (feed_ && feed_->failure) std::rethrow_exception(feed_->failure);
}

void ArchiveReader::fail_damaged() const {
  throw_failure_of_source();
  throw Error(ErrorKind::failed, fmt::format("the archive is damaged: {}", archive_reason(reader_.get())));
}

archive_entry* ArchiveReader::next() {
  archive_entry* entry = nullptr;
  const int status = archive_read_next_header(reader_.get(), &entry);
  const bool is_first = !std::exchange(begun_, true);
  if (status == ARCHIVE_EOF) return nullptr;
  if (status == ARCHIVE_OK || status == ARCHIVE_WARN) return entry;
  throw_failure_of_source();
  if (is_first) fail_unknown_format();
  fail_damaged();
}

bool ArchiveReader::next_block(Block& block) {
  const void* bytes = nullptr;
  std::size_t size = 0;
  la_int64_t place = 0;
  const int status = archive_read_data_block(reader_.get(), &bytes, &size, &place);
  if (status == ARCHIVE_EOF) return false;
  if (status != ARCHIVE_OK && status != ARCHIVE_WARN) fail_damaged();
  block = {{static_cast<const char*>(bytes), size}, static_cast<std::uint64_t>(place)};
  return true;
}

std::uint64_t ArchiveReader::packed_bytes() const {
  return static_cast<std::uint64_t>(archive_filter_bytes(reader_.get(), -1));
}

std::string archive_reason(archive* handle) {
  const char* text = archive_error_string(handle);
  return text == nullptr ? "unknown reason" : std::string(trim(text));
}

std::string entry_name(archive_entry* entry) {
  const char* name = archive_entry_pathname(entry);
  if (name == nullptr) name = archive_entry_pathname_utf8(entry);
  if (name == nullptr) throw Error(ErrorKind::failed, "the archive has an entry without a readable name");
  return name;
}

void refuse_entry(const std::string& name, std::string_view why) {
  throw Error(ErrorKind::failed, fmt::format("its entry '{}' {}", name, why));
}

std::string entry_place(const std::string& name) {
  if (name.starts_with('/')) refuse_entry(name, "has an absolute path");
  std::string place;
  place.reserve(name.size());
  for (std::string_view rest = name; !rest.empty();) {
    const std::string_view part = rest.substr(0, rest.find('/'));
    rest.remove_prefix(std::min(part.size() + 1, rest.size()));
    if (part.empty() || part == ".") continue;
    if (part == "..") refuse_entry(name, "lies outside of the box");
    if (!place.empty()) place += '/';
    place += part;
  }
  return place;
}

}  // namespace envtool
