// envtool-lxc: the part of envtool that works on LXC machines, as root, or without root in a user's own
// namespace. One JSON request on standard input (for `import`, to which the root file system comes there, as
// the first argument), one JSON answer on standard output. Not meant to be called by hand.

#include <fmt/format.h>
#include <pwd.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "base/files.h"
#include "providers/lxc/helper/attach.h"
#include "providers/lxc/helper/boot.h"
#include "providers/lxc/helper/context.h"
#include "providers/lxc/helper/disks.h"
#include "providers/lxc/helper/export.h"
#include "providers/lxc/helper/freezer.h"
#include "providers/lxc/helper/host_facts.h"
#include "providers/lxc/helper/import.h"
#include "providers/lxc/helper/limits.h"
#include "providers/lxc/helper/lock.h"
#include "providers/lxc/helper/machine.h"
#include "providers/lxc/helper/prepare.h"
#include "providers/lxc/helper/snapshots.h"

namespace envtool::lxc {

namespace fs = std::filesystem;

namespace {

/// Who called sudo, or root itself.
Caller caller_of_root() {
  Caller caller;
  const char* text = std::getenv("SUDO_UID");
  if (text == nullptr) return caller;
  const auto [end, code] = std::from_chars(text, text + std::strlen(text), caller.uid);
  const passwd* user = code == std::errc() && *end == '\0' ? ::getpwuid(caller.uid) : nullptr;
  if (user == nullptr)
    throw Error(ErrorKind::host_not_ready, fmt::format("sudo names no user of this host: '{}'", text));
  caller.gid = user->pw_gid;
  caller.name = user->pw_name;
  caller.host_uid = caller.uid;
  return caller;
}

Caller caller_without_root() {
  const passwd* user = ::getpwuid(::getuid());
  if (user == nullptr)
    throw Error(ErrorKind::host_not_ready, fmt::format("user id {} has no entry in passwd", ::getuid()));
  return {.uid = own_id, .gid = own_id, .name = user->pw_name, .host_uid = ::getuid()};
}

Layout layout_at(const std::string& root) {
  if (!fs::path(root).is_absolute()) throw Error(ErrorKind::usage, "'root' is not an absolute path");
  make_directories(root, 0711);
  const Layout layout{fs::canonical(root)};
  make_directories(layout.containers(), 0711);
  make_directories(layout.boxes(), 0711);  // each box in it is 0700
  make_directories(layout.root / "root", 0711);
  make_directories(layout.root / "machines", 0700);
  return layout;
}

Context context_for(const Value& request) {
  const std::string& root = request["root"].as_text();
  if (::geteuid() != 0) {
    const Caller caller = caller_without_root();
    const Layout layout = layout_at(root);
    Outside outside = enter_own_namespace(layout, request);
    // Where liblxc keeps its locks: /run is not this root's.
    const fs::path run = layout.root / "run";
    make_directories(run, 0711);
    ::setenv("XDG_RUNTIME_DIR", run.c_str(), 1);
    return {layout, caller, request, {}, std::move(outside)};
  }
  const Caller caller = caller_of_root();
  // Elsewhere the directories above could be the user's own, to be swapped while root works in them.
  if (caller.uid != 0 && root != default_root)
    throw Error(ErrorKind::usage,
                fmt::format("only root itself may move '{}' by ENVTOOL_ROOT", default_root));
  return {layout_at(root), caller, request};
}

void check_texts(const Value& request) {
  const std::string& hostname = request["hostname"].as_text();
  if (hostname.size() > 64 ||
      hostname.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                 "0123456789.-") != std::string::npos)
    throw Error(ErrorKind::usage, fmt::format("'{}' is no host name", hostname));
  for (const Value& host : request["hosts"].items())
    if (host["address"].as_text().find_first_of(" \t\n") != std::string::npos)
      throw Error(ErrorKind::usage, fmt::format("'{}' is no address", host["address"].as_text()));
}

/// A create that comes to nothing leaves no directory.
struct UnmakeIfEmpty {
  fs::path directory;
  ~UnmakeIfEmpty() { ::rmdir(directory.c_str()); }
};

Value run(const Value& request, std::vector<std::string>& warnings) {
  Context context = context_for(request);
  const std::string& operation = context.text("op");
  if (operation == "check") return check_host(context);
  tidy_preparation(context);
  if (operation == "tidy") return Value::map();
  if (operation == "import") return import_box(context);
  if (operation == "verify_box") return verify_box(context);
  if (operation == "forget_box") return forget_box(context);
  if (operation == "boot") return start_with_host(context);
  if (!is_machine_name(context.text("name")))
    throw Error(ErrorKind::usage, fmt::format("'{}' is no name for a machine", context.text("name")));
  check_texts(request);
  static constexpr std::pair<std::string_view, Value (*)(Context&)> operations[] = {
      {"create", create_machine},
      {"start", start_machine},
      {"stop", stop_machine},
      {"destroy", destroy_machine},
      {"folders", update_folders},
      {"keep_disks", keep_disks},
      {"export", export_machine},
      {"limits", apply_limits},
      {"suspend", suspend_machine},
      {"resume", resume_machine},
      {"save_snapshot", save_snapshot},
      {"restore_snapshot", restore_snapshot},
      {"delete_snapshot", delete_snapshot},
      {"measure_snapshots", measure_snapshots}};
  for (const auto& [name, function] : operations) {
    if (operation != name) continue;
    const fs::path directory = context.layout.container(context.text("name"));
    const UniqueFd lock = wait_for_machine(directory, operation == "create", std::chrono::seconds(60));
    const UnmakeIfEmpty unmake{directory};
    Value answer = function(context);
    warnings = context.warnings;
    return answer;
  }
  throw Error(ErrorKind::usage, fmt::format("no operation '{}'", operation));
}

/// What takes the standard streams reports on the error stream, and its answer is the exit status.
std::optional<int> run_interactive(int count, char** words) {
  Value request;
  try {
    if (count > 1) request = parse_json(words[1], "the request");
    const std::string& operation = request["op"].as_text();
    if (operation != "attach" && operation != "console") return std::nullopt;
    Context context = context_for(request);
    if (operation == "console") return open_console(context);
    return attach_to_machine(context, std::vector<std::string>(words + 2, words + count));
  } catch (Error& error) {
    // Nobody else does: what it prints is the user's to read.
    if (const std::string& name = request["name"].as_text(); !name.empty())
      error.with_frame(fmt::format("machine '{}'", name));
    std::fputs(error.render().c_str(), stderr);
    return 255;
  }
}

std::string_view kind_name(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::usage:
      return "usage";
    case ErrorKind::host_not_ready:
      return "host_not_ready";
    case ErrorKind::busy:
      return "busy";
    case ErrorKind::unsupported:
      return "unsupported";
    default:
      return "failed";
  }
}

