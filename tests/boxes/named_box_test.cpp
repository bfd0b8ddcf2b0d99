#include <doctest/doctest.h>
#include <fmt/format.h>

#include "base/architecture.h"
#include "base/error.h"
#include "base/hash.h"
#include "boxes/box_store.h"
#include "tests/boxes/archive_maker.h"
#include "tests/support/scripted_host.h"

using namespace envtool;
namespace fs = std::filesystem;

namespace {

/// A store and a catalog server, both directories.
struct NamedBoxTest {
  TemporaryDirectory directory;
  ScriptedHost scripted;
  fs::path server = directory.path() / "server";

  NamedBoxTest() {
    scripted.host.paths.data = directory.path() / "data";
    scripted.host.paths.home = directory.path();
  }

  /// A box file whose content tells its version; gives its digest.
  std::string make_box(const std::string& file, const std::string& format = "lxc") const {
    make_directories((server / "acme" / file).parent_path());
    make_archive(server / "acme" / file,
                 {{.name = "./metadata.json",
                   .content = fmt::format(R"({{"provider": "{}", "version": "1.0.0"}})", format)},
                  {.name = "./rootfs.tar.gz", .content = file}});
    return sha256_of_file(server / "acme" / file);
  }
  void write_catalog(const std::string& versions) const {
    write_file(server / "acme" / "base.json", R"({"name": "acme/base", "versions": [)" + versions + "]}");
  }
  static std::string version(const std::string& number, const std::string& providers) {
    return fmt::format(R"({{"version": "{}", "providers": [{}]}})", number, providers);
  }
  static std::string provider(const std::string& url, const std::string& more = "") {
    return fmt::format(R"({{"name": "lxc", "url": "{}"{}}})", url, more);
  }

  BoxStore store() { return BoxStore(scripted.host); }
  BoxRequest request(const std::string& name) const {
    BoxRequest request;
    request.box.name = name;
    request.box.base_directory = directory.path();
    request.box.position = {std::make_shared<SourceText>(SourceText{"Envfile", "box: " + name + "\n"}), 1, 6};
    request.formats = {"lxc"};
    request.sources.catalogs = {"file://" + server.string()};
    request.sources.images = "file://" + server.string();
    return request;
  }
  Box resolve(const BoxRequest& wanted) { return store().resolve(wanted, scripted.operation); }
  std::string refusal(const BoxRequest& wanted) {
    try {
      resolve(wanted);
    } catch (const Error& error) {
      return std::string(error.what()) + (error.hint().empty() ? "" : " | " + error.hint());
    }
    return {};
  }
  void switch_off() const { fs::rename(server, directory.path() / "gone"); }
};

const std::string arch = host_architecture();

}  // namespace

TEST_CASE("a name means the newest version that is allowed, of the host's architecture") {
  NamedBoxTest test;
  const std::string digest = test.make_box("2.box");
  test.make_box("3.box");
  test.write_catalog(
      NamedBoxTest::version("1.5", NamedBoxTest::provider("1.box")) + "," +
      NamedBoxTest::version("1.10",
                            NamedBoxTest::provider("other.box", R"(, "architecture": "vax")") + "," +
                                NamedBoxTest::provider("2.box", R"(, "architecture": ")" + arch + "\"")) +
      "," + NamedBoxTest::version("2.0", NamedBoxTest::provider("3.box")));

  const Box box = test.resolve(test.request("acme/base@~> 1.2"));

  CHECK(box.digest == digest);
  CHECK(box.version == "1.10");
  REQUIRE(box.pins.size() == 3);
  CHECK(box.pins[0].version == "1.5");
  CHECK(box.pins[1].architecture == std::min<std::string>(arch, "vax"));
  CHECK(test.store().list().at(0).addresses == std::vector<std::string>{"acme/base@1.10"});
}

TEST_CASE("what is in the store is found without the server") {
  NamedBoxTest test;
  const std::string digest = test.make_box("1.box");
  test.write_catalog(NamedBoxTest::version("1.0", NamedBoxTest::provider("1.box")));
  const std::vector<BoxPin> pins = test.resolve(test.request("acme/base")).pins;
  test.switch_off();

  CHECK(test.resolve(test.request("acme/base@~> 1.0")).digest == digest);
  CHECK(test.resolve(test.request("acme/base")).pins == pins);
  CHECK(test.refusal(test.request("acme/base@~> 2.0")).find("no catalog has it") != std::string::npos);
  BoxRequest locked = test.request("acme/base");
  locked.pins = pins;
  locked.locked = true;
  CHECK(test.resolve(locked).digest == digest);
}

