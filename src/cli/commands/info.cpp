#include <fmt/format.h>

#include "base/text.h"
#include "cli/commands/commands.h"
#include "cli/commands/views.h"
#include "cli/session.h"
#include "cli/style.h"
#include "core/context.h"
#include "core/powers.h"

namespace envtool {

namespace {

using Rows = std::vector<std::vector<std::string>>;

void add_list(Rows& rows, const std::string& title, const std::vector<std::string>& lines) {
  for (std::size_t i = 0; i < lines.size(); ++i) rows.push_back({i == 0 ? title : "", lines[i]});
}

void add_config(Rows& rows, Value& value, const MachineConfig& machine) {
  if (machine.cpus) rows.push_back({"cpus", std::to_string(*machine.cpus)});
  if (machine.memory) rows.push_back({"memory", machine.memory->to_string()});
  std::vector<std::string> folders;
  Value list = Value::list();
  for (const FolderConfig& folder : machine.folders) {
    const std::string_view mode = folder.read_only ? " (read-only)" : "";
    folders.push_back(fmt::format("{} on {}{}", folder.host.string(), folder.guest, mode));
    list.push_back(Value::map(
        {{"host", folder.host.string()}, {"guest", folder.guest}, {"read_only", folder.read_only}}));
  }
  std::vector<std::string> disks;
  Value disk_list = Value::list();
  for (const DiskConfig& disk : machine.disks) {
    disks.push_back(fmt::format("{}, {}{}{}", disk.name, disk.size.to_string(),
                                disk.mount.empty() ? "" : " on " + disk.mount, disk.keep ? " (kept)" : ""));
    Value entry = Value::map(
        {{"name", disk.name}, {"size", static_cast<std::int64_t>(disk.size.bytes)}, {"keep", disk.keep}});
    if (!disk.mount.empty()) entry.set("mount", disk.mount);
    disk_list.push_back(entry);
  }
  add_list(rows, "disks", disks);
  value.set("disks", disk_list);
  add_list(rows, "folders", folders);
  value.set("folders", list);
  if (machine.cpus) value.set("cpus", *machine.cpus);
  if (machine.memory) value.set("memory", static_cast<std::int64_t>(machine.memory->bytes));
}

void add_record(Rows& rows, Value& value, const MachineRecord& record) {
  rows.push_back(
      {"box", fmt::format("{} {}", record.box_name, record.box_version == "0" ? "" : record.box_version)});
  rows.push_back({"created", record.created});
  rows.push_back({"user", record.ssh_user});
  value
      .set("box",
           Value::map(
               {{"name", record.box_name}, {"version", record.box_version}, {"digest", record.box_digest}}))
      .set("created", record.created)
      .set("ssh_user", record.ssh_user);
}

void add_provisioners(Rows& rows, Value& value, const MachineConfig* machine, const MachineRecord* record) {
  std::vector<std::string> lines;
  Value list = Value::list();
  if (machine)
    for (const ProvisionConfig& item : machine->provision) {
      const auto ran = record ? record->provisioned.find(item.name) : decltype(record->provisioned.end()){};
      const bool done = record && ran != record->provisioned.end();
      lines.push_back(
          fmt::format("{} ({}): {}", item.name, item.kind, done ? ran->second.when : "has not run"));
      Value entry = Value::map({{"name", item.name}, {"kind", item.kind}, {"run", to_string(item.run)}});
      if (done) entry.set("when", ran->second.when);
      list.push_back(entry);
    }
  add_list(rows, "provision", lines);
  value.set("provision", list);
}

void add_usage(Rows& rows, Value& value, const MachineUsage& usage) {
  std::vector<std::string> lines;
  for (const auto& [word, figures] : to_words(usage)) lines.push_back(fmt::format("{} {}", word, figures));
  add_list(rows, "usage", lines);
  value.set("usage", to_value(usage));
}

void add_snapshots(Rows& rows, Value& value, const std::vector<SnapshotInfo>& snapshots) {
  std::vector<std::string> lines;
  for (const SnapshotInfo& snapshot : snapshots) {
    std::vector<std::string> parts = to_words(snapshot);
    parts.insert(parts.begin(), {snapshot.name, snapshot.when});
    lines.push_back(join(parts, ", "));
  }
  add_list(rows, "snapshots", lines);
  value.set("snapshots", to_value(snapshots));
}

/// What only some providers can tell.
void add_powers(Rows& rows, Value& value, const Session& session, Powers powers,
                const MachineStatus& status) {
  const ProviderInfo* const provider = session.services.providers.info(status.provider);
  if (!provider) return;
  if (provider->capabilities.contains(Capability::usage)) add_usage(rows, value, powers.usage(status));
  if (provider->capabilities.contains(Capability::snapshots))
    add_snapshots(rows, value, powers.snapshots(status.name));
}

struct Description {
  std::string text;
  Value value;
};

Description describe(const Session& session, const Session::MachineTarget& target) {
  const MachineStatus status = target.engine.status({target.machine}).front();
  Value value = to_value(status);
  std::string detail = status.detail;
  if (detail.empty() && status.phase == MachinePhase::absent && !status.kept_disks.empty())
    detail = disks_in_words(status.kept_disks) + " kept of it";
  const std::string state =
      fmt::format("{}{}", to_string(status.phase), detail.empty() ? "" : " (" + detail + ")");
  Rows rows = {{"machine", session.style.bold(status.name)}, {"state", state}};
  if (!status.provider.empty())
    rows.push_back({"provider", fmt::format("{}, as {}", status.provider, status.backend_name)});
  const MachineRecord* record = status.record ? &*status.record : nullptr;
  const MachineConfig* written = session.config() ? session.config()->find(target.machine) : nullptr;
  if (record && !record->only_disks) add_record(rows, value, *record);
  std::optional<MachineConfig> machine;
  if (written) machine = effective_for(*written, status.provider);
  add_list(rows, "addresses", status.addresses);
  std::vector<std::string> networks;
  for (const NetworkPlace& place : status.networks)
    networks.push_back(fmt::format("{}, {} on {}", to_text(place), place.mac, place.device));
  add_list(rows, "networks", networks);
  std::vector<std::string> ports;
  for (const Forward& forward : status.forwards) ports.push_back(to_text(forward));
  add_list(rows, "ports", ports);
  if (machine) add_config(rows, value, *machine);
  add_powers(rows, value, session, Powers(target.engine), status);
  add_provisioners(rows, value, machine ? &*machine : nullptr, record);
  std::vector<std::string> pending;
  for (const PendingChange& change : status.pending) pending.push_back(change.key);
  if (!pending.empty())
    rows.push_back({"changed", join(pending, ", ") + " (in the Envfile, since it was made)"});
  return {table(rows), value};
}

int info(Session& session, const std::string& name) {
  const Session::GroupTarget target = session.open_group(name);
  std::string text;
  Value machines = Value::list();
  for (const std::string& machine : target.machines) {
    const Description description = describe(session, {target.engine, machine});
    text += (text.empty() ? "" : "\n") + description.text;
    machines.push_back(description.value);
  }
  session.show(text, target.is_group ? Value::map({{"machines", machines}}) : machines.items().front());
  return exit_code::done;
}

}  // namespace

Command info_command() {
  const auto machine = std::make_shared<std::string>();
  return {
      .name = "info",
      .group = group::look,
      .summary = "show everything known of a machine",
      .description =
          "Its box, resources and what it has taken of them, addresses, ports, folders, snapshots, and its\n"
          "provisioners and when they ran. A block or a glob means all of its machines.",
      .arguments = {machine_argument(*machine)},
      .run = [machine](Session& session) { return info(session, *machine); }};
}

}  // namespace envtool
