#pragma once

#include <archive.h>
#include <archive_entry.h>

#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace envtool {

/// An entry of an archive made for a test.
struct TestEntry {
  std::string name;
  std::string content = {};
  unsigned type = AE_IFREG;
  std::string symlink = {}, hardlink = {};
  unsigned major = 0, minor = 0;  ///< of a device
  std::vector<std::pair<std::string, std::string>> attributes = {};
  la_int64_t uid = 0;
};

using ArchiveSetting = std::function<int(archive*)>;

/// Writes an archive with these entries, as they are: names and kinds that no honest archive has too.
inline void make_archive(const std::filesystem::path& path, const std::vector<TestEntry>& entries,
                         const ArchiveSetting& format = archive_write_set_format_pax_restricted,
                         const ArchiveSetting& filter = archive_write_add_filter_none) {
  archive* writer = archive_write_new();
  format(writer);
  filter(writer);
  archive_write_open_filename(writer, path.c_str());
  for (const TestEntry& item : entries) {
    archive_entry* entry = archive_entry_new();
    archive_entry_set_pathname(entry, item.name.c_str());
    archive_entry_set_filetype(entry, item.type);
    archive_entry_set_perm(entry, 0600);
    archive_entry_set_uid(entry, item.uid);
    archive_entry_set_size(entry, static_cast<la_int64_t>(item.content.size()));
    if (!item.symlink.empty()) archive_entry_set_symlink(entry, item.symlink.c_str());
    if (!item.hardlink.empty()) archive_entry_set_hardlink(entry, item.hardlink.c_str());
    if (item.major != 0) archive_entry_set_rdevmajor(entry, item.major);
    if (item.major != 0) archive_entry_set_rdevminor(entry, item.minor);
    for (const auto& [key, value] : item.attributes)
      archive_entry_xattr_add_entry(entry, key.c_str(), value.data(), value.size());
    archive_write_header(writer, entry);
    archive_write_data(writer, item.content.data(), item.content.size());
    archive_entry_free(entry);
  }
  archive_write_free(writer);
}

/// The entries of a small box that is as it should be.
inline std::vector<TestEntry> good_box() {
  return {{.name = "./metadata.json", .content = R"({"provider": "lxc", "version": "1.0.0"})"},
          {.name = "./Vagrantfile",
           .content = "Vagrant.configure(2) do |config|\n  config.ssh.username = \"ada\"\nend\n"},
          {.name = "./rootfs.tar.gz", .content = "not looked into"}};
}

}  // namespace envtool