TEST_CASE("a locked box is that file and no other") {
  NamedBoxTest test;
  test.make_box("1.box");
  test.write_catalog(NamedBoxTest::version("1.0", NamedBoxTest::provider("1.box")));
  BoxRequest request = test.request("acme/base");
  request.pins = test.store().newest(request, test.scripted.operation);
  CHECK(request.pins.at(0).sha256.empty());
  request.pins = test.resolve(request).pins;
  test.store().remove(request.pins.at(0).sha256, test.scripted.operation);
  test.make_box("2.box");
  test.write_catalog(NamedBoxTest::version("2.0", NamedBoxTest::provider("2.box")));

  CHECK(test.resolve(request).version == "1.0");

  test.store().remove(request.pins.at(0).sha256, test.scripted.operation);
  fs::rename(test.server / "acme" / "2.box", test.server / "acme" / "1.box");
  CHECK(test.refusal(request).find("expected sha256:" + request.pins.at(0).sha256 +
                                   " | Envfile.lock names that file") != std::string::npos);
  fs::remove(test.server / "acme" / "1.box");
  CHECK(test.refusal(request).find("'envtool box update acme/base' takes what there is now") !=
        std::string::npos);
}

TEST_CASE("a locked file that is gone may come from a server that has the same bytes") {
  NamedBoxTest test;
  test.make_box("1.box");
  test.write_catalog(NamedBoxTest::version("1.0", NamedBoxTest::provider("1.box")));
  BoxRequest request = test.request("acme/base");
  request.pins = test.resolve(request).pins;
  const std::string digest = request.pins.at(0).sha256;
  test.store().remove(digest, test.scripted.operation);
  const fs::path mirror = test.directory.path() / "mirror", other = test.directory.path() / "other";
  fs::copy(test.server, mirror, fs::copy_options::recursive);
  fs::copy(test.server, other, fs::copy_options::recursive);
  write_file(other / "acme" / "1.box", "another file");
  fs::remove(test.server / "acme" / "1.box");
  request.sources.catalogs = {"file:///nowhere", "file://" + test.server.string(),
                              "file://" + other.string()};

  CHECK(test.refusal(request).find("1.box': No such file or directory | Envfile.lock names that file") !=
        std::string::npos);
  CHECK(test.store().list().empty());

  request.sources.catalogs.push_back("file://" + mirror.string());
  const Box box = test.resolve(request);
  CHECK(box.digest == digest);
  CHECK(box.pins == request.pins);
}

TEST_CASE("with --locked what is not locked is not asked for") {
  NamedBoxTest test;
  test.make_box("1.box");
  test.write_catalog(NamedBoxTest::version("1.0", NamedBoxTest::provider("1.box")));
  BoxRequest request = test.request("acme/base");
  request.pins = {{.format = "libvirt",
                   .architecture = arch,
                   .version = "1.0",
                   .url = "x",
                   .sha256 = {},
                   .checksum = {}}};
  request.locked = true;

  CHECK(test.refusal(request) == "box 'acme/base' is not locked for architecture '" + arch +
                                     "' | 'envtool up' without --locked adds it");

  request.locked = false;
  CHECK(test.resolve(request).version == "1.0");
}

TEST_CASE("every kind of checksum is compared while the file comes") {
  NamedBoxTest test;
  test.make_box("1.box");
  const std::string bytes = read_file(test.server / "acme" / "1.box");
  for (const char* kind : {"md5", "sha1", "sha384", "sha512", "sha256"}) {
    CAPTURE(kind);
    Hash hash(kind);
    hash.add(bytes);
    const std::string right = hash.finish();
    std::string wrong = right;
    wrong[0] = wrong[0] == '0' ? '1' : '0';
    const auto with = [&](const std::string& digits) {
      test.write_catalog(NamedBoxTest::version(
          "1.0", NamedBoxTest::provider(
                     "1.box", fmt::format(R"(, "checksum": "{}", "checksum_type": "{}")", digits, kind))));
    };

    with(wrong);
    CHECK(test.refusal(test.request("acme/base")).find(fmt::format("expected {}:{}", kind, wrong)) !=
          std::string::npos);
    CHECK(test.store().list().empty());
    with(right);
    const Box box = test.resolve(test.request("acme/base"));
    CHECK(box.pins.at(0).sha256 == box.digest);
    test.store().remove(box.digest, test.scripted.operation);
  }
}

