#include "base/process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <linux/close_range.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <utility>

#include "base/cancel.h"
#include "base/error.h"
#include "base/files.h"
#include "base/shell.h"
#include "base/text.h"

extern char** environ;

namespace envtool {

namespace {

using SteadyClock = std::chrono::steady_clock;
constexpr auto grace_after_term = std::chrono::seconds(5);
/// How long the pipes of a program that ended may stay silent while something it left behind (an SSH master,
/// a daemon) holds them open.
constexpr auto linger_after_exit = std::chrono::milliseconds(300);

/// Everything exec needs, made before fork: between fork and exec nothing may allocate.
class Image {
 public:
  explicit Image(const ProcessSpec& spec) : argv_text_(spec.argv) {
    for (char** entry = environ; *entry != nullptr; ++entry) {
      const std::string_view text(*entry);
      const std::string name(text.substr(0, text.find('=')));
      if (!spec.environment.contains(name) &&
          std::find(spec.unset.begin(), spec.unset.end(), name) == spec.unset.end())
        environment_text_.emplace_back(text);
    }
    for (const auto& [name, value] : spec.environment) environment_text_.push_back(name + "=" + value);
    for (std::string& text : argv_text_) argv_.push_back(text.data());
    for (std::string& text : environment_text_) environment_.push_back(text.data());
    argv_.push_back(nullptr);
    environment_.push_back(nullptr);
    program_ = find_program(spec);
  }

  const std::string& program() const { return program_; }
  char* const* argv() const { return argv_.data(); }
  char* const* environment() const { return environment_.data(); }

 private:
  static std::string find_program(const ProcessSpec& spec) {
    const std::string& name = spec.argv.at(0);
    if (name.find('/') != std::string::npos) return name;
    const auto given = spec.environment.find("PATH");
    const char* inherited = std::getenv("PATH");
    const std::string path = given != spec.environment.end() ? given->second
                             : inherited                     ? inherited
                                                             : "/usr/bin:/bin";
    for (const std::string& directory : split(path, ':')) {
      const std::string candidate = (directory.empty() ? "." : directory) + "/" + name;
      if (::access(candidate.c_str(), X_OK) == 0) return candidate;
    }
    return {};
  }

  std::vector<std::string> argv_text_;
  std::vector<std::string> environment_text_;
  std::vector<char*> argv_;
  std::vector<char*> environment_;
  std::string program_;
};

struct Pipe {
  UniqueFd read;
  UniqueFd write;

  Pipe() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0)
      throw Error(ErrorKind::failed, fmt::format("cannot make a pipe: {}", errno_text(errno)));
    read = UniqueFd(ends[0]);
    write = UniqueFd(ends[1]);
  }
};

struct ChildSetup {
  int input = -1;
  int output = -1;
  int error = -1;
  bool own_session = false;
  bool own_group = false;
};

void become_root_in_child() {
  if (::geteuid() == 0) return;
  ::syscall(SYS_setresuid, 0, 0, 0);
  ::syscall(SYS_setresgid, 0, 0, 0);
}

[[noreturn]] void run_child(const ProcessSpec& spec, const Image& image, const ChildSetup& setup,
                            int report) {
  const auto give_up = [&] {
    const int number = errno;
    [[maybe_unused]] const ssize_t ignored = ::write(report, &number, sizeof number);
    ::_exit(127);
  };
  if (setup.own_session) ::setsid();
  if (setup.own_group) ::setpgid(0, 0);
  // A Ctrl-C from before that, held back so far, was meant for us alone, who end the program in our own way.
  if (setup.own_session || setup.own_group)
    for (int number : {SIGINT, SIGQUIT, SIGHUP}) ::signal(number, SIG_IGN);
  for (int number : {SIGPIPE, SIGINT, SIGTERM, SIGHUP, SIGCHLD, SIGQUIT}) ::signal(number, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  if (setup.input >= 0 && ::dup2(setup.input, 0) < 0) give_up();
  if (setup.output >= 0 && ::dup2(setup.output, 1) < 0) give_up();
  if (setup.error >= 0 && ::dup2(setup.error, 2) < 0) give_up();
  // Libraries open descriptors without O_CLOEXEC; `report` must live until exec.
  ::syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC);
  for (int kept : spec.inherited) ::fcntl(kept, F_SETFD, 0);
  if (!spec.directory.empty() && ::chdir(spec.directory.c_str()) != 0) give_up();
  if (spec.regain_root) become_root_in_child();
  if (spec.ends_with_caller) ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  ::execve(image.program().c_str(), image.argv(), image.environment());
  give_up();
  ::_exit(127);
}

