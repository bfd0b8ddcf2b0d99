#include "providers/lxc/helper/boot.h"

#include <fmt/format.h>
#include <unistd.h>

#include "base/files.h"
#include "base/text.h"

namespace envtool::lxc {

namespace fs = std::filesystem;

namespace {

/// In a process of its own, as mounts of one machine must not be seen by the next one's monitor.
void start_recorded(const Record& record, const std::string& request) {
  const ProcessSpec spec{.argv = {fs::read_symlink("/proc/self/exe").string()},
                         .environment = {{"SUDO_UID", std::to_string(record.owner)}},
                         .input = request};
  const ProcessResult result = SystemProcessRunner().run(spec, {});
  if (result.output.empty()) throw Error(ErrorKind::failed, describe_failure(spec, result));
  const Value answer = parse_json(result.output, "the answer of envtool-lxc");
  if (const Value& error = answer["error"]; error.is_map())
    throw Error(ErrorKind::failed, error["text"].as_text());
}

}  // namespace

void remember_for_boot(Context& context) {
  const fs::path file = context.layout.boot_request(context.text("name"));
  if (!context.request["options"]["start_on_boot"].as_bool()) {
    ::unlink(file.c_str());
    return;
  }
  Value request = context.request;
  request.set("op", "start");
  write_file(file, to_json(request), 0600, Durability::synced);
  if (::access(boot_unit_link, F_OK) != 0)
    context.warnings.push_back(
        "it does not start with this host before 'sudo systemctl enable envtool-lxc-boot.service'");
}

Value start_with_host(Context& context) {
  std::vector<std::string> failures;
  Value started = Value::list();
  for (const fs::directory_entry& entry : fs::directory_iterator(context.layout.containers())) {
    const std::string name = entry.path().filename().string();
    try {
      const auto request = read_file_if_there(context.layout.boot_request(name));
      const auto record = request ? find_record(context.layout, name) : std::nullopt;
      if (!record) continue;
      start_recorded(*record, *request);
      started.push_back(name);
    } catch (const Error& error) {
      failures.push_back(fmt::format("machine '{}': {}", name, error.what()));
    }
  }
  if (!failures.empty()) throw Error(ErrorKind::failed, join(failures, "\n"));
  return Value::map({{"started", started}});
}

}  // namespace envtool::lxc
