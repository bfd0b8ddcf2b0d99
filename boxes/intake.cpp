#include "boxes/intake.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <utility>

#include "base/error.h"
#include "base/files.h"
#include "base/text.h"
#include "boxes/archive.h"
#include "boxes/checksums.h"
#include "boxes/disk_image.h"
#include "boxes/file_source.h"
#include "boxes/metadata.h"
#include "boxes/rootfs.h"

namespace envtool {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t head_size = 1 << 20;
constexpr const char* rootfs_format = "lxc";
constexpr const char* disk_format = "libvirt";

/// What is at the top of a root file system, and never of a box.
constexpr std::array<std::string_view, 19> top_directories = {
    "bin",  "boot", "dev",    "etc", "home", "lib", "lib64", "media", "mnt", "opt",
    "proc", "root", "rootfs", "run", "sbin", "srv", "sys",   "usr",   "var"};

/// A source whose beginning can be looked at before it is read.
class PeekedSource : public ByteSource {
 public:
  PeekedSource(ByteSource& source, Operation& operation) : source_(source) {
    while (head_.size() < head_size) {
      const std::string_view bytes = source_.read(operation);
      if (bytes.empty()) break;
      head_ += bytes;
    }
  }
  std::string_view head() const { return head_; }

  std::string_view read(Operation& operation) override {
    if (!std::exchange(given_, true)) return head_;
    if (!head_.empty()) head_ = {};
    return source_.read(operation);
  }
  std::uint64_t size() const override { return source_.size(); }

 private:
  ByteSource& source_;
  std::string head_;
  bool given_ = false;
};

enum class FileKind { box, rootfs, squashfs, disk };

FileKind kind_of(std::string_view head, Operation& operation) {
  if (head.starts_with("hsqs")) return FileKind::squashfs;
  const std::string_view image = image_format(head);
  if (image == "qcow2") return FileKind::disk;
  std::string first = first_entry(head, operation);
  while (first.starts_with("./")) first.erase(0, 2);
  const auto slash = first.find('/');
  if (slash != std::string::npos && std::find(top_directories.begin(), top_directories.end(),
                                              first.substr(0, slash)) != top_directories.end())
    return FileKind::rootfs;
  return first.empty() && image == "raw" ? FileKind::disk : FileKind::box;
}

void squashfs_to_tar(const fs::path& image, const fs::path& tar, Operation& operation) {
  std::ofstream output(tar, std::ios::binary);
  ProcessSpec spec{.argv = {"sqfs2tar", image.string()}};
  spec.on_output = [&](std::string_view bytes) {
    output.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  };
  const ProcessResult result = operation.run(spec);
  if (result.status == 127)
    throw Error(ErrorKind::host_not_ready, "it is a squashfs, and the program 'sqfs2tar' is not installed")
        .with_hint("apt install squashfs-tools-ng");
  if (!result.ok()) throw Error(ErrorKind::failed, describe_failure(spec, result));
  if (!output.flush()) throw Error(ErrorKind::failed, fmt::format("cannot write '{}'", tar.string()));
}

class Taking {
 public:
  Taking(BoxFile& file, const Intake& intake, Operation& operation)
      : file_(file), intake_(intake), operation_(operation) {}

  std::string run() {
    PeekedSource source(file_, operation_);
    read(source);
    while (!source.read(operation_).empty()) {
    }
    const std::string digest = file_.digest();
    if (intake_.accept) intake_.accept(digest);
    if (read_rootfs_record(intake_.directory))
      throw Error(ErrorKind::failed, "it brings a file '.rootfs.json', which is envtool's own");
    record_.digest = digest;  // so that it is known what a provider may have, whenever this ends
    if (sink_) write_rootfs_record(intake_.directory, record_);
    BoxFacts facts = read_box_facts(intake_.directory);
    check_box_content(intake_.directory, facts);
    if (sink_) {
      record_.manifest = sink_->publish(digest, operation_);
      write_rootfs_record(intake_.directory, record_);
    }
    write_checksums(intake_.directory, operation_);
    return digest;
  }

