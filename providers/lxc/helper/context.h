#pragma once

#include <poll.h>
#include <sys/types.h>

#include <chrono>
#include <span>
#include <string>
#include <vector>

#include "base/process.h"
#include "base/value.h"
#include "providers/lxc/helper/rootless.h"
#include "providers/lxc/parts/layout.h"
#include "providers/lxc/parts/record.h"

/// What every operation of the helper works with. The helper runs one operation and ends; but
/// for unpacking and reading boxes it is one thread.
namespace envtool::lxc {

/// The user on whose behalf the helper works.
struct Caller {
  uid_t uid = 0;  ///< as this process sees it: `own_id` without root
  gid_t gid = 0;
  std::string name;
  uid_t host_uid = 0;
};

struct Context {
  Layout layout;
  Caller caller;
  Value request;
  std::vector<std::string> warnings = {};  ///< sentences for the user, sent with the answer
  std::optional<Outside> outside = {};     ///< there when the user runs machines without root

  bool rootless() const { return outside.has_value(); }
  const std::string& text(std::string_view key) const { return request[key].as_text(); }
};

/// While it lives, files are opened with the user's rights instead of root's.
class AsUser {
 public:
  /// Throws Error(failed) when the user cannot be become.
  explicit AsUser(const Caller& caller);
  ~AsUser();
  AsUser(const AsUser&) = delete;
  AsUser& operator=(const AsUser&) = delete;

 private:
  bool keeps_groups_ = false;
  bool changed_ = false;
};

/// Error(failed) "cannot <what>: <errno>".
[[noreturn]] void fail(const std::string& what, int number);

/// Writes a file of /proc or a cgroup in one go; false with errno when the kernel refuses.
bool write_control(const std::filesystem::path& path, std::string_view value);

/// Runs a host program to its end.
ProcessResult run_program(const std::vector<std::string>& argv, const std::string& input = "");
/// The same; a status other than 0 is Error(failed).
std::string run_checked(const std::vector<std::string>& argv, const std::string& input = "");
std::string run_checked(const ProcessSpec& spec);
bool has_program(const std::string& name);

/// Waits until one of these is ready, as their `revents` then say; false when the time is over first.
bool wait_for_any(std::span<pollfd> waits, std::chrono::milliseconds timeout);
/// Waits until the process of that pidfd has ended; false when the time is over first.
bool wait_for_end(int process, std::chrono::milliseconds timeout);

/// Tells the user something while the work goes on.
void say(const std::string& sentence);

/// The record of the machine the request names, checked to be the caller's; nothing when there is none.
std::optional<Record> own_record(const Context& context);
/// The same; one that is not there or not complete is Error(failed).
Record complete_record(const Context& context);
void save_record(const Context& context, const Record& record);

}  // namespace envtool::lxc
