#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>

namespace envtool {

/// Owns a file descriptor.
class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept;
  ~UniqueFd() { reset(); }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  int release() { return std::exchange(fd_, -1); }
  void reset();

 private:
  int fd_ = -1;
};

/// The whole file. Throws Error(failed) with the path and the reason, or when it is larger than the limit.
std::string read_file(const std::filesystem::path& path, std::size_t limit = 64 << 20);
/// The whole file, or nothing when there is none; other failures throw as in read_file.
std::optional<std::string> read_file_if_there(const std::filesystem::path& path,
                                              std::size_t limit = 64 << 20);

enum class Durability { atomic, synced };

/// Replaces the file by rename, so that a reader or a crash sees the old content or the new, never a part.
/// `synced` also survives a power cut. Missing parent directories are made (0700). Throws Error(failed).
void write_file(const std::filesystem::path& path, std::string_view content, unsigned mode = 0644,
                Durability durability = Durability::atomic);

/// Removes what killed writers of this file left beside it. Only for who keeps all other writers out, by a
/// lock.
void remove_half_written(const std::filesystem::path& path);

/// Makes the directory and its parents with that mode. Throws Error(failed).
void make_directories(const std::filesystem::path& path, unsigned mode = 0755);

/// Removes a tree; nothing there is fine. Throws Error(failed).
void remove_tree(const std::filesystem::path& path);

/// A directory of its own below `parent`, removed with everything in it by the destructor.
class TemporaryDirectory {
 public:
  explicit TemporaryDirectory(const std::filesystem::path& parent = std::filesystem::temp_directory_path(),
                              std::string_view prefix = "envtool-");
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// An exclusive flock on a file that is made when missing and never removed. The kernel frees it with the
/// process; the content of the file only tells others who holds it ("pid 12, envtool up, since 10:04:11").
class FileLock {
 public:
  /// Takes the lock if it is free, and writes `holder` into the file.
  static std::optional<FileLock> try_take(const std::filesystem::path& path, std::string_view holder);
  /// Takes it together with others who share it, if nobody has it alone. Writes nothing.
  static std::optional<FileLock> try_share(const std::filesystem::path& path);
  /// What the present holder wrote; empty when nobody wrote anything.
  static std::string holder_of(const std::filesystem::path& path);
  /// Whether the process that wrote there "pid N" has the lock now. Only looks, so that nobody who wants the
  /// lock meanwhile finds it taken.
  static bool is_held(const std::filesystem::path& path);

 private:
  explicit FileLock(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

/// The text of an errno value, safe in any thread.
std::string errno_text(int number);

}  // namespace envtool
