#include "boxes/archive_writer.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "boxes/archive_reader.h"

namespace envtool {

ArchiveWriter::ArchiveWriter(const std::filesystem::path& file, Packing packing)
    : writer_(archive_write_new()) {
  set_format();
  if (packing == Packing::gzip) check(archive_write_add_filter_gzip(writer_.get()));
  if (packing == Packing::zstd) check(archive_write_add_filter_zstd(writer_.get()));
  check(archive_write_open_filename(writer_.get(), file.c_str()));
}

ArchiveWriter::ArchiveWriter(Sink sink) : output_(new Output{std::move(sink)}), writer_(archive_write_new()) {
  set_format();
  check(archive_write_set_bytes_per_block(writer_.get(), 0));
  check(archive_write_open(writer_.get(), output_.get(), nullptr, write_output, nullptr));
}

ArchiveWriter::~ArchiveWriter() {
  // libarchive ends the archive when it is freed: nobody has to take that end of what has none.
  if (!finished_ && output_) output_->sink = nullptr;
}

void ArchiveWriter::set_format() {
  check(archive_write_set_format_pax_restricted(writer_.get()));
  // Only the header that every tar reads; libarchive's own makes GNU tar warn.
  check(archive_write_set_format_option(writer_.get(), "pax", "xattrheader", "SCHILY"));
}

la_ssize_t ArchiveWriter::write_output(archive*, void* data, const void* bytes, std::size_t size) {
  Output& output = *static_cast<Output*>(data);
  try {
    if (!output.failure && output.sink) output.sink({static_cast<const char*>(bytes), size});
  } catch (...) {
    output.failure = std::current_exception();
  }
  return static_cast<la_ssize_t>(size);
}

void ArchiveWriter::check(la_ssize_t status) const {
  if (output_ && output_->failure) std::rethrow_exception(output_->failure);
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

void ArchiveWriter::finish() {
  check(archive_write_close(writer_.get()));
  finished_ = true;
}

}  // namespace envtool
