#include <doctest/doctest.h>

#include "conformance/provider_conformance.h"
#include "core/capabilities.h"
#include "core/guest_networks.h"
#include "core/registry.h"
#include "providers/libvirt/box_places.h"
#include "providers/libvirt/connection.h"
#include "providers/libvirt/copies.h"
#include "providers/libvirt/disk_image.h"
#include "providers/libvirt/domains.h"
#include "providers/libvirt/names.h"
#include "support/fake_clock.h"
#include "support/fake_processes.h"
#include "support/scripted_host.h"

namespace envtool {
void register_libvirt_provider(ProviderRegistry& registry);
}

using namespace envtool;

namespace {

constexpr const char* double_uri = "test:///default";
constexpr const char* nowhere_uri = "qemu+unix:///system?socket=/nowhere/socket";

/// The provider over libvirt's own double, which keeps its world in this process as long as it is connected.
struct DoubleWorld {
  TemporaryDirectory directory;
  libvirt::Connection outside{double_uri};
  FakeProcesses processes;
  FakeClock clock;
  RecordingReporter reporter;
  Host host{processes,
            clock,
            reporter,
            {{"LIBVIRT_DEFAULT_URI", double_uri}},
            host_paths({{"ENVTOOL_HOME", directory.path().string()}}, "/home/me", "/usr/bin/envtool"),
            "/"};
  ProviderRegistry registry = [] {
    ProviderRegistry made;
    register_libvirt_provider(made);
    return made;
  }();
  std::unique_ptr<Provider> provider = registry.make("libvirt", host);
  Operation operation{host, "web", {}};
  ProviderUnderTest test{.provider = *provider,
                         .operation = operation,
                         .box = {.digest = std::string(64, 'b'),
                                 .name = "my/box",
                                 .version = "1",
                                 .format = "libvirt",
                                 .directory = directory.path(),
                                 .metadata = Value::map({{"provider", "libvirt"}}),
                                 .defaults = {}},
                         .environment_id = "0123456789abcdef",
                         .kill = [this](const std::string& name) {
                           const libvirt::Domain domain = outside.find_domain(name);
                           libvirt::api().virDomainDestroyFlags(domain.get(), 0);
                         }};

  DoubleWorld() { write_file(directory.path() / "box.img", qcow2_head(1ull << 30)); }

  std::vector<std::string> volumes_beginning_with(const std::string& prefix) const {
    const libvirt::Pool pool = outside.find_pool(libvirt::pool_name);
    virStorageVolPtr* list = nullptr;
    const int count = libvirt::api().virStoragePoolListAllVolumes(pool.get(), &list, 0);
    std::vector<std::string> names;
    for (int i = 0; i < count; ++i) {
      const libvirt::Volume volume(list[i]);
      const std::string name = libvirt::api().virStorageVolGetName(volume.get());
      if (name.starts_with(prefix)) names.push_back(name);
    }
    std::free(list);
    return names;
  }
  libvirt::BoxPlaces box_places{host.paths.data / "libvirt-boxes"};
  std::string place() const { return (host.paths.state / "libvirt").string(); }
  /// Reserved for it; of a machine that stands still, too.
  std::string outside_address(const std::string& name) { return inspect(name).addresses.front(); }
  MachineState inspect(const std::string& name) { return provider->inspect(name, operation); }
  void destroy(const std::string& name) { provider->destroy(name, test.environment_id, operation); }
};

}  // namespace

TEST_CASE_FIXTURE(DoubleWorld, "libvirt: a machine lives from create to destroy") {
  check_life_of_a_machine(test);
}
TEST_CASE_FIXTURE(DoubleWorld, "libvirt: creating twice is refused and harms nothing") {
  check_creating_twice(test);
}
TEST_CASE_FIXTURE(DoubleWorld, "libvirt: what is not there is stopped and destroyed already") {
  check_absent_machines(test);
}
TEST_CASE_FIXTURE(DoubleWorld, "libvirt: a killed machine does not run and starts again") {
  check_inspect_after_a_kill(test);
}
TEST_CASE_FIXTURE(DoubleWorld, "libvirt: odd names are names") { check_odd_names(test); }
TEST_CASE_FIXTURE(DoubleWorld, "libvirt: two machines are made at once") { check_two_at_once(test); }
TEST_CASE_FIXTURE(DoubleWorld, "libvirt: a machine of another environment is not touched") {
  check_foreign_machines(test);
}
TEST_CASE_FIXTURE(DoubleWorld, "libvirt: the listed capabilities are those it has") {
  check_capabilities(test);
}