Value answer(int count, char** words) {
  try {
    const std::string text = count > 1 ? words[1] : read_file("/proc/self/fd/0", 1 << 20);
    const Value request = parse_json(text, "the request");
    std::vector<std::string> warnings;
    const Value result = run(request, warnings);
    Value list = Value::list();
    for (const std::string& warning : warnings) list.push_back(warning);
    return Value::map({{"ok", result}, {"warnings", list}});
  } catch (const Error& error) {
    return Value::map(
        {{"error",
          Value::map({{"kind", kind_name(error.kind())}, {"text", error.what()}, {"hint", error.hint()}})}});
  } catch (const std::exception& error) {
    return Value::map({{"error", Value::map({{"kind", "failed"}, {"text", error.what()}, {"hint", ""}})}});
  }
}

/// Root does not trust the environment of whoever calls, and without root none of it is needed.
void prepare_process() {
  const char* sudo = std::getenv("SUDO_UID");
  const std::string user = sudo != nullptr ? sudo : "";
  ::clearenv();
  ::setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin", 1);
  ::setenv("LC_ALL", "C.UTF-8", 1);
  if (!user.empty()) ::setenv("SUDO_UID", user.c_str(), 1);
  ::umask(022);
  // A handler, not SIG_IGN: what is ignored stays so in the guest's init. Operations are short and end in a
  // state that destroy() knows, so a wish to stop waits for them.
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) ::signal(number, [](int) {});
  ::signal(SIGPIPE, [](int) {});
  if (::chdir("/") != 0) ::_exit(70);
}

}  // namespace

}  // namespace envtool::lxc

int main(int count, char** words) {
  envtool::lxc::prepare_process();
  if (const auto status = envtool::lxc::run_interactive(count, words)) return *status;
  const envtool::Value answer = envtool::lxc::answer(count, words);
  const std::string text = envtool::to_json(answer) + "\n";
  std::fwrite(text.data(), 1, text.size(), stdout);
  return std::fflush(stdout) == 0 && !answer["error"].is_map() ? 0 : 1;
}
