#include "provisioners/ansible/ansible.h"

#include <fmt/format.h>
#include <sys/un.h>
#include <unistd.h>

#include <memory>
#include <set>

#include "base/files.h"
#include "base/hash.h"
#include "base/text.h"
#include "core/program_output.h"
#include "core/registry.h"
#include "core/tree_digest.h"
#include "provisioners/ansible/command.h"
#include "provisioners/ansible/galaxy.h"

namespace envtool {

namespace {

namespace fs = std::filesystem;

/// What Ansible reads beside a playbook by itself.
constexpr const char* playbook_neighbours[] = {"roles",     "templates", "files",          "tasks",
                                               "handlers",  "library",   "filter_plugins", "group_vars",
                                               "host_vars", "vars"};

bool is_on_path(const std::string& program, const Host& host) {
  for (const std::string& directory : split(host.variable("PATH", "/usr/bin:/bin"), ':'))
    if (::access((fs::path(directory) / program).c_str(), X_OK) == 0) return true;
  return false;
}

/// The sockets of the connections that Ansible keeps open, in a directory of this run's own: they end with
/// it, so that none is ever used again after its machine has gone.
class SharedConnections {
 public:
  SharedConnections(const fs::path& parent, Operation& operation)
      : operation_(operation), directory_(short_enough(parent), "a-") {}
  ~SharedConnections() {
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(directory_.path(), ignored)) {
      try {
        operation_.host.processes.run(
            {.argv = {"ssh", "-F", "none", "-o", "ControlPath=\"" + entry.path().string() + "\"", "-O",
                      "exit", "envtool"},
             .timeout = std::chrono::seconds(2)},
            {});
      } catch (...) {  // it ends by itself a minute later
      }
    }
  }
  SharedConnections(const SharedConnections&) = delete;
  SharedConnections& operator=(const SharedConnections&) = delete;
  const fs::path& directory() const { return directory_.path(); }

 private:
  static fs::path short_enough(const fs::path& parent) {
    constexpr std::size_t own_name = 16;  // "/a-XXXXXX/" and room to spare
    constexpr std::size_t socket_and_suffix =
        28;  // ten digits of Ansible's, a dot and 16 characters of ssh's
    if (parent.native().size() + own_name + socket_and_suffix >= sizeof(sockaddr_un::sun_path))
      return fs::temp_directory_path();
    make_directories(parent, 0700);
    return parent;
  }

  Operation& operation_;
  TemporaryDirectory directory_;
};

/// The lines by which Ansible says what went wrong: the end of its output is only the recap.
class Complaints {
 public:
  void see(std::string_view line) {
    constexpr std::size_t most = 5, most_of_error = 12;
    has_unreachable_ = has_unreachable_ || line.find(" UNREACHABLE! ") != std::string_view::npos;
    // What is wrong with a playbook takes several lines, up to the end.
    is_in_error_ = is_in_error_ || line.starts_with("ERROR! ") || line.starts_with("[ERROR]");
    const bool is_wanted =
        is_in_error_ ? !trim(line).empty() && lines_.size() < most_of_error
                     : (line.starts_with("fatal: ") || line.starts_with("failed: ")) && lines_.size() < most;
    if (is_wanted) lines_.emplace_back(line);
  }
  std::string text() const { return join(lines_, "\n"); }
  bool has_unreachable() const { return has_unreachable_; }

 private:
  std::vector<std::string> lines_;
  bool is_in_error_ = false, has_unreachable_ = false;
};

/// Machine settings that Ansible sees, each once, so that one more machine of a kind changes nothing.
std::string machine_settings(const ProjectConfig& project) {
  std::set<std::string> settings;
  for (const MachineConfig& machine : project.machines)
    settings.insert(machine.block + " " + join(machine.groups, ",") + " " + to_json(machine.vars));
  std::string text = join({settings.begin(), settings.end()}, "\n");
  for (const auto& [name, group] : project.ansible.groups)
    text += "\n" + name + " " + join(group.hosts, ",") + " " + join(group.children, ",") + " " +
            to_json(group.vars);
  return text;
}

class AnsibleProvisioner : public Provisioner {
 public:
  const PluginSchema& schema() const override {
    static const PluginSchema table{
        .name = "ansible",
        .options =
            {{.name = "playbook",
              .type = OptionType::path,
              .summary = "a playbook of the host",
              .required = true},
             {.name = "extra_vars",
              .type = OptionType::map,
              .summary = "variables that win",
              .secrets = true},
             {.name = "tags", .type = OptionType::text_list, .summary = "only what has one of these tags"},
             {.name = "skip_tags", .type = OptionType::text_list, .summary = "all but what has one of these"},
             {.name = "limit", .summary = "a pattern of hosts; default the machine, or all of provision_all"},
             {.name = "vault",
              .type = OptionType::text_map,
              .summary = "vault ids and their passwords",
              .secrets = true}},
        .shorthand = "playbook",
        .default_run = "changed"};
    return table;
  }

