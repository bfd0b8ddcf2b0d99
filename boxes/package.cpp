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

std::string metadata_text(const NewBox& box) {
  Value metadata = Value::map({{"provider", box.format}, {"version", "1.0.0"}});
  if (const std::string architecture = host_architecture(); !architecture.empty())
    metadata.set("architecture", architecture);
  return to_json(metadata, 2) + "\n";
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
  std::vector<Member> members = {{.name = "metadata.json", .content = metadata_text(box)},
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
    for (const Member& member : members_of(box_)) add(member);
    add_rootfs();
    file_.write(tar_end());
    file_.publish();
  }

 private:
  void begin(const std::string& name, std::uint64_t size) {
    file_.write(tar_header({.name = name, .size = size, .modified = now_}));
  }

  void add(const Member& member) {
    operation_.check_stop();
    const std::string content = member.source.empty() ? member.content : read_file(member.source, 1 << 30);
    begin(member.name, content.size());
    file_.write(content + tar_padding(content.size()));
  }

  /// How large it is packed is known at its end, so that its header is written twice.
  void add_rootfs() {
    const std::string name = "rootfs.tar.gz";
    const std::uint64_t header = file_.size();
    begin(name, 0);
    const std::uint64_t start = file_.size();
    GzipStream packed([this](std::string_view bytes) { file_.write(bytes); });
    std::uint64_t done = 0;
    box_.rootfs(
        [&](std::string_view bytes) {
          packed.add(bytes);
          done += bytes.size();
          operation_.progress({.done = done, .unit = "B"});
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
};

}  // namespace

void write_package(const NewBox& box, Operation& operation) { Packaging(box, operation).run(); }

}  // namespace envtool
