#include "core/state.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>

#include "base/files.h"
#include "core/ports.h"

namespace envtool {

namespace fs = std::filesystem;

Value to_value(const std::map<std::string, ProvisionRecord>& provisioned) {
  Value value = Value::map();
  for (const auto& [name, done] : provisioned)
    value.set(name, Value::map({{"fingerprint", done.fingerprint}, {"when", done.when}}));
  return value;
}

std::map<std::string, ProvisionRecord> provisioned_from(const Value& value) {
  std::map<std::string, ProvisionRecord> provisioned;
  for (const auto& [name, done] : value.members())
    provisioned[name] = {done["fingerprint"].as_text(), done["when"].as_text()};
  return provisioned;
}

Value to_value(const MachineRecord& record) {
  return Value::map({{"format", 1},
                     {"name", record.name},
                     {"backend_name", record.backend_name},
                     {"provider", record.provider},
                     {"created", record.created},
                     {"box", Value::map({{"name", record.box_name},
                                         {"version", record.box_version},
                                         {"digest", record.box_digest}})},
                     {"ssh_user", record.ssh_user},
                     {"taken_over", record.taken_over},
                     {"only_disks", record.only_disks},
                     {"forwards", forwards_to_value(record.forwards)},
                     {"provisioned", to_value(record.provisioned)},
                     {"job", record.job},
                     {"started_with", record.started_with},
                     {"created_with", record.created_with}});
}

MachineRecord machine_record(const Value& document, std::string_view what) {
  if (document["format"].as_integer() != 1 || document["backend_name"].as_text().empty())
    throw Error(ErrorKind::failed, fmt::format("'{}' is not a machine's record of this envtool", what))
        .with_hint("an older or newer envtool may have written it; 'envtool destroy' removes the machine");
  MachineRecord record;
  record.name = document["name"].as_text();
  record.backend_name = document["backend_name"].as_text();
  record.provider = document["provider"].as_text();
  record.created = document["created"].as_text();
  record.box_name = document["box"]["name"].as_text();
  record.box_version = document["box"]["version"].as_text();
  record.box_digest = document["box"]["digest"].as_text();
  record.ssh_user = document["ssh_user"].as_text();
  record.taken_over = document["taken_over"].as_bool();
  record.only_disks = document["only_disks"].as_bool();
  record.forwards = forwards_from(document["forwards"]);
  record.provisioned = provisioned_from(document["provisioned"]);
  record.job = document["job"].as_text();
  record.started_with = document["started_with"];
  record.created_with = document["created_with"];
  return record;
}

MachineStore::MachineStore(const Environment& environment, std::string machine)
    : directory_(environment.machine_directory(machine)) {}

std::optional<MachineRecord> MachineStore::load() const {
  const fs::path path = directory_ / "record.json";
  const auto text = read_file_if_there(path);
  if (!text) return std::nullopt;
  return machine_record(parse_json(*text, path.string()), path.string());
}

void MachineStore::save(const MachineRecord& record, bool synced) const {
  write_file(directory_ / "record.json", to_json(to_value(record), 2) + "\n", 0600,
             synced ? Durability::synced : Durability::atomic);
}

void MachineStore::remove() const {
  // The record goes first: what is left of a kill in between is no machine any more.
  std::error_code ignored;
  fs::remove(directory_ / "record.json", ignored);
  remove_but("");
}

void MachineStore::remove_but_disks(const MachineRecord& record) const {
  MachineRecord left;
  left.name = record.name;
  left.backend_name = record.backend_name;
  left.provider = record.provider;
  left.only_disks = true;
  save(left, true);
  remove_but("record.json");
}

void MachineStore::remove_but(const std::string& file) const {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(directory_, ignored))
    if (entry.path() != lock() && entry.path().filename() != file) remove_tree(entry.path());
}

std::vector<std::string> recorded_machines(const Environment& environment) {
  std::vector<std::string> names;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(environment.state / "machines", ignored))
    if (fs::exists(entry.path() / "record.json")) names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end());
  return names;
}

std::map<std::string, std::vector<std::string>> machines_by_box(const EnvironmentStore& environments) {
  std::map<std::string, std::vector<std::string>> machines;
  for (const Environment& environment : environments.all())
    for (const std::string& name : recorded_machines(environment)) {
      const std::optional<MachineRecord> record = MachineStore(environment, name).load();
      if (record && !record->box_digest.empty())
        machines[record->box_digest].push_back(fmt::format("@{}/{}", environment.id.substr(0, 8), name));
    }
  return machines;
}

std::string timestamp(const Clock& clock) {
  const std::time_t now = std::chrono::system_clock::to_time_t(clock.wall_time());
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(now));
}

}  // namespace envtool
