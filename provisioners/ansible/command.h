#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "core/provisioner.h"

namespace envtool {

/// Everything one run of ansible-playbook depends on, as values.
struct PlaybookRun {
  std::filesystem::path playbook;
  std::vector<std::filesystem::path> inventories;  ///< the generated one first
  std::string limit;
  std::filesystem::path extra_vars;  ///< a JSON file; empty: none
  std::vector<std::string> tags = {};
  std::vector<std::string> skip_tags = {};
  std::map<std::string, std::filesystem::path> vault =
      {};  ///< vault id to the program that prints its password
  ProvisionFlags flags = {};
};

std::vector<std::string> playbook_command(const PlaybookRun& run);

struct AnsibleEnvironment {
  std::filesystem::path config;             ///< the project's ansible.cfg; empty: Ansible looks for it itself
  std::filesystem::path control_directory;  ///< for the sockets of shared connections
  std::filesystem::path galaxy;             ///< holds roles/ and collections/; empty: none
};

/// The variables for Ansible's programs. What only makes it quicker or quieter is left to the project's own
/// configuration where there is one, since the environment would win over it.
std::map<std::string, std::string> ansible_environment(const AnsibleEnvironment& settings,
                                                       const EnvironmentVariables& host);

/// What an exit status of ansible-playbook means, when it has told of a machine that it cannot reach or not;
/// empty when it is not known. Source: ansible/executor/task_queue_manager.py, ansible/cli/__init__.py.
std::string status_meaning(int status, bool has_unreachable);

}  // namespace envtool
