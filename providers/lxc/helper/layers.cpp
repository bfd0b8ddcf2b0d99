#include "providers/lxc/helper/layers.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/close_range.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <set>

#include "base/files.h"
#include "base/hash.h"
#include "providers/lxc/helper/mounts.h"
#include "providers/lxc/helper/subvolumes.h"

namespace envtool::lxc {

namespace fs = std::filesystem;

namespace {

constexpr const char* unfinished = ".new";

/// An attribute that the overlay has set; it takes the user's when it is an ordinary user's.
bool has_attribute(const fs::path& path, const std::string& name) {
  return ::lgetxattr(path.c_str(), ("trusted.overlay." + name).c_str(), nullptr, 0) >= 0 ||
         ::lgetxattr(path.c_str(), ("user.overlay." + name).c_str(), nullptr, 0) >= 0;
}

bool is_real_directory(const fs::path& path) {
  std::error_code code;
  return fs::symlink_status(path, code).type() == fs::file_type::directory;
}

/// Takes out of the merged tree what that layer hides and `cp` would not replace.
void make_way(const fs::path& layer, const fs::path& merged) {
  for (fs::recursive_directory_iterator entry(layer), end; entry != end; ++entry) {
    const fs::path& path = entry->path();
    if (has_attribute(path, "redirect") || has_attribute(path, "metacopy"))
      throw Error(ErrorKind::unsupported,
                  fmt::format("the layers of this machine cannot be merged: '{}' refers to another one",
                              path.string()))
          .with_hint("delete snapshots, or make the machine anew");
    const fs::path target = merged / path.lexically_relative(layer);
    const bool opens = is_real_directory(path);
    if (opens != is_real_directory(target) || (opens && has_attribute(path, "opaque"))) remove_tree(target);
  }
}

/// Puts everything of that tree into the other one, which may have a part of it.
void copy_into(const fs::path& from, const fs::path& to) {
  run_checked({"cp", "--archive", "--reflink=auto", "--remove-destination", "--no-target-directory",
               from.string(), to.string()});
}

/// Keeps nothing of the caller's but that descriptor, the machine's lock in particular not.
void become_silent_process(int kept) {
  ::setsid();
  const int null = ::open("/dev/null", O_RDWR);
  for (const int fd : {0, 1, 2}) ::dup2(null, fd);
  ::dup2(kept, 3);
  ::syscall(SYS_close_range, 4U, ~0U, 0);
}

/// Directories of layers that nobody needs.
std::vector<fs::path> unused_in(const fs::path& machine, const LayerStack& stack) {
  std::vector<fs::path> unused;
  for (const char* first : {"upper", "rootfs"})
    if (!stack.uses(first)) unused.push_back(machine / first);
  if (stack.top != "upper") unused.push_back(machine / "work");
  std::error_code code;
  for (const fs::directory_entry& entry : fs::directory_iterator(machine / "layers", code)) {
    const std::string name = "layers/" + entry.path().filename().string();
    const std::string layer = name.ends_with(".work") ? name.substr(0, name.size() - 5) : name;
    // Only the top is written into, and needs its working directory.
    const bool needed = name == layer ? stack.uses(layer) : layer == stack.top;
    if (!needed) unused.push_back(entry.path());
  }
  std::erase_if(unused, [](const fs::path& path) { return !is_real_directory(path); });
  return unused;
}

/// Removes the tree in a process of its own that nobody has to wait for but by the lock on `machine`.
void remove_in_background(const fs::path& machine, const fs::path& tree) {
  const UniqueFd lock = open_directory(machine);
  ::flock(lock.get(), LOCK_SH);
  const pid_t child = ::fork();
  if (child == 0) {
    if (::fork() == 0) {
      become_silent_process(lock.get());
      try {
        remove_subvolumes(tree);
      } catch (const std::exception&) {
        // The next process of this kind goes on with it.
      }
    }
    ::_exit(0);
  }
  while (child > 0 && ::waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
  }
}

}  // namespace

void save_stack(const Context& context, const Record& record, const LayerStack& stack) {
  write_file(context.layout.stack(record.name), stack_text(stack), 0644);
}

void make_top(const fs::path& machine, const std::string& layer, const std::string& like) {
  struct stat facts {};
  if (::lstat((machine / like).c_str(), &facts) != 0) fail(fmt::format("look at layer '{}'", like), errno);
  make_directories(machine / "layers", 0700);
  const fs::path top = machine / layer, work = machine / work_of(layer);
  // What a killed run left there may hold something: a copy that nothing came of, for instance.
  remove_tree(top);
  remove_tree(work);
  if (::mkdir(top.c_str(), 0755) != 0 || ::mkdir(work.c_str(), 0700) != 0)
    fail(fmt::format("make layer '{}'", layer), errno);
  if (::chown(top.c_str(), facts.st_uid, facts.st_gid) != 0 ||
      ::chmod(top.c_str(), facts.st_mode & 07777) != 0)
    fail(fmt::format("set the owner of layer '{}'", layer), errno);
}

void copy_layer(const fs::path& machine, const std::string& from, const std::string& to) {
  make_directories(machine / "layers", 0700);
  const fs::path half = machine / (to + unfinished);
  // A killed run got so far, or further.
  remove_subvolumes(half);
  remove_subvolumes(machine / to);
  if (is_subvolume(machine / from)) return copy_subvolume(machine / from, machine / to);
  copy_into(machine / from, half);
  fs::rename(half, machine / to);
}

void merge_layers(const fs::path& machine, const std::vector<std::string>& layers, const std::string& to) {
  make_directories(machine / "layers", 0700);
  const fs::path half = machine / (to + unfinished);
  // A killed run got so far, or further.
  remove_tree(half);
  remove_tree(machine / to);
  for (const std::string& layer : layers) {
    make_way(machine / layer, half);
    copy_into(machine / layer, half);
  }
  fs::rename(half, machine / to);
}

void discard_unused(const fs::path& machine, const LayerStack& stack) {
  const std::vector<fs::path> unused = unused_in(machine, stack);
  const fs::path heap = machine / "discarded";
  if (unused.empty() && !is_real_directory(heap)) return;
  make_directories(heap, 0700);
  // Out of the way first: a name may be given again before its old bearer is gone.
  for (const fs::path& path : unused) fs::rename(path, heap / random_hex(8));
  remove_in_background(machine, heap);
}

void wait_for_discards(const fs::path& machine) {
  const UniqueFd lock(::open(machine.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (lock) ::flock(lock.get(), LOCK_EX);
}

std::int64_t tree_size(const fs::path& tree) {
  std::int64_t blocks = 0;
  std::set<std::pair<dev_t, ino_t>> linked;
  for (fs::recursive_directory_iterator entry(tree), end; entry != end; ++entry) {
    struct stat facts {};
    if (::lstat(entry->path().c_str(), &facts) != 0) continue;
    if (facts.st_nlink > 1 && !S_ISDIR(facts.st_mode) && !linked.emplace(facts.st_dev, facts.st_ino).second)
      continue;
    blocks += facts.st_blocks;
  }
  return blocks * 512;
}

}  // namespace envtool::lxc
