#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace envtool {

/// What to run: data only. `argv[0]` is looked up on PATH when it has no slash.
struct ProcessSpec {
  std::vector<std::string> argv;
  /// Added to this program's environment.
  std::map<std::string, std::string> environment = {};
  std::vector<std::string> unset = {};
  std::filesystem::path directory = {};
  /// Written to the program's standard input, which is then closed.
  std::string input = {};
  /// When 0 or more, the program's standard input, instead of `input`.
  int input_fd = -1;
  /// Descriptors that stay open in the program, under the same numbers.
  std::vector<int> inherited = {};
  /// Zero means no limit. Past it the program's process group is ended and the result has `timed_out`.
  std::chrono::milliseconds timeout{0};
  /// Called with each chunk as it comes; what a sink takes is not collected in the result.
  std::function<void(std::string_view)> on_output = {};
  std::function<void(std::string_view)> on_error = {};
  /// Run as root where this program was started by sudo and has put root aside (see `drop_to_sudo_user`);
  /// no effect elsewhere.
  bool regain_root = false;
  /// It gets SIGTERM when the thread that runs it ends without waiting for it, as by a kill of this program
  /// (prctl(2), PR_SET_PDEATHSIG).
  bool ends_with_caller = false;
};

struct ProcessResult {
  int status = 0;  ///< exit status; 128 + signal when a signal ended it; 127 when it could not be started
  std::string output;
  std::string error;
  bool timed_out = false;

  bool ok() const { return status == 0; }
};

/// The door to programs of the host. Safe from any thread.
class ProcessRunner {
 public:
  virtual ~ProcessRunner() = default;

  /// Runs to the end. A program that cannot be started is status 127 with the reason in `error`.
  /// On a stop request its process group gets SIGTERM, after 5 s SIGKILL, and Interrupted is thrown.
  /// What it leaves behind in the background does not keep the call waiting, even when it holds the pipes
  /// open.
  virtual ProcessResult run(const ProcessSpec& spec, const std::stop_token& stop) = 0;

  /// Runs with this program's own standard streams, and gives the status as in ProcessResult. Throws
  /// Error(failed) when it cannot start.
  virtual int run_attached(const ProcessSpec& spec) = 0;

  /// Starts a program in a session of its own, standard input from /dev/null, output and errors appended to
  /// `log`, every other descriptor closed. It outlives this program. Throws Error(failed) when it cannot
  /// start. Returns its pid.
  virtual int start_detached(const ProcessSpec& spec, const std::filesystem::path& log) = 0;
};

/// Runs real programs with posix_spawn-like care: SIGPIPE and signal masks reset, descriptors closed.
class SystemProcessRunner : public ProcessRunner {
 public:
  ProcessResult run(const ProcessSpec& spec, const std::stop_token& stop) override;
  int run_attached(const ProcessSpec& spec) override;
  int start_detached(const ProcessSpec& spec, const std::filesystem::path& log) override;
};

/// "failed program" in words: command line, status and the last lines of what it said.
std::string describe_failure(const ProcessSpec& spec, const ProcessResult& result, std::size_t lines = 5);

/// The name of that user, or the number of one who has none.
std::string user_name(uid_t uid);

/// Puts root aside when started by sudo: becomes SUDO_UID with its groups and HOME, keeping root only as the
/// saved id for `regain_root`. Does nothing elsewhere. Throws Error(host_not_ready). Call before threads
/// start.
void drop_to_sudo_user();

/// Whether a child with `regain_root` runs as root.
bool can_regain_root();

}  // namespace envtool
