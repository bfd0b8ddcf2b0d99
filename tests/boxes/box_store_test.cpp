#include "boxes/box_store.h"

#include <doctest/doctest.h>
#include <sys/mount.h>
#include <unistd.h>

#include <thread>

#include "base/error.h"
#include "base/hash.h"
#include "tests/boxes/archive_maker.h"
#include "tests/boxes/fake_rootfs_store.h"
#include "tests/boxes/image_maker.h"
#include "tests/support/scripted_host.h"

using namespace envtool;
namespace fs = std::filesystem;

namespace {

/// A store in a directory of its own, on a host with one Debian mirror and without programs.
struct StoreTest {
  TemporaryDirectory directory;
  ScriptedHost scripted;
  RecipeHost recipe_host{directory.path() / "apt", directory.path() / "keyring.gpg"};
  fs::path boxes = directory.path() / "data" / "boxes";

  StoreTest() {
    scripted.host.paths.data = directory.path() / "data";
    scripted.host.paths.home = directory.path();
    write_file(recipe_host.apt_directory / "sources.list", "deb http://a.example/debian bookworm main\n");
    write_file(recipe_host.keyring, "keys");
  }

  BoxStore store() { return BoxStore(scripted.host, recipe_host); }

  BoxRequest request(const std::string& name) const {
    BoxRequest request;
    request.box.name = name;
    request.box.base_directory = directory.path();
    request.box.position = {std::make_shared<SourceText>(SourceText{"Envfile", "box: " + name + "\n"}), 1, 6};
    request.formats = {"lxc"};
    return request;
  }

  /// Boxes and unfinished ones in the store.
  std::size_t stored() const {
    std::size_t count = 0;
    std::error_code failure;
    for (const auto& entry : fs::directory_iterator(boxes, failure))
      if (entry.is_directory() && entry.path().filename() != "locks") ++count;
    return count;
  }

  /// The error that the box gives, with nothing left in the store.
  Error refusal(const BoxRequest& wanted) {
    try {
      store().resolve(wanted, scripted.operation);
    } catch (const Error& error) {
      CHECK(stored() == 0);
      return error;
    }
    FAIL("accepted: " << wanted.box.name);
    return Error(ErrorKind::failed, "");
  }

  /// mmdebstrap, which writes a root file system of one file.
  void expect_build() {
    scripted.runner.expect({"setpriv", more_words}, [](const ProcessSpec& spec) {
      CHECK(spec.input.ends_with("] http://a.example/debian bookworm main\n"));
      make_archive(spec.argv[spec.argv.size() - 2],
                   {{.name = "./", .type = AE_IFDIR}, {.name = "./etc/hostname", .content = "x"}});
      return ProcessResult{
          .status = 0, .output = {}, .error = "I: running apt-get update...\nI: creating tarball...\n"};
    });
  }
};

}  // namespace

TEST_CASE("a local box is unpacked once, and found by its file from then on") {
  StoreTest test;
  make_archive(test.directory.path() / "a.box", good_box());
  const BoxRequest request = test.request("./a.box");
  BoxStore store = test.store();
  CHECK_FALSE(store.find(request, test.scripted.operation));

  const Box box = store.resolve(request, test.scripted.operation);

  CHECK(box.digest == sha256_of_file(test.directory.path() / "a.box"));
  CHECK(box.directory == test.boxes / box.digest);
  CHECK(box.name == "./a.box");
  CHECK(box.version == "0");
  CHECK(box.format == "lxc");
  CHECK(box.defaults.ssh_user == "ada");
  CHECK(read_file(box.directory / "rootfs.tar.gz") == "not looked into");
  const auto found = test.store().find(request, test.scripted.operation);
  REQUIRE(found);
  CHECK(found->digest == box.digest);
  CHECK(test.stored() == 1);
}

TEST_CASE("a local box that was replaced is another box") {
  StoreTest test;
  make_archive(test.directory.path() / "a.box", good_box());
  const BoxRequest request = test.request("a.box");
  const Box old = test.store().resolve(request, test.scripted.operation);
  auto entries = good_box();
  entries[2].content = "another root file system";
  make_archive(test.directory.path() / "a.box", entries);

  CHECK_FALSE(test.store().find(request, test.scripted.operation));
  CHECK(test.store().resolve(request, test.scripted.operation).digest != old.digest);
  CHECK(test.stored() == 2);
}

