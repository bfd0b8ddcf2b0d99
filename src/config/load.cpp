#include "config/load.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/suggest.h"
#include "config/build.h"
#include "config/check.h"
#include "config/document.h"
#include "config/files.h"
#include "config/machines.h"
#include "config/merge.h"
#include "config/networks.h"
#include "config/rules.h"

namespace envtool {

namespace {

/// Machines times what each of them says; more would only fill memory.
constexpr std::size_t most_values = 2'000'000;

/// The directory's name as a project may be called.
std::string name_from(const std::filesystem::path& directory) {
  std::string name;
  for (const char c : directory.filename().string()) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80 && std::isalnum(byte))
      name += static_cast<char>(std::tolower(byte));
    else if (!name.empty() && name.back() != '-')
      name += '-';
  }
  name.resize(std::min<std::size_t>(name.size(), 63));
  while (name.ends_with('-')) name.pop_back();
  return name.empty() ? "project" : name;
}

/// One load, step by step: each makes more names known to the next.
class Loader {
 public:
  explicit Loader(const LoadOptions& options) : options_(options), tables_(make_tables(options.plugins)) {}

  LoadedProject run() {
    files_ = read_project_files(options_, problems_);
    if (!files_.complete) problems_.throw_if_any();
    learn_host();
    merge_project();
    learn_params();
    learn_project();
    machines_ = cut_machines(files_.layers, tables_, scope_);
    identities_ = identify(machines_, scope_);
    refuse_too_much();
    for (const MachineIdentity& machine : identities_) names_.machines.push_back(machine.name);
    for (const Node& defaults : machines_.defaults) learn_networks(defaults, names_);
    for (const MachineLayers::Block& block : machines_.blocks)
      for (const Node& layer : block.layers) learn_networks(layer, names_);
    LoadedProject loaded;
    load_project_part(loaded);
    load_machines(loaded);
    check_dependencies(loaded.project, problems_);
    check_references(loaded.project, problems_);
    show_machines(loaded);
    const std::size_t before = problems_.count();
    report_shared(machines_, tables_, identities_, scope_);
    // What several machines share clashes; once is enough to say so.
    if (problems_.count() == before) {
      check_uniqueness(loaded.project, problems_);
      settle_networks(loaded.project, problems_);
    }
    problems_.throw_if_any();
    return loaded;
  }

 private:
  void learn_host() {
    names_.environment = options_.environment;
    names_.environment.insert(files_.dotenv.begin(), files_.dotenv.end());
    names_.user = options_.user;
    names_.architecture = options_.architecture;
    names_.host_cpus = options_.host_cpus;
    names_.host_memory = options_.host_memory;
    names_.home = options_.home;
    names_.under_sudo = options_.under_sudo;
    for (const Layer& layer : files_.layers) {
      names_.directories[layer.source.get()] =
          layer.file.empty() ? files_.directory : layer.file.parent_path();
      if (layer.file == options_.user_config || layer.file.filename() == "Envfile.local")
        names_.personal.insert(layer.source.get());
    }
  }

  /// What is the project's own, out of all layers.
  void merge_project() {
    project_ = Node::map({});
    for (Layer& layer : files_.layers) {
      // Read apart, so that nothing shows them: see load_user_sources.
      if (layer.file == options_.user_config) layer.root.erase("credentials");
      Node own = Node::map(layer.root.position);
      for (const Entry& entry : layer.root.entries)
        if (entry.key != "machines" && !tables_.defaults.field(entry.key)) own.entries.push_back(entry);
      report_misplaced(own);
      merge_layer(project_, std::move(own), tables_.project, scope_);
    }
  }

  /// Keys that are known elsewhere, or nowhere: told here, where all tables are at hand.
  void report_misplaced(Node& own) {
    std::vector<std::string> known = tables_.project.keys();
    std::ranges::copy(tables_.defaults.keys(), std::back_inserter(known));
    known.push_back("machines");
    for (const Entry& entry : own.entries) {
      if (tables_.project.field(entry.key) || entry.key.starts_with("x-")) continue;
      if (tables_.machine.field(entry.key))
        problems_.add(entry.position, fmt::format("'{}' belongs to one machine", entry.key),
                      fmt::format("'machines: {{NAME: {{{}: ...}}}}'", entry.key));
      else if (entry.key == "credentials")
        problems_.add(entry.position, "'credentials' belong into your own configuration, not into a project",
                      fmt::format("write them into '{}'", options_.user_config.string()));
      else
        problems_.add(entry.position, fmt::format("unknown key '{}'", shortened(entry.key)),
                      did_you_mean(entry.key, known));
    }
    std::erase_if(own.entries, [&](const Entry& entry) { return !tables_.project.field(entry.key); });
  }

  void learn_params() {
    if (Node* params = project_.find("params")) {
      const Value checked = check(*params, tables_.project.field("params")->shape, "params", scope_);
      for (const auto& [name, value] : checked.members()) names_.params[name] = value.as_text();
    }
    std::vector<std::string> known;
    for (const auto& [name, value] : names_.params) known.push_back(name);
    for (const auto& [name, value] : options_.params) {
      if (!names_.params.contains(name))
        throw Error(ErrorKind::usage, fmt::format("the Envfile has no parameter '{}'", name))
            .with_hint(known.empty() ? "it declares them under 'params:'" : did_you_mean(name, known));
      names_.params[name] = value;
      Node* node = project_.find("params")->find(name);
      node->text = value;
      node->expanded = true;
      node->position = {};
    }
  }

