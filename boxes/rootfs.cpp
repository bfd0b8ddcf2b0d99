#include "boxes/rootfs.h"

#include "base/error.h"
#include "base/files.h"

namespace envtool {

namespace fs = std::filesystem;

namespace {

constexpr const char* record_file = ".rootfs.json";

}  // namespace

bool is_rootfs_name(std::string_view name) { return name == "rootfs.tar" || name.starts_with("rootfs.tar."); }

void write_rootfs_record(const fs::path& directory, const RootfsRecord& record) {
  const Value value = Value::map({{"archive", record.archive},
                                  {"digest", record.digest},
                                  {"manifest", record.manifest},
                                  {"bytes", static_cast<std::int64_t>(record.bytes)}});
  write_file(directory / record_file, to_json(value, 2) + "\n");
}

std::optional<RootfsRecord> read_rootfs_record(const fs::path& directory) {
  const auto text = read_file_if_there(directory / record_file);
  if (!text) return std::nullopt;
  const Value value = parse_json(*text, record_file);
  return RootfsRecord{.archive = value["archive"].as_text(),
                      .digest = value["digest"].as_text(),
                      .manifest = value["manifest"].as_text(),
                      .bytes = static_cast<std::uint64_t>(value["bytes"].as_integer())};
}

}  // namespace envtool
