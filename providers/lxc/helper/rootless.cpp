#include "providers/lxc/helper/rootless.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/nsfs.h>
#include <poll.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "base/text.h"
#include "providers/lxc/helper/context.h"
#include "providers/lxc/parts/processes.h"
#include "providers/lxc/parts/rootless.h"

namespace envtool::lxc {

namespace fs = std::filesystem;

namespace {

struct User {
  uid_t uid = ::getuid();
  gid_t gid = ::getgid();
  std::string name;
  IdRange uids, gids;
};

User this_user() {
  User user;
  if (const passwd* entry = ::getpwuid(user.uid)) user.name = entry->pw_name;
  const auto block = [&user](const char* file, unsigned id) {
    const auto range = subordinate_block(read_file_if_there(file).value_or(""), user.name, id);
    if (!range)
      throw Error(ErrorKind::host_not_ready,
                  fmt::format("'{}' gives user '{}' no {} ids", file, user.name, ids_per_machine))
          .with_hint("'envtool doctor' shows the command that does");
    return *range;
  };
  user.uids = block("/etc/subuid", user.uid);
  user.gids = block("/etc/subgid", user.uid);
  return user;
}

void become_root() {
  if (::setresgid(0, 0, 0) != 0 || ::setresuid(0, 0, 0) != 0)
    fail("become root of the user's own ids", errno);
  // Without it /proc hides the namespaces of this process, and of the monitor that it becomes, from its user.
  ::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

UniqueFd namespace_of(pid_t process, const char* kind) {
  UniqueFd fd(::open(fmt::format("/proc/{}/ns/{}", process, kind).c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) fail(fmt::format("open the {} namespace of process {}", kind, process), errno);
  return fd;
}

/// The namespace that a running machine's was made in; liblxc's socket is in the network of its monitor.
bool join_machine(const Layout& layout, const std::string& name) {
  const Cgroups cgroups = Cgroups::of_machine(layout, name);
  const auto monitor = cgroups.monitor(name);
  const auto init = cgroups.init(name);
  if (!monitor && !init) return false;
  UniqueFd users = namespace_of(monitor ? *monitor : *init, "user");
  if (!monitor) users = UniqueFd(::ioctl(users.get(), NS_GET_PARENT));
  const UniqueFd network = monitor ? namespace_of(*monitor, "net") : UniqueFd();
  if (::setns(users.get(), CLONE_NEWUSER) != 0 || (network && ::setns(network.get(), CLONE_NEWNET) != 0))
    fail("enter its namespaces", errno);
  become_root();
  return true;
}

/// A monitor whose guest is gone would be beyond reach for a process in another namespace.
void end_stray_monitor(const Layout& layout, const std::string& name) {
  const Cgroups cgroups = Cgroups::of_machine(layout, name);
  const auto monitor = cgroups.monitor(name);
  if (!monitor) return;
  const UniqueFd process(static_cast<int>(::syscall(SYS_pidfd_open, *monitor, 0)));
  ::kill(*monitor, SIGKILL);
  if (process) wait_for_end(process.get(), std::chrono::seconds(5));
}

/// A group of version 1's cpuset has no processors of its own accord, and takes no process then.
void fill_cpuset(const fs::path& group) {
  for (const char* file : {"cpuset.cpus", "cpuset.mems"}) {
    const auto text = read_file_if_there(group / file);
    if (text && trim(*text).empty())
      write_control(group / file, trim(read_file_if_there(group.parent_path() / file).value_or("")));
  }
}

/// Version 2 gives controllers only to groups below one that has no processes itself.
void share_controllers(const fs::path& directory) {
  const fs::path aside = directory / "envtool";
  if (::mkdir(aside.c_str(), 0755) != 0 && errno != EEXIST) return;
  for (const pid_t process : {::getppid(), ::getpid()})
    write_control(aside / "cgroup.procs", std::to_string(process));
  const std::string controllers(trim(read_file_if_there(directory / "cgroup.controllers").value_or("")));
  for (const std::string& name : split(controllers, ' '))
    if (!name.empty()) write_control(directory / "cgroup.subtree_control", "+" + name);
}

void map_ids(const char* program, pid_t process, const IdRange& block, unsigned own) {
  const ProcessResult result =
      run_program({program, std::to_string(process), "0", std::to_string(block.first),
                   std::to_string(ids_per_machine), std::to_string(own_id), std::to_string(own), "1"});
  if (!result.ok())
    throw Error(ErrorKind::host_not_ready,
                fmt::format("'{}' does not map the user's ids: {}", program, trim(result.error)))
        .with_hint("'envtool doctor' shows what is missing");
}

void send(int channel, std::string_view text) {
  [[maybe_unused]] const ssize_t sent = ::send(channel, text.data(), text.size(), MSG_NOSIGNAL);
}

std::string receive(int channel) {
  char buffer[4096];
  ssize_t count = 0;
  while ((count = ::recv(channel, buffer, sizeof buffer, 0)) < 0 && errno == EINTR) {
  }
  return {buffer, count < 0 ? 0 : static_cast<std::size_t>(count)};
}

std::string device_program() {
  for (const char* path : {"/usr/libexec/lxc/lxc-user-nic", "/usr/lib/x86_64-linux-gnu/lxc/lxc-user-nic",
                           "/usr/lib/aarch64-linux-gnu/lxc/lxc-user-nic", "/usr/lib/lxc/lxc-user-nic"})
    if (::access(path, X_OK) == 0) return path;
  return "lxc-user-nic";
}

/// Puts a device ("BRIDGE NAME") into that process's network; answers "ok NAME" or what lxc-user-nic says
/// against it.
std::string give_device(const Layout& layout, pid_t process, const std::string& wanted) {
  const std::size_t blank = wanted.find(' ');
  const ProcessResult result =
      run_program({device_program(), "create", layout.containers().string(), "envtool",
                   std::to_string(process), "veth", wanted.substr(0, blank), wanted.substr(blank + 1)});
  // It prints its end's name and number, then the host's.
  const std::vector<std::string> names = split(trim(result.output), ':');
  if (result.ok() && names.size() >= 3) return "ok " + names[2];
  return last_lines(result.error, 1);
}

/// Stays outside until the child ends.
[[noreturn]] void serve(const Layout& layout, pid_t child, int channel) {
  const UniqueFd process(static_cast<int>(::syscall(SYS_pidfd_open, child, 0)));
  for (;;) {
    pollfd waits[] = {{process.get(), POLLIN, 0}, {channel, POLLIN, 0}};
    if (::poll(waits, 2, -1) < 0 && errno != EINTR) ::_exit(70);
    if ((waits[1].revents & POLLIN) != 0)
      if (const std::string wanted = receive(channel); !wanted.empty())
        send(channel, give_device(layout, child, wanted));
    if ((waits[1].revents & POLLHUP) != 0) channel = -1;
    if ((waits[0].revents & POLLIN) == 0) continue;
    int status = 0;
    ::waitpid(child, &status, 0);
    ::_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 70);
  }
}

/// The namespace's root passes what belongs to the user, and else what everybody may.
void check_way_to(const Layout& layout) {
  fs::path way;
  for (const fs::path& part : layout.root) {
    way /= part;
    if (::access(way.c_str(), X_OK) != 0)
      throw Error(ErrorKind::host_not_ready,
                  fmt::format("machines cannot pass the directory '{}', in which they would lie: {}",
                              way.string(), errno_text(errno)))
          .with_hint(
              fmt::format("let them by 'chmod o+x {}', or set XDG_DATA_HOME to another place", way.string()));
  }
}

/// The child's side: inside when it returns, to end with who is outside.
void live_inside(int channel, pid_t outside) {
  send(channel, ::unshare(CLONE_NEWUSER) == 0 ? "made" : errno_text(errno));
  if (receive(channel) != "mapped") ::_exit(70);
  become_root();
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != outside) ::_exit(70);
}

/// The parent's: lends the child what it needs. Throws Error(host_not_ready).
void lend(const User& user, pid_t child, int channel) {
  if (const std::string made = receive(channel); made != "made")
    throw Error(ErrorKind::host_not_ready,
                fmt::format("this kernel gives user '{}' no user namespace: {}", user.name, made))
        .with_hint("'envtool doctor' shows which setting forbids it");
  map_ids("newuidmap", child, user.uids, user.uid);
  map_ids("newgidmap", child, user.gids, user.gid);
  send(channel, "mapped");
}

Outside make_namespace(const Layout& layout) {
  const User user = this_user();
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
    fail("make a pair of sockets", errno);
  UniqueFd outer(ends[0]), inner(ends[1]);
  const pid_t outside = ::getpid();
  const pid_t child = ::fork();
  if (child < 0) fail("start a process", errno);
  if (child == 0) {
    outer.reset();
    live_inside(inner.get(), outside);
    check_way_to(layout);
    return {inner.release(), static_cast<std::uint32_t>(user.uids.first)};
  }
  inner.reset();
  try {
    lend(user, child, outer.get());
  } catch (...) {
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    throw;
  }
  serve(layout, child, outer.get());
}

}  // namespace

Outside enter_own_namespace(const Layout& layout, const Value& request) {
  const std::string& name = request["name"].as_text();
  if (!is_machine_name(name)) return make_namespace(layout);
  if (request["op"].as_text() == "start" && !Cgroups::of_machine(layout, name).is_running(name))
    end_stray_monitor(layout, name);
  else if (join_machine(layout, name))
    return {};
  return make_namespace(layout);
}

std::vector<fs::path> make_own_groups(const std::string& user, const std::string& machine) {
  const Delegation delegation = delegated_cgroups(user);
  if (!delegation.suffices)
    throw Error(
        ErrorKind::host_not_ready,
        fmt::format("no control group is delegated to user '{}': a guest's systemd would end at once", user))
        .with_hint("'envtool doctor' shows how to delegate one");
  std::vector<fs::path> groups;
  for (const CgroupPlace& place : delegation.places) {
    const fs::path group = place.directory / machine;
    if (place.unified) share_controllers(place.directory);
    if (::mkdir(group.c_str(), 0755) != 0 && errno != EEXIST)
      fail(fmt::format("make the control group '{}'", group.string()), errno);
    if (!place.unified) fill_cpuset(group);
    groups.push_back(group);
  }
  return groups;
}

std::vector<std::string> enter_own_network(const Outside& outside, const std::vector<std::string>& bridges) {
  if (::unshare(CLONE_NEWNET) != 0) fail("make a network namespace", errno);
  std::vector<std::string> devices;
  for (const std::string& bridge : bridges) {
    send(outside.channel, fmt::format("{} eth{}", bridge, devices.size()));
    const std::string answer = receive(outside.channel);
    if (!answer.starts_with("ok "))
      throw Error(ErrorKind::host_not_ready,
                  fmt::format("lxc-user-nic puts no device on the bridge '{}': {}", bridge, answer))
          .with_hint("'/etc/lxc/lxc-usernet' says who may have how many; 'envtool doctor' shows the line");
    devices.push_back(answer.substr(3));
  }
  return devices;
}

}  // namespace envtool::lxc
