#include "boxes/rootfs.h"

#include <doctest/doctest.h>

#include "base/files.h"
#include "base/hash.h"
#include "tests/boxes/archive_maker.h"
#include "tests/boxes/fake_rootfs_store.h"
#include "tests/boxes/text_source.h"
#include "tests/support/scripted_host.h"

using namespace envtool;

namespace {

struct Relayed {
  std::vector<std::string> entries;  ///< "./etc/passwd", "./a -> b", "./a = ./b" for a hard link
  std::vector<RootfsFile> files;
  std::string error;
};

std::vector<std::string> entries_of(const std::string& tar) {
  std::vector<std::string> entries;
  archive* reader = archive_read_new();
  archive_read_support_format_tar(reader);
  archive_read_open_memory(reader, tar.data(), tar.size());
  archive_entry* entry = nullptr;
  while (archive_read_next_header(reader, &entry) == ARCHIVE_OK) {
    std::string text = archive_entry_pathname(entry);
    if (const char* target = archive_entry_symlink(entry)) text += std::string(" -> ") + target;
    if (const char* target = archive_entry_hardlink(entry)) text += std::string(" = ") + target;
    entries.push_back(text);
  }
  archive_read_free(reader);
  return entries;
}

Relayed relay_bytes(const std::string& bytes) {
  ScriptedHost host;
  FakeRootfsStore store;
  TextSource source(bytes, 1000);
  Relayed relayed;
  try {
    const auto sink = store.take_rootfs({.box = "x"}, host.operation);
    relay_rootfs(source, *sink, host.operation);
    sink->publish("d", host.operation);
    relayed.entries = entries_of(store.taken.at("d"));
    CHECK(source.is_at_end());
  } catch (const Error& error) {
    relayed.error = error.what();
    CHECK(store.given_up == 1);
    CHECK(store.taken.empty());
  }
  relayed.files = store.files;
  return relayed;
}

Relayed relay(const std::vector<TestEntry>& entries,
              const ArchiveSetting& filter = archive_write_add_filter_none) {
  const TemporaryDirectory directory;
  make_archive(directory.path() / "x", entries, archive_write_set_format_pax_restricted, filter);
  return relay_bytes(read_file(directory.path() / "x"));
}

}  // namespace

TEST_CASE("a root file system comes through with its links, below its top") {
  const std::vector<std::string> expected = {"./etc/", "./etc/passwd", "./etc/alias -> /etc/passwd",
                                             "./etc/twin = ./etc/passwd"};
  for (const char* top : {"./rootfs/", "rootfs/", "./", ""}) {
    CAPTURE(top);
    const std::string up = top;

    const Relayed relayed = relay({{.name = up + "etc/", .type = AE_IFDIR},
                                   {.name = up + "etc/passwd", .content = "root"},
                                   {.name = up + "etc/alias", .type = AE_IFLNK, .symlink = "/etc/passwd"},
                                   {.name = up + "etc/twin", .hardlink = up + "etc/passwd"}},
                                  archive_write_add_filter_gzip);

    CHECK(relayed.error == "");
    CHECK(relayed.entries == expected);
    REQUIRE(relayed.files.size() == 1);
    CHECK(relayed.files[0].path == "etc/passwd");
    CHECK(relayed.files[0].sha256 == sha256("root"));
  }
}

TEST_CASE("nothing of a root file system leads outside") {
  struct Case {
    std::vector<TestEntry> entries;
    std::string error;
  };
  const Case cases[] = {
      {{{.name = "/etc/passwd"}}, "its entry '/etc/passwd' has an absolute path"},
      {{{.name = "etc/../../x"}}, "its entry 'etc/../../x' lies outside of the box"},
      {{{.name = "etc/", .type = AE_IFDIR}, {.name = ".."}}, "its entry '..' lies outside of the box"},
      {{{.name = "rootfs/etc/", .type = AE_IFDIR}, {.name = "other/x"}},
       "its entry 'other/x' lies outside of its 'rootfs'"},
      {{{.name = "a", .type = AE_IFLNK, .symlink = "/"}, {.name = "a/etc/x"}},
       "its entry 'a/etc/x' lies below a link or file"},
      {{{.name = "a", .type = AE_IFLNK, .symlink = "/etc"}, {.name = "a/", .type = AE_IFDIR}},
       "its entry 'a/' is there twice"},
      {{{.name = "d/", .type = AE_IFDIR}, {.name = "d", .type = AE_IFLNK, .symlink = "/"}},
       "its entry 'd' is there twice"},
      {{{.name = "d/x"}, {.name = "d", .type = AE_IFLNK, .symlink = "/"}}, "its entry 'd' is there twice"},
      {{{.name = "a", .content = "1"}, {.name = "./a", .content = "2"}}, "its entry './a' is there twice"},
      {{{.name = "a", .hardlink = "/etc/shadow"}}, "its entry '/etc/shadow' has an absolute path"},
      {{{.name = "a", .hardlink = "../../etc/shadow"}},
       "its entry '../../etc/shadow' lies outside of the box"},
      {{{.name = "a", .hardlink = "b"}, {.name = "b"}},
       "its entry 'a' is a hard link to 'b', which is no file before it"},
      {{{.name = "b/", .type = AE_IFDIR}, {.name = "a", .hardlink = "b"}},
       "its entry 'a' is a hard link to 'b', which is no file before it"},
      {{{.name = "rootfs", .type = AE_IFLNK, .symlink = "/"}, {.name = "rootfs/x"}},
       "its entry 'rootfs' takes the place of the root directory"},
  };
  for (const Case& entry : cases) {
    CAPTURE(entry.error);
    CHECK(relay(entry.entries).error == "its root file system: " + entry.error);
  }
}

