#pragma once

#include <filesystem>

#include "core/capabilities.h"
#include "core/engine.h"

/// What several commands show: machines as data and as words, and the Envfile's schema.
namespace envtool {

class Session;

Value to_value(const MachineStatus& status);
Value to_value(const std::vector<PendingChange>& changes);
Value to_value(const Forward& forward);
/// "backend 10.30.0.11", without the address where it is not known.
std::string to_text(const NetworkPlace& place);
/// "127.0.0.1:8080 -> 80", "/udp" behind it where it is.
std::string to_text(const Forward& forward);

Value to_value(const MachineUsage& usage);
/// Rows of a word and its figures ("memory", "34MiB"), of what is known.
std::vector<std::pair<std::string, std::string>> to_words(const MachineUsage& usage);

Value to_value(const std::vector<SnapshotInfo>& snapshots);
/// "34MiB", "with memory": what is known of it beside name and time.
std::vector<std::string> to_words(const SnapshotInfo& snapshot);

/// The JSON Schema of the Envfile, with the options of this build's plugins.
Value schema_of(const Session& session);
/// Keeps it in the project's `.envtool`, where the Envfile that `init` writes tells editors to look.
void write_schema(const Session& session, const std::filesystem::path& project);

}  // namespace envtool
