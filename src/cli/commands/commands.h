#pragma once

#include <vector>

#include "cli/command.h"

/// One verb a file: `up_command()` is in up.cpp; a family too: `box_add_command()` is in box.cpp.
namespace envtool {

Command init_command();
Command validate_command();
Command config_command();
Command schema_command();
Command plan_command();
Command up_command();
Command provision_command();
Command reload_command();
Command halt_command();
Command suspend_command();
Command resume_command();
Command snapshot_save_command();
Command snapshot_list_command();
Command snapshot_restore_command();
Command snapshot_delete_command();
Command limits_command();
Command destroy_command();
Command ssh_command();
Command exec_command();
Command cp_command();
Command sync_command();
Command logs_command();
Command console_command();
Command status_command();
Command list_command();
Command info_command();
Command port_command();
Command ssh_config_command();
Command inventory_command();
Command box_add_command();
Command box_list_command();
Command box_info_command();
Command box_verify_command();
Command box_outdated_command();
Command box_update_command();
Command box_build_command();
Command box_remove_command();
Command box_prune_command();
Command package_command();
Command doctor_command();
Command providers_command();
Command completion_command();
Command complete_command();
Command version_command();

/// In the order of the help page.
std::vector<Command> all_commands();

/// Headings of the help page.
namespace group {
inline constexpr const char* project = "describe a project";
inline constexpr const char* machines = "bring machines up and down";
inline constexpr const char* inside = "work in a machine";
inline constexpr const char* look = "see what there is";
inline constexpr const char* boxes = "what machines are made of";
inline constexpr const char* tool = "envtool itself";
}  // namespace group

}  // namespace envtool
