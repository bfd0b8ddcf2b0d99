#include "cli/commands/commands.h"

namespace envtool {

namespace {

constexpr Command (*makers[])() = {
    init_command,
    validate_command,
    config_command,
    schema_command,
    plan_command,
    up_command,
    provision_command,
    reload_command,
    halt_command,
    suspend_command,
    resume_command,
    snapshot_save_command,
    snapshot_list_command,
    snapshot_restore_command,
    snapshot_delete_command,
    limits_command,
    destroy_command,
    ssh_command,
    exec_command,
    cp_command,
    sync_command,
    logs_command,
    console_command,
    status_command,
    info_command,
    port_command,
    ssh_config_command,
    inventory_command,
    list_command,
    box_add_command,
    box_list_command,
    box_info_command,
    box_verify_command,
    box_outdated_command,
    box_update_command,
    box_build_command,
    box_remove_command,
    box_prune_command,
    package_command,
    doctor_command,
    providers_command,
    completion_command,
    complete_command,
    version_command,
};

}  // namespace

std::vector<Command> all_commands() {
  std::vector<Command> commands;
  for (Command (*make)() : makers) commands.push_back(make());
  return commands;
}

}  // namespace envtool
