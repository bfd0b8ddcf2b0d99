#include "sync/sftp.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <sstream>

#include "base/files.h"
#include "base/hash.h"
#include "base/shell.h"
#include "base/text.h"
#include "sync/folder_tree.h"

namespace envtool {

namespace {

using Kind = FolderEntry::Kind;

FolderEntry entry_of(const GuestFiles::Facts& facts) {
  FolderEntry entry{.kind = Kind::other, .mode = facts.mode & 07777};
  if (S_ISREG(facts.mode)) entry.kind = Kind::file;
  if (S_ISDIR(facts.mode)) entry.kind = Kind::directory;
  if (S_ISLNK(facts.mode)) entry.kind = Kind::link;
  if (entry.kind == Kind::file) entry.size = facts.size;
  entry.modified = facts.modified;
  entry.user = facts.user;
  entry.group = facts.group;
  return entry;
}

/// What a copy has to know of the guest.
struct Guest {
  std::uint32_t user = 0, group = 0;  ///< whose the folder is
  std::string server;
};

/// Finds the server where Debian, Fedora, Arch, Alpine and others have it, and makes the folder.
constexpr std::string_view preparation = R"sh(
for s in lib/openssh libexec/openssh lib/ssh libexec lib; do
  s=/usr/$s/sftp-server; [ ! -x "$s" ] || break; s=
done
[ -n "$s" ] || exit 77
u=$(id -u -- "$OWNER") && g=$(id -g -- "$OWNER") || exit 78
[ -d "$FOLDER" ] || { mkdir -p -- "$FOLDER" && chown -- "$u:$g" "$FOLDER"; } || exit 79
echo "$u $g $s")sh";

/// One copy of a folder: what it takes to make the guest's like the host's.
class Push {
 public:
  Push(const FolderConfig& folder, std::string owner, Communicator& communicator, Operation& operation)
      : folder_(folder), owner_(std::move(owner)), communicator_(communicator), operation_(operation) {}

  void run() {
    const ExcludePatterns exclude(folder_.exclude);
    host_ = read_folder(folder_.host, exclude);
    const Guest guest = prepare();
    files_ = communicator_.open_files(guest.server, "root", operation_);
    FolderTree there{{"", entry_of(files_->look_at(folder_.guest))}};
    read_guest(there, "", exclude);
    user_ = guest.user;
    group_ = guest.group;
    const FolderPlan plan = plan_folder(host_, there, user_, group_);
    check(plan);
    carry_out(plan);
    files_.reset();
    own_links(plan);
    if (!unreadable_.empty()) refuse_unreadable();
  }

 private:
  Guest prepare() {
    const GuestCommand command{.script = std::string(preparation),
                               .environment = {{"OWNER", owner_}, {"FOLDER", folder_.guest}},
                               .user = "root"};
    const ProcessResult result = communicator_.run(command, operation_);
    const std::string said = last_lines(result.error, 2);
    if (result.status == 77)
      throw Error(ErrorKind::host_not_ready, "the guest has no sftp server")
          .with_hint(
              "install rsync or OpenSSH's in the guest or its box: envtool exec -u root -- apt-get install "
              "-y openssh-sftp-server");
    if (result.status == 78)
      throw Error(ErrorKind::failed, fmt::format("the guest has no user '{}'", owner_));
    if (!result.ok())
      throw Error(ErrorKind::failed, fmt::format("cannot make the directory in the guest: {}", said));
    Guest guest;
    std::istringstream(result.output) >> guest.user >> guest.group >> guest.server;
    return guest;
  }

  void read_guest(FolderTree& tree, const std::string& directory, const ExcludePatterns& exclude) {
    operation_.check_stop();
    for (const auto& [name, facts] : files_->list(in_guest(directory))) {
      const std::string path = path_below(directory, name);
      FolderEntry& entry = tree[path] = entry_of(facts);
      if (exclude.contain(path, entry.kind == Kind::directory))
        entry.kind = Kind::excluded;
      else if (entry.kind == Kind::directory)
        read_guest(tree, path, exclude);
      else if (entry.kind == Kind::link)
        entry.target = files_->link_target(in_guest(path));
    }
  }

  void check(const FolderPlan& plan) const {
    if (!plan.blocked.empty())
      throw Error(ErrorKind::failed,
                  fmt::format("'{}' is a directory in the guest, with something in it that is excluded, and "
                              "is none here",
                              plan.blocked.front()))
          .with_hint("remove it in the guest");
    for (const std::string& path : plan.skipped)
      operation_.say(fmt::format("folder '{}': '{}' is neither file, directory nor link: not copied",
                                 folder_.guest, path),
                     Tone::warning);
  }

  void carry_out(const FolderPlan& plan) {
    for_each(plan.removed_files, [&](const std::string& path) { files_->remove(in_guest(path)); });
    for_each(plan.removed_directories,
             [&](const std::string& path) { files_->remove_directory(in_guest(path)); });
    for_each(plan.new_directories, [&](const std::string& path) { files_->make_directory(in_guest(path)); });
    for_each(plan.links, [&](const std::string& path) { copy_link(path); });
    for_each(plan.files, [&](const std::string& path) { copy_file(path); });
    const auto set = [&](const std::string& path) {
      set_facts(in_guest(path), host_.at(path).mode, host_.at(path).modified);
    };
    for_each(plan.attributes, set);
    for_each(plan.directories, set);
  }

