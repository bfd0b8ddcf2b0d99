#pragma once

#include "base/files.h"
#include "cli/app.h"
#include "support/fake_boxes.h"
#include "support/fake_clock.h"
#include "support/fake_console.h"
#include "support/fake_guest.h"
#include "support/fake_processes.h"
#include "support/fake_provider.h"
#include "support/fake_provisioner.h"

namespace envtool {

/// A host with a home, a project directory and the fake provider, on which the whole program runs in process.
class TestWorld {
 public:
  TestWorld() {
    providers.add(FakeProvider::make_info(),
                  [this](Host&) { return std::make_unique<FakeProvider>(backend); });
    provisioners.add(std::make_unique<NoteProvisioner>());
    std::filesystem::create_directories(project());
    std::filesystem::create_directories(home() / "tmp");
    variables = {{"ENVTOOL_HOME", (home() / "envtool").string()},
                 {"XDG_RUNTIME_DIR", (home() / "run").string()},
                 {"LANG", "C.UTF-8"},
                 {"USER", "tester"}};
  }

  std::filesystem::path home() const { return directory.path() / "home"; }
  std::filesystem::path project() const { return directory.path() / "shop"; }
  /// Writes a file of the project's.
  void write(const std::string& name, std::string_view content) const {
    write_file(project() / name, content);
  }
  /// An Envfile whose box the fake provider takes.
  void write_envfile(const std::string& rest = "") const {
    write("Envfile", "box: fake/debian\nfolders: []\n" + rest);
  }

  TemporaryDirectory directory;
  FakeBackend backend;
  FakeCommunicators guests{backend};
  FakeBoxes boxes;
  FakeFolderSync folders;
  FakeProcesses processes;
  FakeClock clock;
  ProviderRegistry providers;
  ProvisionerRegistry provisioners;
  EnvironmentVariables variables;
  std::filesystem::path working_directory = project();
  std::stop_source stop;
  /// Set before a command that reads answers, runs at a terminal...
  std::function<void(FakeConsole&)> prepare_console;
  Services services{providers,
                    provisioners,
                    boxes,
                    guests,
                    folders,
                    [this](const std::string& comment) {
                      const std::string number = std::to_string(++keys_);
                      return KeyPair{"private " + number + "\n", "ssh-ed25519 AAAA" + number + " " + comment};
                    },
                    {},
                    [](const NewBox& box, Operation& operation) {
                      // A box is what its disk holds.
                      std::string content;
                      box.rootfs([&content](std::string_view bytes) { content += bytes; }, operation);
                      write_file(box.file, content);
                    }};

 private:
  std::atomic<int> keys_ = 0;
};

struct CliResult {
  int code = 0;
  std::string output, errors;
};

/// Runs one command line in the world, as if from the project's directory.
inline CliResult run_cli(TestWorld& world, const std::vector<std::string>& words) {
  FakeConsole console;
  if (world.prepare_console) world.prepare_console(console);
  const World outside{.processes = world.processes,
                      .clock = world.clock,
                      .console = console,
                      .variables = world.variables,
                      .home = world.home(),
                      .program = "/usr/bin/envtool",
                      .working_directory = world.working_directory,
                      .stop = world.stop.get_token()};
  const auto services = [&world](Host&) {
    return std::shared_ptr<const Services>(&world.services, [](const auto*) {});
  };
  const int code = run_app(outside, services, words);
  return {code, std::move(console.output), std::move(console.errors)};
}

}  // namespace envtool
