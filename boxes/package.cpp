#include "boxes/package.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "base/architecture.h"
#include "base/error.h"
#include "base/files.h"
#include "base/tar.h"
#include "boxes/gzip_stream.h"
#include "boxes/new_file.h"

namespace envtool {

namespace fs = std::filesystem;

namespace {

/// What Vagrant calls the one that a box's own loads.
constexpr const char* user_vagrantfile = "include/_Vagrantfile";
constexpr std::string_view usual_user = "vagrant";

/// Without it Vagrant's containers get none of what LXC takes from containers: they could write into the
/// host's /sys, and for that reason wait for a udev.
constexpr const char* lxc_config = "lxc.include = /usr/share/lxc/config/common.conf\n";

/// A file of the box, known before the root file system is.
struct Member {
  std::string name;
  std::string content = {};
  fs::path source = {};  ///< the content is in this file
};

std::string metadata_text(Value metadata) {
  if (const std::string architecture = host_architecture(); !architecture.empty())
    metadata.set("architecture", architecture);
  return to_json(metadata, 2) + "\n";
}

std::string rootfs_metadata(const NewBox& box) {
  return metadata_text(Value::map({{"provider", box.format}, {"version", "1.0.0"}}));
}

std::string image_name(std::size_t number) {
  return number == 0 ? "box.img" : fmt::format("box_{}.img", number);
}

/// vagrant-libvirt's first version has one disk, its second a list.
std::string disks_metadata(const NewBox& box, const NewBoxDisks& disks) {
  Value metadata = disks.metadata;
  metadata.set("provider", box.format);
  if (disks.disks.size() == 1) {
    constexpr std::uint64_t gibibyte = 1 << 30;
    metadata.set("format", "qcow2");
    metadata.set("virtual_size", static_cast<std::int64_t>(
                                     (disks.disks.front().virtual_size.bytes + gibibyte - 1) / gibibyte));
    return metadata_text(std::move(metadata));
  }
  Value list = Value::list();
  for (std::size_t i = 0; i < disks.disks.size(); ++i) list.push_back(Value::map({{"path", image_name(i)}}));
  metadata.set("disks", std::move(list));
  return metadata_text(std::move(metadata));
}

/// Empty when there is nothing to say.
std::string vagrantfile_text(const NewBox& box) {
  std::string text;
  if (box.ssh_user != usual_user)
    text += fmt::format("Vagrant.configure(\"2\") do |config|\n  config.ssh.username = \"{}\"\nend\n",
                        box.ssh_user);
  if (!box.vagrantfile.empty())
    text += fmt::format("load File.expand_path(\"{}\", __dir__)\n", user_vagrantfile);
  return text;
}

std::string info_text(const fs::path& path) {
  const std::string text = read_file(path, 1 << 20);
  if (!parse_json(text, path.string()).is_map())
    throw Error(ErrorKind::failed, fmt::format("'{}' does not hold a JSON object", path.string()))
        .with_hint("it looks like {\"author\": \"ada\"}");
  return text;
}

/// A relative path keeps its directories, an absolute one has its last name only, as Vagrant has it.
void add_included(std::vector<Member>& members, const NewBox& box, const fs::path& path) {
  const fs::path source = (box.directory / path).lexically_normal();
  fs::path place = path.lexically_normal();
  if (!place.has_filename()) place = place.parent_path();
  if (place.is_absolute() || *place.begin() == "..") place = place.filename();
  if (fs::is_regular_file(source))
    return members.push_back({.name = (fs::path("include") / place).string(), .source = source});
  if (!fs::is_directory(source))
    throw Error(ErrorKind::failed, fmt::format("there is no file '{}' to include", source.string()));
  std::vector<fs::path> below;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(source))
    if (entry.is_regular_file()) below.push_back(entry.path());
  std::sort(below.begin(), below.end());
  for (const fs::path& file : below)
    members.push_back(
        {.name = (fs::path("include") / place / file.lexically_relative(source)).string(), .source = file});
}

std::vector<Member> members_of(const NewBox& box) {
  std::vector<Member> members;
  if (box.rootfs)
    members = {{.name = "metadata.json", .content = rootfs_metadata(box)},
               {.name = "lxc-config", .content = lxc_config}};
  if (std::string text = vagrantfile_text(box); !text.empty())
    members.push_back({.name = "Vagrantfile", .content = std::move(text)});
  if (!box.info.empty()) members.push_back({.name = "info.json", .content = info_text(box.info)});
  if (!box.vagrantfile.empty())
    members.push_back({.name = user_vagrantfile, .content = read_file(box.vagrantfile, 1 << 20)});
  for (const fs::path& path : box.included) add_included(members, box, path);
  for (std::size_t i = 1; i < members.size(); ++i)
    for (std::size_t k = 0; k < i; ++k)
      if (members[i].name == members[k].name)
        throw Error(ErrorKind::failed, fmt::format("two files would be '{}' in the box", members[i].name));
  return members;
}

class Packaging {
 public:
  Packaging(const NewBox& box, Operation& operation)
      : box_(box),
        operation_(operation),
        file_(box.file),
        now_(std::chrono::duration_cast<std::chrono::seconds>(
                 operation.host.clock.wall_time().time_since_epoch())
                 .count()) {}