  void learn_project() {
    Node* name = project_.find("name");
    Value checked;
    if (name && !name->is_null())
      checked = check(*name, tables_.project.field("name")->shape, "name", scope_);
    names_.project = checked.is_text() ? checked.as_text() : name_from(files_.directory);
    if (const Node* secrets = project_.find("secrets"))
      for (const Entry& entry : secrets->entries) names_.secrets.push_back(entry.key);
  }

  void refuse_too_much() {
    std::size_t values = 0;
    for (const Node& defaults : machines_.defaults) values += defaults.count() * identities_.size();
    for (const MachineLayers::Block& block : machines_.blocks)
      for (const Node& layer : block.layers)
        values += layer.count() * static_cast<std::size_t>(block.count.value_or(1));
    if (values <= most_values) return;
    problems_.add(machines_.position, fmt::format("the machines expand to more than {} values", most_values));
    problems_.throw_if_any();
  }

  void load_project_part(LoadedProject& loaded) {
    // A file without `machines:` is about one machine, which its message may speak of.
    const Scope scope{names_, problems_, machines_.blocks.empty() ? &identities_.front() : nullptr};
    const Value checked = check(project_, tables_.project, "", scope);
    loaded.project = build_project(checked, options_.plugins);
    loaded.project.sources.credentials = load_user_sources(options_).credentials;
    loaded.project.name = names_.project;
    loaded.project.directory = files_.directory;
    loaded.project.params = names_.params;
    for (const Layer& layer : files_.layers)
      if (!layer.file.empty()) loaded.project.files.push_back(layer.file);
    project_.set("name", Node::scalar(names_.project, project_.find("name") ? project_.find("name")->position
                                                                            : SourcePosition{}));
    loaded.document = document_of(project_, tables_.project);
  }

  void load_machines(LoadedProject& loaded) {
    for (const MachineIdentity& identity : identities_) {
      const Scope scope{names_, problems_, &identity};
      Node node = assemble(machines_, tables_, scope);
      add_default_folder(node);
      const Value checked = check(node, tables_.machine, "", scope);
      loaded.project.machines.push_back(build_machine(checked, identity, options_.plugins, scope));
      MachineConfig& machine = loaded.project.machines.back();
      for (const Entry& entry : node.entries)
        if (entry.position) machine.positions[entry.key] = entry.position;
      node.erase("count");
      if (!machine.primary) node.erase("primary");
      documents_.emplace_back(identity.name, document_of(node, tables_.machine));
    }
  }

  /// It has no place, for no file says it.
  void add_default_folder(Node& machine) const {
    const Node* folders = machine.find("folders");
    if (folders && !folders->is_null()) return;
    Node folder = Node::scalar(files_.directory.string() + ":/vagrant", {});
    folder.expanded = true;  // the directory's name may hold anything
    Node list{.kind = Node::Kind::list};
    list.items.push_back(std::move(folder));
    machine.erase("folders");
    machine.set("folders", std::move(list));
  }

  /// Adds the machines to the document, each naming the machines that it depends on. The one machine of a
  /// file without `machines:` stays at the top, where it was written.
  void show_machines(LoadedProject& loaded) {
    for (std::size_t at = 0; at < documents_.size(); ++at) {
      Value& document = documents_[at].second;
      if (!document.has("depends_on")) continue;
      Value names = Value::list();
      names.position = document["depends_on"].position;
      for (const std::string& name : loaded.project.machines[at].depends_on) {
        Value shown = name;
        shown.position = names.position;
        names.push_back(std::move(shown));
      }
      document.set("depends_on", std::move(names));
    }
    if (!machines_.blocks.empty())
      loaded.document.set("machines", Value::map_of(std::move(documents_)));
    else
      for (const auto& [key, value] : documents_.front().second.members()) loaded.document.set(key, value);
  }

  const LoadOptions& options_;
  Tables tables_;
  Diagnostics problems_;
  Names names_;
  Scope scope_{names_, problems_};
  ProjectFiles files_;
  Node project_;
  MachineLayers machines_;
  Value::Map documents_;  ///< of the machines, in their order
  std::vector<MachineIdentity> identities_;
};

}  // namespace

SourcesConfig load_user_sources(const LoadOptions& options) {
  Diagnostics problems;
  auto layer = read_user_config(options, problems);
  problems.throw_if_any();
  if (!layer) return {};
  const Tables tables = make_tables(options.plugins);
  Names names;
  names.environment = options.environment;
  const Scope scope{names, problems};
  Value sources, credentials;
  if (Node* node = layer->root.find("sources"))
    sources = check(*node, tables.project.field("sources")->shape, "sources", scope);
  if (Node* node = layer->root.find("credentials"))
    credentials = check(*node, tables.credentials, "credentials", scope);
  problems.throw_if_any();
  SourcesConfig config = build_sources(sources);
  for (const auto& [host, entry] : credentials.members())
    config.credentials[host] = {entry["token"].as_text(), entry["user"].as_text(),
                                entry["password"].as_text()};
  return config;
}

LoadedProject load_project(const LoadOptions& options) { return Loader(options).run(); }

}  // namespace envtool