TEST_CASE_FIXTURE(DoubleWorld,
                  "libvirt: the network goes with the last machine, boxes stay until forgotten") {
  provider->create(conformance_spec(test, "one"), test.box, operation);
  provider->create(conformance_spec(test, "two"), test.box, operation);

  destroy("one");
  CHECK(outside.find_network(libvirt::network_name));
  destroy("two");

  CHECK_FALSE(outside.find_network(libvirt::network_name));
  CHECK(outside.find_pool(libvirt::pool_name));
  CHECK_FALSE(std::filesystem::exists(place()));
  power_of<BoxCopies>(*provider)->forget_box(test.box.digest, operation);
  CHECK_FALSE(outside.find_pool(libvirt::pool_name));
}

TEST_CASE_FIXTURE(DoubleWorld, "libvirt: a machine is paused and goes on") { check_suspend(test); }
TEST_CASE_FIXTURE(DoubleWorld, "libvirt: snapshots are saved, restored and deleted") {
  check_snapshots(test);
}
TEST_CASE_FIXTURE(DoubleWorld, "libvirt: limits change while it runs") { check_limits(test); }
TEST_CASE_FIXTURE(DoubleWorld, "libvirt: usage is told of what runs") { check_usage(test); }
TEST_CASE_FIXTURE(DoubleWorld,
                  "libvirt: the copy that becomes a box is removed, by itself or with its machine") {
  const MachineSpec spec = conformance_spec(test, "first");
  provider->create(spec, test.box, operation);
  DiskPackage& power = *power_of<DiskPackage>(*provider);

  const std::string copy = power.start_copy(spec, operation);
  CHECK(inspect(copy).phase == MachinePhase::running);
  CHECK(provider->endpoint(copy, operation).host != outside_address("first"));
  provider->stop(copy, StopMode::hard, {}, operation);
  CHECK(power.export_disks(copy, operation).disks.size() == 1);
  power.remove_copy("first", test.environment_id, operation);
  power.remove_copy("first", test.environment_id, operation);
  CHECK(inspect(copy).phase == MachinePhase::absent);
  CHECK(volumes_beginning_with(copy).empty());
  CHECK(inspect("first").phase == MachinePhase::stopped);

  power.start_copy(spec, operation);
  destroy("first");
  CHECK(inspect(copy).phase == MachinePhase::absent);
  CHECK(volumes_beginning_with("first").empty());
  CHECK_THROWS_AS(power.start_copy(spec, operation), Error);
}

TEST_CASE_FIXTURE(DoubleWorld, "libvirt: kept disks outlive their machine") { check_kept_disks(test); }

TEST_CASE_FIXTURE(DoubleWorld, "libvirt: a disk is added with the next start, and goes with the machine") {
  MachineSpec spec = conformance_spec(test, "growing");
  provider->create(spec, test.box, operation);
  const std::string disk = libvirt::MachineNames{"growing", test.environment_id}.disk("data");
  REQUIRE(volumes_beginning_with(disk).empty());

  spec.disks = {{.name = "data", .size = ByteSize{1 << 20}}};
  provider->start(spec, operation);

  CHECK(volumes_beginning_with(disk).size() == 1);
  destroy("growing");
  CHECK(volumes_beginning_with("growing.").empty());
}

TEST_CASE_FIXTURE(DoubleWorld, "libvirt: beside a kept disk memory is no part of a snapshot, which is said") {
  MachineSpec spec = conformance_spec(test, "kept");
  spec.disks = {{.name = "data", .size = ByteSize{1 << 20}, .keep = true}};
  provider->create(spec, test.box, operation);
  provider->start(spec, operation);
  Snapshots& snapshots = *power_of<Snapshots>(*provider);

  // The double copies no disks.
  CHECK_THROWS_WITH_AS(snapshots.save_snapshot("kept", "one", operation),
                       doctest::Contains("copy its disk vda"), Error);

  REQUIRE_FALSE(reporter.sentences.empty());
  CHECK(reporter.sentences.back().find("without its memory, as its disk 'data' outlives it") !=
        std::string::npos);
  CHECK(snapshots.snapshots("kept", operation).empty());
  CHECK(volumes_beginning_with("kept.0123456789abcdef.qcow2").size() == 1);
  destroy("kept");
  power_of<KeptDisks>(*provider)->keep_disks("kept", test.environment_id, {}, operation);
  CHECK(volumes_beginning_with("kept.").empty());
}

