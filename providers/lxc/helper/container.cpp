#include "providers/lxc/helper/container.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <lxc/lxccontainer.h>
#include <poll.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <thread>

#include "base/files.h"
#include "base/text.h"
#include "providers/lxc/parts/container_config.h"
#include "providers/lxc/parts/processes.h"
#include "providers/lxc/parts/raw_config.h"

namespace envtool::lxc {

namespace fs = std::filesystem;

Container open_container(const Layout& layout, const std::string& name) {
  Container container(::lxc_container_new(name.c_str(), layout.containers().c_str()), &::lxc_container_put);
  if (!container || !container->is_defined(container.get()))
    throw Error(ErrorKind::failed, "liblxc cannot read the configuration of its container");
  return container;
}

namespace {

/// liblxc knows keys such as `lxc.sysctl` by their beginning.
bool is_known(std::string key) {
  for (; key.find('.') != std::string::npos; key.resize(key.rfind('.')))
    if (::lxc_config_item_is_supported(key.c_str())) return true;
  return false;
}

}  // namespace

Value unknown_keys(const Value& raw_config) {
  Value unknown = Value::list();
  for (const auto& [key, value] : raw_config_of(raw_config))
    if (!is_known(key)) unknown.push_back(key);
  return unknown;
}

namespace {

/// liblxc uses newuidmap when it finds it, even as root, and then wants a line for root in /etc/subuid.
void hide_id_mappers() {
  for (const char* directory :
       {"/usr/bin/", "/bin/", "/usr/sbin/", "/sbin/", "/usr/local/bin/", "/usr/local/sbin/"})
    for (const char* program : {"newuidmap", "newgidmap"})
      if (const std::string path = std::string(directory) + program; ::access(path.c_str(), F_OK) == 0)
        if (::mount("/dev/null", path.c_str(), nullptr, MS_BIND, nullptr) != 0)
          fail("hide '" + path + "'", errno);
}

void kill_payload(const Cgroups& cgroups, const std::string& name) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  if (const auto freezer = cgroups.control(name, "freezer.state")) write_control(*freezer, "THAWED");
  while (cgroups.is_running(name)) {
    const auto all_at_once = cgroups.control(name, "cgroup.kill");
    if (!all_at_once || !write_control(*all_at_once, "1"))
      for (const pid_t pid : cgroups.payload(name)) ::kill(pid, SIGKILL);
    if (std::chrono::steady_clock::now() > deadline)
      throw Error(ErrorKind::failed, "processes of its container do not end")
          .with_hint("one may hang in the kernel; a restart of the host ends it");
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

constexpr int cannot_enter = 71;

/// liblxc moves whoever calls it into the group of the container's monitor. A daemon that the helper starts
/// later would sit there too, be taken for the monitor, and keep the group when the machine is gone. Below a
/// group of version 2 with a process in it there are no controllers, so that the child alone enters the
/// machine's.
bool starts_in_a_child(lxc_container* container, const std::vector<fs::path>& groups) {
  const pid_t child = ::fork();
  if (child < 0) fail("start a process", errno);
  if (child == 0) {
    for (const fs::path& group : groups)
      if (!write_control(group / "cgroup.procs", std::to_string(::getpid()))) ::_exit(cannot_enter);
    ::_exit(container->start(container, 0, nullptr) ? 0 : 1);
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == cannot_enter)
    throw Error(ErrorKind::failed,
                fmt::format("cannot enter the control group '{}'", groups.front().string()));
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

UniqueFd open_process(pid_t process) {
  return UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, process, 0)));
}

/// What the configuration says (`lxc.signal.halt`), or what that init listens to; 0 for none.
int signal_to_halt(const Layout& layout, const std::string& name, pid_t init) {
  const Container container = open_container(layout, name);
  char text[16] = "0";
  container->get_config_item(container.get(), "lxc.signal.halt", text, sizeof text);
  if (const int chosen = std::atoi(text); chosen != 0) return chosen;
  return halt_signal(read_file_if_there(fmt::format("/proc/{}/status", init)).value_or(""));
}

std::string still_in_it(const std::vector<pid_t>& pids) {
  return pids.empty() ? "" : fmt::format(": in it are the processes {}", fmt::join(pids, ", "));
}

/// Returns when the monitor has cleaned up after its container and is gone, by force if need be.
void end_monitor(const UniqueFd& monitor) {
  if (!monitor || wait_for_end(monitor.get(), std::chrono::seconds(10))) return;
  // Stuck in its clean-up, it has nothing left to look after.
  ::syscall(SYS_pidfd_send_signal, monitor.get(), SIGKILL, nullptr, 0);
  wait_for_end(monitor.get(), std::chrono::seconds(5));
}

void remove_group(const fs::path& top) {
  std::vector<fs::path> all = {top};
  std::error_code code;
  for (fs::recursive_directory_iterator entry(top, code), end; !code && entry != end; entry.increment(code))
    if (std::error_code ignored; entry->is_directory(ignored)) all.push_back(entry->path());
  for (auto path = all.rbegin(); path != all.rend(); ++path) ::rmdir(path->c_str());
}

/// Takes the container's groups away, with what a monitor that was killed left running in its own.
void remove_groups(const Cgroups& cgroups, const std::string& name) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  for (;;) {
    for (const fs::path& top : cgroups.directories(name)) remove_group(top);
    const std::vector<fs::path> left = cgroups.directories(name);
    if (left.empty()) return;
    const std::vector<pid_t> pids = cgroups.monitor_group(name);
    if (std::chrono::steady_clock::now() > deadline)
      throw Error(ErrorKind::failed,
                  fmt::format("its control group '{}' does not go{}", left[0].string(), still_in_it(pids)))
          .with_hint("once it is empty, the same command goes on");
    for (const pid_t pid : pids) ::kill(pid, SIGKILL);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

}  // namespace

void start_container(const Layout& layout, const std::string& name, const std::vector<fs::path>& groups) {
  hide_id_mappers();
  // Opening files as the user hides the process from him.
  ::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
  const Container container = open_container(layout, name);
  container->want_daemonize(container.get(), true);
  container->want_close_all_fds(container.get(), true);
  if (starts_in_a_child(container.get(), groups)) return;
  const std::string log = last_lines(read_file_if_there(layout.log(name)).value_or(""), 8);
  throw Error(ErrorKind::failed, fmt::format("liblxc cannot start it:\n{}", indent(log, 4)))
      .with_hint(fmt::format("the whole log is '{}'", layout.log(name).string()));
}

bool run_as_init(const Layout& layout, const std::string& name, std::vector<std::string> words) {
  hide_id_mappers();
  const Container container = open_container(layout, name);
  container->want_daemonize(container.get(), false);
  container->want_close_all_fds(container.get(), true);
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  return container->start(container.get(), 0, arguments.data());
}

std::optional<DirectoryId> directory_id(const char* path) {
  struct stat found {};
  if (::stat(path, &found) != 0) return std::nullopt;
  return DirectoryId{found.st_dev, found.st_ino};
}

pid_t init_with_own_root(const Layout& layout, const std::string& name) {
  const Cgroups cgroups = Cgroups::of_machine(layout, name);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (const auto init = cgroups.init(name)) {
    const auto root = directory_id(fmt::format("/proc/{}/root/", *init).c_str());
    if (root && root != directory_id("/")) return *init;
    if (std::chrono::steady_clock::now() > deadline)
      throw Error(ErrorKind::failed, "it starts, and its init does not come to the guest's root file system")
          .with_hint(fmt::format("the log is '{}'", layout.log(name).string()));
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  throw Error(ErrorKind::failed, "it does not run");
}

Shutdown shut_down(const Layout& layout, const std::string& name, std::chrono::milliseconds timeout) {
  const Cgroups cgroups = Cgroups::of_machine(layout, name);
  const auto init = cgroups.init(name);
  if (!init) return Shutdown::done;
  const UniqueFd guest = open_process(*init);
  const int asking = signal_to_halt(layout, name, *init);
  if (asking == 0) return Shutdown::unheard;
  // The monitor outlives a guest that reboots, and cleans up after one that does not.
  const UniqueFd watched = open_process(cgroups.monitor(name).value_or(*init));
  ::syscall(SYS_pidfd_send_signal, guest.get(), asking, nullptr, 0);
  // Of its standard input only the hang-up counts.
  pollfd waits[] = {{watched.get(), POLLIN, 0}, {STDIN_FILENO, 0, 0}};
  if (wait_for_any(waits, timeout)) return waits[0].revents != 0 ? Shutdown::done : Shutdown::given_up;
  return cgroups.is_running(name) ? Shutdown::refused : Shutdown::done;
}

void end_container(const Layout& layout, const std::string& name) {
  const Cgroups cgroups = Cgroups::of_machine(layout, name);
  const auto monitor = cgroups.monitor(name);
  const UniqueFd process = monitor ? open_process(*monitor) : UniqueFd();
  kill_payload(cgroups, name);
  end_monitor(process);
  remove_groups(cgroups, name);
  std::vector<std::string> devices = {veth_name(name)};
  if (const auto record = find_record(layout, name))
    for (const NetworkLink& link : record->networks) devices.push_back(link.device);
  for (const std::string& device : devices)
    if (fs::exists("/sys/class/net/" + device)) run_program({"ip", "link", "delete", device});
}

void remove_liblxc_locks(const Layout& layout, const std::string& name) {
  const char* const own = std::getenv("XDG_RUNTIME_DIR");  // set without root only
  const fs::path locks = fs::path(own == nullptr ? "/run" : own) / "lxc/lock";
  // A store is that of a second container, beside the machine's.
  for (const fs::path& lxcpath : {layout.containers(), layout.machine(name).parent_path()})
    ::unlink((locks / lxcpath.relative_path() / ("." + name)).c_str());
}

}  // namespace envtool::lxc
