#include "boxes/archive.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/error.h"
#include "base/files.h"
#include "base/text.h"
#include "boxes/archive_reader.h"
#include "boxes/archive_writer.h"
#include "boxes/unpack_budget.h"

namespace envtool {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t hole_size = 4096;

[[noreturn]] void fail_writing(const fs::path& path, int number) {
  throw Error(ErrorKind::failed, fmt::format("cannot write '{}': {}", path.string(), errno_text(number)));
}

/// A new file of ours, in which zeros that were not written are holes.
class NewFile {
 public:
  /// Throws Error(failed); one that is there already has a text of its own.
  NewFile(const fs::path& path, const std::string& name) : path_(path) {
    fd_ = UniqueFd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644));
    if (!fd_ && (errno == EEXIST || errno == EISDIR)) refuse_entry(name, "is there twice");
    if (!fd_)
      throw Error(ErrorKind::failed, fmt::format("cannot make '{}': {}", path.string(), errno_text(errno)));
  }

  /// Whole blocks of zeros are left out.
  void write(std::string_view bytes, std::uint64_t place) {
    while (!bytes.empty()) {
      const std::size_t zeros = leading_zeros(bytes);
      bytes.remove_prefix(zeros);
      place += zeros;
      std::size_t size = 0;
      while (size < bytes.size() && leading_zeros(bytes.substr(size)) == 0)
        size += std::min(hole_size, bytes.size() - size);
      write_all(bytes.substr(0, size), place);
      bytes.remove_prefix(size);
      place += size;
    }
    end_ = std::max(end_, place);
  }
  /// A hole at the end comes as no block.
  void finish(std::uint64_t size) {
    if (::ftruncate(fd_.get(), static_cast<off_t>(std::max(end_, size))) != 0) fail_writing(path_, errno);
  }

 private:
  static std::size_t leading_zeros(std::string_view bytes) {
    static constexpr char zeros[hole_size] = {};
    std::size_t count = 0;
    while (bytes.size() - count >= hole_size &&
           bytes.substr(count, hole_size) == std::string_view(zeros, hole_size))
      count += hole_size;
    return count;
  }
  void write_all(std::string_view bytes, std::uint64_t place) {
    while (!bytes.empty()) {
      const ssize_t written = ::pwrite(fd_.get(), bytes.data(), bytes.size(), static_cast<off_t>(place));
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) fail_writing(path_, errno);
      bytes.remove_prefix(static_cast<std::size_t>(written));
      place += static_cast<std::uint64_t>(written);
    }
  }

  fs::path path_;
  UniqueFd fd_;
  std::uint64_t end_ = 0;
};

/// Unpacks one archive.
class Unpacking {
 public:
  Unpacking(ArchiveReader& reader, const fs::path& directory, std::uint64_t total, Operation& operation)
      : reader_(reader), directory_(directory), total_(total), operation_(operation) {}

  void run(const EntryTaker& taker) {
    while (archive_entry* entry = reader_.next()) {
      budget_.add_entry();
      extract(entry, taker);
      report();
    }
  }

 private:
  /// An entry's content, for who takes it.
  class Content : public ByteSource {
   public:
    Content(Unpacking& owner, std::uint64_t size) : owner_(owner), size_(size) {}
    std::string_view read(Operation&) override {
      ArchiveReader::Block block;
      do
        if (!owner_.reader_.next_block(block)) return {};
      while (block.bytes.empty());
      owner_.report();
      return block.bytes;
    }
    std::uint64_t size() const override { return size_; }

   private:
    Unpacking& owner_;
    std::uint64_t size_;
  };

  void extract(archive_entry* entry, const EntryTaker& taker) {
    const std::string name = entry_name(entry);
    if (archive_entry_hardlink(entry) != nullptr) refuse_entry(name, "is a hard link");
    const auto type = archive_entry_filetype(entry);
    if (type == AE_IFLNK) refuse_entry(name, "is a symbolic link");
    if (type != AE_IFREG && type != AE_IFDIR) refuse_entry(name, "is neither a file nor a directory");
    const fs::path place = entry_place(replace_all(name, "\\", "/"));  // as `vagrant box add` reads names
    if (place.empty()) {
      if (type == AE_IFREG) refuse_entry(name, "has no name");
      return;
    }
    const std::uint64_t size =
        archive_entry_size_is_set(entry) ? static_cast<std::uint64_t>(archive_entry_size(entry)) : 0;
    Content content(*this, size);
    if (type == AE_IFREG && taker && taker(place.string(), content)) return;
    std::error_code failure;
    fs::create_directories(type == AE_IFDIR ? directory_ / place : (directory_ / place).parent_path(),
                           failure);
    if (failure) throw Error(ErrorKind::failed, fmt::format("cannot make '{}': {}", name, failure.message()));
    if (type == AE_IFREG) extract_file(name, directory_ / place, size);
  }

