#include "boxes/recipes/debian_disk.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>

#include "base/error.h"
#include "base/files.h"
#include "base/shell.h"

namespace envtool {

namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t sector = 512;
constexpr std::uint64_t first_sector = 2048;
/// What BIOS and GRUB's first stage run; the disk's signature and the partitions follow.
constexpr std::size_t boot_code_size = 440;
constexpr const char* grub_directory = "/usr/lib/grub/i386-pc";

/// `linux16`, as GRUB's `linux` moves fifty megabytes byte by byte at the end, which takes an emulated guest
/// seconds. Without `no_timer_check` a busy host without KVM lets a guest's kernel give up on its timer; the
/// tests of each cipher that it loads take an emulated guest seconds, too.
constexpr std::string_view grub_config =
    "linux16 /vmlinuz root=LABEL=root ro no_timer_check cryptomgr.notests loglevel=4 console=tty0 "
    "console=ttyS0\n"
    "initrd16 /initrd.img\n"
    "boot\n";

/// The seed has the host name; for another one systemd would start a service of its own.
constexpr std::string_view network_config = R"([Match]
Name=en* eth*

[Network]
DHCP=yes

[DHCPv4]
UseHostname=no
)";

/// The kernel leaves a CPU that is plugged in while it runs to the user.
constexpr std::string_view cpu_rule =
    "SUBSYSTEM==\"cpu\", ACTION==\"add\", TEST==\"online\", ATTR{online}==\"0\", ATTR{online}=\"1\"\n";

/// What a virtual machine's disk may hang on; all else is in the root file system.
constexpr std::string_view boot_modules_hook = R"sh(#!/bin/sh -e
[ "$1" != prereqs ] || exit 0
. /usr/share/initramfs-tools/hook-functions
manual_add_modules virtio_pci virtio_blk virtio_scsi virtio_net ata_piix sd_mod sr_mod nvme
)sh";

/// In the place of Debian's script of that name, which has udev look at every device, as is done once more a
/// moment later: here only where the disk is none of virtio's.
constexpr std::string_view early_udev = R"sh(#!/bin/sh
[ "$1" != prereqs ] || exit 0
modprobe -aq virtio_pci virtio_blk
! blkid -L root >/dev/null 2>&1 || exit 0
/lib/systemd/systemd-udevd --daemon --resolve-names=never
udevadm trigger --type=subsystems --action=add
udevadm trigger --type=devices --action=add
udevadm settle || true
)sh";
constexpr std::string_view early_udev_end = R"sh(#!/bin/sh -e
[ "$1" != prereqs ] || exit 0
[ ! -e /run/udev/control ] || udevadm control --exit
mount -n -o move /dev "${rootmnt:?}/dev" || mount -n --move /dev "$rootmnt/dev"
nuke /dev 2>/dev/null || rm -rf /dev
ln -s "$rootmnt/dev" /dev
)sh";

/// Those of systemd that look for what such a disk does not have.
constexpr std::string_view idle_generators[] = {"gpt-auto", "hibernate-resume", "integritysetup",
                                                "run",      "system-update",    "veritysetup"};

/// Nothing that a machine of this kind has hangs on them, and under emulation each costs a part of a second.
constexpr std::string_view idle_units =
    "modprobe@configfs.service modprobe@dm_mod.service modprobe@drm.service modprobe@efi_pstore.service "
    "modprobe@fuse.service modprobe@loop.service systemd-pstore.service systemd-networkd-wait-online.service "
    "systemd-network-generator.service systemd-update-utmp.service systemd-update-utmp-runlevel.service "
    "systemd-machine-id-commit.service dev-hugepages.mount dev-mqueue.mount sys-kernel-debug.mount "
    "sys-kernel-tracing.mount";

constexpr std::string_view seed_unit = R"([Unit]
Description=Take over what the host says of this machine
DefaultDependencies=no
After=local-fs.target
Before=ssh.service ssh-host-keys.service systemd-networkd.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/local/sbin/envtool-seed

[Install]
WantedBy=multi-user.target
)";

/// The host name comes with every boot, the keys once for each instance; the disk may have grown.
constexpr std::string_view seed_program = R"sh(#!/bin/sh
set -eu
export LC_ALL=C

for entry in /sys/firmware/dmi/entries/11-*/raw; do
  [ -r "$entry" ] || continue
  name=$(tr '\000' '\n' <"$entry" | sed -n 's/^.*envtool\.hostname=//p')
  [ -n "$name" ] && [ "$name" != "$(cat /etc/hostname 2>/dev/null)" ] || continue
  printf '%s\n' "$name" >/etc/hostname
  hostname "$name"
  sed -i '/^127\.0\.1\.1[[:space:]]/d' /etc/hosts
  printf '127.0.1.1\t%s\n' "$name" >>/etc/hosts
done

