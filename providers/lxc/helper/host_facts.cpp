#include "providers/lxc/helper/host_facts.h"

#include <fmt/format.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>

#include "base/files.h"
#include "providers/lxc/helper/mounts.h"
#include "providers/lxc/helper/stores.h"
#include "providers/lxc/helper/subvolumes.h"

namespace envtool::lxc {

namespace fs = std::filesystem;

namespace {

std::string kernel_release() {
  utsname names{};
  ::uname(&names);
  return names.release;
}

constexpr std::uint32_t trial_ids = 0x77400000;

/// Exit statuses of the trial.
enum TrialResult { all_works = 10, no_overlay = 11, no_shifting = 12 };

/// Runs in a process of its own, whose mounts end with it.
[[noreturn]] void try_mounts(const fs::path& directory, bool rootless, int report) {
  int result = all_works;
  try {
    enter_private_mounts();
    // Without root the box has its owners on the disk.
    const IdMap map = box_id_map(trial_ids);
    const UniqueFd space = rootless ? UniqueFd() : user_namespace(map, map);
    result = no_shifting;
    const UniqueFd lower = clone_mount(open_directory(directory / "lower").get(),
                                       {.read_only = true, .user_namespace = space.get()}, "a directory");
    result = no_overlay;
    mount_overlay({.lower = lower.get(),
                   .upper = directory / "upper",
                   .work = directory / "work",
                   .target = directory / "target",
                   .user_xattr = rootless});
    result = all_works;
  } catch (const Error& error) {
    const std::string text = error.what();
    [[maybe_unused]] const ssize_t ignored = ::write(report, text.data(), text.size());
  }
  ::_exit(result);
}

HostFacts try_host(Context& context) {
  const TemporaryDirectory directory(context.layout.root / "machines", ".trial-");
  for (const char* name : {"lower", "upper", "work", "target", "report"})
    make_directories(directory.path() / name);
  int ends[2];
  if (::pipe(ends) != 0) fail("make a pipe", errno);
  const UniqueFd report(ends[0]);
  const pid_t child = ::fork();
  if (child < 0) fail("start a process", errno);
  if (child == 0) try_mounts(directory.path(), context.rootless(), ends[1]);
  ::close(ends[1]);
  const std::string words = read_file(fmt::format("/proc/self/fd/{}", report.get()), 4096);
  int status = 0;
  ::waitpid(child, &status, 0);
  const int result = WIFEXITED(status) ? WEXITSTATUS(status) : no_shifting;
  return {.overlay = result == all_works, .shifting = result != no_shifting, .refusal = words};
}

}  // namespace

HostFacts host_facts(Context& context, bool anew) {
  const fs::path path = context.layout.host_facts();
  const std::optional<std::string> known = anew ? std::nullopt : read_file_if_there(path);
  if (known) {
    const Value facts = parse_json(*known, path.string());
    if (facts["kernel"].as_text() == kernel_release())
      return {facts["overlay"].as_bool(), facts["shifting"].as_bool(), facts["refusal"].as_text()};
  }
  const HostFacts facts = try_host(context);
  write_file(path, to_json(Value::map({{"kernel", kernel_release()},
                                       {"overlay", facts.overlay},
                                       {"shifting", facts.shifting},
                                       {"refusal", facts.refusal}}),
                           2) +
                       "\n");
  return facts;
}

Value check_host(Context& context) {
  const HostFacts facts = host_facts(context, true);
  Value missing = Value::list();
  for (const char* program : {"ip", "nft", "tar"})
    if (!has_program(program) && !(context.rootless() && std::string_view(program) == "nft"))
      missing.push_back(program);
  Value stores = Value::map();
  for (const std::string& type : store_types()) stores.set(type, store_obstacle({.type = type}));
  return Value::map({{"overlay", facts.overlay},
                     {"shifting", facts.shifting},
                     {"refusal", facts.refusal},
                     {"missing", missing},
                     {"stores", stores},
                     {"btrfs", is_on_btrfs(context.layout.boxes()) && !context.rootless()},
                     {"dnsmasq", has_program("dnsmasq")}});
}

}  // namespace envtool::lxc
