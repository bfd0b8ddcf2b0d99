#include "boxes/archive.h"

#include <doctest/doctest.h>
#include <locale.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/files.h"
#include "tests/boxes/archive_maker.h"
#include "tests/boxes/text_source.h"
#include "tests/support/scripted_host.h"

using namespace envtool;
namespace fs = std::filesystem;

namespace {

/// What unpacking those entries says; "fine" when it worked.
std::string unpacking(const std::vector<TestEntry>& entries) {
  ScriptedHost host;
  const TemporaryDirectory directory;
  const fs::path target = directory.path() / "a" / "b";
  make_directories(target);
  make_archive(directory.path() / "x.box", entries);
  try {
    unpack_archive(directory.path() / "x.box", target, {}, host.operation);
  } catch (const Error& error) {
    return error.what();
  }
  return "fine";
}

}  // namespace

TEST_CASE("archives of every accepted format unpack, whatever their name is") {
  struct Kind {
    ArchiveSetting format, filter;
  };
  const Kind kinds[] = {{archive_write_set_format_ustar, archive_write_add_filter_none},
                        {archive_write_set_format_gnutar, archive_write_add_filter_gzip},
                        {archive_write_set_format_pax_restricted, archive_write_add_filter_xz},
                        {archive_write_set_format_pax_restricted, archive_write_add_filter_bzip2},
                        {archive_write_set_format_pax_restricted, archive_write_add_filter_zstd},
                        {archive_write_set_format_zip, archive_write_add_filter_none},
                        {archive_write_set_format_7zip, archive_write_add_filter_none}};
  for (const Kind& kind : kinds) {
    ScriptedHost host;
    const TemporaryDirectory directory;
    make_archive(directory.path() / "x", {{.name = "sub/file", .content = "content"}}, kind.format,
                 kind.filter);
    make_directories(directory.path() / "out");

    unpack_archive(directory.path() / "x", directory.path() / "out", {}, host.operation);

    CHECK(read_file(directory.path() / "out" / "sub" / "file") == "content");
  }
}

TEST_CASE("the archive's modes are left behind, so that the store can always be read and removed") {
  ScriptedHost host;
  const TemporaryDirectory directory;
  make_archive(directory.path() / "x", {{.name = "file", .content = "1"}});
  make_directories(directory.path() / "out");

  unpack_archive(directory.path() / "x", directory.path() / "out", {}, host.operation);

  struct stat info {};
  REQUIRE(::stat((directory.path() / "out" / "file").c_str(), &info) == 0);
  CHECK((info.st_mode & 0400) != 0);
  CHECK((info.st_mode & 07111) == 0);
}

TEST_CASE("an entry that would leave the box's directory is refused by name") {
  CHECK(unpacking({{.name = "/etc/passwd"}}) == "its entry '/etc/passwd' has an absolute path");
  CHECK(unpacking({{.name = "\\etc\\passwd"}}) == "its entry '/etc/passwd' has an absolute path");
  CHECK(unpacking({{.name = "../../x"}}) == "its entry '../../x' lies outside of the box");
  CHECK(unpacking({{.name = "a/../../x"}}) == "its entry 'a/../../x' lies outside of the box");
  CHECK(unpacking({{.name = "a\\..\\..\\x"}}) == "its entry 'a/../../x' lies outside of the box");
}

TEST_CASE("links and devices are refused by name") {
  CHECK(unpacking({{.name = "s", .type = AE_IFLNK, .symlink = "/etc"}}) ==
        "its entry 's' is a symbolic link");
  CHECK(unpacking({{.name = "f", .content = "1"}, {.name = "h", .hardlink = "f"}}) ==
        "its entry 'h' is a hard link");
  CHECK(unpacking({{.name = "c", .type = AE_IFCHR}}) == "its entry 'c' is neither a file nor a directory");
  CHECK(unpacking({{.name = "p", .type = AE_IFIFO}}) == "its entry 'p' is neither a file nor a directory");
}

TEST_CASE("two files of one name are refused, and so is a file in place of a directory") {
  CHECK(unpacking({{.name = "f", .content = "1"}, {.name = "./f", .content = "2"}}) ==
        "its entry './f' is there twice");
  CHECK(unpacking({{.name = "d/f", .content = "1"}, {.name = "d", .content = "2"}}) ==
        "its entry 'd' is there twice");
}

TEST_CASE("a name that is not ASCII is kept") {
  ScriptedHost host;
  const TemporaryDirectory directory;
  make_archive(directory.path() / "x", {{.name = "größe", .content = "1"}}, archive_write_set_format_gnutar);
  make_directories(directory.path() / "out");

  unpack_archive(directory.path() / "x", directory.path() / "out", {}, host.operation);

  CHECK(fs::exists(directory.path() / "out" / "größe"));
}

