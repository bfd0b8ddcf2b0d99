#include "provisioners/ansible/command.h"

#include <algorithm>
#include <cctype>

#include "base/text.h"

namespace envtool {

namespace {

/// Ansible refuses to start where the locale's encoding is not UTF-8.
bool has_utf8_locale(const EnvironmentVariables& host) {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const auto found = host.find(name);
    if (found == host.end() || found->second.empty()) continue;
    std::string value = found->second;
    std::transform(value.begin(), value.end(), value.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return value.find("utf-8") != std::string::npos || value.find("utf8") != std::string::npos;
  }
  return false;
}

/// Our directory before those that count already.
std::string search_path(const std::filesystem::path& first, const EnvironmentVariables& host,
                        const std::string& name, const std::string& standard) {
  const auto found = host.find(name);
  return first.string() + ":" + (found == host.end() || found->second.empty() ? standard : found->second);
}

}  // namespace

std::vector<std::string> playbook_command(const PlaybookRun& run) {
  std::vector<std::string> words = {"ansible-playbook"};
  for (const auto& inventory : run.inventories) words.push_back("--inventory=" + inventory.string());
  words.push_back("--limit=" + run.limit);
  if (!run.extra_vars.empty()) words.push_back("--extra-vars=@" + run.extra_vars.string());
  if (!run.tags.empty()) words.push_back("--tags=" + join(run.tags, ","));
  if (!run.skip_tags.empty()) words.push_back("--skip-tags=" + join(run.skip_tags, ","));
  for (const auto& [id, program] : run.vault) words.push_back("--vault-id=" + id + "@" + program.string());
  if (run.flags.check) words.push_back("--check");
  if (run.flags.diff) words.push_back("--diff");
  words.insert(words.end(), run.flags.raw.begin(), run.flags.raw.end());
  words.push_back(run.playbook.string());
  return words;
}

std::map<std::string, std::string> ansible_environment(const AnsibleEnvironment& settings,
                                                       const EnvironmentVariables& host) {
  std::map<std::string, std::string> variables = {
      {"ANSIBLE_HOST_KEY_CHECKING", "True"},
      {"ANSIBLE_SSH_CONTROL_PATH_DIR", settings.control_directory.string()},
      {"ANSIBLE_RETRY_FILES_ENABLED", "False"},
      {"ANSIBLE_FORCE_COLOR", "False"},
      {"ANSIBLE_NOCOWS", "1"},
      {"PYTHONUNBUFFERED", "1"},
  };
  if (settings.config.empty()) {
    variables["ANSIBLE_PIPELINING"] = "True";
    variables["ANSIBLE_SSH_ARGS"] = "-o ControlMaster=auto -o ControlPersist=60s -o ServerAliveInterval=10";
    variables["ANSIBLE_PYTHON_INTERPRETER"] = "auto_silent";
  } else {
    variables["ANSIBLE_CONFIG"] = settings.config.string();
  }
  if (!settings.galaxy.empty()) {
    variables["ANSIBLE_ROLES_PATH"] =
        search_path(settings.galaxy / "roles", host, "ANSIBLE_ROLES_PATH",
                    "~/.ansible/roles:/usr/share/ansible/roles:/etc/ansible/roles");
    variables["ANSIBLE_COLLECTIONS_PATH"] =
        search_path(settings.galaxy / "collections", host, "ANSIBLE_COLLECTIONS_PATH",
                    "~/.ansible/collections:/usr/share/ansible/collections");
  }
  if (!has_utf8_locale(host)) variables["LC_ALL"] = "C.UTF-8";
  return variables;
}

std::string status_meaning(int status, bool has_unreachable) {
  switch (status) {
    case 1:
      return "it could not begin";
    case 2:
      return "a task failed";
    case 4:
      return has_unreachable ? "a machine was unreachable" : "the playbook cannot be read";
    case 6:
      return "a task failed and a machine was unreachable";
    case 5:
      return "the playbook, the inventory or an option is wrong";
    case 8:
      return "the play was broken off";
    case 99:
      return "it was interrupted";
    case 250:
      return "Ansible met an error of its own";
    default:
      return "";
  }
}

}  // namespace envtool
