#pragma once

#include "support/test_world.h"

namespace envtool {

/// A world whose Envfiles may hold what those of this program may: every provider has its real table, over
/// the fake backend, and provisioners are the real ones.
struct RealTables : TestWorld {
  RealTables() {
    ProviderRegistry real;
    register_all_providers(real);
    for (const ProviderInfo& info : real.infos())
      providers.add(info, [this](Host&) { return std::make_unique<FakeProvider>(backend); });
    register_all_provisioners(provisioners);
    boxes.takes_any = true;
    const std::filesystem::path ansible = home() / "bin/ansible-playbook";
    write_file(ansible, "#!/bin/sh\n", 0755);
    variables["PATH"] = ansible.parent_path().string();
  }
};

}  // namespace envtool