namespace {

/// As a snapshot of the running machine would have left it, with a copy of its root disk and of one other.
void make_copy(DoubleWorld& world, const libvirt::MachineNames& names, const std::string& snapshot) {
  const libvirt::Storage storage = *libvirt::Storage::find(world.outside);
  storage.make_overlay(libvirt::saved_volume(names.root_disk(), 7), *storage.backing_of(names.root_disk()),
                       storage.capacity_of(names.root_disk()));
  storage.make_disk(libvirt::saved_volume(names.disk("data"), 7), 1 << 20);
  storage.make_file(libvirt::saved_volume(names.copy_mark(snapshot), 7), {});
}

}  // namespace

TEST_CASE_FIXTURE(DoubleWorld, "libvirt: a snapshot that is a copy puts its disks in the place of those") {
  MachineSpec spec = conformance_spec(test, "copied");
  spec.disks = {{.name = "data", .size = ByteSize{1 << 20}}};
  provider->create(spec, test.box, operation);
  const libvirt::MachineNames names{"copied", test.environment_id};
  Snapshots& snapshots = *power_of<Snapshots>(*provider);
  make_copy(*this, names, "copy");
  const auto disks = [&] {
    std::vector<std::string> volumes;
    for (const libvirt::OwnDisk& disk :
         libvirt::own_disks(libvirt::definition_of(outside.find_domain("copied")), names))
      volumes.push_back(disk.volume);
    return volumes;
  };
  const std::vector<std::string> first = disks();

  snapshots.check_snapshot("copied", "copy", operation);
  snapshots.restore_snapshot("copied", "copy", operation);

  const std::vector<std::string> second = disks();
  REQUIRE(second.size() == 2);
  CHECK(second[0].starts_with(names.root_disk() + "+"));
  CHECK(second[1].starts_with(names.disk("data") + "+"));
  const libvirt::Storage storage = *libvirt::Storage::find(outside);
  CHECK_FALSE(storage.path_of(first[0]));
  CHECK_FALSE(storage.path_of(first[1]));
  provider->start(spec, operation);
  CHECK(disks() == second);
  CHECK(volumes_beginning_with(names.disk("data")).size() == 2);

  snapshots.delete_snapshot("copied", "copy", operation);

  CHECK(snapshots.snapshots("copied", operation).empty());
  CHECK(disks() == second);
  // Still below the root disk.
  CHECK(storage.path_of(libvirt::saved_volume(names.root_disk(), 7)));
  CHECK_FALSE(storage.path_of(libvirt::saved_volume(names.disk("data"), 7)));
  power_of<KeptDisks>(*provider)->keep_disks("copied", test.environment_id, {"data"}, operation);
  destroy("copied");
  CHECK(volumes_beginning_with("copied.").size() == 2);
  CHECK(storage.path_of(second[1]));
  spec.disks[0].keep = true;
  provider->create(spec, test.box, operation);
  CHECK(disks() == std::vector<std::string>{names.root_disk(), second[1]});
  power_of<KeptDisks>(*provider)->keep_disks("copied", test.environment_id, {}, operation);
  destroy("copied");
  CHECK(volumes_beginning_with("copied.").empty());
}

TEST_CASE_FIXTURE(DoubleWorld, "libvirt: disks that hold a snapshot stay when a copy is restored over them") {
  MachineSpec spec = conformance_spec(test, "both");
  spec.disks = {{.name = "data", .size = ByteSize{1 << 20}}};
  provider->create(spec, test.box, operation);
  const libvirt::MachineNames names{"both", test.environment_id};
  Snapshots& snapshots = *power_of<Snapshots>(*provider);
  snapshots.save_snapshot("both", "inside", operation);
  make_copy(*this, names, "copy");

  snapshots.restore_snapshot("both", "copy", operation);
  snapshots.restore_snapshot("both", "inside", operation);

  const auto disks = libvirt::own_disks(libvirt::definition_of(outside.find_domain("both")), names);
  CHECK(disks.at(0).volume == names.root_disk());
  CHECK(volumes_beginning_with(names.root_disk() + "+").empty());
  CHECK(snapshots.snapshots("both", operation).size() == 2);
  destroy("both");
  CHECK(volumes_beginning_with("both.").empty());
}

