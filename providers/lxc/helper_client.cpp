#include "providers/lxc/helper_client.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <exception>

#include "base/files.h"
#include "base/text.h"
#include "providers/lxc/parts/export_stream.h"
#include "providers/lxc/user_needs.h"

namespace envtool::lxc {

namespace {

constexpr std::string_view said = "say ";  ///< how the helper marks what is for the user

ErrorKind kind_of(const std::string& name) {
  if (name == "usage") return ErrorKind::usage;
  if (name == "host_not_ready") return ErrorKind::host_not_ready;
  if (name == "busy") return ErrorKind::busy;
  if (name == "unsupported") return ErrorKind::unsupported;
  return ErrorKind::failed;
}

bool needs_password(const ProcessResult& result) {
  return !result.ok() && result.output.empty() && result.error.find("sudo:") != std::string::npos;
}

[[noreturn]] void refuse(const std::filesystem::path& program, const ProcessResult& result) {
  throw Error(ErrorKind::host_not_ready,
              "LXC machines need root, and sudo does not give it without a password: " +
                  std::string(trim(result.error)))
      .with_hint(fmt::format(
          "run the same command as 'sudo envtool ...', or let this user run the helper once and for "
          "all:\n  echo \"$USER ALL=(root) NOPASSWD: {}\" | sudo tee /etc/sudoers.d/envtool",
          program.string()));
}

Value answer_of(const ProcessSpec& spec, const ProcessResult& result, Operation& operation) {
  if (result.output.empty()) throw Error(ErrorKind::failed, describe_failure(spec, result));
  const Value answer = parse_json(result.output, "the answer of envtool-lxc");
  if (const Value& error = answer["error"]; error.is_map())
    throw Error(kind_of(error["kind"].as_text()), error["text"].as_text()).with_hint(error["hint"].as_text());
  for (const Value& warning : answer["warnings"].items()) operation.say(warning.as_text(), Tone::warning);
  return answer["ok"];
}

/// What the helper says for the user is told while it works, and the rest is its errors.
ProcessResult run_once(ProcessSpec& spec, Operation& operation) {
  std::string rest;
  LineSplitter lines([&](std::string_view line) {
    if (line.starts_with(said))
      operation.say(line.substr(said.size()));
    else
      rest += std::string(line) + "\n";
  });
  spec.on_error = [&](std::string_view chunk) { lines.add(chunk); };
  ProcessResult result = operation.run(spec);
  lines.finish();
  result.error = rest + result.error;
  return result;
}

/// A guest needs control groups of its own, and nobody enters them from where the user may not move
/// processes: systemd's manager of the user gives such groups to a scope.
void run_in_scope(ProcessSpec& spec, const Host& host) {
  const std::string runtime = user_runtime_directory(host);
  if (!has_user_manager(runtime)) return;
  spec.environment["XDG_RUNTIME_DIR"] = runtime;
  spec.argv.insert(spec.argv.begin(), {"systemd-run", "--user", "--scope", "--quiet", "--collect",
                                       "--property=Delegate=yes", "--"});
}

}  // namespace

Value HelperClient::call(const std::string& operation_name, Value request, Operation& operation) const {
  request.set("op", operation_name);
  request.set("root", root_.string());
  ProcessSpec spec{.argv = {program().string()}, .input = to_json(request) + "\n"};
  if (rights_ == Rights::user && operation_name == "start") run_in_scope(spec, host_);
  return run(std::move(spec), operation);
}

Value HelperClient::call_and_wait(const std::string& operation_name, Value request,
                                  Operation& operation) const {
  request.set("op", operation_name);
  request.set("root", root_.string());
  // No signal of ours reaches a helper behind sudo; that nobody holds the other end of its input, it sees.
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0)
    throw Error(ErrorKind::failed, fmt::format("cannot make a pipe: {}", errno_text(errno)));
  const UniqueFd theirs(ends[0]);
  UniqueFd ours(ends[1]);
  const std::stop_callback let_go(operation.stop, [&ours] { ours.reset(); });
  return run({.argv = {program().string(), to_json(request)}, .input_fd = theirs.get()}, operation);
}

Value HelperClient::import(Value request, int frames, Operation& operation) const {
  request.set("op", "import");
  request.set("root", root_.string());
  return run({.argv = {program().string(), to_json(request)}, .input_fd = frames}, operation);
}

Value HelperClient::export_rootfs(Value request, const std::function<void(std::string_view)>& take,
                                  Operation& operation) const {
  request.set("op", "export");
  request.set("root", root_.string());
  ProcessSpec spec{.argv = {program().string()}, .input = to_json(request) + "\n"};
  FrameReader frames;
  std::exception_ptr failure;
  spec.on_output = [&](std::string_view bytes) {
    frames.add(bytes, [&](std::string_view data) {
      // The helper may be beyond our reach, so that it is let come to its end.
      if (failure) return;
      try {
        operation.check_stop();
        take(data);
      } catch (...) {
        failure = std::current_exception();
      }
    });
  };
  ProcessResult result = run_helper(spec, operation);
  if (failure) std::rethrow_exception(failure);
  result.output = frames.answer();
  return answer_of(spec, result, operation);
}

int HelperClient::run_attached(const std::string& operation_name, Value request,
                               const std::vector<std::string>& words) const {
  require_program();
  request.set("op", operation_name);
  request.set("root", root_.string());
  ProcessSpec spec{.argv = {program().string(), to_json(request)}};
  spec.argv.insert(spec.argv.end(), words.begin(), words.end());
  if (rights_ == Rights::user) {
    run_in_scope(spec, host_);
    return host_.processes.run_attached(spec);
  }
  spec.regain_root = can_regain_root();
  if (!spec.regain_root) spec.argv.insert(spec.argv.begin(), "sudo");
  return host_.processes.run_attached(spec);
}

void HelperClient::require_program() const {
  if (::access(program().c_str(), X_OK) != 0)
    throw Error(ErrorKind::host_not_ready, fmt::format("the program '{}' is missing", program().string()))
        .with_hint("install envtool again");
}

Value HelperClient::run(ProcessSpec spec, Operation& operation) const {
  const ProcessResult result = run_helper(spec, operation);
  return answer_of(spec, result, operation);
}

ProcessResult HelperClient::run_helper(ProcessSpec& spec, Operation& operation) const {
  require_program();
  return rights_ == Rights::root ? run_as_root(spec, operation) : run_once(spec, operation);
}

ProcessResult HelperClient::run_as_root(ProcessSpec& spec, Operation& operation) const {
  spec.regain_root = can_regain_root();
  if (!spec.regain_root) spec.argv.insert(spec.argv.begin(), {"sudo", "-n"});
  ProcessResult result = run_once(spec, operation);
  if (!spec.regain_root && needs_password(result)) {
    const bool terminal = ::isatty(STDIN_FILENO) == 1 && ::isatty(STDERR_FILENO) == 1;
    if (!terminal || host_.processes.run_attached({.argv = {"sudo", "-v"}}) != 0) refuse(program(), result);
    result = run_once(spec, operation);
    if (needs_password(result)) refuse(program(), result);
  }
  return result;
}

}  // namespace envtool::lxc
