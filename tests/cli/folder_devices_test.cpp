#include "core/folder_devices.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include "support/bare_provider.h"
#include "support/test_world.h"

using namespace envtool;

namespace {

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

/// Called "devices": gives folders as devices, which it takes at a start.
class DeviceProvider final : public BareProvider, public FolderDevices {
 public:
  static ProviderInfo make_info() {
    ProviderInfo info = BareProvider::make_info();
    info.name = info.schema.name = "devices";
    info.capabilities.insert(Capability::folder_devices);
    return info;
  }
  DeviceProvider(FakeBackend& backend, std::map<FolderType, std::string>& obstacles)
      : BareProvider(backend), info_(make_info()), backend_(backend), obstacles_(obstacles) {}

  const ProviderInfo& info() const override { return info_; }
  std::string folder_obstacle(const Value&, const NativeFolder& folder, Operation&) override {
    return obstacles_[folder.type];
  }
  std::vector<Device> folder_devices(const std::string& name, Operation&) override {
    std::vector<Device> devices;
    const auto machines = backend_.machines();
    const auto machine = machines.find(name);
    if (machine == machines.end() || machine->second.phase != MachinePhase::running) return devices;
    for (const NativeFolder& folder : machine->second.spec.folders)
      devices.push_back({folder.tag, folder.type, folder.host, folder.read_only});
    return devices;
  }

 private:
  ProviderInfo info_;
  FakeBackend& backend_;
  std::map<FolderType, std::string>& obstacles_;
};

/// A guest whose login user has the id of whoever runs the tests.
struct DeviceWorld : TestWorld {
  std::map<FolderType, std::string> obstacles;
  std::string kernel = "virtiofs yes\n9p yes\n";
  std::vector<std::string> mounts;  ///< what each command to mount was given
  std::string refusal;

  DeviceWorld() {
    providers.add(DeviceProvider::make_info(),
                  [this](Host&) { return std::make_unique<DeviceProvider>(backend, obstacles); });
    guests.answer = [this](const std::string&, const GuestCommand& command) {
      ProcessResult result;
      if (has(command.script, "/proc/filesystems"))
        result.output = kernel + "user " + std::to_string(::geteuid()) + " vagrant\n";
      if (!has(command.script, "# envtool folders begin")) return result;
      mounts.push_back(command.input);
      result.status = refusal.empty() ? 0 : 1;
      result.error = refusal;
      return result;
    };
  }

  void share(const std::string& folder) const {
    write("Envfile", "box: fake/debian\nprovider: devices\nfolders: [" + folder + "]\n");
  }
  /// Up, and once more when what the guest said of itself counts.
  void learn() {
    REQUIRE(run_cli(*this, {"up"}).code == 0);
    REQUIRE(run_cli(*this, {"halt"}).code == 0);
    folders.pushes.clear();
    mounts.clear();
  }
  std::vector<NativeFolder> devices() const { return backend.machines().begin()->second.spec.folders; }
};

}  // namespace

TEST_CASE_FIXTURE(DeviceWorld, "a folder comes as a device and is mounted, and is not copied") {
  share("{host: ., guest: /srv/my app, exclude: [node_modules/]}");
  learn();

  const CliResult up = run_cli(*this, {"up"});

  REQUIRE_MESSAGE(up.code == 0, up.errors);
  CHECK(has(up.errors, "folder '/srv/my app' by virtiofs"));
  CHECK(folders.pushes.empty());
  REQUIRE(devices().size() == 1);
  CHECK(devices()[0].type == FolderType::virtiofs);
  REQUIRE(mounts.size() == 1);
  CHECK(mounts[0] == "share vagrant " + devices()[0].tag + " /srv/my\\040app virtiofs rw,nofail\n" +
                         "cover vagrant /var/lib/envtool/covers/" + devices()[0].tag +
                         "/node_modules /srv/my\\040app/node_modules none bind,nofail\n" +
                         "hide root tmpfs /srv/my\\040app/.envtool tmpfs ro,size=4k,mode=0555,nofail\n");
  CHECK(run_cli(*this, {"up"}).code == 0);
  CHECK(mounts.size() == 1);
}