  void run() {
    const std::vector<Member> members = members_of(box_);
    if (box_.disks) return run_with_disks(members);
    for (const Member& member : members) add(member);
    add_rootfs();
    file_.write(tar_end());
    file_.publish();
  }

 private:
  /// Nothing in an image is packed, so the whole box is.
  void run_with_disks(const std::vector<Member>& members) {
    const NewBoxDisks disks = box_.disks(operation_);
    GzipStream packed([this](std::string_view bytes) { file_.write(bytes); });
    write_ = [&packed](std::string_view bytes) { packed.add(bytes); };
    add({.name = "metadata.json", .content = disks_metadata(box_, disks)});
    for (const Member& member : members) add(member);
    std::uint64_t total = 0;
    for (const NewBoxDisk& disk : disks.disks) total += disk.size;
    for (std::size_t i = 0; i < disks.disks.size(); ++i) add_disk(image_name(i), disks.disks[i], total);
    packed.add(tar_end());
    packed.finish();
    file_.publish();
  }

  void begin(const std::string& name, std::uint64_t size) {
    write_(tar_header({.name = name, .size = size, .modified = now_}));
  }

  void add(const Member& member) {
    operation_.check_stop();
    const std::string content = member.source.empty() ? member.content : read_file(member.source, 1 << 30);
    begin(member.name, content.size());
    write_(content + tar_padding(content.size()));
  }

  void add_disk(const std::string& name, const NewBoxDisk& disk, std::uint64_t total) {
    begin(name, disk.size);
    std::uint64_t size = 0;
    disk.read(
        [&](std::string_view bytes) {
          write_(bytes);
          size += bytes.size();
          operation_.progress({.done = done_ += bytes.size(), .total = total});
        },
        operation_);
    if (size != disk.size)
      throw Error(ErrorKind::failed,
                  fmt::format("the disk '{}' has {} bytes and was to have {}", name, size, disk.size));
    write_(tar_padding(size));
  }

  /// How large it is packed is known at its end, so that its header is written twice.
  void add_rootfs() {
    const std::string name = "rootfs.tar.gz";
    const std::uint64_t header = file_.size();
    begin(name, 0);
    const std::uint64_t start = file_.size();
    GzipStream packed([this](std::string_view bytes) { file_.write(bytes); });
    box_.rootfs(
        [&](std::string_view bytes) {
          packed.add(bytes);
          operation_.progress({.done = done_ += bytes.size(), .unit = "B"});
        },
        operation_);
    packed.finish();
    const std::uint64_t size = file_.size() - start;
    file_.write_at(tar_header({.name = name, .size = size, .modified = now_}), header);
    file_.write(tar_padding(size));
  }

  const NewBox& box_;
  Operation& operation_;
  NewUserFile file_;
  const std::int64_t now_;
  std::function<void(std::string_view)> write_ = [this](std::string_view bytes) { file_.write(bytes); };
  std::uint64_t done_ = 0;  ///< bytes of the machine's disk
};

}  // namespace

void write_package(const NewBox& box, Operation& operation) { Packaging(box, operation).run(); }

}  // namespace envtool
