#include "core/inventory.h"

#include <fmt/format.h>

#include "base/shell.h"
#include "base/text.h"

namespace envtool {

namespace {

/// Options for the ssh that Ansible starts: this machine's pinned key and no other.
std::string ssh_options(const SshEndpoint& endpoint) {
  return fmt::format(
      "-o IdentitiesOnly=yes -o UserKnownHostsFile={} -o GlobalKnownHostsFile=/dev/null -o HostKeyAlias={} "
      "-o StrictHostKeyChecking=yes{}{} -F /dev/null",
      quote_shell("\"" + replace_all(endpoint.known_hosts.string(), "%", "%%") + "\""),
      endpoint.host_key_alias, endpoint.device.empty() ? "" : " -o BindInterface=" + endpoint.device,
      endpoint.proxy.empty() ? "" : " -o ProxyCommand=" + quote_shell(endpoint.proxy));
}

Value host_variables(const InventoryHost& host) {
  Value variables = Value::map({{"ansible_host", host.endpoint.host},
                                {"ansible_port", host.endpoint.port},
                                {"ansible_user", host.endpoint.user},
                                {"ansible_ssh_private_key_file", host.endpoint.private_key.string()},
                                {"ansible_ssh_common_args", ssh_options(host.endpoint)}});
  for (const auto& [name, value] : host.vars.members()) variables.set(name, value);
  return variables;
}

/// A pattern of `ansible.groups` may mean a machine or a block; ranges ("web-[1:2]") are Ansible's to expand.
void add_host_pattern(Value& hosts, const ProjectConfig& project, const std::string& pattern) {
  bool is_block = false;
  for (const MachineConfig& machine : project.machines)
    if (machine.block == pattern && machine.name != pattern) {
      hosts.set(machine.name, Value());
      is_block = true;
    }
  if (!is_block) hosts.set(pattern, Value());
}

Value group_value(const ProjectConfig& project, const AnsibleGroup& group) {
  Value out = Value::map();
  if (!group.hosts.empty()) {
    Value hosts = Value::map();
    for (const std::string& pattern : group.hosts) add_host_pattern(hosts, project, pattern);
    out.set("hosts", hosts);
  }
  if (!group.children.empty()) {
    Value children = Value::map();
    for (const std::string& child : group.children) children.set(child, Value::map());
    out.set("children", children);
  }
  if (!group.vars.is_null()) out.set("vars", group.vars);
  return out;
}

void add_to_group(Value& groups, const std::string& group, const std::string& machine) {
  Value entry = groups.has(group) ? groups[group] : Value::map();
  Value hosts = entry.has("hosts") ? entry["hosts"] : Value::map();
  entry.set("hosts", hosts.set(machine, Value()));
  groups.set(group, entry);
}

}  // namespace

std::string port_command(const SshEndpoint& endpoint) {
  if (!endpoint.ssh_only) return endpoint.proxy;
  const std::string words = fmt::format("ssh {} -o BatchMode=yes -o LogLevel=ERROR -i {} -p {} -l {} {}",
                                        ssh_options(endpoint), quote_shell(endpoint.private_key.string()),
                                        endpoint.port, quote_shell(endpoint.user), endpoint.host);
  return replace_all(words, "%", "%%") + " -W 127.0.0.1:%p";
}

std::string inventory_text(const ProjectConfig& project, const std::vector<InventoryHost>& hosts) {
  Value all_hosts = Value::map();
  Value groups = Value::map();
  for (const auto& [name, group] : project.ansible.groups) groups.set(name, group_value(project, group));
  for (const InventoryHost& host : hosts) {
    const MachineConfig& machine = *host.machine;
    all_hosts.set(machine.name, host_variables(host));
    if (machine.block != machine.name && !machine.block.empty())
      add_to_group(groups, machine.block, machine.name);
    for (const std::string& group : machine.groups) add_to_group(groups, group, machine.name);
  }
  Value all = Value::map({{"hosts", all_hosts}});
  if (!groups.members().empty()) all.set("children", groups);
  return to_json(Value::map({{"all", all}}), 2) + "\n";
}

}  // namespace envtool
