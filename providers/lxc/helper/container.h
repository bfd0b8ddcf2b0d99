#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>

#include "providers/lxc/helper/context.h"

struct lxc_container;

/// The container itself: starting through liblxc, ending through the kernel.
namespace envtool::lxc {

using Container = std::unique_ptr<lxc_container, int (*)(lxc_container*)>;
/// Its handle of liblxc's. Throws Error(failed) when its configuration cannot be read.
Container open_container(const Layout& layout, const std::string& name);

/// Those keys of a raw configuration that liblxc does not know. Throws Error(failed) for what is wrong
/// anyway.
Value unknown_keys(const Value& raw_config);

/// Starts the container whose configuration is written. Returns when its init runs; what is mounted in this
/// process's namespace stays with it. `groups`: directories below which it gets its control groups; none for
/// the hierarchies' tops. Throws Error(failed) with the end of liblxc's log.
void start_container(const Layout& layout, const std::string& name,
                     const std::vector<std::filesystem::path>& groups);

/// Runs the container in this process, with that program in the place of its init, to the end. Ends with this
/// process, however it ends. False when it did not start.
bool run_as_init(const Layout& layout, const std::string& name, std::vector<std::string> words);

/// The init of the running guest, once it has the guest's root. While a guest starts, by itself too, its
/// init's root is the host's, and who enters it then is in the host's files. Throws Error(failed) when it
/// does not run, or has not come that far within 10 s.
pid_t init_with_own_root(const Layout& layout, const std::string& name);

/// Which directory a path leads to; nothing when it leads nowhere.
struct DirectoryId {
  dev_t device = 0;
  ino_t inode = 0;
  bool operator==(const DirectoryId&) const = default;
};
std::optional<DirectoryId> directory_id(const char* path);

/// What came of asking a guest to shut down.
enum class Shutdown {
  done,
  refused,   ///< it runs on when the time is over
  unheard,   ///< its init listens to no such signal: it was not asked
  given_up,  ///< nobody waits any more: see `shut_down`
};
/// Asks the guest's init to shut down, and waits until it and its monitor are gone. Gives up when nobody
/// holds the other end of the standard input. Not running: done.
Shutdown shut_down(const Layout& layout, const std::string& name, std::chrono::milliseconds timeout);

/// Ends every process of the container and its monitor, and takes away what they leave in the kernel. Nothing
/// there: nothing to do. Throws Error(failed) when a process will not die.
void end_container(const Layout& layout, const std::string& name);

/// Removes the empty files with which liblxc keeps apart who reads and who writes a configuration. Only when
/// the configuration is gone and the machine's lock is held: a reader that still waits for such a file finds
/// nothing to read, and nobody writes but under our lock. The directories stay: another machine's start may
/// be about to make a file there.
void remove_liblxc_locks(const Layout& layout, const std::string& name);

}  // namespace envtool::lxc