/// Forks and execs. The reason of a failed start comes back through a pipe that a successful exec closes.
pid_t start(const ProcessSpec& spec, const ChildSetup& setup, std::string& failure) {
  const Image image(spec);
  if (image.program().empty()) {
    failure = fmt::format("cannot run '{}': no such program on PATH", spec.argv.at(0));
    return -1;
  }
  Pipe report;
  const pid_t child = ::fork();
  if (child < 0) {
    failure = fmt::format("cannot start '{}': {}", spec.argv[0], errno_text(errno));
    return -1;
  }
  if (child == 0) run_child(spec, image, setup, report.write.get());
  report.write.reset();
  int number = 0;
  ssize_t count;
  do count = ::read(report.read.get(), &number, sizeof number);
  while (count < 0 && errno == EINTR);
  if (count != static_cast<ssize_t>(sizeof number)) return child;
  ::waitpid(child, nullptr, 0);
  failure = fmt::format("cannot run '{}': {}", spec.argv[0], errno_text(number));
  return -1;
}

int status_of(int raw) { return WIFSIGNALED(raw) ? 128 + WTERMSIG(raw) : WEXITSTATUS(raw); }

int wait_for(pid_t child) {
  int raw = 0;
  while (::waitpid(child, &raw, 0) < 0 && errno == EINTR) {
  }
  return status_of(raw);
}

/// A program may close its input early, and SIGPIPE is not ours to ignore for the whole process.
ssize_t write_without_signal(int fd, std::string_view bytes) {
  sigset_t broken_pipe, old;
  ::sigemptyset(&broken_pipe);
  ::sigaddset(&broken_pipe, SIGPIPE);
  ::pthread_sigmask(SIG_BLOCK, &broken_pipe, &old);
  const ssize_t count = ::write(fd, bytes.data(), bytes.size());
  const int number = errno;
  constexpr timespec at_once{};
  if (count < 0 && number == EPIPE) ::sigtimedwait(&broken_pipe, nullptr, &at_once);
  ::pthread_sigmask(SIG_SETMASK, &old, nullptr);
  errno = number;
  return count;
}

/// One running program with its pipes, pumped by poll until they close.
class Running {
 public:
  Running(const ProcessSpec& spec, const std::stop_token& stop)
      : spec_(spec), wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)), stop_(stop) {}

  /// A program whose caller leaves by an exception is not left running.
  ~Running() {
    if (child_ < 0) return;
    ::kill(-child_, SIGKILL);
    wait_for(child_);
  }

  ProcessResult run() {
    ChildSetup setup;
    UniqueFd null_input;
    setup.own_group = true;
    setup.output = output_.write.get();
    setup.error = error_.write.get();
    if (spec_.input_fd >= 0)
      setup.input = spec_.input_fd;
    else if (!spec_.input.empty())
      setup.input = input_.read.get();
    else
      setup.input = (null_input = UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC))).get();
    child_ = start(spec_, setup, result_.error);
    if (child_ < 0) {
      result_.status = 127;
      return std::move(result_);
    }
    output_.write.reset();
    error_.write.reset();
    input_.read.reset();
    if (spec_.input.empty()) input_.write.reset();
    if (input_.write) ::fcntl(input_.write.get(), F_SETFL, O_NONBLOCK);
    pump();
    return std::move(result_);
  }

 private:
  void pump() {
    std::stop_callback on_stop(stop_, [this] { ::eventfd_write(wake_.get(), 1); });
    exit_ = UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, child_, 0)));
    if (spec_.timeout.count() > 0) deadline_ = SteadyClock::now() + spec_.timeout;
    while (output_.read || error_.read || exit_) {
      pollfd fds[] = {{output_.read.get(), POLLIN, 0},
                      {error_.read.get(), POLLIN, 0},
                      {input_.write.get(), POLLOUT, 0},
                      {ending_ ? -1 : wake_.get(), POLLIN, 0},
                      {exit_.get(), POLLIN, 0}};
      if (::poll(fds, 5, milliseconds_left()) < 0 && errno != EINTR) break;
      if (fds[0].revents) read_from(output_.read, spec_.on_output, result_.output);
      if (fds[1].revents) read_from(error_.read, spec_.on_error, result_.error);
      if (fds[2].revents) feed();
      if (fds[4].revents) {
        exit_.reset();
        exited_ = true;
      }
      if (exited_ && (fds[0].revents || fds[1].revents || fds[4].revents))
        deadline_ = SteadyClock::now() + linger_after_exit;
      check_limits();
    }
    result_.status = wait_for(std::exchange(child_, -1));
    if (stop_.stop_requested() && ending_) throw Interrupted{};
  }

  int milliseconds_left() const {
    if (!deadline_) return -1;
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(*deadline_ - SteadyClock::now());
    return static_cast<int>(std::max<std::int64_t>(0, left.count())) + 1;
  }

  void check_limits() {
    const bool past_deadline = deadline_ && SteadyClock::now() >= *deadline_;
    if (exited_) {
      if (!past_deadline) return;
      output_.read.reset();
      error_.read.reset();
    } else if (ending_ && past_deadline) {
      ::kill(-child_, SIGKILL);
      deadline_.reset();
    } else if (!ending_ && (stop_.stop_requested() || past_deadline)) {
      result_.timed_out = !stop_.stop_requested();
      ending_ = true;
      ::kill(-child_, SIGTERM);
      deadline_ = SteadyClock::now() + grace_after_term;
    }
  }

  static void read_from(UniqueFd& fd, const std::function<void(std::string_view)>& sink,
                        std::string& collected) {
    char buffer[65536];
    const ssize_t count = ::read(fd.get(), buffer, sizeof buffer);
    if (count < 0 && (errno == EINTR || errno == EAGAIN)) return;
    if (count <= 0) return fd.reset();
    const std::string_view chunk(buffer, static_cast<size_t>(count));
    if (sink)
      sink(chunk);
    else
      collected.append(chunk);
  }

  void feed() {
    const std::string_view rest = std::string_view(spec_.input).substr(fed_);
    const ssize_t count = write_without_signal(input_.write.get(), rest);
    if (count < 0 && (errno == EINTR || errno == EAGAIN)) return;
    if (count < 0) return input_.write.reset();  // it does not want the rest
    fed_ += static_cast<size_t>(count);
    if (fed_ == spec_.input.size()) input_.write.reset();
  }

  const ProcessSpec& spec_;
  UniqueFd wake_;
  UniqueFd exit_;  ///< readable when the program has ended
  std::stop_token stop_;
  Pipe input_, output_, error_;
  ProcessResult result_;
  std::optional<SteadyClock::time_point> deadline_;
  pid_t child_ = -1;
  size_t fed_ = 0;
  bool ending_ = false;
  bool exited_ = false;
};

}  // namespace

