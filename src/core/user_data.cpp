#include "core/user_data.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/files.h"
#include "base/hash.h"

namespace envtool {

std::string user_data_of(const MachineConfig& machine) {
  const Value& data = machine.cloud_init;
  if (data.is_null()) return {};
  return data["file"].is_null() ? data["inline"].as_text() : read_file(data["file"].as_text());
}

std::string user_data_digest(const MachineConfig& machine) {
  const Value& file = machine.cloud_init["file"];
  return sha256(file.is_null() ? user_data_of(machine)
                               : read_file_if_there(file.as_text()).value_or("absent"));
}

std::vector<Diagnostic> check_user_data(const MachineConfig& machine) {
  if (machine.cloud_init.is_null()) return {};
  const Value& file = machine.cloud_init["file"];
  std::error_code ignored;
  if (!file.is_null() && !std::filesystem::is_regular_file(file.as_text(), ignored))
    return {{fmt::format("cloud_init: no file '{}'", file.as_text()), file.position, {}}};
  const std::string text = user_data_of(machine);
  // How cloud-init tells the kinds apart (docs.cloud-init.io, user data formats).
  constexpr std::string_view beginnings[] = {
      "#cloud-config", "#!",           "#include",      "#cloud-boothook",
      "#part-handler", "## template:", "Content-Type:", "MIME-Version:"};
  if (std::ranges::any_of(beginnings, [&](std::string_view begin) { return text.starts_with(begin); }))
    return {};
  return {{"cloud_init: cloud-init would not know what kind of data this is",
           machine.position_of("cloud_init"),
           "a configuration begins with the line '#cloud-config', a script with '#!'"}};
}

}  // namespace envtool