TEST_CASE_FIXTURE(DoubleWorld, "libvirt: a snapshot is refused once a disk of it is gone") {
  MachineSpec spec = conformance_spec(test, "poorer");
  spec.disks = {{.name = "data", .size = ByteSize{1 << 20}}};
  provider->create(spec, test.box, operation);
  Snapshots& snapshots = *power_of<Snapshots>(*provider);
  snapshots.save_snapshot("poorer", "one", operation);
  snapshots.check_snapshot("poorer", "one", operation);
  const libvirt::Pool pool = outside.find_pool(libvirt::pool_name);
  const std::string disk = libvirt::MachineNames{"poorer", test.environment_id}.disk("data");
  const libvirt::Volume volume(libvirt::api().virStorageVolLookupByName(pool.get(), disk.c_str()));
  REQUIRE(libvirt::api().virStorageVolDelete(volume.get(), 0) == 0);

  CHECK_THROWS_WITH_AS(snapshots.check_snapshot("poorer", "one", operation), doctest::Contains("is gone"),
                       Error);

  destroy("poorer");
}

TEST_CASE_FIXTURE(DoubleWorld,
                  "libvirt: a snapshot with memory is refused for another CPU than it was saved with") {
  MachineSpec spec = conformance_spec(test, "other");
  provider->create(spec, test.box, operation);
  provider->start(spec, operation);
  Snapshots& snapshots = *power_of<Snapshots>(*provider);
  snapshots.save_snapshot("other", "one", operation);
  snapshots.check_snapshot("other", "one", operation);
  provider->stop("other", StopMode::hard, {}, operation);
  spec.options.set("cpu", "qemu64");
  provider->start(spec, operation);

  CHECK_THROWS_WITH_AS(snapshots.check_snapshot("other", "one", operation), doctest::Contains("'qemu64' now"),
                       Error);

  destroy("other");
}

TEST_CASE_FIXTURE(DoubleWorld,
                  "libvirt: a pool of that name that somebody made elsewhere is used and stays") {
  const std::string xml = libvirt::pool_xml(libvirt::pool_name, "/srv/disks");
  const libvirt::Pool made(libvirt::api().virStoragePoolDefineXML(outside.get(), xml.c_str(), 0));
  provider->create(conformance_spec(test, "elsewhere"), test.box, operation);
  destroy("elsewhere");

  power_of<BoxCopies>(*provider)->forget_box(test.box.digest, operation);

  CHECK(outside.find_pool(libvirt::pool_name));
  CHECK(volumes_beginning_with("").empty());
  libvirt::api().virStoragePoolDestroy(made.get());
  libvirt::api().virStoragePoolUndefine(made.get());
}

TEST_CASE_FIXTURE(DoubleWorld, "libvirt: a box that a machine lies over is not forgotten") {
  provider->create(conformance_spec(test, "user"), test.box, operation);

  power_of<BoxCopies>(*provider)->forget_box(test.box.digest, operation);

  CHECK_NOTHROW(provider->create(conformance_spec(test, "second"), test.box, operation));
  const libvirt::Pool pool = outside.find_pool(libvirt::pool_name);
  CHECK(libvirt::Volume(
      libvirt::api().virStorageVolLookupByName(pool.get(), libvirt::box_volume(test.box.digest, 0).c_str())));
  destroy("user");
  destroy("second");
  power_of<BoxCopies>(*provider)->forget_box(test.box.digest, operation);
}