TEST_CASE("text and an empty file are not archives, and a cut one is damaged") {
  ScriptedHost host;
  const TemporaryDirectory directory;
  const fs::path path = directory.path() / "x";
  make_directories(directory.path() / "out");
  const auto said = [&] {
    try {
      unpack_archive(path, directory.path() / "out", {}, host.operation);
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string("fine");
  };

  write_file(path, "#mtree\n./x type=file contents=/etc/hostname\n");
  CHECK(said() == "not an archive that envtool can read (tar, zip, 7z or cpio)");

  write_file(path, "");
  CHECK(said() == "not an archive that envtool can read (tar, zip, 7z or cpio)");

  std::string noise(1 << 20, '\0');
  for (std::size_t i = 0; i < noise.size(); ++i) noise[i] = static_cast<char>((i * i * 2654435761U) >> 13);
  make_archive(path, {{.name = "f", .content = noise}}, archive_write_set_format_ustar,
               archive_write_add_filter_gzip);
  const std::string whole = read_file(path);
  write_file(path, whole.substr(0, whole.size() / 2));
  CHECK(said().starts_with("the archive is damaged: "));
}

TEST_CASE("a wish to stop ends the unpacking") {
  ScriptedHost host;
  const TemporaryDirectory directory;
  make_archive(directory.path() / "x", {{.name = "file", .content = "1"}});
  make_directories(directory.path() / "out");
  std::stop_source stop;
  stop.request_stop();
  Operation operation{host.host, "web", stop.get_token()};

  CHECK_THROWS_AS(unpack_archive(directory.path() / "x", directory.path() / "out", {}, operation),
                  Interrupted);
}

TEST_CASE("a packed root file system lies below ./rootfs, links within it too") {
  ScriptedHost host;
  const TemporaryDirectory directory;
  make_archive(directory.path() / "root.tar",
               {{.name = "./", .type = AE_IFDIR},
                {.name = "./etc/ő", .content = "1"},
                {.name = "./etc/hard", .hardlink = "./etc/ő"},
                {.name = "./etc/soft", .type = AE_IFLNK, .symlink = "/etc/a"}});

  pack_rootfs(directory.path() / "root.tar", directory.path() / "rootfs.tar.zst", host.operation);

  ::setlocale(LC_CTYPE, "C.UTF-8");  // or libarchive gives no names
  archive* reader = archive_read_new();
  archive_read_support_format_tar(reader);
  archive_read_support_filter_zstd(reader);
  REQUIRE(archive_read_open_filename(reader, (directory.path() / "rootfs.tar.zst").c_str(), 10240) ==
          ARCHIVE_OK);
  std::string listing;
  archive_entry* entry = nullptr;
  while (archive_read_next_header(reader, &entry) != ARCHIVE_EOF) {
    const char* hard = archive_entry_hardlink_utf8(entry);
    const char* soft = archive_entry_symlink_utf8(entry);
    listing += std::string(archive_entry_pathname_utf8(entry)) + (hard ? std::string(" = ") + hard : "") +
               (soft ? std::string(" -> ") + soft : "") + "\n";
  }
  archive_read_free(reader);
  ::setlocale(LC_CTYPE, "C");
  CHECK(listing ==
        "./rootfs/\n./rootfs/etc/ő\n./rootfs/etc/hard = ./rootfs/etc/ő\n./rootfs/etc/soft -> /etc/a\n");
}

TEST_CASE("what comes piece by piece unpacks as the file does, and is read to its end") {
  ScriptedHost host;
  const TemporaryDirectory directory;
  make_archive(directory.path() / "x", {{.name = "file", .content = std::string(70000, 'x')}},
               archive_write_set_format_pax_restricted, archive_write_add_filter_gzip);
  make_directories(directory.path() / "out");
  TextSource source(read_file(directory.path() / "x") + std::string(100000, '\0'), 1000);

  unpack_archive(source, directory.path() / "out", {}, host.operation);

  CHECK(read_file(directory.path() / "out" / "file") == std::string(70000, 'x'));
  CHECK(source.is_at_end());
}

TEST_CASE("a source's own failure is what is reported, and a wish to stop is no failure") {
  ScriptedHost host;
  const TemporaryDirectory directory;
  make_archive(directory.path() / "x", {{.name = "file", .content = std::string(70000, 'x')}});
  const std::string half = read_file(directory.path() / "x").substr(0, 35000);
  make_directories(directory.path() / "out");
  TextSource broken(half, 1000, [] { throw Error(ErrorKind::failed, "the download fails: no route"); });
  CHECK_THROWS_WITH(unpack_archive(broken, directory.path() / "out", {}, host.operation),
                    "the download fails: no route");

  fs::remove(directory.path() / "out" / "file");
  TextSource stopped(half, 1000, [] { throw Interrupted{}; });
  CHECK_THROWS_AS(unpack_archive(stopped, directory.path() / "out", {}, host.operation), Interrupted);
}

TEST_CASE("7z, which must be read from its end, is refused where that is not there yet") {
  ScriptedHost host;
  const TemporaryDirectory directory;
  make_archive(directory.path() / "x", {{.name = "file"}}, archive_write_set_format_7zip);
  TextSource source(read_file(directory.path() / "x"), 1000);

  CHECK_THROWS_WITH(unpack_archive(source, directory.path(), {}, host.operation),
                    "a 7z archive cannot be unpacked while it is downloaded");
}
