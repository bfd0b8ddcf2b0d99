#include "providers/lxc/helper/context.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "base/files.h"
#include "base/text.h"

namespace envtool::lxc {

AsUser::AsUser(const Caller& caller) : keeps_groups_(caller.uid == own_id) {
  if (caller.uid == 0) return;
  changed_ = true;
  // Without root the process still has the user's groups, which cannot be named in its namespace.
  if ((caller.uid != own_id && ::initgroups(caller.name.c_str(), caller.gid) != 0) ||
      ::setegid(caller.gid) != 0 || ::seteuid(caller.uid) != 0)
    fail(fmt::format("become user '{}'", caller.name), errno);
}

AsUser::~AsUser() {
  if (!changed_) return;
  // Going on with half a user's rights is worse than ending here.
  if (::seteuid(0) != 0 || ::setegid(0) != 0 || (!keeps_groups_ && ::setgroups(0, nullptr) != 0)) ::_exit(70);
}

void fail(const std::string& what, int number) {
  throw Error(ErrorKind::failed, fmt::format("cannot {}: {}", what, errno_text(number)));
}

bool write_control(const std::filesystem::path& path, std::string_view value) {
  const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  return fd && ::write(fd.get(), value.data(), value.size()) == static_cast<ssize_t>(value.size());
}

ProcessResult run_program(const std::vector<std::string>& argv, const std::string& input) {
  return SystemProcessRunner().run({.argv = argv, .input = input}, {});
}

std::string run_checked(const std::vector<std::string>& argv, const std::string& input) {
  return run_checked(ProcessSpec{.argv = argv, .input = input});
}

std::string run_checked(const ProcessSpec& spec) {
  const ProcessResult result = SystemProcessRunner().run(spec, {});
  if (!result.ok()) throw Error(ErrorKind::failed, describe_failure(spec, result));
  return result.output;
}

bool has_program(const std::string& name) {
  for (const char* directory : {"/usr/sbin/", "/usr/bin/", "/sbin/", "/bin/"})
    if (::access((directory + name).c_str(), X_OK) == 0) return true;
  return false;
}

bool wait_for_any(std::span<pollfd> waits, std::chrono::milliseconds timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  for (;;) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    const int count = ::poll(waits.data(), waits.size(),
                             static_cast<int>(std::max(left.count(), std::chrono::milliseconds::rep{})));
    if (count > 0) return true;
    if (count == 0 || errno != EINTR) return false;
  }
}

bool wait_for_end(int process, std::chrono::milliseconds timeout) {
  pollfd waits[] = {{process, POLLIN, 0}};
  return wait_for_any(waits, timeout);
}

void say(const std::string& sentence) { std::fprintf(stderr, "say %s\n", sentence.c_str()); }

std::optional<Record> own_record(const Context& context) {
  std::optional<Record> record = find_record(context.layout, context.text("name"));
  if (!record) return record;
  if (context.caller.uid != 0 && record->owner != context.caller.host_uid)
    throw Error(ErrorKind::failed, fmt::format("it belongs to user id {}", record->owner));
  if (record->environment != context.text("environment"))
    throw Error(ErrorKind::failed,
                fmt::format("it belongs to another environment, '{}'", record->environment));
  return record;
}

Record complete_record(const Context& context) {
  const std::optional<Record> record = own_record(context);
  if (!record)
    throw Error(ErrorKind::failed, fmt::format("its container '{}' is not there", context.text("name")));
  if (!record->complete) throw Error(ErrorKind::failed, "its creation did not finish");
  return *record;
}

void save_record(const Context& context, const Record& record) {
  write_file(context.layout.record(record.name), record_text(record), 0644);
}

}  // namespace envtool::lxc