TEST_CASE("the same box under two names is stored once") {
  StoreTest test;
  make_archive(test.directory.path() / "a.box", good_box());
  fs::copy(test.directory.path() / "a.box", test.directory.path() / "b.box");

  const Box a = test.store().resolve(test.request("a.box"), test.scripted.operation);
  const Box b = test.store().resolve(test.request("b.box"), test.scripted.operation);

  CHECK(a.directory == b.directory);
  CHECK(test.stored() == 1);
}

TEST_CASE("a lost or damaged index costs a second look, no box") {
  StoreTest test;
  make_archive(test.directory.path() / "a.box", good_box());
  const Box box = test.store().resolve(test.request("a.box"), test.scripted.operation);
  write_file(test.boxes / "index.json", "{\"files\": [");

  CHECK(test.store().resolve(test.request("a.box"), test.scripted.operation).digest == box.digest);
}

TEST_CASE("a missing file is a problem of the Envfile, with its place") {
  StoreTest test;

  const Error error = test.refusal(test.request("./none.box"));

  CHECK(error.kind() == ErrorKind::bad_envfile);
  CHECK(std::string(error.what()).find("none.box': No such file") != std::string::npos);
  CHECK(error.diagnostics().front().position.to_string() == "Envfile:1:6");
  CHECK_THROWS_AS(test.store().check(test.request("./none.box")), Error);
}

TEST_CASE("a file that is no box gives one error and leaves nothing") {
  StoreTest test;
  write_file(test.directory.path() / "text.box", "hello\n");
  make_archive(test.directory.path() / "empty.box", {});
  make_archive(test.directory.path() / "wrapped.box", {{.name = "box/metadata.json", .content = "{}"}});
  make_archive(test.directory.path() / "hostile.box", {good_box()[0], {.name = "../../out", .content = "x"}});

  CHECK(std::string(test.refusal(test.request("text.box")).what()) ==
        "box 'text.box': not an archive that envtool can read (tar, zip, 7z or cpio)");
  CHECK(std::string(test.refusal(test.request("wrapped.box")).what()) ==
        "box 'wrapped.box': there is no 'metadata.json' at its root");
  CHECK(std::string(test.refusal(test.request("empty.box")).what()) ==
        "box 'empty.box': there is no 'metadata.json' at its root");
  CHECK(std::string(test.refusal(test.request("hostile.box")).what()) ==
        "box 'hostile.box': its entry '../../out' lies outside of the box");
  CHECK_FALSE(fs::exists(test.directory.path() / "data" / "out"));
}

TEST_CASE("a box for another provider is refused") {
  StoreTest test;
  make_archive(test.directory.path() / "v.box",
               {{.name = "metadata.json", .content = R"({"provider": "virtualbox"})"}});

  const Error error = test.refusal(test.request("v.box"));

  CHECK(error.kind() == ErrorKind::unsupported);
  CHECK(std::string(error.what()) == "box 'v.box' is for provider 'virtualbox', expected one for 'lxc'");
}

TEST_CASE("a checksum that the file does not have is refused, warm and cold") {
  StoreTest test;
  make_archive(test.directory.path() / "a.box", good_box());
  BoxRequest request = test.request("a.box");
  request.box.checksum = "sha256:" + std::string(64, '0');
  CHECK(std::string(test.refusal(request).what()).find("expected sha256:0000") != std::string::npos);

  request.box.checksum = "sha256:" + sha256_of_file(test.directory.path() / "a.box");
  test.store().resolve(request, test.scripted.operation);
  request.box.checksum = "sha256:" + std::string(64, '0');
  CHECK_THROWS_AS(test.store().find(request, test.scripted.operation), Error);

  request.box.checksum = "md5:12";
  CHECK_THROWS_AS(test.store().check(request), Error);
}

TEST_CASE("what a killed process left is removed by the next run") {
  StoreTest test;
  make_archive(test.directory.path() / "a.box", good_box());
  write_file(test.boxes / ".part-build-debian-bookworm.0a" / "root.tar", "half");
  write_file(test.boxes / (".part-" + std::string(64, 'a') + ".0b") / "rootfs.tar.gz", "half");

  test.store().resolve(test.request("a.box"), test.scripted.operation);

  CHECK(test.stored() == 1);
}