TEST_CASE_FIXTURE(DoubleWorld, "libvirt: a forgotten box leaves every libvirt that it was copied to") {
  MachineSpec spec = conformance_spec(test, "there");
  spec.options.set("uri", double_uri);
  host.variables["LIBVIRT_DEFAULT_URI"] = nowhere_uri;
  BoxCopies& copies = *power_of<BoxCopies>(*provider);
  provider->create(spec, test.box, operation);
  destroy("there");
  reporter.sentences.clear();

  copies.forget_elsewhere(operation);
  CHECK(outside.find_pool(libvirt::pool_name));
  copies.forget_box(test.box.digest, operation);
  copies.forget_elsewhere(operation);

  CHECK_FALSE(outside.find_pool(libvirt::pool_name));
  CHECK(reporter.sentences.empty());
  CHECK(box_places.all().empty());
}

TEST_CASE_FIXTURE(DoubleWorld, "libvirt: a box that is used again is no more forgotten where it is") {
  MachineSpec spec = conformance_spec(test, "again");
  spec.options.set("uri", double_uri);
  host.variables["LIBVIRT_DEFAULT_URI"] = nowhere_uri;
  BoxCopies& copies = *power_of<BoxCopies>(*provider);
  provider->create(spec, test.box, operation);
  destroy("again");
  copies.forget_box(test.box.digest, operation);
  provider->create(spec, test.box, operation);
  destroy("again");

  copies.forget_elsewhere(operation);

  CHECK(outside.find_pool(libvirt::pool_name));
  copies.forget_box(test.box.digest, operation);
  copies.forget_elsewhere(operation);
}

TEST_CASE_FIXTURE(DoubleWorld, "libvirt: a copy on a host that does not answer stays, which is said") {
  const libvirt::BoxPlace place{test.box.digest, "qemu+ssh://me@there:2222/system", "my/box"};
  box_places.write(place);
  processes.answer = [](const ProcessSpec&) {
    return ProcessResult{.status = 255, .output = {}, .error = "ssh: connect to host there: timed out\r\n"};
  };
  BoxCopies& copies = *power_of<BoxCopies>(*provider);

  copies.forget_box(test.box.digest, operation);
  copies.forget_elsewhere(operation);
  copies.forget_elsewhere(operation);

  REQUIRE(reporter.sentences.size() == 2);
  CHECK(reporter.sentences.back() ==
        "web: the copy of box 'my/box' in libvirt at 'qemu+ssh://me@there:2222/system' stays for now: "
        "ssh: connect to host there: timed out; 'envtool box prune' tries again, unless that host is gone "
        "for good and you remove '" +
            box_places.file_of(place).string() + "'");
  CHECK(processes.calls().back() ==
        "sh -c 'exec ssh -o BatchMode=yes -p 2222 -l me there -n -o ConnectTimeout=10 true'");
  std::filesystem::remove(box_places.file_of(place));
  copies.forget_elsewhere(operation);
  CHECK(reporter.sentences.size() == 2);
}

TEST_CASE_FIXTURE(DoubleWorld,
                  "libvirt: all disks of a box and CD-ROMs are the machine's, as long as it has them") {
  test.box.metadata = parse_json(R"({"disks": [{"path": "box.img"}, {"path": "data.img"}]})", "test");
  write_file(directory.path() / "data.img", qcow2_head(2ull << 30));
  write_file(directory.path() / "tools.iso", "an image");
  MachineSpec spec = conformance_spec(test, "disks");
  spec.options.set("cdroms", Value(Value::List{(directory.path() / "tools.iso").string()}));
  provider->create(spec, test.box, operation);
  const auto description = [&] {
    return std::string(
        libvirt::Text(libvirt::api().virDomainGetXMLDesc(outside.find_domain("disks").get(), 0)).get());
  };

  CHECK(description().find("disks.0123456789abcdef.box-2.qcow2") != std::string::npos);
  CHECK(description().find("device='cdrom'") != std::string::npos);
  spec.options.set("cdroms", Value::list());
  provider->start(spec, operation);

  CHECK(description().find("device='cdrom'") == std::string::npos);
  CHECK(volumes_beginning_with("disks.").size() == 4);
  destroy("disks");
  CHECK(volumes_beginning_with("disks.").empty());
  power_of<BoxCopies>(*provider)->forget_box(test.box.digest, operation);
  CHECK_FALSE(outside.find_pool(libvirt::pool_name));
}

TEST_CASE_FIXTURE(DoubleWorld, "libvirt: UEFI is refused for a box that boots by BIOS only") {
  test.box.metadata.set("recipe", "debian/bookworm");
  MachineSpec spec = conformance_spec(test, "uefi");
  spec.options.set("firmware", "uefi");

  CHECK_THROWS_WITH_AS(provider->create(spec, test.box, operation), doctest::Contains("BIOS only"), Error);

  destroy("uefi");
}

