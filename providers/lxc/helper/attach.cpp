#include "providers/lxc/helper/attach.h"

#include <errno.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <lxc/attach_options.h>
#include <lxc/lxccontainer.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstring>
#include <optional>

#include "providers/lxc/helper/container.h"
#include "providers/lxc/helper/groups.h"
#include "providers/lxc/helper/guest_tree.h"
#include "providers/lxc/helper/streams.h"
#include "providers/lxc/parts/login.h"
#include "providers/lxc/parts/processes.h"

namespace envtool::lxc {

namespace {

/// All that the program in the guest needs, as the kernel wants it: made before liblxc forks.
struct GuestProgram {
  Login login;
  std::string directory;
  std::vector<std::string> words;
  std::string program;  ///< what to run, where the first word is another name for it
  std::vector<std::string> environment;
  bool terminal = false;
  std::optional<DirectoryId> root_of_host = directory_id("/");

  std::vector<char*> argv = {}, envp = {};

  void prepare() {
    for (std::string& word : words) argv.push_back(word.data());
    for (std::string& line : environment) envp.push_back(line.data());
    argv.push_back(nullptr);
    envp.push_back(nullptr);
  }
};

[[noreturn]] void give_up(const char* what, int status) {
  std::fprintf(stderr, "error: cannot run '%s' in the guest: %s\n", what, ::strerror(errno));
  ::_exit(status);
}

/// In the guest, as its root. The user's database was read before: nothing of the guest's code runs in this
/// process.
int run_in_guest(void* given) {
  auto& program = *static_cast<GuestProgram*>(given);
  const Login& login = program.login;
  if (directory_id("/") == program.root_of_host) {  // the guest began to restart itself meanwhile
    errno = EAGAIN;
    give_up(program.program.c_str(), 126);
  }
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE}) ::signal(number, SIG_DFL);
  // /dev/tty would still be the host's terminal.
  if (!program.terminal) ::setsid();
  if (::setgroups(login.groups.size(), login.groups.data()) != 0 ||
      ::setresgid(login.gid, login.gid, login.gid) != 0 || ::setresuid(login.uid, login.uid, login.uid) != 0)
    give_up(program.program.c_str(), 126);
  ::umask(022);
  if ((program.directory.empty() || ::chdir(program.directory.c_str()) != 0) &&
      ::chdir(login.home.c_str()) != 0 && ::chdir("/") != 0)
    give_up(program.program.c_str(), 126);
  environ = program.envp.data();
  ::execvp(program.program.c_str(), program.argv.data());
  give_up(program.program.c_str(), errno == ENOENT ? 127 : 126);
}

GuestProgram program_for(const Context& context, const Record& record,
                         const std::vector<std::string>& words) {
  const pid_t init = init_with_own_root(context.layout, record.name);
  const GuestTree guest(fmt::format("/proc/{}/root", init), guest_ids(record));
  const std::string& user = context.text("user").empty() ? record.user : context.text("user");
  const auto login =
      find_login(guest.read("/etc/passwd").value_or(""), guest.read("/etc/group").value_or(""), user);
  if (!login) throw Error(ErrorKind::failed, fmt::format("the guest has no user '{}'", user));
  GuestProgram program{.login = *login,
                       .directory = context.text("directory"),
                       .words = words,
                       .terminal = context.request["terminal"].as_bool()};
  program.program = login->shell;
  if (!words.empty())
    program.program = words.front();
  else if (const std::string& script = context.text("script"); !script.empty())
    program.words = {login->shell, "-c", script};
  else
    program.words = {"-" + login->shell.substr(login->shell.rfind('/') + 1)};
  auto environment = login_environment(*login, guest.read("/etc/environment").value_or(""));
  for (const auto& [name, value] : context.request["variables"].members())
    environment[name] = value.as_text();
  for (const auto& [name, value] : environment) program.environment.push_back(name + "=" + value);
  program.prepare();
  return program;
}

volatile sig_atomic_t guest_process = 0;

/// What this process is told, the program in the guest is told too: it is in a session of its own.
void pass_signals_on() {
  struct sigaction action = {};
  action.sa_handler = [](int number) {
    if (guest_process > 0) ::kill(-guest_process, number);
  };
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) ::sigaction(number, &action, nullptr);
}

int wait_for(pid_t process) {
  int status = 0;
  while (::waitpid(process, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/// Has liblxc start the program in the guest, with these streams or a terminal, and gives its process, or -1;
/// with a terminal only when it has ended.
pid_t attach_by_liblxc(lxc_container* container, GuestProgram& program, const GuestStreams& streams) {
  lxc_attach_options_t options = LXC_ATTACH_OPTIONS_DEFAULT;
  options.env_policy = LXC_ATTACH_CLEAR_ENV;
  options.attach_flags &= ~LXC_ATTACH_MOVE_TO_CGROUP;  // it is born there
  if (program.terminal) {
    options.attach_flags |= LXC_ATTACH_TERMINAL;
  } else {
    options.stdin_fd = streams.ends()[0];
    options.stdout_fd = streams.ends()[1];
    options.stderr_fd = streams.ends()[2];
  }
  pid_t process = -1;
  return container->attach(container, &run_in_guest, &program, &options, &process) == 0 ? process : -1;
}

/// Does so in a child that is in the machine's control groups. The child ends then, and leaves the program to
/// this process.
pid_t enter_guest(const Context& context, const Record& record, GuestProgram& program,
                  const GuestStreams& streams) {
  const Container container = open_container(context.layout, record.name);
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) fail("make a pipe", errno);
  const UniqueFd answer(ends[0]), report(ends[1]);
  ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  const pid_t child = fork_into_groups(Cgroups::of_machine(context.layout, record.name), record.name);
  if (child == 0) {
    const pid_t process = attach_by_liblxc(container.get(), program, streams);
    ::_exit(process > 0 && ::write(report.get(), &process, sizeof process) > 0 ? 0 : 1);
  }
  pid_t process = -1;
  if (wait_for(child) == 0 && ::read(answer.get(), &process, sizeof process) > 0) return process;
  throw Error(ErrorKind::failed, "cannot enter it")
      .with_hint(fmt::format("the log is '{}'", context.layout.log(record.name).string()));
}

}  // namespace

int attach_to_machine(Context& context, const std::vector<std::string>& words) {
  const Record record = complete_record(context);
  GuestProgram program = program_for(context, record, words);
  GuestStreams streams;
  pass_signals_on();
  guest_process = enter_guest(context, record, program, streams);
  if (!program.terminal) streams.copy_until_end(guest_process);
  return wait_for(guest_process);
}

int open_console(Context& context) {
  const Record record = complete_record(context);
  const Container container = open_container(context.layout, record.name);
  constexpr int console = 0, ctrl_a = 1;
  if (container->console(container.get(), console, 0, 1, 2, ctrl_a) != 0)
    throw Error(ErrorKind::failed, "liblxc cannot open its console");
  return 0;
}

}  // namespace envtool::lxc