TEST_CASE("a leftover with something mounted in it is left alone, and so is what is mounted") {
  if (::geteuid() != 0) return;  // only root mounts
  StoreTest test;
  make_archive(test.directory.path() / "a.box", good_box());
  const fs::path source = test.directory.path() / "host";
  write_file(source / "precious", "x");
  const fs::path mounted = test.boxes / ".part-old.0d" / "dev" / "shm";
  make_directories(mounted);
  if (::mount(source.c_str(), mounted.c_str(), nullptr, MS_BIND, nullptr) != 0)
    return;  // a container may refuse

  test.store().resolve(test.request("a.box"), test.scripted.operation);
  ::umount2(mounted.c_str(), MNT_DETACH);

  CHECK(fs::exists(source / "precious"));
  CHECK(fs::exists(mounted));
}

TEST_CASE("what another process is working on is left alone") {
  StoreTest test;
  make_archive(test.directory.path() / "a.box", good_box());
  write_file(test.boxes / ".part-other.0c" / "root.tar", "half");
  const auto lock = FileLock::try_take(test.boxes / "locks" / "other.lock", "another");

  test.store().resolve(test.request("a.box"), test.scripted.operation);

  CHECK(fs::exists(test.boxes / ".part-other.0c" / "root.tar"));
}

TEST_CASE("a recipe runs once, whoever asks") {
  StoreTest test;
  test.expect_build();
  const BoxRequest request = test.request("build:debian/bookworm");

  const Box box = test.store().resolve(request, test.scripted.operation);
  const Box again = test.store().resolve(request, test.scripted.operation);

  CHECK(again.digest == box.digest);
  CHECK(box.version == std::to_string(debian_recipe_version));
  CHECK(box.digest == sha256_of_file(box.directory / "rootfs.tar.zst"));
  CHECK(box.metadata["provider"].as_text() == "lxc");
  CHECK_FALSE(fs::exists(box.directory / "root.tar"));
  CHECK(test.scripted.reporter.sentences.size() == 1);
}

TEST_CASE("a recipe's box of one format is not taken for another's") {
  StoreTest test;
  test.expect_build();
  BoxRequest request = test.request("build:debian/bookworm");
  test.store().resolve(request, test.scripted.operation);

  request.formats = {"libvirt"};

  CHECK_FALSE(test.store().find(request, test.scripted.operation));
  CHECK_NOTHROW(test.store().check(request));
  request.formats = {"unheard-of"};
  CHECK_THROWS_AS(test.store().check(request), Error);
}

TEST_CASE("of two that want a recipe at once, one builds and the other waits") {
  StoreTest test;
  test.expect_build();
  const BoxRequest request = test.request("build:debian/bookworm");
  std::string digests[2];
  {
    const auto resolve = [&](std::string& digest) {
      Operation operation{test.scripted.host, "m"};
      digest = test.store().resolve(request, operation).digest;
    };
    const std::jthread one([&] { resolve(digests[0]); });
    const std::jthread two([&] { resolve(digests[1]); });
  }

  CHECK(digests[0] == digests[1]);
  CHECK(digests[0].size() == 64);
  CHECK(test.scripted.runner.calls().size() == 1);
}

TEST_CASE("a recipe that fails says its last lines, keeps the log and leaves nothing else") {
  StoreTest test;
  test.scripted.runner.expect(
      {"setpriv", more_words},
      {.status = 25, .output = {}, .error = "I: running apt-get update...\nE: no route\n"});

  const Error error = test.refusal(test.request("build:debian/bookworm"));

  CHECK(std::string(error.what()).find("E: no route") != std::string::npos);
  CHECK(error.hint().find("build-debian-bookworm.log") != std::string::npos);
  CHECK(read_file(test.boxes / "build-debian-bookworm.log") == "I: running apt-get update...\nE: no route\n");
}

