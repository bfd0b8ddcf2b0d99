#include "providers/lxc/helper/export.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>

#include "base/files.h"
#include "base/text.h"
#include "providers/lxc/helper/layers.h"
#include "providers/lxc/helper/machine_parts.h"
#include "providers/lxc/helper/mounts.h"
#include "providers/lxc/helper/snapshots.h"
#include "providers/lxc/helper/stores.h"
#include "providers/lxc/helper/unseal.h"
#include "providers/lxc/parts/export_stream.h"
#include "providers/lxc/parts/processes.h"

namespace envtool::lxc {

namespace {

/// The machine's layers as they are at one moment; what had to be copied for that goes with this.
class Moment {
 public:
  Moment(const Context& context, const Record& record)
      : own_(context.layout.machine(record.name)), stack_(stack_of(context.layout, record)), shown_(stack_) {
    if (!Cgroups::of_machine(context.layout, record.name).is_running(record.name)) {
      mount_store(context, record);
      return;
    }
    discard_unused(own_, stack_);  // what a killed one left
    is_copy_ = true;
    mount_store(context, record);
    shown_.top = copy_aside(context, record, shown_).back();
    // Or the process that removes the copy would keep it mounted.
    unmount_store(context, record);
    if (record.storage == Storage::overlay) make_directories(own_ / work_of(shown_.top), 0700);
  }
  ~Moment() {
    try {
      if (is_copy_) discard_unused(own_, stack_);
    } catch (const std::exception&) {  // the next one, or `destroy`, does it
    }
  }
  Moment(const Moment&) = delete;
  Moment& operator=(const Moment&) = delete;

  const LayerStack& layers() const { return shown_; }

 private:
  std::filesystem::path own_;
  LayerStack stack_, shown_;
  bool is_copy_ = false;
};

void write_frame(std::string_view bytes) {
  const std::string header = FrameHeader{static_cast<std::uint32_t>(bytes.size())}.bytes();
  for (std::string_view rest : {std::string_view(header), bytes})
    while (!rest.empty()) {
      const ssize_t count = ::write(STDOUT_FILENO, rest.data(), rest.size());
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) fail("give the root file system away", errno);
      rest.remove_prefix(static_cast<std::size_t>(count));
    }
}

/// Names are made those of a box's last, so that what is left out is named as it lies there.
ProcessSpec tar_of(const std::filesystem::path& tree, const std::vector<std::string>& left_out) {
  ProcessSpec spec{
      .argv = {"tar", "--create", "--file=-", "--format=posix", "--pax-option=delete=atime,delete=ctime",
               "--numeric-owner", "--sparse", "--sort=name", "--xattrs",
               "--xattrs-include=security.capability", "--xattrs-include=user.*", "--warning=no-file-ignored",
               "--transform=s,^\\.,./rootfs,S", "--anchored", "--wildcards"},
      .directory = tree};
  // The kernel's, or nothing that stays.
  for (const char* directory : {"dev", "proc", "sys", "run", "tmp"})
    spec.argv.push_back(fmt::format("--exclude=./{}/*", directory));
  spec.argv.emplace_back("--no-wildcards");
  for (const std::string& path : left_out) spec.argv.push_back("--exclude=." + path);
  spec.argv.emplace_back(".");
  return spec;
}

Unsealed unseal_machine(const GuestTree& guest, const Record& record) {
  const auto user = find_account(guest.read("/etc/passwd").value_or(""), record.user);
  if (!user)
    throw Error(
        ErrorKind::failed,
        fmt::format("it has no user '{}' any more, as whom a box of it would be entered", record.user))
        .with_hint("make that user in the machine again");
  return unseal(guest, *user);
}

}  // namespace

Value export_machine(Context& context) {
  const Record record = complete_record(context);
  const Moment moment(context, record);
  enter_private_mounts();
  const Unsealed unsealed = unseal_machine(mount_rootfs(context, record, moment.layers()), record);
  write_frame(unsealed.entries);
  ProcessSpec spec = tar_of(context.layout.rootfs(record.name), unsealed.left_out);
  UniqueFd space;
  if (record.own || record.ids != 0) {
    // Among the guest's own ids tar sees, and writes, those that the guest sees, in capabilities too.
    const GuestIds ids = guest_ids(record);
    space = user_namespace(ids.users(), ids.groups());
    spec.argv.insert(spec.argv.begin(),
                     {"nsenter", fmt::format("--user=/proc/self/fd/{}", space.get()), "--"});
    spec.inherited = {space.get()};
  }
  spec.on_output = write_frame;
  const ProcessResult result = SystemProcessRunner().run(spec, {});
  if (!result.ok())
    throw Error(ErrorKind::failed,
                fmt::format("cannot read its root file system:\n{}", indent(last_lines(result.error, 3), 4)));
  return Value::map();
}

}  // namespace envtool::lxc