TEST_CASE("a checksum that nobody named is said") {
  NamedBoxTest test;
  const std::string digest = test.make_box("1.box");
  test.write_catalog(NamedBoxTest::version("1.0", NamedBoxTest::provider("1.box")));

  test.resolve(test.request("acme/base"));

  CHECK(test.scripted.reporter.sentences.back() ==
        "web: box 'acme/base' has sha256:" + digest + "; its source had not said what it must be");
}

TEST_CASE("the error names every server and why it was of no use") {
  NamedBoxTest test;
  write_file(test.server / "bad" / "acme" / "base.json", "{");
  BoxRequest request = test.request("acme/base");
  request.sources.catalogs = {"file://" + (test.server / "none").string(),
                              "file://" + (test.server / "bad").string()};

  const std::string refusal = test.refusal(request);

  CHECK(refusal.find("box 'acme/base': no catalog has it:\n    file://") == 0);
  CHECK(refusal.find("none/acme/base.json: cannot read") != std::string::npos);
  CHECK(refusal.find("bad/acme/base.json': not valid JSON") != std::string::npos);

  test.make_box("1.box");
  test.write_catalog(NamedBoxTest::version("1.0", NamedBoxTest::provider("1.box")));
  request.sources.catalogs.push_back("file://" + test.server.string());
  CHECK(test.resolve(request).version == "1.0");
}

TEST_CASE("a catalog can be named by its file") {
  NamedBoxTest test;
  test.make_box("1.box");
  test.write_catalog(NamedBoxTest::version("1.0", NamedBoxTest::provider("1.box")));
  BoxRequest request = test.request("./server/acme/base.json");
  request.box.version = "~> 1";

  CHECK(test.resolve(request).version == "1.0");
}

TEST_CASE("a box file can have a name of the user's own") {
  NamedBoxTest test;
  const std::string digest = test.make_box("1.box");
  BoxRequest request = test.request("./server/acme/1.box");
  request.remembered_as = "mine@1.2";
  test.resolve(request);

  CHECK(test.resolve(test.request("mine")).digest == digest);
  CHECK(test.resolve(test.request("mine@~> 1.1")).version == "1.2");
  CHECK(test.refusal(test.request("mine@2")).find("it is not in the store") != std::string::npos);
  CHECK(test.refusal(test.request("other")).find("'envtool box add ADDRESS --name other' adds one") !=
        std::string::npos);
}

TEST_CASE("an image server's root file system becomes a box") {
  NamedBoxTest test;
  const std::string serial = "20261120_05:24";
  const fs::path image = test.server / "images" / "root.tar";
  make_directories(image.parent_path());
  make_archive(image, {{.name = "./etc/", .type = AE_IFDIR}, {.name = "./etc/hostname", .content = "x"}});
  const std::string digest = sha256_of_file(image);
  write_file(test.server / "streams" / "v1" / "index.json",
             R"({"index": {"images": {"datatype": "image-downloads", "path": "streams/v1/images.json"}}})");
  write_file(
      test.server / "streams" / "v1" / "images.json",
      R"({"products": {"p": {"aliases": "debian/12", "arch": ")" + arch + R"(", "versions": {")" + serial +
          R"(": {"items": {"root.tar.xz": {"ftype": "root.tar.xz", "path": "images/root.tar", "sha256": ")" +
          digest + R"("}}}}}}})");

  const Box box = test.resolve(test.request("images:debian/12"));

  CHECK(box.digest == digest);
  CHECK(box.version == serial);
  CHECK(box.metadata["bare"].as_bool());
  CHECK(test.resolve(test.request("images:debian/12@" + serial)).digest == box.digest);
  CHECK(test.refusal(test.request("images:debian/12@1")).find("has no version '1'; it has '" + serial) !=
        std::string::npos);
  CHECK(test.refusal(test.request("images:debian/13")).find("did you mean 'debian/12'?") !=
        std::string::npos);
  write_file(image, "no archive");
  test.store().remove(box.digest, test.scripted.operation);
  CHECK_FALSE(test.refusal(test.request("images:debian/12")).empty());
  CHECK(test.store().list().empty());
}

TEST_CASE("a version that is none is a problem of the Envfile") {
  NamedBoxTest test;

  CHECK(test.refusal(test.request("acme/base@>> 1")).find("'>> 1' is no version") != std::string::npos);
}
