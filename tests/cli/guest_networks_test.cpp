#include <doctest/doctest.h>

#include "core/guest_networks.h"
#include "support/bare_provider.h"
#include "support/test_world.h"

using namespace envtool;

namespace {

/// Called "plain": its guests are told everything by SSH.
class PlainProvider final : public BareProvider, public GuestNetworks {
 public:
  static ProviderInfo make_info() {
    ProviderInfo info = BareProvider::make_info();
    info.name = info.schema.name = "plain";
    info.features.insert({Feature::networks, Feature::host_bridges, Feature::mac});
    return info;
  }
  explicit PlainProvider(FakeBackend& backend) : BareProvider(backend), info_(make_info()) {}

  const ProviderInfo& info() const override { return info_; }
  std::vector<Device> network_devices(const std::string&, Operation&) override {
    return {{"back", "52:54:00:00:00:01", "10.30.0.11/24"}, {"lan", "52:54:00:00:00:02", ""}};
  }

 private:
  ProviderInfo info_;
};

struct PlainWorld : TestWorld {
  std::vector<std::string> networks, hosts;
  std::string refusal;

  PlainWorld() {
    providers.add(PlainProvider::make_info(),
                  [this](Host&) { return std::make_unique<PlainProvider>(backend); });
    guests.answer = [this](const std::string&, const GuestCommand& command) {
      ProcessResult result;
      if (command.script.find("/etc/hosts") != std::string::npos) hosts.push_back(command.input);
      if (command.script.find("networkctl") == std::string::npos) return result;
      networks.push_back(command.input);
      result.status = refusal.empty() ? 0 : 1;
      result.error = refusal;
      return result;
    };
  }
};

}  // namespace

TEST_CASE_FIXTURE(PlainWorld, "a guest's networks are set up after each start, and not again meanwhile") {
  write_envfile("provider: plain\nnetworks: [back, {name: lan, bridge: br0}]\n");

  const CliResult up = run_cli(*this, {"up"});

  REQUIRE_MESSAGE(up.code == 0, up.errors);
  REQUIRE(networks.size() == 1);
  CHECK(networks[0] == "52:54:00:00:00:01 back 10.30.0.11/24\n52:54:00:00:00:02 lan dhcp");
  CHECK(run_cli(*this, {"up"}).code == 0);
  CHECK(networks.size() == 1);
  CHECK(run_cli(*this, {"reload"}).code == 0);
  CHECK(networks.size() == 2);
}

TEST_CASE_FIXTURE(PlainWorld, "networks that could not be set up are tried again by the next up") {
  write_envfile("provider: plain\nnetworks: [back]\n");
  refusal = "it has no network device with the MAC address 52:54:00:00:00:01";

  const CliResult up = run_cli(*this, {"up"});

  CHECK(up.code == 1);
  CHECK(up.errors.find("cannot set up its networks: it has no network device") != std::string::npos);
  refusal.clear();
  CHECK(run_cli(*this, {"up"}).code == 0);
  CHECK(networks.size() == 2);
}

TEST_CASE_FIXTURE(PlainWorld, "the last machine to start knows the others, and they know it") {
  write_envfile("provider: plain\nmachines: {db: {}, web: {depends_on: [db]}}\n");

  REQUIRE(run_cli(*this, {"up"}).code == 0);

  REQUIRE(hosts.size() == 2);
  CHECK(hosts[0].find(" db\n") != std::string::npos);   // for web
  CHECK(hosts[1].find(" web\n") != std::string::npos);  // for db
  CHECK(run_cli(*this, {"up"}).code == 0);
  CHECK(hosts.size() == 2);
  CHECK(run_cli(*this, {"reload", "web"}).code == 0);
  CHECK(hosts.size() == 3);
}
