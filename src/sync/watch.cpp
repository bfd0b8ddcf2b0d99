#include "sync/watch.h"

#include <fmt/format.h>
#include <fnmatch.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>

#include "base/cancel.h"
#include "base/text.h"

namespace envtool {

namespace fs = std::filesystem;

namespace {

constexpr std::uint32_t changes = IN_MODIFY | IN_CLOSE_WRITE | IN_ATTRIB | IN_CREATE | IN_DELETE |
                                  IN_MOVED_FROM | IN_MOVED_TO | IN_ONLYDIR | IN_DONT_FOLLOW | IN_EXCL_UNLINK;
// An editor's save, or a checkout, is many events: they are told together.
constexpr int quiet_milliseconds = 50;
constexpr auto patience = std::chrono::seconds(1);

/// Our own folder, which rsync leaves out too.
bool is_own(const fs::path& name) { return name == ".envtool"; }

[[noreturn]] void fail_to_watch(const fs::path& directory, int code) {
  const std::string what = fmt::format("cannot watch '{}': {}", directory.string(), errno_text(code));
  if (code != ENOSPC) throw Error(ErrorKind::failed, what);
  const std::string limit(
      trim(read_file_if_there("/proc/sys/fs/inotify/max_user_watches").value_or("its limit")));
  throw Error(ErrorKind::host_not_ready,
              fmt::format("cannot watch '{}': the kernel watches {} directories for you and no more",
                          directory.string(), limit))
      .with_hint("'exclude' big directories, or: sudo sysctl fs.inotify.max_user_watches=524288");
}

}  // namespace

bool is_excluded_directory(const fs::path& relative, const std::vector<std::string>& exclude) {
  if (is_own(*relative.begin())) return true;
  for (std::string pattern : exclude) {
    if (pattern.ends_with('/')) pattern.pop_back();
    const bool anchored = pattern.starts_with('/');
    if (anchored) pattern.erase(0, 1);
    if (pattern.empty() || (!anchored && pattern.find('/') != std::string::npos)) continue;
    const fs::path subject = anchored ? relative : relative.filename();
    if (::fnmatch(pattern.c_str(), subject.c_str(), FNM_PATHNAME) == 0) return true;
  }
  return false;
}

InotifyWatch::InotifyWatch(const std::vector<FolderConfig>& folders)
    : folders_(folders),
      inotify_(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)),
      stopped_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (!inotify_ || !stopped_) fail_to_watch(folders.front().host, errno);
  for (const FolderConfig& folder : folders_) add({folder.host, &folder});
}

void InotifyWatch::add(const Place& place) {
  const int watch = ::inotify_add_watch(inotify_.get(), place.directory.c_str(), changes);
  // It may have gone meanwhile, or be no directory any more; one that cannot be read cannot be pushed either.
  if (watch < 0 && (errno == ENOENT || errno == ENOTDIR || errno == EACCES)) return;
  if (watch < 0) fail_to_watch(place.directory, errno);
  places_.insert_or_assign(watch, place);
  std::error_code code;
  for (fs::directory_iterator entry(place.directory, code), end; !code && entry != end;
       entry.increment(code)) {
    std::error_code gone;
    if (entry->is_symlink(gone) || !entry->is_directory(gone)) continue;
    if (is_of_interest(place, entry->path().filename())) add({entry->path(), place.folder});
  }
}

bool InotifyWatch::is_of_interest(const Place& place, const std::string& name) const {
  return !is_excluded_directory((place.directory / name).lexically_relative(place.folder->host),
                                place.folder->exclude);
}

bool InotifyWatch::read_events() {
  alignas(inotify_event) std::array<char, 16384> buffer;
  bool any = false;
  for (;;) {
    const ssize_t count = ::read(inotify_.get(), buffer.data(), buffer.size());
    if (count <= 0) return any;
    for (std::size_t at = 0; at < static_cast<std::size_t>(count);) {
      const auto* event = reinterpret_cast<const inotify_event*>(buffer.data() + at);
      at += sizeof(inotify_event) + event->len;
      if (event->mask & IN_Q_OVERFLOW) {
        for (const FolderConfig& folder : folders_) add({folder.host, &folder});
        any = true;
      }
      const auto found = places_.find(event->wd);
      if (found == places_.end()) continue;
      if (event->mask & IN_IGNORED) {
        places_.erase(found);
        continue;
      }
      const std::string name = event->len > 0 ? event->name : "";
      const Place place = found->second;
      if (name.empty() || !is_of_interest(place, name)) continue;
      any = true;
      if ((event->mask & IN_ISDIR) && (event->mask & (IN_CREATE | IN_MOVED_TO)))
        add({place.directory / name, place.folder});
    }
  }
}

bool InotifyWatch::wait_for_events(int timeout_milliseconds, const std::stop_token& stop) const {
  std::array<pollfd, 2> waiting{{{inotify_.get(), POLLIN, 0}, {stopped_.get(), POLLIN, 0}}};
  const int ready = ::poll(waiting.data(), waiting.size(), timeout_milliseconds);
  throw_if_stopped(stop);
  return ready > 0;
}

void InotifyWatch::wait(const std::stop_token& stop) {
  const std::stop_callback wake(stop, [this] { ::eventfd_write(stopped_.get(), 1); });
  while (!(wait_for_events(-1, stop) && read_events())) {
  }
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (std::chrono::steady_clock::now() < deadline && wait_for_events(quiet_milliseconds, stop))
    read_events();
}

}  // namespace envtool
