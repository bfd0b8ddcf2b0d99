#include "base/command_socket.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

namespace envtool {

namespace {

/// As if started by a shell, whatever this program does about signals.
int spawn_shell(const std::string& line, int streams, int messages, pid_t& process) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawnattr_init(&attributes);
  ::posix_spawn_file_actions_adddup2(&actions, streams, STDIN_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, streams, STDOUT_FILENO);
  if (messages >= 0)
    ::posix_spawn_file_actions_adddup2(&actions, messages, STDERR_FILENO);
  else
    ::posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  sigset_t none, usual;
  ::sigemptyset(&none);
  ::sigemptyset(&usual);
  for (const int signal : {SIGPIPE, SIGINT, SIGTERM}) ::sigaddset(&usual, signal);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setsigdefault(&attributes, &usual);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  const char* const words[] = {"sh", "-c", line.c_str(), nullptr};
  const int failure =
      ::posix_spawn(&process, "/bin/sh", &actions, &attributes, const_cast<char**>(words), environ);
  ::posix_spawnattr_destroy(&attributes);
  ::posix_spawn_file_actions_destroy(&actions);
  return failure;
}

}  // namespace

std::string fill_in_command(const std::string& command, const std::string& host, std::uint16_t port) {
  std::string filled;
  for (std::size_t at = 0; at < command.size(); ++at) {
    const char next = command[at] == '%' && at + 1 < command.size() ? command[at + 1] : '\0';
    if (next != 'h' && next != 'p' && next != '%') {
      filled += command[at];
      continue;
    }
    filled += next == 'h' ? host : next == 'p' ? std::to_string(port) : "%";
    ++at;
  }
  return filled;
}

UniqueFd connect_by_command(const std::string& command, const std::string& host, std::uint16_t port,
                            int messages) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return {};
  UniqueFd ours(ends[0]);
  const UniqueFd theirs(ends[1]);
  pid_t shell = -1;
  // In the background of a shell that ends at once, it is the child of nobody who would have to wait for it;
  // there, 0 is /dev/null.
  const std::string line = "exec 3<&0; (exec " + fill_in_command(command, host, port) + ") <&3 3<&- &";
  if (const int failure = spawn_shell(line, theirs.get(), messages, shell); failure != 0) {
    errno = failure;
    return {};
  }
  while (::waitpid(shell, nullptr, 0) < 0 && errno == EINTR) continue;
  ::fcntl(ours.get(), F_SETFL, O_NONBLOCK);
  return ours;
}

}  // namespace envtool