 private:
  void read(PeekedSource& source) {
    switch (kind_of(source.head(), operation_)) {
      case FileKind::box:
        read_box(source);
        return check_format(intake_.request, read_box_facts(intake_.directory).format);
      case FileKind::squashfs:
        check_format(intake_.request, rootfs_format);
        return read_squashfs(source);
      case FileKind::rootfs:
        check_format(intake_.request, rootfs_format);
        is_bare_ = true;
        if (!take_rootfs("rootfs.tar", source))
          write_sparse(source, intake_.directory / "rootfs.tar", operation_);
        return write_metadata(
            Value::map({{"provider", rootfs_format}, {"version", "1.0.0"}, {"bare", true}}));
      case FileKind::disk:
        check_format(intake_.request, disk_format);
        write_sparse(source, intake_.directory / "box.img", operation_);
        return write_metadata(disk_metadata(read_disk_image(intake_.directory, "box.img")));
    }
  }

  /// It cannot be read while it comes, so it is on the disk for a while.
  void read_squashfs(ByteSource& source) {
    const fs::path image = intake_.directory / "rootfs.squashfs", tar = intake_.directory / "rootfs.tar";
    write_sparse(source, image, operation_);
    squashfs_to_tar(image, tar, operation_);
    fs::remove(image);
    is_bare_ = true;
    FileSource file(tar);
    if (take_rootfs("rootfs.tar", file)) fs::remove(tar);
    write_metadata(Value::map({{"provider", rootfs_format}, {"version", "1.0.0"}, {"bare", true}}));
  }

  void read_box(PeekedSource& source) {
    const EntryTaker taker = [this](const std::string& name, ByteSource& content) {
      return is_rootfs_name(name) && take_rootfs(name, content);
    };
    if (source.head().starts_with("7z\xBC\xAF\x27\x1C") && !file_.path().empty())
      unpack_archive(file_.path(), intake_.directory, taker, operation_);
    else
      unpack_archive(source, intake_.directory, taker, operation_);
  }

  /// False when nobody can have it now: it stays packed until somebody can.
  bool take_rootfs(const std::string& name, ByteSource& content) {
    RootfsStore* store = intake_.request.rootfs_store;
    if (store == nullptr) return false;
    if (sink_)
      throw Error(ErrorKind::failed,
                  fmt::format("it has two root file systems: '{}' and '{}'", record_.archive, name));
    try {
      sink_ = store->take_rootfs({intake_.request.box.name, content.size(), is_bare_}, operation_);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::host_not_ready) throw;
      return false;
    }
    record_ = {
        .archive = name, .digest = {}, .manifest = {}, .bytes = relay_rootfs(content, *sink_, operation_)};
    return true;
  }

  void write_metadata(const Value& metadata) {
    write_file(intake_.directory / "metadata.json", to_json(metadata, 2) + "\n");
  }

  BoxFile& file_;
  const Intake& intake_;
  Operation& operation_;
  std::unique_ptr<RootfsSink> sink_;
  RootfsRecord record_;
  bool is_bare_ = false;  ///< a root file system that nobody made a box of
};

}  // namespace

std::string take_in(BoxFile& file, const Intake& intake, Operation& operation) {
  return Taking(file, intake, operation).run();
}

void check_format(const BoxRequest& request, const std::string& format) {
  const auto& wanted = request.formats;
  const bool asked = request.box.format.empty() || request.box.format == format;
  if (asked && (wanted.empty() || std::find(wanted.begin(), wanted.end(), format) != wanted.end())) return;
  Error error(ErrorKind::unsupported,
              fmt::format("box '{}' is for provider '{}', expected one for '{}'", request.box.name, format,
                          asked ? join(wanted, "' or '") : request.box.format));
  error.at(request.box.position);
  throw error;
}

}  // namespace envtool
