#include "config/build.h"

namespace envtool {

namespace {

std::vector<std::filesystem::path> paths_of(const Value& value) {
  const std::vector<std::string> texts = value.as_texts();
  return {texts.begin(), texts.end()};
}

AnsibleSettings ansible_of(const Value& value) {
  AnsibleSettings settings{.config = value["config"].as_text(),
                           .inventory = paths_of(value["inventory"]),
                           .galaxy = value["galaxy"].as_text(),
                           .groups = {}};
  for (const auto& [name, group] : value["groups"].members())
    settings.groups[name] = {group["hosts"].as_texts(), group["children"].as_texts(),
                             group["vars"].is_map() ? group["vars"] : Value::map()};
  return settings;
}

std::vector<SecretSource> sources_of(const Value& list) {
  std::vector<SecretSource> sources;
  for (const Value& item : list.items())
    sources.push_back({item["environment"].as_text(), item["command"].as_texts(), item["file"].as_text()});
  return sources;
}

std::vector<HookConfig> hooks_of(const Value& list) {
  std::vector<HookConfig> hooks;
  for (const Value& item : list.items())
    hooks.push_back({.moment = item.has("before") ? HookMoment::before : HookMoment::after,
                     .command = item[item.has("before") ? "before" : "after"].as_text(),
                     .run = item["run"].as_text(),
                     .continue_on_error = item["on_error"].as_text() == "continue",
                     .position = item.position});
  return hooks;
}

}  // namespace

SourcesConfig build_sources(const Value& checked) {
  return {checked["catalogs"].as_texts(), checked["images"].as_text(), checked["debian"].as_text(), {}};
}

ProjectConfig build_project(const Value& checked, const PluginSchemas& plugins) {
  ProjectConfig project;
  project.provision_all = build_provision(checked["provision_all"], plugins);
  project.ansible = ansible_of(checked["ansible"]);
  for (const auto& [name, list] : checked["secrets"].members()) project.secrets[name] = sources_of(list);
  project.sources = build_sources(checked["sources"]);
  project.hooks = hooks_of(checked["hooks"]);
  project.message = checked["message"];
  return project;
}

}  // namespace envtool
