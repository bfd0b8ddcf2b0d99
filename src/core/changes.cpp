#include "core/changes.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "core/user_data.h"

namespace envtool {

namespace {

bool has_disk(const MachineConfig& machine, const std::string& name) {
  return std::ranges::any_of(machine.disks, [&](const DiskConfig& disk) { return disk.name == name; });
}

/// What a machine was started with, but for disks that were taken out since.
Value without_gone_disks(Value started_with, const MachineConfig& machine) {
  Value left = Value::list();
  for (const Value& disk : started_with["disks"].items())
    if (has_disk(machine, disk["name"].as_text())) left.push_back(disk);
  if (started_with.has("disks")) started_with.set("disks", left);
  return started_with;
}

}  // namespace

Value restart_values(const MachineConfig& machine, const ProviderInfo& provider) {
  Value networks = Value::list();
  for (const NetworkConfig& network : machine.networks)
    networks.push_back(Value::map({{"name", network.name},
                                   {"subnet", network.subnet},
                                   {"isolated", network.isolated.value_or(false)},
                                   {"ip", network.ip},
                                   {"number", network.host_number.value_or(0)},
                                   {"bridge", network.bridge},
                                   {"mac", network.mac}}));
  Value disks = Value::list();
  for (const DiskConfig& disk : machine.disks)
    disks.push_back(Value::map(
        {{"name", disk.name}, {"size", static_cast<std::int64_t>(disk.size.bytes)}, {"mount", disk.mount}}));
  Value options = Value::map();
  const Value written = provider_options(machine, provider.name);
  for (const OptionSpec& option : provider.schema.options)
    if (!option.create_only && option.name != cpu_set_option && written.has(option.name))
      options.set(option.name, written[option.name]);
  return Value::map({{"hostname", machine.hostname},
                     {"networks", networks},
                     {"disks", disks},
                     {"disk", machine.disk ? machine.disk->to_string() : ""},
                     {"providers." + provider.name, options}});
}

Value create_values(const MachineConfig& machine, const ProviderInfo& provider) {
  Value values = Value::map({{"box", machine.box ? machine.box->name : ""}, {"ssh.user", machine.ssh.user}});
  if (provider.features.contains(Feature::cloud_init)) values.set("cloud_init", user_data_digest(machine));
  const Value options = provider_options(machine, provider.name);
  for (const OptionSpec& option : provider.schema.options)
    if (option.create_only)
      values.set(fmt::format("providers.{}.{}", provider.name, option.name), options[option.name]);
  return values;
}

Limits limits_of(const MachineConfig& machine, const ProviderInfo& provider) {
  return {.cpus = machine.cpus,
          .memory = machine.memory,
          .cpu_set = provider_options(machine, provider.name)[std::string(cpu_set_option)].as_text()};
}

Value to_value(const Limits& limits) {
  Value value = Value::map({{"cpus", limits.cpus.value_or(0)},
                            {"memory", static_cast<std::int64_t>(limits.memory.value_or(ByteSize{}).bytes)}});
  if (!limits.cpu_set.empty()) value.set("cpu_set", limits.cpu_set);
  return value;
}

Value folders_value(const MachineSpec& spec) {
  Value folders = Value::list();
  for (const NativeFolder& folder : spec.folders)
    folders.push_back(Value::map({{"host", folder.host.string()},
                                  {"guest", folder.guest},
                                  {"read_only", folder.read_only},
                                  {"owner", folder.owner},
                                  {"covered", join(folder.covered, "\n")}}));
  return folders;
}

std::vector<PendingChange> pending_changes(const MachineConfig& machine, const MachineRecord& record,
                                           const ProviderInfo& provider) {
  std::vector<PendingChange> changes;
  const auto compare = [&](const Value& now, const Value& then, PendingChange::Needs needs) {
    for (const auto& [key, value] : now.members())
      if (then.has(key) && !(then[key] == value)) changes.push_back({key, needs});
  };
  if (record.created.empty()) return changes;
  const MachineConfig wanted = effective_for(machine, record.provider);
  compare(restart_values(wanted, provider), without_gone_disks(record.started_with, wanted),
          PendingChange::Needs::restart);
  compare(create_values(wanted, provider), record.created_with, PendingChange::Needs::recreate);
  const std::vector<std::string> had = record.created_with["disks"].as_texts();
  if (std::ranges::any_of(had, [&](const std::string& disk) { return !has_disk(wanted, disk); }))
    changes.push_back({"disks", PendingChange::Needs::recreate});
  const auto& providers = machine.providers;
  if (!providers.empty() && std::find(providers.begin(), providers.end(), record.provider) == providers.end())
    changes.push_back({"provider", PendingChange::Needs::recreate});
  return changes;
}

}  // namespace envtool