take_over() {
  user=$(cat "$1/user")
  if ! getent passwd "$user" >/dev/null; then
    useradd --user-group --create-home --shell /bin/bash --password '*' "$user"
    printf '%s ALL=(ALL:ALL) NOPASSWD: ALL\n' "$user" >"/etc/sudoers.d/$user"
    chmod 0440 "/etc/sudoers.d/$user"
  fi
  home=$(getent passwd "$user" | cut -d: -f6)
  install -d -m 0700 -o "$user" -g "$user" "$home/.ssh"
  install -m 0600 -o "$user" -g "$user" "$1/authorized_key" "$home/.ssh/authorized_keys"
  rm -f /etc/ssh/ssh_host_*
  install -m 0600 "$1/ssh_host_ed25519_key" /etc/ssh/ssh_host_ed25519_key
  install -m 0644 "$1/ssh_host_ed25519_key.pub" /etc/ssh/ssh_host_ed25519_key.pub
  cp "$1/instance" /var/lib/envtool-instance
}

if seed=$(blkid --label CIDATA); then
  mkdir -p /run/envtool-seed
  mount -o ro "$seed" /run/envtool-seed
  own=/run/envtool-seed/envtool
  if [ -r "$own/instance" ] && ! cmp -s "$own/instance" /var/lib/envtool-instance; then
    take_over "$own"
  fi
  umount /run/envtool-seed
fi

root=$(findmnt --noheadings --output SOURCE /)
part=/sys/class/block/${root##*/}
[ -e "$part/partition" ] || exit 0
disk=$(dirname "$(readlink -f "$part")")
number=$(cat "$part/partition") start=$(cat "$part/start") have=$(cat "$part/size")
want=$(($(cat "$disk/size") - start))
if [ $((want - have)) -ge 2048 ]; then
  printf ', +\n' | sfdisk --quiet --no-reread --force -N "$number" "/dev/${disk##*/}"
  resizepart "/dev/${disk##*/}" "$number" "$want"
  resize2fs "$root"
fi
)sh";

std::string write_in_guest(std::string_view content, std::string_view path) {
  return fmt::format("printf %s {} > \"$1\"{}\n", quote_shell(content), path);
}

std::string write_program(std::string_view content, std::string_view path) {
  return write_in_guest(content, path) + fmt::format("chmod 0755 \"$1\"{}\n", path);
}

[[noreturn]] void fail_file(const fs::path& path) {
  throw Error(ErrorKind::failed, fmt::format("cannot write '{}': {}", path.string(), errno_text(errno)));
}

void check_host() {
  utsname names{};
  ::uname(&names);
  if (std::string_view(names.machine) != "x86_64")
    throw Error(ErrorKind::unsupported,
                fmt::format("the recipe makes disks of PCs only, and this host is '{}'", names.machine));
  for (const auto& [path, package] : {std::pair("/usr/lib/grub/i386-pc/boot.img", "grub-pc-bin"),
                                      std::pair("/sbin/mkfs.ext4", "e2fsprogs")})
    if (!fs::exists(path))
      throw Error(ErrorKind::host_not_ready, fmt::format("'{}' is missing", path))
          .with_hint(fmt::format("sudo apt-get install {}", package));
}

void run_program(const std::vector<std::string>& words, const char* package, Operation& operation) {
  const ProcessSpec spec{.argv = words};
  const ProcessResult result = operation.run(spec);
  if (result.ok()) return;
  Error error(result.status == 127 ? ErrorKind::host_not_ready : ErrorKind::failed,
              describe_failure(spec, result));
  if (result.status == 127) error.with_hint(fmt::format("sudo apt-get install {}", package));
  throw error;
}

/// GRUB's first stage, partition table and second stage, before the partition.
void write_boot_loader(int image, const fs::path& directory, Operation& operation) {
  const fs::path core = directory / "core.img";
  run_program(
      {"grub-mkimage", "--format=i386-pc", "--output=" + core.string(), "--prefix=(hd0,msdos1)/boot/grub",
       "biosdisk", "part_msdos", "ext2", "linux16", "normal", "configfile", "search_label", "ls", "echo"},
      "grub-common", operation);
  const std::string second = read_file(core);
  fs::remove(core);
  const std::string first = boot_record(read_file(fs::path(grub_directory) / "boot.img"), debian_disk_size);
  if (second.size() > (first_sector - 1) * sector)
    throw Error(ErrorKind::failed, "GRUB does not fit before the first partition");
  const auto write_at = [&](const std::string& bytes, std::uint64_t place) {
    if (::pwrite(image, bytes.data(), bytes.size(), static_cast<off_t>(place)) !=
        static_cast<ssize_t>(bytes.size()))
      fail_file(directory / "disk.raw");
  };
  write_at(first, 0);
  write_at(second, sector);
}

}  // namespace

std::string_view disk_packages() {
  return "linux-image-cloud-amd64,initramfs-tools,e2fsprogs,fdisk,qemu-guest-agent,udev,systemd-resolved";
}

