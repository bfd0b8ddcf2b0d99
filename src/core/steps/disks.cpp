#include <fmt/format.h>

#include "base/text.h"
#include "core/disk_devices.h"
#include "core/steps/steps.h"

namespace envtool {

namespace {

/// Run as root with DEVICE and MOUNT. Only what is empty gets a file system: a disk may come from an earlier
/// machine, or hold what somebody else put there.
constexpr std::string_view mount_script = R"(set -e
for tries in 1 2 3 4 5 6 7 8 9 10; do
  [ -b "$DEVICE" ] && break
  sleep 1
done
[ -b "$DEVICE" ] || { echo "it has no device '$DEVICE'" >&2; exit 1; }
device=$(readlink -f "$DEVICE")
kind=$(blkid -p -s TYPE -o value "$device") || kind=
if [ -z "$kind" ]; then
  if ! cmp -s -n 1048576 "$device" /dev/zero || blkid -p "$device" >/dev/null; then
    echo "it holds something that is no file system" >&2
    exit 1
  fi
  mkfs.ext4 -q -m 0 "$device"
  kind=ext4
fi
mkdir -p "$MOUNT"
place=$(printf %s "$MOUNT" | sed 's/\\/\\134/g; s/ /\\040/g; s/\t/\\011/g')
line="UUID=$(blkid -p -s UUID -o value "$device") $place $kind defaults,nofail 0 2"
if ! grep -qxF "$line" /etc/fstab; then
  kept=$(PLACE=$place awk '$2 != ENVIRON["PLACE"]' /etc/fstab)
  printf '%s\n%s\n' "$kept" "$line" >/etc/fstab
  systemctl daemon-reload 2>/dev/null || true
fi
mountpoint -q "$MOUNT" || mount "$MOUNT"
case $kind in
  ext[234]) resize2fs "$device" >/dev/null 2>&1 ;;
  xfs) xfs_growfs "$MOUNT" >/dev/null ;;
esac
)";

void mount_disk(MachineContext& machine, const DiskConfig& disk, const std::string& device) {
  const GuestCommand command{.script = std::string(mount_script),
                             .environment = {{"DEVICE", device}, {"MOUNT", disk.mount}},
                             .user = "root"};
  const ProcessResult result = machine.guest().run(command, machine.operation);
  if (result.ok()) return;
  Error error(ErrorKind::failed, fmt::format("cannot mount disk '{}' on '{}': {}", disk.name, disk.mount,
                                             last_lines(result.error, 3)));
  if (result.error.find("has no device") != std::string::npos)
    error.with_hint(fmt::format(
        "a machine that goes on from a snapshot older than the disk has it after 'envtool reload {}'",
        machine.config.name));
  throw error;
}

}  // namespace

Step mount_disks_step() {
  Step step{.name = "disks", .title = "mount disks"};
  step.need = [](MachineContext& machine) {
    std::vector<std::string> mounts;
    for (const DiskConfig& disk : machine.config.disks)
      if (!disk.mount.empty()) mounts.push_back(fmt::format("'{}' on {}", disk.name, disk.mount));
    // What the record has of the last start is written anew at each.
    const bool is_done = !machine.started_now && machine.record.started_with["mounted"].as_bool();
    if (mounts.empty() || is_done || power_of<DiskDevices>(machine.provider) == nullptr) return Need::none();
    return Need::because(join(mounts, ", "));
  };
  step.run = [](MachineContext& machine) {
    DiskDevices& devices = *power_of<DiskDevices>(machine.provider);
    for (const DiskConfig& disk : machine.config.disks)
      if (!disk.mount.empty()) mount_disk(machine, disk, devices.disk_device(disk.name));
    machine.record.started_with.set("mounted", true);
    machine.save();
  };
  return step;
}

}  // namespace envtool
