#include "providers/libvirt/iso.h"

#include <fmt/format.h>

#include <memory>

#include "base/error.h"
#include "base/libarchive.h"

namespace envtool::libvirt {

namespace {

struct CloseArchive {
  void operator()(archive* writer) const { archive_write_free(writer); }
  void operator()(archive_entry* entry) const { archive_entry_free(entry); }
};
using Writer = std::unique_ptr<archive, CloseArchive>;

la_ssize_t append(archive*, void* image, const void* bytes, std::size_t count) {
  static_cast<std::string*>(image)->append(static_cast<const char*>(bytes), count);
  return static_cast<la_ssize_t>(count);
}

void check(int result, const Writer& writer) {
  if (result < ARCHIVE_WARN)
    throw Error(ErrorKind::failed,
                fmt::format("cannot make an ISO image: {}", archive_error_string(writer.get())));
}

}  // namespace

std::string iso_image(const std::string& volume_id, const std::vector<IsoFile>& files) {
  std::string image;
  const Writer writer(archive_write_new());
  check(archive_write_set_format_iso9660(writer.get()), writer);
  check(archive_write_set_format_option(writer.get(), "iso9660", "volume-id", volume_id.c_str()), writer);
  check(archive_write_open(writer.get(), &image, nullptr, append, nullptr), writer);
  for (const IsoFile& file : files) {
    const std::unique_ptr<archive_entry, CloseArchive> entry(archive_entry_new());
    archive_entry_set_pathname(entry.get(), file.path.c_str());
    archive_entry_set_filetype(entry.get(), AE_IFREG);
    archive_entry_set_perm(entry.get(), static_cast<mode_t>(file.mode));
    archive_entry_set_size(entry.get(), static_cast<la_int64_t>(file.content.size()));
    check(archive_write_header(writer.get(), entry.get()), writer);
    if (archive_write_data(writer.get(), file.content.data(), file.content.size()) < 0)
      check(ARCHIVE_FATAL, writer);
  }
  check(archive_write_close(writer.get()), writer);
  return image;
}

}  // namespace envtool::libvirt