TEST_CASE_FIXTURE(DeviceWorld, "a folder goes the next best way, and the reason is said") {
  SUBCASE("by 9p") {
    kernel = "virtiofs no\n9p yes\n";
    share("\".:/srv/app\"");
    learn();
    const CliResult up = run_cli(*this, {"up"});
    REQUIRE_MESSAGE(up.code == 0, up.errors);
    CHECK(has(up.errors, "folder '/srv/app' by 9p: the guest's kernel has no virtiofs"));
    CHECK(has(mounts.at(0), " 9p rw,nofail,trans=virtio,version=9p2000.L,msize=524288,cache=mmap\n"));
  }
  SUBCASE("by a copy") {
    kernel = "virtiofs no\n9p no\n";
    share("\".:/srv/app\"");
    learn();
    const CliResult up = run_cli(*this, {"up"});
    REQUIRE_MESSAGE(up.code == 0, up.errors);
    CHECK(has(up.errors, "folder '/srv/app' by rsync: the guest's kernel has no virtiofs"));
    CHECK(devices().empty());
    CHECK(mounts.empty());
    CHECK(folders.pushes.size() == 1);
  }
}

TEST_CASE_FIXTURE(DeviceWorld, "a wanted device that cannot be is refused before anything is made") {
  obstacles[FolderType::virtiofs] = "virtiofsd is not installed";
  share("{host: ., guest: /srv/app, type: virtiofs}");

  const CliResult up = run_cli(*this, {"up"});

  CHECK(up.code == 6);
  CHECK(has(up.errors, "folder '/srv/app' cannot be shared by virtiofs: virtiofsd is not installed"));
  CHECK(has(up.errors, "leave 'type' out"));
  CHECK(backend.machines().empty());
}

TEST_CASE_FIXTURE(DeviceWorld,
                  "a folder that comes later is copied until the next start, and then is a device") {
  share("");
  learn();
  REQUIRE(run_cli(*this, {"up"}).code == 0);
  share("\".:/srv/app\"");
  obstacles = {};

  const CliResult up = run_cli(*this, {"up"});

  CHECK(has(up.errors, "folder '/srv/app' by rsync: "));
  CHECK(folders.pushes.size() == 1);
  REQUIRE(run_cli(*this, {"reload"}).code == 0);
  REQUIRE(run_cli(*this, {"reload"}).code == 0);
  CHECK(devices().size() == 1);
  CHECK(has(mounts.back(), "/srv/app virtiofs"));
}

TEST_CASE_FIXTURE(DeviceWorld, "a wanted device that comes later is waited for") {
  share("\".:/srv/app\"");
  learn();
  REQUIRE(run_cli(*this, {"up"}).code == 0);
  share("\".:/srv/app\", {host: ., guest: /srv/more, type: 9p}");

  const CliResult up = run_cli(*this, {"up"});

  CHECK_MESSAGE(up.code == 0, up.errors);
  CHECK(has(up.errors, "folder '/srv/more' is not there yet: the machine gets 9p for it at its next start"));
  CHECK(folders.pushes.empty());
  REQUIRE(run_cli(*this, {"reload"}).code == 0);
  CHECK(has(mounts.back(), "/srv/more 9p"));
}

TEST_CASE_FIXTURE(DeviceWorld, "a folder that is taken out goes from the guest, and what is in use stays") {
  share("\".:/srv/app\"");
  learn();
  REQUIRE(run_cli(*this, {"up"}).code == 0);
  share("{host: ., guest: /srv/app, type: rsync}");

  const CliResult sync = run_cli(*this, {"sync"});
  refusal = "umount: /srv/app: target is busy.";
  const CliResult busy = run_cli(*this, {"up"});

  CHECK(sync.code == 1);  // it would copy the host's files onto themselves
  CHECK(has(sync.errors, "still shared with the guest"));
  CHECK(busy.code == 1);
  CHECK(has(busy.errors, "cannot mount its folders in the guest: umount: /srv/app: target is busy."));
  CHECK(has(busy.errors, "'envtool reload' ends it"));
  CHECK(folders.pushes.empty());
  refusal.clear();
  CHECK(run_cli(*this, {"up"}).code == 0);
  CHECK(mounts.back().empty());
  CHECK(folders.pushes.size() == 1);
}