TEST_CASE_FIXTURE(DoubleWorld, "libvirt: XML that libvirt does not take is said to be the user's") {
  MachineSpec spec = conformance_spec(test, "snippet");
  spec.options.set("xml", Value::map({{"devices", "<nonsense"}}));

  try {
    provider->create(spec, test.box, operation);
    FAIL("it was taken");
  } catch (const Error& error) {
    CHECK(error.hint().find("'xml' in the Envfile") != std::string::npos);
  }

  destroy("snippet");
}

TEST_CASE_FIXTURE(DoubleWorld, "libvirt: what a create left that broke off is seen and removed") {
  test.box.directory = "/nowhere";
  CHECK_THROWS_AS(provider->create(conformance_spec(test, "half"), test.box, operation), Error);
  CHECK(inspect("half").phase == MachinePhase::broken);

  destroy("half");

  CHECK(inspect("half").phase == MachinePhase::absent);
}

TEST_CASE_FIXTURE(DoubleWorld, "libvirt: a foreign domain of that name is left as it is") {
  // The double comes with a domain of its own, called `test`.
  CHECK_THROWS_WITH_AS(provider->create(conformance_spec(test, "test"), test.box, operation),
                       doctest::Contains("already"), Error);
  destroy("test");

  CHECK(outside.find_domain("test"));
  CHECK(inspect("test").phase == MachinePhase::absent);
}

TEST_CASE_FIXTURE(DoubleWorld, "libvirt: a libvirt that is not there is said with what mends it") {
  host.variables["LIBVIRT_DEFAULT_URI"] = nowhere_uri;

  try {
    provider->check_host({}, operation);
    FAIL("it was there");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::host_not_ready);
    CHECK(error.hint().find("libvirt-daemon-system") != std::string::npos);
  }
}

TEST_CASE_FIXTURE(DoubleWorld,
                  "libvirt: only a guest of a box that reads no seed is entered with Vagrant's key") {
  const auto first_key_of = [&](const std::string& name) {
    const MachineSpec spec = conformance_spec(test, name);
    provider->create(spec, test.box, operation);
    provider->start(spec, operation);
    const std::string key = provider->endpoint(name, operation).first_key;
    destroy(name);
    return key;
  };

  CHECK(first_key_of("vagrant").starts_with("-----BEGIN RSA PRIVATE KEY-----"));
  test.box.metadata.set("recipe", "debian/bookworm");
  CHECK(first_key_of("recipe").empty());
  test.box.metadata = Value::map({{"provider", "libvirt"}, {"image", true}});
  CHECK(first_key_of("image").empty());
}

TEST_CASE_FIXTURE(DoubleWorld, "libvirt: one in which nothing boots is refused before anything is made") {
  try {
    provider->check_host({}, operation);
    FAIL("it was taken");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::unsupported);
    CHECK(std::string(error.what()).find("nothing boots in it") != std::string::npos);
  }
}

TEST_CASE_FIXTURE(DoubleWorld, "libvirt: the machine's own URI is asked for, not the usual one") {
  CHECK_THROWS_WITH_AS(provider->check_host(Value::map({{"uri", nowhere_uri}}), operation),
                       doctest::Contains("/nowhere/socket"), Error);
}

TEST_CASE_FIXTURE(DoubleWorld, "libvirt: every machine has an address of its own that stays") {
  const MachineSpec one = conformance_spec(test, "one"), two = conformance_spec(test, "two");
  provider->create(one, test.box, operation);
  provider->create(two, test.box, operation);
  provider->start(one, operation);

  const std::string address = inspect("one").addresses.front();

  CHECK(provider->endpoint("one", operation).host == address);
  CHECK(inspect("two").addresses.front() != address);
  provider->stop("one", StopMode::hard, {}, operation);
  provider->start(one, operation);
  CHECK(inspect("one").addresses.front() == address);
  destroy("one");
  destroy("two");
}

namespace {

NetworkConfig network(const std::string& name, const std::string& subnet = {}) {
  return {.name = name, .subnet = subnet, .isolated = false};
}

}  // namespace

