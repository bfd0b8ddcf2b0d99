#include <doctest/doctest.h>

#include "support/bare_provider.h"
#include "support/test_world.h"

using namespace envtool;

namespace {

/// Called "copying": makes boxes of copies of its machines.
class CopyingProvider final : public BareProvider, public DiskPackage {
 public:
  static ProviderInfo make_info() {
    ProviderInfo info = BareProvider::make_info();
    info.name = info.schema.name = "copying";
    info.capabilities.insert(Capability::package);
    return info;
  }
  explicit CopyingProvider(FakeBackend& backend)
      : BareProvider(backend), backend_(backend), info_(make_info()) {}

  const ProviderInfo& info() const override { return info_; }
  std::string start_copy(const MachineSpec& spec, Operation& operation) override {
    MachineSpec copy = spec;
    copy.backend_name += "-copy";
    Box box;
    box.format = "fake";
    create(copy, box, operation);
    start(copy, operation);
    return copy.backend_name;
  }
  NewBoxDisks export_disks(const std::string& copy, Operation&) override {
    CHECK(backend_.machines().at(copy).phase == MachinePhase::stopped);
    NewBoxDisks disks;
    disks.disks.push_back(
        {.virtual_size = {1}, .size = 5, .read = [](const auto& take, Operation&) { take("image"); }});
    return disks;
  }
  void remove_copy(const std::string& name, const std::string& environment_id,
                   Operation& operation) override {
    destroy(name + "-copy", environment_id, operation);
  }

 private:
  FakeBackend& backend_;
  ProviderInfo info_;
};

struct CopyingWorld : TestWorld {
  std::vector<GuestCommand> sealed;
  int seal_status = 0;

  CopyingWorld() {
    providers.add(CopyingProvider::make_info(),
                  [this](Host&) { return std::make_unique<CopyingProvider>(backend); });
    services.write_box = [](const NewBox& box, Operation& operation) {
      box.disks(operation).disks.at(0).read([&](std::string_view bytes) { write_file(box.file, bytes); },
                                            operation);
    };
    write_envfile("provider: copying\n");
    REQUIRE(run_cli(*this, {"up"}).code == 0);
    guests.answer = [this](const std::string& machine, const GuestCommand& command) {
      ProcessResult result;
      if (!command.environment.contains("LOGIN_USER")) return result;
      CHECK(machine.ends_with("-copy"));
      sealed.push_back(command);
      result.status = seal_status;
      result.error = "no room";
      return result;
    };
  }
};

}  // namespace

TEST_CASE_FIXTURE(CopyingWorld, "a box is made of a copy that was cleaned, and which is gone then") {
  const CliResult result = run_cli(*this, {"package"});

  REQUIRE_MESSAGE(result.code == 0, result.errors);
  CHECK(read_file(project() / "package.box") == "image");
  REQUIRE(sealed.size() == 1);
  CHECK(sealed[0].user == "root");
  CHECK(sealed[0].input.ends_with("vagrant insecure public key\n"));
  CHECK(sealed[0].environment.at("OWN_KEY").starts_with("AAAA"));
  REQUIRE(backend.machines().size() == 1);
  CHECK(backend.machines().begin()->second.phase == MachinePhase::running);
  CHECK(backend.machines().begin()->second.starts == 1);
}

TEST_CASE_FIXTURE(CopyingWorld, "a machine that stands still becomes a box, and stands still") {
  REQUIRE(run_cli(*this, {"halt"}).code == 0);

  const CliResult result = run_cli(*this, {"package"});

  REQUIRE_MESSAGE(result.code == 0, result.errors);
  CHECK(sealed.size() == 1);
  CHECK(backend.machines().begin()->second.phase == MachinePhase::stopped);
}

TEST_CASE_FIXTURE(CopyingWorld, "a copy that cannot be cleaned is removed, and makes no box") {
  seal_status = 1;

  const CliResult result = run_cli(*this, {"package"});

  CHECK(result.code == 1);
  CHECK(result.errors.find("cannot take out of the copy what is the machine's own: no room") !=
        std::string::npos);
  CHECK_FALSE(std::filesystem::exists(project() / "package.box"));
  CHECK(backend.machines().size() == 1);
}

TEST_CASE_FIXTURE(CopyingWorld, "the copy that a killed package left is removed by the next command") {
  backend.on_call = [](const std::string& call, const std::string& machine, Operation&) {
    if (call == "destroy" && machine.ends_with("-copy")) throw Interrupted{};
  };
  seal_status = 1;
  run_cli(*this, {"package"});
  REQUIRE(backend.machines().size() == 2);
  backend.on_call = {};

  CHECK(run_cli(*this, {"up"}).code == 0);

  CHECK(backend.machines().size() == 1);
}
