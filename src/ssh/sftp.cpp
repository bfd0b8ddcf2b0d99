#include "ssh/sftp.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <utility>

#include "base/cancel.h"
#include "base/error.h"
#include "base/text.h"

namespace envtool {

namespace {

using namespace std::chrono_literals;

constexpr auto farewell_limit = 2s;
constexpr std::size_t piece = 32 << 10;  // what every server takes in one message

using Attributes =
    std::unique_ptr<sftp_attributes_struct, Freed<sftp_attributes_struct, sftp_attributes_free>>;
using Text = std::unique_ptr<char, Freed<char, ssh_string_free_char>>;

GuestFiles::Facts facts_of(const sftp_attributes_struct& found) {
  return {.mode = found.permissions,
          .size = found.size,
          .modified = found.mtime,
          .user = found.uid,
          .group = found.gid};
}

/// What a status of the protocol's means; those with a message of the server's have it in libssh's error.
std::string words_of(int status) {
  switch (status) {
    case SSH_FX_NO_SUCH_FILE:
      return "no such file or directory";
    case SSH_FX_PERMISSION_DENIED:
      return "permission denied";
    case SSH_FX_FAILURE:
      return "failure, as of a disk that is full or read-only";
    default:
      return "";
  }
}

}  // namespace

SftpFiles::SftpFiles(ssh_session session, const std::string& line, std::stop_token stop)
    : session_(session),
      stop_(std::move(stop)),
      watch_([this](const std::stop_token& over) { hang_up_when_stopped(over); }) {
  ssh_set_blocking(session_, 1);
  try {
    begin(line);
  } catch (...) {
    ssh_set_blocking(session_, 0);
    throw;
  }
}

SftpFiles::~SftpFiles() {
  sftp_.reset();
  ssh_set_blocking(session_, 0);
}

void SftpFiles::begin(const std::string& line) {
  const ssh_channel channel = ssh_channel_new(session_);
  if (channel == nullptr) throw Error(ErrorKind::failed, "out of memory for an SSH channel");
  if (ssh_channel_open_session(channel) != SSH_OK ||
      ssh_channel_request_exec(channel, line.c_str()) != SSH_OK) {
    ssh_channel_free(channel);
    fail_to_begin(nullptr);
  }
  sftp_.reset(sftp_new_channel(session_, channel));
  if (!sftp_) {
    ssh_channel_free(channel);
    throw Error(ErrorKind::failed, "out of memory for SFTP");
  }
  if (sftp_init(sftp_.get()) != SSH_OK) fail_to_begin(channel);
}

void SftpFiles::fail_to_begin(ssh_channel channel) const {
  if (stop_.stop_requested()) throw Interrupted{};
  char said[1024];
  const int size =
      channel == nullptr ? 0 : ssh_channel_read_nonblocking(channel, said, sizeof said, /*is_stderr=*/1);
  const std::string why = size > 0 ? last_lines({said, static_cast<std::size_t>(size)}, 2)
                                   : std::string(trim(ssh_get_error(session_)));
  throw Error(ErrorKind::failed, fmt::format("the guest's sftp server does not begin: {}", why));
}

void SftpFiles::hang_up_when_stopped(const std::stop_token& over) const {
  std::mutex mutex;
  std::condition_variable_any changed;
  const std::stop_callback wake(stop_, [&] {
    const std::lock_guard lock(mutex);
    changed.notify_all();
  });
  std::unique_lock lock(mutex);
  changed.wait(lock, over, [this] { return stop_.stop_requested(); });
  changed.wait_for(lock, over, farewell_limit, [] { return false; });
  if (!over.stop_requested()) ::shutdown(ssh_get_fd(session_), SHUT_RDWR);
}

void SftpFiles::check(bool is_done, const char* verb, const std::string& path) const {
  if (!is_done) fail(verb, path);
}

void SftpFiles::fail(const char* verb, const std::string& path) const {
  if (stop_.stop_requested()) throw Interrupted{};
  std::string why = words_of(sftp_get_error(sftp_.get()));
  if (why.empty()) why = trim(ssh_get_error(session_));
  throw Error(ErrorKind::failed, fmt::format("cannot {} '{}' in the guest: {}", verb, path, why));
}

GuestFiles::Facts SftpFiles::look_at(const std::string& path) {
  const Attributes found(sftp_lstat(sftp_.get(), path.c_str()));
  check(found != nullptr, "look at", path);
  return facts_of(*found);
}

std::map<std::string, GuestFiles::Facts> SftpFiles::list(const std::string& directory) {
  const std::unique_ptr<sftp_dir_struct, Freed<sftp_dir_struct, sftp_closedir>> opened(
      sftp_opendir(sftp_.get(), directory.c_str()));
  check(opened != nullptr, "read", directory);
  std::map<std::string, Facts> names;
  while (const Attributes entry{sftp_readdir(sftp_.get(), opened.get())})
    if (const std::string name = entry->name; name != "." && name != "..") names[name] = facts_of(*entry);
  check(sftp_dir_eof(opened.get()) != 0, "read", directory);
  return names;
}

std::string SftpFiles::link_target(const std::string& link) {
  const Text target(sftp_readlink(sftp_.get(), link.c_str()));
  check(target != nullptr, "read", link);
  return target.get();
}

void SftpFiles::remove(const std::string& path) {
  check(sftp_unlink(sftp_.get(), path.c_str()) == SSH_OK, "remove", path);
}

void SftpFiles::remove_directory(const std::string& path) {
  check(sftp_rmdir(sftp_.get(), path.c_str()) == SSH_OK, "remove", path);
}

void SftpFiles::make_directory(const std::string& path) {
  check(sftp_mkdir(sftp_.get(), path.c_str(), 0700) == SSH_OK, "make", path);
}

void SftpFiles::make_link(const std::string& path, const std::string& target) {
  check(sftp_symlink(sftp_.get(), target.c_str(), path.c_str()) == SSH_OK, "make", path);
}

void SftpFiles::make_file(const std::string& path, const std::function<std::string_view()>& next) {
  std::unique_ptr<sftp_file_struct, Freed<sftp_file_struct, sftp_close>> file(
      sftp_open(sftp_.get(), path.c_str(), O_WRONLY | O_CREAT | O_EXCL, 0600));
  check(file != nullptr, "make", path);
  for (std::string_view bytes = next(); !bytes.empty(); bytes = next())
    for (; !bytes.empty(); bytes.remove_prefix(std::min(piece, bytes.size()))) {
      const std::size_t size = std::min(piece, bytes.size());
      check(sftp_write(file.get(), bytes.data(), size) == static_cast<ssize_t>(size), "write", path);
    }
  check(sftp_close(file.release()) == SSH_OK, "write", path);
}

void SftpFiles::rename(const std::string& from, const std::string& to) {
  if (sftp_rename(sftp_.get(), from.c_str(), to.c_str()) == SSH_OK) return;
  // Version 3 of the protocol replaces nothing, and libssh asks for OpenSSH's rename that does from 0.11 on.
  remove(to);
  check(sftp_rename(sftp_.get(), from.c_str(), to.c_str()) == SSH_OK, "replace", to);
}

void SftpFiles::set_owner(const std::string& path, std::uint32_t user, std::uint32_t group) {
  sftp_attributes_struct wanted{};
  wanted.flags = SSH_FILEXFER_ATTR_UIDGID;
  wanted.uid = user;
  wanted.gid = group;
  check(sftp_setstat(sftp_.get(), path.c_str(), &wanted) == SSH_OK, "set the owner of", path);
}

void SftpFiles::set_mode_and_time(const std::string& path, std::uint32_t mode, std::uint32_t modified) {
  sftp_attributes_struct wanted{};
  wanted.flags = SSH_FILEXFER_ATTR_PERMISSIONS | SSH_FILEXFER_ATTR_ACMODTIME;
  wanted.permissions = mode;
  wanted.atime = wanted.mtime = modified;
  check(sftp_setstat(sftp_.get(), path.c_str(), &wanted) == SSH_OK, "set the mode of", path);
}

}  // namespace envtool