TEST_CASE("a missing mmdebstrap or keyring is a host that is not ready") {
  StoreTest test;
  test.scripted.runner.expect({"setpriv", more_words},
                              {.status = 127, .output = {}, .error = "no such file"});
  CHECK(test.refusal(test.request("build:debian/bookworm")).hint() == "apt install mmdebstrap");

  fs::remove(test.recipe_host.keyring);
  const Error error = test.refusal(test.request("build:debian/bookworm"));
  CHECK(error.kind() == ErrorKind::host_not_ready);
  CHECK(error.hint() == "apt install debian-archive-keyring");
}

TEST_CASE("a wish to stop while waiting for another's work is heard") {
  StoreTest test;
  make_archive(test.directory.path() / "a.box", good_box());
  const std::string work = "add-" + sha256((test.directory.path() / "a.box").string()).substr(0, 16);
  const auto lock = FileLock::try_take(test.boxes / "locks" / (work + ".lock"), "another");
  std::stop_source stop;
  Operation operation{test.scripted.host, "web", stop.get_token()};
  const std::jthread later([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    stop.request_stop();
  });

  CHECK_THROWS_AS(test.store().resolve(test.request("a.box"), operation), Interrupted);
  CHECK(test.scripted.reporter.sentences.size() == 1);
}

TEST_CASE("the store lists what it has, with what means it") {
  StoreTest test;
  make_archive(test.directory.path() / "a.box", good_box());
  fs::copy(test.directory.path() / "a.box", test.directory.path() / "b.box");
  test.expect_build();
  BoxStore store = test.store();
  CHECK(store.list().empty());
  for (const char* name : {"b.box", "a.box", "build:debian/bookworm"})
    store.resolve(test.request(name), test.scripted.operation);
  make_directories(test.boxes / std::string(64, 'f'));

  const std::vector<StoredBox> boxes = store.list();

  REQUIRE(boxes.size() == 3);
  CHECK(boxes[0].damage.find("metadata.json") != std::string::npos);
  CHECK(boxes[0].addresses.empty());
  CHECK(boxes[1].addresses ==
        std::vector{(test.directory.path() / "a.box").string(), (test.directory.path() / "b.box").string()});
  CHECK(boxes[1].box.digest == sha256_of_file(test.directory.path() / "a.box"));
  CHECK(boxes[1].box.defaults.ssh_user == "ada");
  CHECK(boxes[1].size.bytes > 0);
  CHECK(boxes[1].damage.empty());
  CHECK(boxes[2].box.name == "build:debian/bookworm");
  CHECK(boxes[2].box.version == std::to_string(debian_recipe_version));
}

TEST_CASE("a removed box is gone with every way to it, and can be added again") {
  StoreTest test;
  make_archive(test.directory.path() / "a.box", good_box());
  const BoxRequest request = test.request("a.box");
  BoxStore store = test.store();
  const std::string digest = store.resolve(request, test.scripted.operation).digest;

  store.remove(digest, test.scripted.operation);
  store.remove(digest, test.scripted.operation);
  store.remove("../outside", test.scripted.operation);

  CHECK(test.stored() == 0);
  CHECK_FALSE(store.find(request, test.scripted.operation));
  CHECK(read_file(test.boxes / "index.json").find(digest) == std::string::npos);
  CHECK(store.resolve(request, test.scripted.operation).digest == digest);
}

TEST_CASE("a box that another process works on is removed when that is done") {
  StoreTest test;
  make_archive(test.directory.path() / "a.box", good_box());
  const std::string digest = test.store().resolve(test.request("a.box"), test.scripted.operation).digest;
  auto lock = FileLock::try_take(test.boxes / "locks" / (digest + ".lock"), "another");
  std::stop_source stop;
  Operation operation{test.scripted.host, "", stop.get_token()};
  stop.request_stop();

  CHECK_THROWS_AS(test.store().remove(digest, operation), Interrupted);
  CHECK(fs::exists(test.boxes / digest));
  lock.reset();
  test.store().remove(digest, test.scripted.operation);
  CHECK(test.stored() == 0);
}

