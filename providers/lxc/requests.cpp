#include "providers/lxc/requests.h"

#include <fmt/format.h>

namespace envtool::lxc {

namespace fs = std::filesystem;

namespace {

Value folders_of(const MachineSpec& spec) {
  Value list = Value::list();
  for (const NativeFolder& folder : spec.folders)
    list.push_back(Value::map({{"host", folder.host.string()},
                               {"guest", folder.guest},
                               {"read_only", folder.read_only},
                               {"owner", folder.owner.empty() ? spec.identity.user : folder.owner},
                               {"covered", Value::texts(folder.covered)},
                               {"hides_project_state", folder.hides_project_state}}));
  return list;
}

Value disks_of(const MachineSpec& spec) {
  Value list = Value::list();
  for (const DiskConfig& disk : spec.disks)
    list.push_back(Value::map({{"name", disk.name}, {"mount", disk.mount}, {"keep", disk.keep}}));
  return list;
}

Value networks_of(const MachineSpec& spec) {
  Value list = Value::list();
  for (const NetworkConfig& network : spec.networks) {
    Value value = Value::map({{"name", network.name},
                              {"subnet", network.subnet},
                              {"ip", network.ip},
                              {"bridge", network.bridge},
                              {"mac", network.mac},
                              {"isolated", network.isolated.value_or(false)}});
    if (network.host_number) value.set("number", *network.host_number);
    if (const auto promised = spec.promised.find(network.name); promised != spec.promised.end())
      value.set("promised", Value::texts(promised->second));
    list.push_back(std::move(value));
  }
  return list;
}

}  // namespace

Value machine_request(const MachineSpec& spec) {
  Value hosts = Value::list();
  for (const HostsEntry& entry : spec.hosts)
    hosts.push_back(Value::map({{"address", entry.address}, {"names", Value::texts(entry.names)}}));
  Value request = Value::map({{"name", spec.backend_name},
                              {"environment", spec.environment_id},
                              {"hostname", spec.hostname.empty() ? spec.name : spec.hostname},
                              {"hosts", hosts},
                              {"folders", folders_of(spec)},
                              {"disks", disks_of(spec)},
                              {"networks", networks_of(spec)},
                              {"unprivileged", spec.options["unprivileged"].as_bool(true)},
                              {"storage", spec.options["storage"]},
                              {"config", spec.options["config"]},
                              {"options", spec.options}});
  if (spec.options.has("cpu_set")) request.set("cpu_set", spec.options["cpu_set"]);
  if (spec.cpus) request.set("cpus", *spec.cpus);
  if (spec.disk) request.set("disk", static_cast<std::int64_t>(spec.disk->bytes));
  if (spec.memory) request.set("memory", static_cast<std::int64_t>(spec.memory->bytes));
  return request;
}

void add_identity(Value& request, const GuestIdentity& identity) {
  request.set("user", identity.user);
  request.set("authorized_key", identity.authorized_key);
  request.set("host_private_key", identity.host_private_key);
  request.set("host_public_key", identity.host_public_key);
}

}  // namespace envtool::lxc