ProcessResult SystemProcessRunner::run(const ProcessSpec& spec, const std::stop_token& stop) {
  throw_if_stopped(stop);
  return Running(spec, stop).run();
}

int SystemProcessRunner::run_attached(const ProcessSpec& spec) {
  std::string failure;
  const pid_t child = start(spec, {}, failure);
  if (child < 0) throw Error(ErrorKind::failed, failure);
  // The terminal sends Ctrl-C to the program as well: it decides, we only wait.
  struct sigaction ignore = {}, old_int, old_quit;
  ignore.sa_handler = SIG_IGN;
  ::sigaction(SIGINT, &ignore, &old_int);
  ::sigaction(SIGQUIT, &ignore, &old_quit);
  const int status = wait_for(child);
  ::sigaction(SIGINT, &old_int, nullptr);
  ::sigaction(SIGQUIT, &old_quit, nullptr);
  return status;
}

int SystemProcessRunner::start_detached(const ProcessSpec& spec, const std::filesystem::path& log) {
  const UniqueFd input(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const UniqueFd output(::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (!output)
    throw Error(ErrorKind::failed, fmt::format("cannot write '{}': {}", log.string(), errno_text(errno)));
  std::string failure;
  const ChildSetup setup{input.get(), output.get(), output.get(), true, false};
  const pid_t child = start(spec, setup, failure);
  if (child < 0) throw Error(ErrorKind::failed, failure);
  return child;
}

std::string describe_failure(const ProcessSpec& spec, const ProcessResult& result, std::size_t lines) {
  std::string text = fmt::format("'{}' ", quote_command(spec.argv));
  text += result.timed_out ? fmt::format("did not end within {} s", spec.timeout.count() / 1000)
                           : fmt::format("exited with status {}", result.status);
  const std::string said = last_lines(result.error.empty() ? result.output : result.error, lines);
  if (!said.empty()) text += ":\n" + indent(said, 4);
  return text;
}

std::string user_name(uid_t uid) {
  passwd entry = {}, *found = nullptr;
  std::vector<char> buffer(16384);
  ::getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found);
  return found != nullptr ? found->pw_name : std::to_string(uid);
}

namespace {
bool root_is_aside = false;
}

void drop_to_sudo_user() {
  const char* uid_text = std::getenv("SUDO_UID");
  if (::geteuid() != 0 || uid_text == nullptr) return;
  const uid_t uid = static_cast<uid_t>(std::strtoul(uid_text, nullptr, 10));
  const passwd* user = uid == 0 ? nullptr : ::getpwuid(uid);
  if (uid == 0) return;
  if (user == nullptr)
    throw Error(ErrorKind::host_not_ready,
                fmt::format("sudo names user id {}, which has no entry in passwd", uid));
  if (::initgroups(user->pw_name, user->pw_gid) != 0 || ::setresgid(user->pw_gid, user->pw_gid, 0) != 0 ||
      ::setresuid(uid, uid, 0) != 0)
    throw Error(ErrorKind::host_not_ready,
                fmt::format("cannot become user '{}': {}", user->pw_name, errno_text(errno)));
  ::setenv("HOME", user->pw_dir, 1);
  ::setenv("USER", user->pw_name, 1);
  ::setenv("LOGNAME", user->pw_name, 1);
  root_is_aside = true;
}

bool can_regain_root() { return ::geteuid() == 0 || root_is_aside; }

}  // namespace envtool
