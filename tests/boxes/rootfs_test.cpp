#include "boxes/rootfs.h"

#include <doctest/doctest.h>

#include "base/files.h"
#include "tests/boxes/archive_maker.h"
#include "tests/boxes/fake_rootfs_store.h"
#include "tests/boxes/text_source.h"
#include "tests/support/scripted_host.h"

using namespace envtool;

namespace {

struct Relayed {
  std::vector<std::string> entries;  ///< "etc/", "etc/passwd", "a -> b", "a = b" for a hard link
  std::vector<FakeRootfsStore::Item> items;
  std::string error;
};

std::string in_words(const TreeEntry& entry) {
  switch (entry.kind) {
    case TreeEntry::Kind::directory:
      return entry.path + "/";
    case TreeEntry::Kind::symlink:
      return entry.path + " -> " + entry.target;
    case TreeEntry::Kind::hard_link:
      return entry.path + " = " + entry.target;
    default:
      return entry.path;
  }
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
    relayed.items = store.taken.at("d");
    for (const auto& item : relayed.items) relayed.entries.push_back(in_words(item.entry));
    CHECK(source.is_at_end());
  } catch (const Error& error) {
    relayed.error = error.what();
    CHECK(store.given_up == 1);
    CHECK(store.taken.empty());
  }
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
  const std::vector<std::string> expected = {"etc/", "etc/passwd", "etc/alias -> /etc/passwd",
                                             "etc/twin = etc/passwd"};
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
    REQUIRE(relayed.items.size() == 4);
    CHECK(relayed.items[1].content == "root");
    CHECK(relayed.items[1].entry.mode == 0600);
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
            .entries == std::vector<std::string>{"dev/null", "var/chroot/dev/null"});
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

  const Relayed relayed = relay_bytes(read_file(directory.path() / "x"));

  REQUIRE(relayed.items.size() == 1);
  const auto& attributes = relayed.items[0].entry.attributes;
  CHECK(std::map<std::string, std::string>(attributes.begin(), attributes.end()) ==
        std::map<std::string, std::string>{{"security.capability", "c"}, {"user.note", "x"}});
}

TEST_CASE("holes come through as holes") {
  const TemporaryDirectory directory;
  archive* writer = archive_write_new();
  archive_write_set_format_pax(writer);
  archive_write_open_filename(writer, (directory.path() / "x").c_str());
  archive_entry* entry = archive_entry_new();
  archive_entry_set_pathname(entry, "a");
  archive_entry_set_filetype(entry, AE_IFREG);
  archive_entry_set_size(entry, 10000);
  archive_entry_sparse_add_entry(entry, 4096, 2);
  archive_write_header(writer, entry);
  const std::string content = std::string(4096, '\0') + "hi" + std::string(5902, '\0');
  archive_write_data(writer, content.data(), content.size());
  archive_entry_free(entry);
  archive_write_free(writer);

  const Relayed relayed = relay_bytes(read_file(directory.path() / "x"));

  REQUIRE(relayed.items.size() == 1);
  CHECK(relayed.items[0].content == content);
  CHECK(relayed.items[0].holes == 9998);
}

TEST_CASE("an owner that is none is refused") {
  const auto owned_by = [](la_int64_t number) {
    const TemporaryDirectory directory;
    const auto archive = directory.path() / "x";
    make_archive(archive, {{.name = "a", .uid = number}});
    return relay_bytes(read_file(archive));
  };

  CHECK(owned_by(1000).items.at(0).entry.uid == 1000);
  CHECK(owned_by(0xFFFFFFFF).error ==
        "its root file system: its entry 'a' belongs to 4294967295, which is no id");
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