TEST_CASE("a stored box that is changed, lacks a file or has another is found out") {
  StoreTest test;
  make_archive(test.directory.path() / "a.box", good_box());
  BoxStore store = test.store();
  const Box box = store.resolve(test.request("a.box"), test.scripted.operation);
  const auto damage = [&]() -> std::string {
    try {
      store.verify(box.digest, test.scripted.operation);
    } catch (const Error& error) {
      return error.what();
    }
    return {};
  };
  CHECK(damage() == "");

  write_file(box.directory / "rootfs.tar.gz", "not looked intO");
  CHECK(damage().starts_with("its file 'rootfs.tar.gz' is changed"));
  fs::remove(box.directory / "rootfs.tar.gz");
  CHECK(damage() == "its file 'rootfs.tar.gz' is missing");
  write_file(box.directory / "rootfs.tar.gz", "not looked into");
  write_file(box.directory / "more", "");
  CHECK(damage() == "its file 'more' is new");
  fs::remove(box.directory / "more");
  CHECK(damage() == "");
  fs::remove(box.directory / ".sha256sums");
  CHECK(damage() == "its checksums, '.sha256sums', are missing");
}

TEST_CASE("a recipe's box can be verified too") {
  StoreTest test;
  test.expect_build();
  const Box box = test.store().resolve(test.request("build:debian/bookworm"), test.scripted.operation);

  CHECK_NOTHROW(test.store().verify(box.digest, test.scripted.operation));
}

TEST_CASE("a box that brings what is envtool's own, or a name of two lines, is refused") {
  StoreTest test;
  auto entries = good_box();
  entries.push_back({.name = "./.sha256sums", .content = "x"});
  make_archive(test.directory.path() / "a.box", entries);
  entries.back() = {.name = "./two\nlines", .content = "x"};
  make_archive(test.directory.path() / "b.box", entries);

  CHECK(std::string(test.refusal(test.request("a.box")).what()).find("envtool's own") != std::string::npos);
  CHECK(std::string(test.refusal(test.request("b.box")).what()).find("line break") != std::string::npos);
}

namespace {

/// A box for LXC with a root file system that is one.
std::vector<TestEntry> lxc_box() {
  const TemporaryDirectory directory;
  make_archive(directory.path() / "x", {{.name = "./rootfs/etc/hostname", .content = "x"}},
               archive_write_set_format_pax_restricted, archive_write_add_filter_gzip);
  return {{.name = "rootfs.tar.gz", .content = read_file(directory.path() / "x")},
          {.name = "metadata.json", .content = R"({"provider": "lxc", "version": "1.0.0"})"}};
}

}  // namespace

TEST_CASE("a root file system goes to its provider while it comes, and the store keeps no copy") {
  StoreTest test;
  FakeRootfsStore provider;
  make_archive(test.directory.path() / "a.box", lxc_box());
  BoxRequest request = test.request("a.box");
  request.rootfs_store = &provider;

  const Box box = test.store().resolve(request, test.scripted.operation);

  CHECK(provider.taken.size() == 1);
  CHECK(provider.has_rootfs(box.digest));
  CHECK(box.rootfs_manifest == "manifest of " + box.digest);
  CHECK_FALSE(fs::exists(box.directory / "rootfs.tar.gz"));
  CHECK_NOTHROW(test.store().verify(box.digest, test.scripted.operation));
  CHECK(test.store().list().front().damage == "");
}

TEST_CASE("a root file system that the provider has no more comes again") {
  StoreTest test;
  FakeRootfsStore provider;
  make_archive(test.directory.path() / "a.box", lxc_box());
  BoxRequest request = test.request("a.box");
  request.rootfs_store = &provider;
  test.store().resolve(request, test.scripted.operation);
  provider.taken.clear();

  CHECK_FALSE(test.store().find(request, test.scripted.operation));
  const Box box = test.store().resolve(request, test.scripted.operation);

  CHECK(provider.has_rootfs(box.digest));
  CHECK(test.stored() == 1);
}

TEST_CASE("a root file system that nobody can take yet stays packed, and is taken later") {
  StoreTest test;
  FakeRootfsStore provider;
  provider.ready = false;
  make_archive(test.directory.path() / "a.box", lxc_box());
  BoxRequest request = test.request("a.box");
  const Box box = test.store().resolve(request, test.scripted.operation);
  CHECK(fs::exists(box.directory / "rootfs.tar.gz"));
  CHECK(provider.taken.empty());

  provider.ready = true;
  request.rootfs_store = &provider;
  test.store().resolve(request, test.scripted.operation);

  CHECK(provider.has_rootfs(box.digest));
}

