#include "ssh/guest_command.h"

#include <fmt/format.h>

#include <cctype>

#include "base/shell.h"
#include "base/text.h"

namespace envtool {

namespace {

/// Linux takes 128 KiB in one argument (MAX_ARG_STRLEN), and quoting makes text longer.
constexpr std::size_t longest_line = 64 << 10;

/// Reads the preamble and becomes it. `read` takes single bytes, so that what follows is left for the
/// command. The text counts only when its end has come: a broken connection must not run half a script.
constexpr const char* preamble_reader =
    "s=$(while IFS= read -r l; do [ \"$l\" = . ] && exit 0; printf '%s\\n' \"${l#+}\"; done; exit 1) || exit "
    "125; "
    "eval \"unset s; $s\"";

bool is_variable_name(const std::string& name) {
  if (name.empty() || std::isdigit(static_cast<unsigned char>(name[0]))) return false;
  for (const char c : name)
    if (!std::isalnum(static_cast<unsigned char>(c)) && c != '_') return false;
  return true;
}

std::string exports(const GuestCommand& command, const std::string& job) {
  std::string text = "export ENVTOOL_JOB=" + quote_shell(job);
  for (const auto& [name, value] : command.environment) {
    if (!is_variable_name(name))
      throw Error(ErrorKind::failed, fmt::format("'{}' cannot be the name of an environment variable", name));
    text += " " + name + "=" + quote_shell(value);
  }
  return text + "; ";
}

/// The whole command for `sh`, on one line up to the script so that its line numbers stay true.
std::string shell_text(const GuestCommand& command, const std::string& job) {
  std::string text = exports(command, job);
  if (!command.directory.empty()) text += "cd -- " + quote_shell(command.directory) + " || exit 126; ";
  return text + (command.argv.empty() ? command.script : "exec " + quote_command(command.argv));
}

std::string as_preamble(const std::string& text) {
  std::string preamble;
  for (const std::string& line : split(text, '\n')) preamble += "+" + line + "\n";
  return preamble + ".\n";
}

std::string run_by_sh(const std::string& text, const std::string& user, const std::string& ssh_user) {
  const std::string sudo =
      user.empty() || user == ssh_user ? "" : "sudo -n -H -u " + quote_shell(user) + " -- ";
  return "exec " + sudo + "sh -c " + quote_shell(text);
}

}  // namespace

RemoteCommand remote_command(const GuestCommand& command, const std::string& ssh_user,
                             const std::string& job) {
  const std::string text = shell_text(command, job);
  if (command.environment.empty()) {
    std::string line = run_by_sh(text, command.user, ssh_user);
    if (line.size() <= longest_line) return {std::move(line), {}};
  }
  return {run_by_sh(preamble_reader, command.user, ssh_user), as_preamble(text)};
}

namespace {

/// Shell functions: `f` names the job's processes, `j` sends them a signal. Found by environment: a group or
/// a session would miss what sudo runs on a terminal of its own.
std::string job_functions(const std::string& job) {
  return fmt::format(
      "m=ENVTOOL_JOB; f() {{ grep -lsaF \"$m\"={} /proc/[0-9]*/environ; }}; "
      "j() {{ for p in $(f); do p=${{p#/proc/}}; kill -\"$1\" \"${{p%/environ}}\" 2>/dev/null; done; }}; ",
      quote_shell(job));
}

}  // namespace

std::string end_job_script(const std::string& job) {
  return job_functions(job) + "j TERM; (sleep 2; j KILL) </dev/null >/dev/null 2>&1 &";
}

std::string await_job_end_script(const std::string& job) {
  return job_functions(job) +
         "j TERM; for i in 1 2 3 4 5 6 7 8 9 10; do [ -n \"$(f)\" ] || exit 0; sleep 0.2; done; j KILL; true";
}

std::string receive_script(const Communicator::Upload& file, std::uintmax_t size) {
  const std::string destination = quote_shell(file.destination);
  std::string script = "set -e; umask 077; d=" + destination + "\n";
  script += "if [ -d \"$d\" ]; then echo \"it is a directory\" >&2; exit 1; fi\n";
  script += "case $d in /*) ;; *) d=./$d ;; esac\n";
  script += "t=$(mktemp \"$d.XXXXXX\"); trap 'rm -f -- \"$t\"' EXIT; cat > \"$t\"\n";
  script += fmt::format(
      "[ \"$(wc -c < \"$t\")\" -eq {} ] || {{ echo \"the transfer was cut short\" >&2; exit 1; }}\n", size);
  if (!file.owner.empty()) script += "chown -- " + quote_shell(file.owner) + " \"$t\"\n";
  script += fmt::format("chmod {:04o} \"$t\"; mv -f -- \"$t\" \"$d\"\n", file.mode);
  return script;
}

}  // namespace envtool
