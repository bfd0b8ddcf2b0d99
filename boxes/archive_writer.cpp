#include "boxes/archive_writer.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "boxes/archive_reader.h"

namespace envtool {

ArchiveWriter::ArchiveWriter(const std::filesystem::path& file) : writer_(archive_write_new()) {
  check(archive_write_set_format_pax_restricted(writer_.get()));
  // Only the header that every tar reads; libarchive's own makes GNU tar warn.
  check(archive_write_set_format_option(writer_.get(), "pax", "xattrheader", "SCHILY"));
  check(archive_write_add_filter_zstd(writer_.get()));
  check(archive_write_open_filename(writer_.get(), file.c_str()));
}

void ArchiveWriter::check(la_ssize_t status) const {
  if (status >= 0 || status == ARCHIVE_WARN) return;
  throw Error(ErrorKind::failed, fmt::format("cannot write the box: {}", archive_reason(writer_.get())));
}

void ArchiveWriter::begin(archive_entry* entry) { check(archive_write_header(writer_.get(), entry)); }

void ArchiveWriter::add(std::string_view bytes) {
  if (!bytes.empty()) check(archive_write_data(writer_.get(), bytes.data(), bytes.size()));
}

void ArchiveWriter::add_zeros(std::uint64_t count) {
  static constexpr char zeros[1 << 16] = {};
  while (count > 0) {
    const std::size_t size = std::min<std::uint64_t>(count, sizeof zeros);
    add({zeros, size});
    count -= size;
  }
}

void ArchiveWriter::finish() { check(archive_write_close(writer_.get())); }

}  // namespace envtool
