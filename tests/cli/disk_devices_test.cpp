#include <doctest/doctest.h>

#include "core/disk_devices.h"
#include "support/bare_provider.h"
#include "support/test_world.h"

using namespace envtool;

namespace {

/// Called "devices": gives disks as bare devices.
class DeviceProvider final : public BareProvider, public DiskDevices {
 public:
  static ProviderInfo make_info() {
    ProviderInfo info = BareProvider::make_info();
    info.name = info.schema.name = "devices";
    info.features.insert({Feature::disks, Feature::bare_disks});
    return info;
  }
  explicit DeviceProvider(FakeBackend& backend) : BareProvider(backend), info_(make_info()) {}

  const ProviderInfo& info() const override { return info_; }
  std::string disk_device(const std::string& disk) override { return "/dev/disk/by-id/" + disk; }

 private:
  ProviderInfo info_;
};

struct DeviceWorld : TestWorld {
  std::vector<std::map<std::string, std::string>> mounted;
  std::string refusal;

  DeviceWorld() {
    providers.add(DeviceProvider::make_info(),
                  [this](Host&) { return std::make_unique<DeviceProvider>(backend); });
    write_envfile(
        "provider: devices\n"
        "disks: [{name: data, size: 1GiB, mount: /srv/data}, {name: bare, size: 1GiB}]\n");
    guests.answer = [this](const std::string&, const GuestCommand& command) {
      ProcessResult result;
      if (!command.environment.contains("DEVICE")) return result;
      if (!refusal.empty()) {
        result.status = 1;
        result.error = refusal;
      } else {
        mounted.push_back(command.environment);
      }
      return result;
    };
  }
};

}  // namespace

TEST_CASE_FIXTURE(DeviceWorld, "a disk with a place in the guest is mounted there after each start") {
  const CliResult up = run_cli(*this, {"up"});

  REQUIRE_MESSAGE(up.code == 0, up.errors);
  REQUIRE(mounted.size() == 1);
  CHECK(mounted[0].at("DEVICE") == "/dev/disk/by-id/data");
  CHECK(mounted[0].at("MOUNT") == "/srv/data");
  CHECK(run_cli(*this, {"up"}).code == 0);
  CHECK(mounted.size() == 1);
  CHECK(run_cli(*this, {"reload"}).code == 0);
  CHECK(mounted.size() == 2);
}

TEST_CASE_FIXTURE(DeviceWorld, "a disk that was not mounted is tried again by the next up") {
  refusal = "it holds something that is no file system";

  const CliResult failed = run_cli(*this, {"up"});
  refusal.clear();

  CHECK(failed.code == 1);
  CHECK(failed.errors.find("cannot mount disk 'data' on '/srv/data': it holds") != std::string::npos);
  CHECK(run_cli(*this, {"up"}).code == 0);
  CHECK(mounted.size() == 1);
}