  void for_each(const std::vector<std::string>& paths, const auto& work) {
    for (const std::string& path : paths) {
      operation_.check_stop();
      work(path);
    }
  }

  /// The owner first: with him the kernel changes bits of the mode.
  void set_facts(const std::string& place, std::uint32_t mode, std::uint32_t modified) {
    files_->set_owner(place, user_, group_);
    files_->set_mode_and_time(place, mode, modified);
  }

  void copy_link(const std::string& path) {
    put_in_place(path, [&](const std::string& temporary) {
      files_->make_link(temporary, host_.at(path).target);
      return true;
    });
  }

  void copy_file(const std::string& path) {
    put_in_place(path, [&](const std::string& temporary) { return send(path, temporary); });
  }

  /// `make` makes it under another name, or not at all. What is half-way goes again.
  void put_in_place(const std::string& path, const auto& make) {
    const std::size_t slash = path.rfind('/');
    const std::string temporary =
        in_guest(path_below(slash == std::string::npos ? "" : path.substr(0, slash), ".envtool-" + run_));
    try {
      if (make(temporary)) files_->rename(temporary, in_guest(path));
    } catch (Error& error) {
      discard(temporary);
      error.with_frame(fmt::format("'{}'", path));
      throw;
    } catch (...) {
      discard(temporary);
      throw;
    }
  }

  void discard(const std::string& temporary) noexcept {
    try {
      files_->remove(temporary);
    } catch (...) {  // it may not have been made
    }
  }

  /// False when there is nothing to be sent.
  bool send(const std::string& path, const std::string& temporary) {
    const std::filesystem::path source = folder_.host / path;
    const UniqueFd file(::open(source.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    struct stat facts {};
    if (!file || ::fstat(file.get(), &facts) != 0) {
      // One that vanished meanwhile is the next copy's business.
      if (errno != ENOENT && errno != ELOOP)
        unreadable_.push_back(fmt::format("'{}': {}", source.string(), errno_text(errno)));
      return false;
    }
    files_->make_file(temporary, [&] { return next_piece(file.get(), source); });
    // A file that may change again in the same second would then look like its copy, as times have no
    // fractions here: it gets the next second's, and is copied once more.
    const auto now = std::chrono::system_clock::to_time_t(operation_.host.clock.wall_time());
    set_facts(temporary, facts.st_mode & 07777,
              host_.at(path).modified + (now <= facts.st_mtim.tv_sec ? 1 : 0));
    return true;
  }

  std::string_view next_piece(int file, const std::filesystem::path& source) {
    operation_.check_stop();
    ssize_t count;
    do count = ::read(file, buffer_.data(), buffer_.size());
    while (count < 0 && errno == EINTR);
    if (count < 0)
      throw Error(ErrorKind::failed, fmt::format("cannot read '{}': {}", source.string(), errno_text(errno)));
    return {buffer_.data(), static_cast<std::size_t>(count)};
  }

  /// For which libssh's SFTP has no call.
  void own_links(const FolderPlan& plan) {
    std::string places;
    for (const auto* paths : {&plan.links, &plan.link_owners})
      for (const std::string& path : *paths) places += in_guest(path) + '\0';
    if (places.empty()) return;
    const GuestCommand command{
        .argv = {"xargs", "-0", "chown", "-h", "--", fmt::format("{}:{}", user_, group_)},
        .user = "root",
        .input = std::move(places)};
    const ProcessResult result = communicator_.run(command, operation_);
    if (!result.ok())
      throw Error(ErrorKind::failed,
                  fmt::format("cannot set the owner of links: {}", last_lines(result.error, 2)));
  }

  [[noreturn]] void refuse_unreadable() const {
    const std::size_t more = unreadable_.size() - 1;
    throw Error(ErrorKind::failed,
                fmt::format("cannot read {}{}", unreadable_.front(),
                            more > 0 ? fmt::format(", nor {} more", count_of(more, "file")) : ""))
        .with_hint("let your user read it, or 'exclude' it; all else was copied");
  }

  std::string in_guest(const std::string& path) const {
    return path.empty() ? folder_.guest : folder_.guest + "/" + path;
  }

  const FolderConfig& folder_;
  const std::string owner_;
  Communicator& communicator_;
  Operation& operation_;
  const std::string run_ = random_hex(4);
  FolderTree host_;
  std::unique_ptr<GuestFiles> files_;
  std::uint32_t user_ = 0, group_ = 0;
  std::array<char, 256 << 10> buffer_;
  std::vector<std::string> unreadable_;
};

}  // namespace

void push_by_sftp(const FolderConfig& folder, const SshEndpoint& endpoint, Communicator& communicator,
                  Operation& operation) {
  operation.check_stop();
  const auto push = std::make_unique<Push>(folder, folder.owner.empty() ? endpoint.user : folder.owner,
                                           communicator, operation);
  try {
    push->run();
  } catch (Error& error) {
    error.at(folder.position).with_frame(fmt::format("folder '{}'", folder.guest));
    throw;
  }
}

}  // namespace envtool