  bool takes_flags() const override { return true; }

  std::vector<Diagnostic> check(const ProvisionConfig& item) const override {
    const Value& playbook = item.options["playbook"];
    std::error_code ignored;
    if (fs::is_regular_file(playbook.as_text(), ignored)) return {};
    return {{fmt::format("ansible: no playbook {}", in_its_directory(playbook.as_text())), playbook.position,
             ""}};
  }

  std::vector<Diagnostic> check_host(const ProvisionConfig& item, const Host& host) const override {
    if (is_on_path("ansible-playbook", host)) return {};
    return {{"ansible: the program 'ansible-playbook' is not installed on this host", item.position,
             "sudo apt-get install ansible-core"}};
  }

  std::string fingerprint(const ProvisionConfig& item, const ProjectConfig& project) const override {
    const fs::path playbook = item.options["playbook"].as_text();
    std::string text = to_json(item.options) + "\n" + tree_digest(playbook) + "\n";
    for (const char* name : playbook_neighbours) text += tree_digest(playbook.parent_path() / name) + "\n";
    if (!project.ansible.config.empty()) text += tree_digest(project.ansible.config) + "\n";
    if (!project.ansible.galaxy.empty()) text += tree_digest(project.ansible.galaxy) + "\n";
    for (const fs::path& inventory : project.ansible.inventory) text += tree_digest(inventory) + "\n";
    return sha256(text + machine_settings(project));
  }

  void run(const ProvisionConfig& item, const ProvisionContext& context, const ProvisionFlags& flags,
           Operation& operation) const override {
    const AnsibleSettings& settings = context.project.ansible;
    const fs::path galaxy =
        settings.galaxy.empty() ? fs::path{} : install_requirements(settings.galaxy, context, operation);
    const SharedConnections connections(context.control_directory, operation);
    const TemporaryDirectory files(context.state_directory, "run-");
    Complaints complaints;
    ProgramOutput output(operation, context.mask, [&](std::string_view line) { complaints.see(line); });
    ProcessSpec spec{.environment = ansible_environment({settings.config, connections.directory(), galaxy},
                                                        operation.host.variables),
                     .directory = context.project.directory,
                     .on_output = output.output_sink(),
                     .on_error = output.error_sink(),
                     .ends_with_caller = true};
    spec.argv = playbook_command(prepare(item, context, flags, files.path(), spec.environment));
    const ProcessResult result = operation.run(spec);
    output.finish();
    if (result.ok()) return;
    fail(item, result, complaints,
         complaints.text().empty() ? output.tail() + result.error : complaints.text());
  }

 private:
  /// Writes what must not stand in an argument list: variables into a private file, vault passwords into the
  /// environment of programs that print them.
  static PlaybookRun prepare(const ProvisionConfig& item, const ProvisionContext& context,
                             const ProvisionFlags& flags, const fs::path& directory,
                             std::map<std::string, std::string>& environment) {
    PlaybookRun run{
        .playbook = item.options["playbook"].as_text(), .inventories = {context.inventory}, .flags = flags};
    run.inventories.insert(run.inventories.end(), context.project.ansible.inventory.begin(),
                           context.project.ansible.inventory.end());
    run.limit = expand_late_text(item.options["limit"], context.late);
    if (run.limit.empty()) run.limit = join(context.machines, ",");
    run.tags = item.options["tags"].as_texts();
    run.skip_tags = item.options["skip_tags"].as_texts();
    if (const Value& variables = item.options["extra_vars"]; !variables.members().empty()) {
      run.extra_vars = directory / "extra_vars.json";
      write_file(run.extra_vars, to_json(expand_late(variables, context.late)), 0600);
    }
    for (const auto& [id, password] : item.options["vault"].members()) {
      const std::string number = std::to_string(run.vault.size());
      const fs::path program = directory / ("vault-" + number);
      write_file(program, "#!/bin/sh\nprintf '%s\\n' \"$ENVTOOL_VAULT_" + number + "\"\n", 0700);
      environment["ENVTOOL_VAULT_" + number] = expand_late_text(password, context.late);
      run.vault[id] = program;
    }
    return run;
  }

  [[noreturn]] static void fail(const ProvisionConfig& item, const ProcessResult& result,
                                const Complaints& complaints, const std::string& said) {
    const std::string meaning = status_meaning(result.status, complaints.has_unreachable());
    std::string text = fmt::format("ansible '{}' exited with status {}{}", item.name, result.status,
                                   meaning.empty() ? "" : " (" + meaning + ")");
    if (!said.empty()) text += ":\n" + indent(said, 4);
    Error error(ErrorKind::failed, text);
    if (complaints.has_unreachable())
      error.with_hint("see whether 'envtool ssh' works; 'envtool provision -- -vvv' shows Ansible's ssh");
    throw error.at(item.position);
  }
};

}  // namespace

void register_ansible_provisioner(ProvisionerRegistry& registry) {
  registry.add(std::make_unique<AnsibleProvisioner>());
}

}  // namespace envtool
