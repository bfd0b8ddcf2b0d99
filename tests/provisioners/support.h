#pragma once

#include <utility>
#include <vector>

#include "base/files.h"
#include "base/text.h"
#include "core/registry.h"
#include "support/scripted_communicator.h"
#include "support/scripted_host.h"

namespace envtool {

/// One provisioner, a project and a guest for it.
struct Provisioning {
  explicit Provisioning(void (*add)(ProvisionerRegistry&)) { add(registry); }

  const Provisioner& provisioner() const { return *registry.all().front(); }
  ProvisionConfig item(Value options) const {
    return {.name = "setup", .kind = provisioner().schema().name, .options = std::move(options)};
  }
  ProvisionContext context() {
    ProvisionContext context{.project = project};
    context.machines = {"web"};
    context.ssh_user = "vagrant";
    context.communicator = &guest;
    context.late = [](const std::string& name) -> std::optional<std::string> {
      if (name == "secret.token") return "hush";
      return std::nullopt;
    };
    context.inventory = place.path() / "inventory.yml";
    context.state_directory = place.path() / "state";
    context.control_directory = place.path() / "control";
    context.mask = [](std::string text) { return replace_all(std::move(text), "hush", "***"); };
    make_directories(context.state_directory, 0700);
    return context;
  }
  void run(const ProvisionConfig& what, const ProvisionFlags& flags = {}) {
    provisioner().run(what, context(), flags, host.operation);
  }

  TemporaryDirectory place;
  ProvisionerRegistry registry;
  ProjectConfig project;
  ScriptedHost host;
  ScriptedCommunicator guest;
};

}  // namespace envtool
