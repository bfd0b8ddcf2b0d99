#include "providers/lxc/helper/prepare.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "base/files.h"
#include "base/text.h"
#include "providers/lxc/helper/container.h"
#include "providers/lxc/helper/guest_tree.h"
#include "providers/lxc/helper/lock.h"
#include "providers/lxc/helper/machine.h"
#include "providers/lxc/helper/machine_parts.h"
#include "providers/lxc/helper/mounts.h"
#include "providers/lxc/helper/network.h"
#include "providers/lxc/parts/guest_files.h"
#include "providers/lxc/parts/preparation.h"

namespace envtool::lxc {

namespace fs = std::filesystem;

namespace {

constexpr std::chrono::minutes longest{20};

bool has_any(const GuestTree& image, std::initializer_list<const char*> paths) {
  for (const char* path : paths)
    if (image.owner_of(path)) return true;
  return false;
}

Preparation preparation_for(const GuestTree& image, const std::string& user) {
  Preparation preparation;
  if (!has_any(image, {"/usr/sbin/sshd", "/usr/bin/sshd"})) preparation.programs.emplace_back("sshd");
  if (!has_any(image, {"/usr/bin/python3", "/usr/libexec/platform-python"}))
    preparation.programs.emplace_back("python3");
  if (!has_any(image, {"/usr/bin/sudo"})) preparation.programs.emplace_back("sudo");
  if (!find_account(image.read("/etc/passwd").value_or(""), user)) preparation.user = user;
  return preparation;
}

Context context_of(const Context& context) {
  const std::string name = preparation_name(context.layout.root);
  return {context.layout, context.caller,
          Value::map({{"name", name},
                      {"environment", name},
                      {"hostname", "localhost"},
                      {"user", "root"},
                      {"storage", "dir"},
                      {"unprivileged", true}})};
}

/// In a process of its own, whose mounts and whose container end with it, and it with this one.
[[noreturn]] void run_in_container(Context& context, const Record& record, const std::string& script,
                                   int parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(1);
  try {
    enter_private_mounts();
    Surroundings around;
    {
      Network network(context);
      around = {network.gateway(), network.resolv_conf(), {}};
    }
    {
      const GuestTree guest = mount_rootfs(context, record);
      guest.write("/etc/resolv.conf", around.resolv_conf);
      write_config(context, record, {}, around);
    }
    ::_exit(run_as_init(context.layout, record.name, {"/bin/sh", "-c", script}) ? 0 : 1);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    ::_exit(1);
  }
}

/// False when it had to be ended.
bool wait_for(pid_t child) {
  const UniqueFd process(static_cast<int>(::syscall(SYS_pidfd_open, child, 0)));
  const bool in_time = process && wait_for_end(process.get(), longest);
  if (!in_time) ::kill(child, SIGKILL);
  while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
  }
  return in_time;
}

/// Why it failed, in words: the end of what the image said, else of what liblxc said.
std::string failure(const Context& context, const Record& record, const GuestTree& image) {
  std::string text = last_lines(image.read(preparation_log).value_or(""), 6);
  if (text.empty()) text = last_lines(read_file_if_there(context.layout.log(record.name)).value_or(""), 6);
  return text.empty() ? "" : ":\n" + indent(text, 4);
}

fs::path lock_of(const Layout& layout) { return layout.root / "prepare.lock"; }

/// Ends and removes what is left of a preparation. REQUIRES: the lock on preparations is held.
void drop_preparation(Context& context) {
  const std::string name = preparation_name(context.layout.root);
  const fs::path container = context.layout.container(name);
  const fs::path files = context.layout.machine(name);
  if (!fs::exists(container) && !fs::exists(files)) return;
  Context own = context_of(context);
  if (const auto record = find_record(context.layout, name))
    own.caller.uid = own.caller.host_uid = record->owner;
  end_container(context.layout, name);
  remove_tree(files);
  destroy_machine(own);
}

/// The container goes whatever becomes of the image.
struct AlwaysDropped {
  Context& context;
  ~AlwaysDropped() {
    try {
      drop_preparation(context);
    } catch (const std::exception& error) {
      context.warnings.push_back(error.what());
    }
  }
};

}  // namespace

bool prepare_image(Context& context, const fs::path& rootfs) {
  const std::string& box = context.text("box");
  const Preparation preparation = preparation_for(GuestTree(rootfs), context.text("user"));
  if (!preparation.is_needed()) return false;
  if (context.rootless())
    throw Error(ErrorKind::unsupported,
                fmt::format("box '{}' has no {}, and without root it cannot be prepared", box,
                            preparation.in_words()))
        .with_hint("use a box that has it, or 'sudo envtool ...', which prepares it for root's machines");
  const Lock lock = wait_for_lock(lock_of(context.layout), 2 * longest);
  drop_preparation(context);
  const AlwaysDropped dropped{context};
  say(fmt::format("preparing box '{}' once: it has no {}", box, preparation.in_words()));
  Context own = context_of(context);
  const std::string& name = own.text("name");
  make_directories(context.layout.container(name), 0711);
  const Record record = reserve(own, Storage::copy, {});
  {
    Network network(own);
    network.ensure_bridge();
    network.ensure_services();
  }
  const fs::path place = context.layout.machine(name) / "rootfs";
  make_directories(place.parent_path(), 0700);
  fs::rename(rootfs, place);
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child < 0) fail("start a process", errno);
  if (child == 0) run_in_container(own, record, preparation_script(preparation), parent);
  const bool in_time = wait_for(child);
  end_container(context.layout, name);
  const GuestTree image(place);
  if (!in_time || !image.owner_of(preparation_done))
    throw Error(ErrorKind::failed,
                fmt::format("box '{}' has no {}, and getting it {}{}", box, preparation.in_words(),
                            in_time ? "fails" : "takes too long", failure(own, record, image)))
        .with_hint("its package manager must reach its servers from a container; or use a box that has it");
  image.remove(preparation_done);
  image.remove(preparation_log);
  fs::rename(place, rootfs);
  return true;
}

void tidy_preparation(Context& context) {
  // Most hosts never prepare anything, and then no name needs libcrypto.
  if (!fs::exists(lock_of(context.layout))) return;
  if (!fs::exists(context.layout.container(preparation_name(context.layout.root)))) return;
  if (const auto alone = FileLock::try_take(lock_of(context.layout), fmt::format("pid {}", ::getpid())))
    drop_preparation(context);
}

}  // namespace envtool::lxc
