#include "boxes/package.h"

#include <doctest/doctest.h>

#include <map>

#include "base/error.h"
#include "base/tar.h"
#include "boxes/archive_reader.h"
#include "boxes/box_store.h"
#include "boxes/gzip_stream.h"
#include "tests/boxes/fake_rootfs_store.h"
#include "tests/boxes/text_source.h"
#include "tests/support/scripted_host.h"

using namespace envtool;
namespace fs = std::filesystem;

namespace {

/// A machine whose disk has one file, and a place for boxes of it.
struct PackageTest {
  TemporaryDirectory directory;
  ScriptedHost scripted;
  NewBox box{.file = directory.path() / "out" / "a.box",
             .directory = directory.path(),
             .format = "lxc",
             .ssh_user = "vagrant",
             .rootfs = [](const auto& take, Operation&) {
               const std::string text = "hello\n";
               take(tar_header({.name = "./rootfs/etc/motd", .size = text.size()}));
               take(text + tar_padding(text.size()) + tar_end());
             }};

  PackageTest() { fs::create_directory(directory.path() / "out"); }

  void write() { write_package(box, scripted.operation); }

  /// Content by name.
  std::map<std::string, std::string> content() const {
    std::map<std::string, std::string> files;
    ArchiveReader reader(box.file);
    while (archive_entry* entry = reader.next()) {
      std::string& text = files[entry_name(entry)];
      for (ArchiveReader::Block block; reader.next_block(block);) text += block.bytes;
    }
    return files;
  }

  /// The error, with nothing left where the box was to be.
  std::string refusal() {
    std::string text;
    try {
      write();
    } catch (const Error& error) {
      text = error.what();
    }
    CHECK(fs::is_empty(directory.path() / "out"));
    return text;
  }
};

std::string unpacked(const std::string& packed, Operation& operation) {
  TextSource source(packed, 1000);
  ArchiveReader reader(source, operation);
  std::string text;
  while (archive_entry* entry = reader.next()) {
    text += "<" + entry_name(entry) + ">";
    for (ArchiveReader::Block block; reader.next_block(block);) text += block.bytes;
  }
  return text;
}

}  // namespace

TEST_CASE("a stream compressed in several members is read as one") {
  ScriptedHost scripted;
  std::string text;
  for (int i = 0; text.size() < (5 << 19); ++i) text += std::to_string(i) + "\n";
  const std::string archive =
      tar_header({.name = "numbers", .size = text.size()}) + text + tar_padding(text.size()) + tar_end();

  std::string packed;
  GzipStream stream([&packed](std::string_view bytes) { packed += bytes; });
  for (std::size_t place = 0; place < archive.size(); place += 70000)
    stream.add(std::string_view(archive).substr(place, 70000));
  stream.finish();

  CHECK(packed.size() < text.size() / 2);
  CHECK(unpacked(packed, scripted.operation) == "<numbers>" + text);
}

TEST_CASE("a packaged box says what it is for and has the root file system") {
  PackageTest test;
  test.write();

  auto files = test.content();
  CHECK(files.size() == 3);
  CHECK(files["lxc-config"] == "lxc.include = /usr/share/lxc/config/common.conf\n");
  const Value metadata = parse_json(files["metadata.json"], "it");
  CHECK(metadata["provider"] == Value("lxc"));
  CHECK(metadata["version"] == Value("1.0.0"));
  CHECK(unpacked(files["rootfs.tar.gz"], test.scripted.operation) == "<./rootfs/etc/motd>hello\n");
}

TEST_CASE("the store takes a packaged box, its user and info included") {
  PackageTest test;
  test.scripted.host.paths.data = test.directory.path() / "data";
  test.box.ssh_user = "ada";
  test.box.info = test.directory.path() / "info.json";
  write_file(test.box.info, R"({"author": "ada"})");
  test.write();

  FakeRootfsStore rootfs;
  BoxRequest request;
  request.box.name = test.box.file;
  request.formats = {"lxc"};
  request.rootfs_store = &rootfs;
  BoxStore store(test.scripted.host);
  const Box box = store.resolve(request, test.scripted.operation);

  CHECK(box.format == "lxc");
  CHECK(box.defaults.ssh_user == "ada");
  CHECK(box.info["author"] == Value("ada"));
  REQUIRE(rootfs.taken.contains(box.digest));
  CHECK(rootfs.taken[box.digest].front().entry.path == "etc/motd");
  CHECK(rootfs.bare == 0);
}