TEST_CASE("a provider keeps nothing of a box that turns out to be wrong") {
  StoreTest test;
  FakeRootfsStore provider;
  BoxRequest request = test.request("a.box");
  request.rootfs_store = &provider;
  make_archive(test.directory.path() / "a.box", lxc_box());
  request.box.checksum = "sha256:" + std::string(64, '0');
  test.refusal(request);
  request.box.checksum.clear();
  auto entries = lxc_box();
  entries[1].content = R"({"provider": "lxc", "version": "9"})";
  make_archive(test.directory.path() / "a.box", entries);
  test.refusal(request);
  entries = lxc_box();
  entries.push_back({.name = ".rootfs.json", .content = "{}"});
  make_archive(test.directory.path() / "a.box", entries);
  CHECK(std::string(test.refusal(request).what()).find("envtool's own") != std::string::npos);
  entries.back() = entries.front();
  make_archive(test.directory.path() / "a.box", entries);
  CHECK(std::string(test.refusal(request).what()).find("two root file systems") != std::string::npos);

  CHECK(provider.taken.empty());
  CHECK(provider.given_up == 4);
}

TEST_CASE("a provider is told of what a killed process gave it, unless the store has it by now") {
  StoreTest test;
  FakeRootfsStore provider;
  make_archive(test.directory.path() / "a.box", lxc_box());
  BoxRequest request = test.request("a.box");
  request.rootfs_store = &provider;
  const std::string digest = test.store().resolve(request, test.scripted.operation).digest;
  const std::string lost(64, 'a');
  fs::copy(test.boxes / digest, test.boxes / ".part-add-x.0e", fs::copy_options::recursive);
  write_file(test.boxes / ".part-add-y.0f" / ".rootfs.json",
             R"({"archive": "x", "digest": ")" + lost + "\"}");
  write_file(test.boxes / ".part-add-z.0g" / ".rootfs.json", "{");

  make_archive(test.directory.path() / "b.box", good_box());
  test.store().resolve(test.request("b.box"), test.scripted.operation);
  CHECK(fs::exists(test.boxes / ".part-add-y.0f"));  // nobody was told yet
  std::vector<std::string> told;
  test.store().sweep([&](const std::string& given) { told.push_back(given); });

  CHECK(told == std::vector{lost});
  CHECK(test.stored() == 2);
}

TEST_CASE("an archive of a root file system is a box for LXC") {
  StoreTest test;
  FakeRootfsStore provider;
  make_archive(test.directory.path() / "image.tar.xz",
               {{.name = "./", .type = AE_IFDIR}, {.name = "./etc/hostname", .content = "x"}},
               archive_write_set_format_pax_restricted, archive_write_add_filter_xz);
  BoxRequest request = test.request("image.tar.xz");
  request.rootfs_store = &provider;

  const Box box = test.store().resolve(request, test.scripted.operation);

  CHECK(box.format == "lxc");
  CHECK(box.digest == sha256_of_file(test.directory.path() / "image.tar.xz"));
  CHECK(provider.has_rootfs(box.digest));
}

TEST_CASE("a disk image is a box for libvirt, with its holes") {
  StoreTest test;
  write_file(test.directory.path() / "a.qcow2", qcow2_head({.size = 3U << 30}) + std::string(1 << 20, '\0'));
  write_file(test.directory.path() / "b.img", raw_head(1 << 20));
  BoxRequest request = test.request("a.qcow2");
  request.formats = {"libvirt"};

  const Box box = test.store().resolve(request, test.scripted.operation);

  CHECK(box.format == "libvirt");
  CHECK(box.metadata["virtual_size"].as_integer() == 3);
  REQUIRE(box.disks.size() == 1);
  CHECK(box.disks[0].file == "box.img");
  CHECK(box.metadata["image"] == Value(true));
  CHECK(sha256_of_file(box.directory / "box.img") == box.digest);
  CHECK(fs::file_size(box.directory / "box.img") == (1 << 20) + 1024);
  request.box.name = "b.img";
  CHECK(test.store().resolve(request, test.scripted.operation).disks.at(0).format == "raw");
  request.formats = {"lxc"};
  CHECK_THROWS_AS(test.store().resolve(request, test.scripted.operation), Error);
}
