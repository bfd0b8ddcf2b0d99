#include "provisioners/ansible/galaxy.h"

#include <fmt/format.h>
#include <unistd.h>

#include "base/files.h"
#include "base/hash.h"
#include "core/program_output.h"

namespace envtool {

namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

FileLock wait_for_lock(const fs::path& path, Operation& operation) {
  while (true) {
    if (auto lock = FileLock::try_take(path, fmt::format("pid {}, ansible-galaxy", ::getpid())))
      return std::move(*lock);
    operation.sleep_for(100ms);
  }
}

void install(const fs::path& requirements, const fs::path& place, const ProvisionContext& context,
             Operation& operation) {
  operation.say(
      fmt::format("installing the roles and collections of '{}'", requirements.filename().string()));
  ProgramOutput output(operation, context.mask);
  ProcessSpec spec{.argv = {"ansible-galaxy", "install", "--role-file=" + requirements.string()},
                   .environment = ansible_environment(
                       {.config = context.project.ansible.config, .galaxy = place}, operation.host.variables),
                   .directory = context.project.directory,
                   .on_output = output.output_sink(),
                   .on_error = output.error_sink()};
  const ProcessResult result = operation.run(spec);
  output.finish();
  if (result.ok()) return;
  throw Error(result.status == 127 ? ErrorKind::host_not_ready : ErrorKind::failed,
              fmt::format("ansible-galaxy exited with status {} for '{}':\n{}", result.status,
                          requirements.string(), indent(output.tail(), 4)))
      .with_hint("it fetches from the network; check the names and versions in the file");
}

}  // namespace

fs::path install_requirements(const fs::path& requirements, const ProvisionContext& context,
                              Operation& operation) {
  const fs::path root = context.state_directory / "galaxy";
  const fs::path place = root / sha256(read_file(requirements)).substr(0, 16);
  make_directories(root, 0700);
  const FileLock lock = wait_for_lock(context.state_directory / "galaxy.lock", operation);
  if (fs::exists(place)) return place;
  // Complete or absent: a broken installation must not look like a finished one. Older ones are of no more
  // use.
  remove_tree(root);
  const fs::path unfinished = root / "unfinished";
  make_directories(unfinished, 0700);
  install(requirements, unfinished, context, operation);
  fs::rename(unfinished, place);
  return place;
}

}  // namespace envtool
