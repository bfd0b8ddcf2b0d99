#include "providers/lxc/helper_client.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>

#include "base/files.h"
#include "base/text.h"

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

}  // namespace

Value HelperClient::call(const std::string& operation_name, Value request, Operation& operation) const {
  request.set("op", operation_name);
  request.set("root", host_.paths.root.string());
  return run({.argv = {program().string()}, .input = to_json(request) + "\n"}, operation);
}

Value HelperClient::import(Value request, int frames, Operation& operation) const {
  request.set("op", "import");
  request.set("root", host_.paths.root.string());
  return run({.argv = {program().string(), to_json(request)}, .input_fd = frames}, operation);
}

int HelperClient::run_attached(const std::string& operation_name, Value request,
                               const std::vector<std::string>& words) const {
  require_program();
  request.set("op", operation_name);
  request.set("root", host_.paths.root.string());
  ProcessSpec spec{.argv = {program().string(), to_json(request)}};
  spec.argv.insert(spec.argv.end(), words.begin(), words.end());
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
  require_program();
  spec.regain_root = can_regain_root();
  if (!spec.regain_root) spec.argv.insert(spec.argv.begin(), {"sudo", "-n"});
  const auto run_once = [&] {
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
  };
  ProcessResult result = run_once();
  if (!spec.regain_root && needs_password(result)) {
    const bool terminal = ::isatty(STDIN_FILENO) == 1 && ::isatty(STDERR_FILENO) == 1;
    if (!terminal || host_.processes.run_attached({.argv = {"sudo", "-v"}}) != 0) refuse(program(), result);
    result = run_once();
    if (needs_password(result)) refuse(program(), result);
  }
  return answer_of(spec, result, operation);
}

}  // namespace envtool::lxc