std::string disk_essential_script() {
  return "mkdir -p \"$1\"/etc/initramfs-tools/conf.d\n" +
         write_in_guest("MODULES=list\n", "/etc/initramfs-tools/conf.d/envtool") +
         "mkdir -p \"$1\"/etc/initramfs-tools/hooks \"$1\"/etc/initramfs-tools/scripts/init-top "
         "\"$1\"/etc/initramfs-tools/scripts/init-bottom\n" +
         write_program(boot_modules_hook, "/etc/initramfs-tools/hooks/envtool") +
         write_program(early_udev, "/etc/initramfs-tools/scripts/init-top/udev") +
         write_program(early_udev_end, "/etc/initramfs-tools/scripts/init-bottom/udev");
}

std::string disk_script(int image_fd) {
  std::string script = "set -e\n";
  script += "mkdir -p \"$1\"/boot/grub\n";
  script += write_in_guest(grub_config, "/boot/grub/grub.cfg");
  script += write_in_guest("LABEL=root / ext4 defaults,errors=remount-ro 0 0\n", "/etc/fstab");
  script += write_in_guest(network_config, "/etc/systemd/network/80-dhcp.network");
  script += write_in_guest(cpu_rule, "/etc/udev/rules.d/80-cpu-online.rules");
  script += write_program(seed_program, "/usr/local/sbin/envtool-seed");
  script += write_in_guest(seed_unit, "/etc/systemd/system/envtool-seed.service");
  script += "chroot \"$1\" systemctl --quiet enable envtool-seed systemd-networkd systemd-resolved\n";
  script += fmt::format("chroot \"$1\" systemctl --quiet mask {}\n", idle_units);
  script += "mkdir -p \"$1\"/etc/systemd/system-generators\n";
  for (const std::string_view generator : idle_generators)
    script +=
        fmt::format("ln -s /dev/null \"$1\"/etc/systemd/system-generators/systemd-{}-generator\n", generator);
  script += "ln -sf ../run/systemd/resolve/stub-resolv.conf \"$1\"/etc/resolv.conf\n";
  script +=
      "rm -rf \"$1\"/run/* \"$1\"/var/lib/dbus/machine-id \"$1\"/var/log/dpkg.log \"$1\"/var/log/apt/*\n";
  script += ": > \"$1\"/etc/machine-id\n";
  // mmdebstrap wants its own file back; /proc and the like are mounted and no part of the view.
  script += "aside=$(mktemp) && mv \"$1\"/etc/apt/apt.conf.d/00mmdebstrap \"$aside\"\n";
  script += fmt::format(
      "unshare --mount --propagation private sh -ec 'mount --bind \"$1\" /mnt; mkfs.ext4 -q -F -L root -d "
      "/mnt "
      "-E offset={},lazy_itable_init=0,lazy_journal_init=0 /proc/self/fd/{} {}k' sh \"$1\"\n",
      first_sector * sector, image_fd, (debian_disk_size - first_sector * sector) / 1024);
  script += "mv \"$aside\" \"$1\"/etc/apt/apt.conf.d/00mmdebstrap\n";
  return script;
}

std::string boot_record(std::string_view boot_code, std::uint64_t disk_size) {
  std::string record(boot_code.substr(0, boot_code_size));
  record.resize(sector, '\0');
  const auto put = [&record](std::size_t place, std::uint64_t number, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) record[place + i] = static_cast<char>(number >> (8 * i));
  };
  put(440, 0x656e7674, 4);  // the disk's signature
  put(446, 0x80, 1);        // bootable
  put(447, 0xfffffe, 3);    // no geometry: see the sectors
  put(450, 0x83, 1);        // Linux
  put(451, 0xfffffe, 3);
  put(454, first_sector, 4);
  put(458, disk_size / sector - first_sector, 4);
  put(510, 0xaa55, 2);
  return record;
}

void build_debian_disk_box(const DebianBuild& build, const fs::path& directory, const fs::path& log,
                           Operation& operation) {
  check_host();
  const fs::path raw = directory / "disk.raw";
  const UniqueFd image(::open(raw.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  // In a namespace of mmdebstrap's the image is somebody else's, and reached by the open descriptor only.
  if (!image || ::ftruncate(image.get(), static_cast<off_t>(debian_disk_size)) != 0 ||
      ::fchmod(image.get(), 0666) != 0)
    fail_file(raw);
  DebianBuild disk = build;
  disk.image_fd = image.get();
  run_mmdebstrap(disk, directory / "unused", log, operation);
  write_boot_loader(image.get(), directory, operation);
  run_program({"qemu-img", "convert", "-O", "qcow2", "-c", "-o", "compression_type=zstd", raw.string(),
               (directory / "box.img").string()},
              "qemu-utils", operation);
  fs::remove(raw);
  const Value metadata = Value::map({{"provider", "libvirt"},
                                     {"format", "qcow2"},
                                     {"virtual_size", static_cast<std::int64_t>(debian_disk_size >> 30)},
                                     {"recipe", fmt::format("debian/{}", build.release)},
                                     {"recipe-version", debian_disk_version}});
  write_file(directory / "metadata.json", to_json(metadata, 2) + "\n");
}

}  // namespace envtool