TEST_CASE_FIXTURE(DoubleWorld, "libvirt: networks of a project have a subnet, and addresses that stay") {
  MachineSpec one = conformance_spec(test, "one"), two = conformance_spec(test, "two");
  one.networks = {network("back", "10.30.0.0/24"), network("front")};
  one.networks[0].host_number = 11;
  one.networks[0].mac = "52:54:00:aa:bb:cc";
  two.networks = {network("back", "10.30.0.0/24")};
  two.promised["back"] = {"2", "11"};

  provider->create(one, test.box, operation);
  provider->create(two, test.box, operation);

  const std::vector<NetworkPlace> places = inspect("one").networks;
  REQUIRE(places.size() == 2);
  CHECK(places[0].addresses == std::vector<std::string>{"10.30.0.11"});
  CHECK(places[0].mac == "52:54:00:aa:bb:cc");
  CHECK(places[0].device == libvirt::project_bridge(test.environment_id, "back"));
  CHECK(inspect("two").networks.at(0).addresses == std::vector<std::string>{"10.30.0.3"});
  const std::string chosen = places[1].addresses.at(0);
  provider->start(one, operation);
  CHECK(inspect("one").networks.at(1).addresses.at(0) == chosen);
  destroy("two");
  CHECK(outside.find_network(libvirt::project_network(test.environment_id, "back")));
  destroy("one");
  CHECK_FALSE(outside.find_network(libvirt::project_network(test.environment_id, "back")));
  CHECK_FALSE(outside.find_network(libvirt::project_network(test.environment_id, "front")));
}

TEST_CASE_FIXTURE(DoubleWorld, "libvirt: changed networks count from the next start") {
  MachineSpec spec = conformance_spec(test, "moving");
  spec.networks = {network("back", "10.30.0.0/24")};
  provider->create(spec, test.box, operation);

  spec.networks = {network("rear", "10.30.0.0/24")};
  provider->start(spec, operation);
  CHECK(inspect("moving").networks.at(0).addresses.at(0) == "10.30.0.2");
  CHECK_FALSE(outside.find_network(libvirt::project_network(test.environment_id, "back")));
  provider->stop("moving", StopMode::hard, {}, operation);
  spec.networks = {network("rear", "10.31.0.0/24")};
  provider->start(spec, operation);

  CHECK(inspect("moving").networks.at(0).addresses.at(0) == "10.31.0.2");
  destroy("moving");
}

TEST_CASE_FIXTURE(DoubleWorld, "libvirt: who has an address or a subnet is named") {
  MachineSpec one = conformance_spec(test, "one"), two = conformance_spec(test, "two");
  one.networks = {network("back", "10.30.0.0/24")};
  two.networks = {network("back", "10.30.0.0/24")};
  two.networks[0].ip = "10.30.0.2";
  provider->create(one, test.box, operation);

  CHECK_THROWS_WITH_AS(provider->create(two, test.box, operation),
                       doctest::Contains("machine 'one' has the address 10.30.0.2"), Error);
  destroy("two");
  MachineSpec other = conformance_spec(test, "other");
  other.environment_id = "fedcba9876543210";
  other.networks = {network("mine", "10.30.0.128/25")};
  CHECK_THROWS_WITH_AS(provider->create(other, test.box, operation),
                       doctest::Contains("the network 'back' of environment 01234567"), Error);

  provider->destroy("other", other.environment_id, operation);
  destroy("one");
}

TEST_CASE_FIXTURE(DoubleWorld, "libvirt: what a guest is to set up of its networks is known") {
  MachineSpec spec = conformance_spec(test, "guest");
  spec.networks = {network("back", "10.30.0.0/24"),
                   {.name = "lan", .bridge = "br0", .mac = "52:54:00:aa:bb:cc"}};
  provider->create(spec, test.box, operation);

  const auto devices = dynamic_cast<GuestNetworks&>(*provider).network_devices("guest", operation);

  REQUIRE(devices.size() == 2);
  CHECK(devices[0].address == "10.30.0.2/24");
  CHECK(devices[0].mac == inspect("guest").networks.at(0).mac);
  CHECK(devices[1].address.empty());
  CHECK(devices[1].mac == "52:54:00:aa:bb:cc");
  destroy("guest");
}
