// Disks that outlive their machine.
#include "providers/lxc/parts/disks.h"
#include "providers/lxc/provider.h"

namespace envtool::lxc {

const Side* LxcProvider::keeper_of(const std::string& name) const {
  if (!is_machine_name(name)) return nullptr;
  for (const Side* side : {&user_, &root_})
    if (!lxc::kept_disks(side->layout, name).empty()) return side;
  return nullptr;
}

std::vector<std::string> LxcProvider::kept_disks(const std::string& name, Operation&) {
  const Side* const side = keeper_of(name);
  return side ? lxc::kept_disks(side->layout, name) : std::vector<std::string>();
}

void LxcProvider::keep_disks(const std::string& name, const std::string& environment_id,
                             const std::set<std::string>& disks, Operation& operation) {
  if (!is_machine_name(name)) return;
  Value list = Value::list();
  for (const std::string& disk : disks) list.push_back(disk);
  const Side* const keeper = keeper_of(name);
  const Side& side = keeper && !record_of(name) ? *keeper : side_of(name);
  side.helper.call("keep_disks",
                   Value::map({{"name", name}, {"environment", environment_id}, {"disks", list}}), operation);
}

}  // namespace envtool::lxc