TEST_CASE("a Vagrantfile and other files lie in the box's include, where Vagrant looks") {
  PackageTest test;
  const fs::path& top = test.directory.path();
  write_file(top / "Mine", "# mine\n");
  write_file(top / "docs" / "deep" / "b.txt", "b");
  write_file(top / "docs" / "a.txt", "a");
  test.box.vagrantfile = top / "Mine";
  test.box.included = {"docs/", top / "docs" / "a.txt"};
  test.write();

  auto files = test.content();
  CHECK(files["Vagrantfile"] == "load File.expand_path(\"include/_Vagrantfile\", __dir__)\n");
  CHECK(files["include/_Vagrantfile"] == "# mine\n");
  CHECK(files["include/docs/a.txt"] == "a");
  CHECK(files["include/docs/deep/b.txt"] == "b");
  CHECK(files["include/a.txt"] == "a");
}

TEST_CASE("what a box is to be made of is looked at before the machine's disk") {
  PackageTest test;
  test.box.rootfs = [](const auto&, Operation&) { FAIL("the disk was asked for"); };

  test.box.included = {"nowhere"};
  CHECK(test.refusal().find("there is no file '") != std::string::npos);
  test.box.included = {};
  test.box.info = test.directory.path() / "info.json";
  write_file(test.box.info, "[1]");
  CHECK(test.refusal().find("does not hold a JSON object") != std::string::npos);
  test.box.info.clear();
  write_file(test.directory.path() / "a", "1");
  test.box.included = {"a", test.directory.path() / "a"};
  CHECK(test.refusal() == "two files would be 'include/a' in the box");
}

TEST_CASE("a file that is there stays, whenever it came") {
  PackageTest test;
  test.box.rootfs = [&test](const auto& take, Operation&) {
    take(tar_end());
    write_file(test.box.file, "mine");
  };

  CHECK_THROWS_WITH_AS(test.write(), doctest::Contains("is there already"), Error);
  CHECK_THROWS_WITH_AS(test.write(), doctest::Contains("is there already"), Error);

  CHECK(read_file(test.box.file) == "mine");
  CHECK(std::distance(fs::directory_iterator(test.directory.path() / "out"), {}) == 1);
}

TEST_CASE("a disk that cannot be read to its end leaves no box") {
  PackageTest test;
  test.box.rootfs = [](const auto& take, Operation&) {
    take(std::string(3 << 20, 'x'));
    throw Error(ErrorKind::failed, "the machine is gone");
  };

  CHECK(test.refusal() == "the machine is gone");
}

namespace {

/// Images of these contents, of which the guest sees so much.
std::function<NewBoxDisks(Operation&)> images(const std::vector<std::string>& contents, std::uint64_t bytes) {
  return [contents, bytes](Operation&) {
    NewBoxDisks disks{.disks = {}, .metadata = Value::map({{"reads_seed", true}})};
    for (const std::string& content : contents)
      disks.disks.push_back(
          {.virtual_size = {bytes}, .size = content.size(), .read = [content](const auto& take, Operation&) {
             take(std::string_view(content).substr(0, 2));
             take(std::string_view(content).substr(2));
           }});
    return disks;
  };
}

}  // namespace

TEST_CASE("a box of one disk is vagrant-libvirt's first version, one of several its second") {
  PackageTest test;
  test.box.format = "libvirt";
  test.box.rootfs = {};
  test.box.disks = images({"image"}, (10ull << 30) + 1);
  test.write();

  auto files = test.content();
  const Value metadata = parse_json(files["metadata.json"], "it");
  CHECK(metadata["provider"] == Value("libvirt"));
  CHECK(metadata["format"] == Value("qcow2"));
  CHECK(metadata["virtual_size"] == Value(11));
  CHECK(metadata["reads_seed"] == Value(true));
  CHECK(files["box.img"] == "image");
  CHECK(files.size() == 2);
  CHECK(read_file(test.box.file).starts_with("\x1f\x8b"));

  fs::remove(test.box.file);
  test.box.disks = images({"image", "other"}, 1);
  test.write();
  files = test.content();
  const Value disks = parse_json(files["metadata.json"], "it")["disks"];
  CHECK(disks.items().size() == 2);
  CHECK(disks.items().at(1)["path"] == Value("box_1.img"));
  CHECK(files["box_1.img"] == "other");
}

TEST_CASE("an image that is shorter than its word leaves no box") {
  PackageTest test;
  test.box.rootfs = {};
  test.box.disks = [](Operation&) {
    NewBoxDisks disks{.disks = {}, .metadata = Value::map()};
    disks.disks.push_back(
        {.virtual_size = {1}, .size = 3, .read = [](const auto& take, Operation&) { take("ab"); }});
    return disks;
  };

  CHECK(test.refusal() == "the disk 'box.img' has 2 bytes and was to have 3");
}

TEST_CASE("a directory that is not there is named") {
  PackageTest test;
  test.box.file = test.directory.path() / "none" / "a.box";

  CHECK_THROWS_WITH_AS(test.write(), doctest::Contains("none/a.box': No such file"), Error);
}