  /// No link is ever made below the directory, so the path cannot lead out of it.
  void extract_file(const std::string& name, const fs::path& path, std::uint64_t size) {
    NewFile file(path, name);
    std::uint64_t end = 0;
    for (ArchiveReader::Block block; reader_.next_block(block);) {
      if (block.place + block.bytes.size() > end)
        budget_.add_bytes(block.place + block.bytes.size() - end, reader_.packed_bytes());
      end = std::max<std::uint64_t>(end, block.place + block.bytes.size());
      if (room_checked_ + room_step <= budget_.bytes()) {
        check_room(directory_, room_step);
        room_checked_ = budget_.bytes();
      }
      file.write(block.bytes, block.place);
      report();
    }
    if (size > end) budget_.add_bytes(size - end, reader_.packed_bytes());
    file.finish(size);
  }

  void report() {
    operation_.check_stop();
    operation_.progress({.done = reader_.packed_bytes(), .total = total_, .unit = "B"});
  }

  static constexpr std::uint64_t room_step = 64 << 20;

  ArchiveReader& reader_;
  const fs::path& directory_;
  std::uint64_t total_;
  Operation& operation_;
  UnpackBudget budget_;
  std::uint64_t room_checked_ = 0;
};

/// What was read of a file before it is known what it is.
class HeadSource : public ByteSource {
 public:
  explicit HeadSource(std::string_view head) : head_(head) {}
  std::string_view read(Operation&) override { return std::exchange(head_, {}); }
  std::uint64_t size() const override { return head_.size(); }

 private:
  std::string_view head_;
};

}  // namespace

void unpack_archive(const fs::path& archive, const fs::path& directory, const EntryTaker& taker,
                    Operation& operation) {
  const Utf8Names names;
  ArchiveReader reader(archive);
  Unpacking(reader, directory, fs::file_size(archive), operation).run(taker);
}

void unpack_archive(ByteSource& source, const fs::path& directory, const EntryTaker& taker,
                    Operation& operation) {
  const Utf8Names names;
  {
    ArchiveReader reader(source, operation);
    Unpacking(reader, directory, source.size(), operation).run(taker);
  }
  while (!source.read(operation).empty()) {
  }
}

std::string first_entry(std::string_view head, Operation& operation) {
  const Utf8Names names;
  HeadSource source(head);
  try {
    ArchiveReader reader(source, operation);
    while (archive_entry* entry = reader.next())
      if (const std::string name = entry_name(entry); name != "." && name != "./") return name;
  } catch (const Error&) {  // no archive, or its first entries are large: then they are a box's
  }
  return {};
}

void write_sparse(ByteSource& source, const fs::path& path, Operation& operation) {
  check_room(path.parent_path(), source.size());
  NewFile file(path, path.filename());
  std::uint64_t place = 0;
  for (std::string_view bytes; !(bytes = source.read(operation)).empty();) {
    operation.check_stop();
    file.write(bytes, place);
    place += bytes.size();
    operation.progress({.done = place, .total = source.size(), .unit = "B"});
  }
  file.finish(place);
}

void pack_rootfs(const fs::path& tar, const fs::path& output, Operation& operation) {
  const Utf8Names names;
  ArchiveReader reader(tar);
  ArchiveWriter writer(output);
  while (archive_entry* entry = reader.next()) {
    operation.check_stop();
    const auto below_rootfs = [](const std::string& name) { return "./rootfs/" + entry_place(name); };
    archive_entry_copy_pathname(entry, below_rootfs(entry_name(entry)).c_str());
    if (const char* target = archive_entry_hardlink(entry))
      archive_entry_copy_hardlink(entry, below_rootfs(target).c_str());
    writer.begin(entry);
    std::uint64_t end = 0;
    for (ArchiveReader::Block block; reader.next_block(block);) {
      writer.add_zeros(block.place - end);
      writer.add(block.bytes);
      end = block.place + block.bytes.size();
    }
  }
  writer.finish();
}

}  // namespace envtool