TEST_CASE("harmless devices come through, others are left out below dev and refused elsewhere") {
  const auto device = [](const std::string& name, unsigned type, unsigned major, unsigned minor) {
    return TestEntry{.name = name, .type = type, .major = major, .minor = minor};
  };
  CHECK(relay({device("dev/null", AE_IFCHR, 1, 3), device("dev/sda", AE_IFBLK, 8, 0),
               device("var/chroot/dev/null", AE_IFCHR, 1, 3)})
            .entries == std::vector<std::string>{"./dev/null", "./var/chroot/dev/null"});
  CHECK(relay({device("tmp/mem", AE_IFCHR, 1, 1)}).error ==
        "its root file system: its entry 'tmp/mem' is a device, which does not belong there");
  CHECK(relay({device("etc/sda", AE_IFBLK, 8, 0)}).error.find("does not belong") != std::string::npos);
}

TEST_CASE("attributes of the guest come through, those that steer the host do not") {
  const TemporaryDirectory directory;
  make_archive(directory.path() / "x", {{.name = "a",
                                         .content = "1",
                                         .attributes = {{"user.note", "x"},
                                                        {"trusted.overlay.redirect", "/etc"},
                                                        {"security.capability", "c"}}}});
  const std::string tar = read_file(directory.path() / "x");
  ScriptedHost host;
  FakeRootfsStore store;
  TextSource source(tar, 1000);

  const auto sink = store.take_rootfs({.box = "x"}, host.operation);
  relay_rootfs(source, *sink, host.operation);
  sink->publish("d", host.operation);

  CHECK(store.taken["d"].find("user.note") != std::string::npos);
  CHECK(store.taken["d"].find("security.capability") != std::string::npos);
  CHECK(store.taken["d"].find("overlay") == std::string::npos);
}

TEST_CASE("an archive that is cut or is none is refused") {
  const TemporaryDirectory directory;
  std::string noise(300000, '\0');
  for (std::size_t i = 0; i < noise.size(); ++i) noise[i] = static_cast<char>((i * i * 2654435761U) >> 13);
  for (const auto& filter :
       {archive_write_add_filter_gzip, archive_write_add_filter_xz, archive_write_add_filter_zstd}) {
    make_archive(directory.path() / "x", {{.name = "etc/f", .content = noise}},
                 archive_write_set_format_pax_restricted, filter);
    const std::string whole = read_file(directory.path() / "x");
    CHECK(relay_bytes(whole).error == "");
    CHECK(relay_bytes(whole.substr(0, whole.size() / 2)).error.find("damaged") != std::string::npos);
  }
  CHECK(relay_bytes("no archive").error.find("not an archive") != std::string::npos);
  CHECK(relay_bytes("").error.find("not an archive") != std::string::npos);
}

TEST_CASE("what is said of a root file system is read back") {
  const TemporaryDirectory directory;
  CHECK_FALSE(read_rootfs_record(directory.path()));

  write_rootfs_record(directory.path(), {"rootfs.tar.xz", "def", "abc", 12});

  CHECK(read_rootfs_record(directory.path())->archive == "rootfs.tar.xz");
  CHECK(read_rootfs_record(directory.path())->digest == "def");
  CHECK(read_rootfs_record(directory.path())->manifest == "abc");
  CHECK(read_rootfs_record(directory.path())->bytes == 12);
}
