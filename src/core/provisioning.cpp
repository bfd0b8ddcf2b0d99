#include "core/provisioning.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/files.h"
#include "base/hash.h"
#include "base/suggest.h"
#include "base/text.h"

namespace envtool {

namespace {

bool is_selected(const ProvisionConfig& item, const std::vector<std::string>& only) {
  return std::any_of(only.begin(), only.end(),
                     [&](const std::string& word) { return word == item.name || word == item.kind; });
}

}  // namespace

Need provision_need(const ProvisionConfig& item, const ProvisionRecord* done,
                    const ProvisionSelection& selection, const std::function<std::string()>& fingerprint) {
  if (selection.disabled) return Need::none();
  if (!selection.only.empty())
    return is_selected(item, selection.only) ? Need::because("it was asked for") : Need::none();
  if (item.run == RunPolicy::never) return Need::none();
  if (item.run == RunPolicy::always) return Need::because("it runs every time");
  if (selection.forced) return Need::because("provisioning was asked for");
  if (done == nullptr) return Need::because("it has not succeeded here yet");
  if (item.run == RunPolicy::changed && done->fingerprint != fingerprint())
    return Need::because(fmt::format("it changed since {}", done->when));
  return Need::none();
}

bool changed_since(const ProvisionConfig& item, const ProvisionRecord* done, const std::string& fingerprint) {
  return item.run == RunPolicy::once && done != nullptr && done->fingerprint != fingerprint;
}

ProvisionContext provision_context(ProjectRun& run, std::vector<std::string> machines, Operation& operation) {
  const std::string only = machines.size() == 1 ? machines.front() : "";
  ProvisionContext context{.project = run.project};
  context.machines = std::move(machines);
  context.late = run.late_for(only, operation);
  context.inventory = run.write_inventory(operation);
  context.state_directory = run.environment->state / "ansible";
  make_directories(context.state_directory, 0700);
  if (run.has_secret_variables(context.machines)) {
    const auto keeper = std::make_shared<TemporaryDirectory>(context.state_directory, "inventory-");
    context.inventory = keeper->path() / "inventory.yml";
    write_file(context.inventory, run.inventory(operation, context.machines), 0600);
    context.inventory_keeper = keeper;
  }
  context.control_directory = run.host.paths.runtime;
  context.mask = [&run](std::string text) { return run.secrets.mask(std::move(text)); };
  return context;
}

namespace {

std::filesystem::path record_path(const ProjectRun& run) {
  return run.environment->state / "provision_all.json";
}

/// What is known of the steps over all machines.
struct AllRecord {
  std::map<std::string, ProvisionRecord> done = {};
  std::string job = {};  ///< of the script that runs on the machines, or ran when envtool was killed
};

AllRecord load_record(const ProjectRun& run) {
  AllRecord record;
  if (!run.environment) return record;
  const auto text = read_file_if_there(record_path(run));
  if (!text) return record;
  const Value document = parse_json(*text, record_path(run).string());
  for (const auto& [name, entry] : document["done"].members())
    record.done[name] = {entry["fingerprint"].as_text(), entry["when"].as_text()};
  record.job = document["job"].as_text();
  return record;
}

void save_record(const ProjectRun& run, const AllRecord& record) {
  Value done = Value::map();
  for (const auto& [name, entry] : record.done)
    done.set(name, Value::map({{"fingerprint", entry.fingerprint}, {"when", entry.when}}));
  const Value document = Value::map({{"done", std::move(done)}, {"job", record.job}});
  write_file(record_path(run), to_json(document, 2) + "\n", 0600);
}

bool means(const std::vector<std::string>& patterns, const MachineConfig& machine) {
  return patterns.empty() || std::any_of(patterns.begin(), patterns.end(), [&](const std::string& pattern) {
           return pattern == machine.name || pattern == machine.block;
         });
}

struct Target {
  std::vector<std::string> machines;
  std::string generation;  ///< changes when one of them is made anew
};

Target target_of(const ProjectRun& run, const ProvisionConfig& item) {
  Target target;
  for (const MachineConfig& machine : run.project.machines) {
    const auto record = run.environment ? MachineStore(*run.environment, machine.name).load() : std::nullopt;
    if (!record || record->created.empty() || !means(item.machines, machine)) continue;
    target.machines.push_back(machine.name);
    target.generation += machine.name + " " + record->created + "\n";
  }
  return target;
}

/// `once` means once for these machines: with a new one among them it is due again.
Need need_of(const ProjectRun& run, const ProvisionConfig& item, const ProvisionSelection& selection,
             const AllRecord& all) {
  const auto record = all.done.find(item.name);
  const std::string generation = sha256(target_of(run, item).generation);
  const bool known = record != all.done.end() && record->second.fingerprint.starts_with(generation);
  const ProvisionRecord stripped =
      known ? ProvisionRecord{record->second.fingerprint.substr(generation.size()), record->second.when}
            : ProvisionRecord{};
  return provision_need(item, known ? &stripped : nullptr, selection, [&] {
    return run.services.provisioners.find(item.kind)->fingerprint(item, run.project);
  });
}

/// Runs a script on one machine after another; what a killed envtool left of its last one is ended there.
void run_on_guests(ProjectRun& run, const ProvisionConfig& item, const Target& target,
                   const ProvisionSelection& selection, AllRecord& all, Operation& operation) {
  const Provisioner& provisioner = *run.services.provisioners.find(item.kind);
  if (provisioner.takes_flags()) {
    const ProvisionContext context = provision_context(run, target.machines, operation);
    return provisioner.run(item, context, selection.flags, operation);
  }
  const std::string left = std::exchange(all.job, random_hex(8));
  save_record(run, all);
  for (const std::string& machine : target.machines) {
    Operation here{operation.host, machine, operation.stop};
    const auto record = MachineStore(*run.environment, machine).load();
    const auto session = run.services.communicators.connect(
        run.endpoint_of(*record, here), std::chrono::seconds(30), [] {}, here);
    if (!left.empty()) session->end_job(left, here);
    ProvisionContext context = provision_context(run, {machine}, here);
    context.ssh_user = record->ssh_user;
    context.communicator = session.get();
    context.job = all.job;
    provisioner.run(item, context, selection.flags, here);
  }
  all.job.clear();
}

}  // namespace

void provision_all(ProjectRun& run, const ProvisionSelection& selection, Operation& operation) {
  AllRecord all = load_record(run);
  for (const ProvisionConfig& item : run.project.provision_all) {
    if (!need_of(run, item, selection, all).due) continue;
    const std::string title = fmt::format("provision_all {}", item.name);
    const auto started = run.host.clock.now();
    const auto elapsed = [&] {
      return std::chrono::duration_cast<std::chrono::milliseconds>(run.host.clock.now() - started);
    };
    run.host.reporter.step_started("", title);
    const Target target = target_of(run, item);
    const std::string fingerprint =
        sha256(target.generation) + run.services.provisioners.find(item.kind)->fingerprint(item, run.project);
    if (all.done.erase(item.name) > 0) save_record(run, all);
    try {
      run_on_guests(run, item, target, selection, all, operation);
    } catch (Error& error) {
      run.host.reporter.step_finished("", title, StepOutcome::failed, elapsed());
      throw error.with_frame(title);
    }
    if (!selection.flags.check) all.done[item.name] = {fingerprint, timestamp(run.host.clock)};
    save_record(run, all);
    run.host.reporter.step_finished("", title, StepOutcome::done, elapsed());
  }
}

std::vector<PlannedStep> plan_provision_all(ProjectRun& run, const ProvisionSelection& selection) {
  std::vector<PlannedStep> steps;
  const AllRecord all = load_record(run);
  for (const ProvisionConfig& item : run.project.provision_all)
    steps.push_back({"provision_all:" + item.name, fmt::format("provision_all {}", item.name),
                     need_of(run, item, selection, all)});
  return steps;
}

void check_selection(const ProjectConfig& project, const ProvisionSelection& selection) {
  std::vector<std::string> known;
  const auto learn = [&](const std::vector<ProvisionConfig>& items) {
    for (const ProvisionConfig& item : items)
      for (const std::string& word : {item.name, item.kind})
        if (std::find(known.begin(), known.end(), word) == known.end()) known.push_back(word);
  };
  learn(project.provision_all);
  for (const MachineConfig& machine : project.machines) learn(machine.provision);
  for (const std::string& word : selection.only)
    if (std::find(known.begin(), known.end(), word) == known.end()) {
      const std::string guess = did_you_mean(word, known);
      throw Error(ErrorKind::usage,
                  fmt::format("--provision-with: no provisioner or kind '{}' in the Envfile", word))
          .with_hint(!guess.empty()  ? guess
                     : known.empty() ? "it has none"
                                     : "there are: " + join(known, ", "));
    }
}

}  // namespace envtool
