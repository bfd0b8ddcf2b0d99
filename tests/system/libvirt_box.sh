# shellcheck shell=bash
# What tests and benchmarks with boxes of Vagrant's share. Sourced, not run.

# The public key that Vagrant's boxes are made with.
vagrant_key="ssh-rsa AAAAB3NzaC1yc2EAAAABIwAAAQEA6NF8iallvQVp22WDkTkyrtvp9eWW6A8YVr+kz4TjGYe7gHzIw+niNltGEFHzD8+v1I2YJ6oXevct1YeS0o9HZyN1Q9qgCgzUFtdOKLv6IedplqoPkcmF0aYet2PkEDo3MlTBckFXPITAMzF8dJSIFo9D8HfdOV0IAdx4O7PtixWKn5y2hMNG0zQPyUecp4pzC6kivAIhyfHilFR61RGL+GPXQ2MWZWFYbAGjyiYJnAmCP3NOTd0jMZEnDkbUvxhMmBYSdETk1rRgm+R4LOzFUGaHqHDLKLX+FIPKcF96hrucXzcWyLbIbEgE98OHlnVYCzRdK8jlqm8tehUc9c9WhQ== vagrant insecure public key"

# make_vagrant_box RECIPE_IMAGE DIRECTORY: in the new directory a box.img, with Vagrant's key, host keys and without the unit
# that takes a seed, and what belongs into a box beside it.
make_vagrant_box() {
  mkdir "$2"
  qemu-img convert -O raw "$1" "$2/disk.raw"
  echo "$vagrant_key" >"$2/authorized_keys"
  ssh-keygen -q -t ed25519 -N '' -C '' -f "$2/host_key"
  debugfs -w -f - "$2/disk.raw?offset=1048576" >"$2/debugfs.log" 2>&1 <<END
mkdir /home/vagrant/.ssh
set_inode_field /home/vagrant/.ssh uid 1000
set_inode_field /home/vagrant/.ssh gid 1000
set_inode_field /home/vagrant/.ssh mode 040700
write $2/authorized_keys /home/vagrant/.ssh/authorized_keys
set_inode_field /home/vagrant/.ssh/authorized_keys uid 1000
set_inode_field /home/vagrant/.ssh/authorized_keys gid 1000
set_inode_field /home/vagrant/.ssh/authorized_keys mode 0100600
write $2/host_key /etc/ssh/ssh_host_ed25519_key
set_inode_field /etc/ssh/ssh_host_ed25519_key mode 0100600
write $2/host_key.pub /etc/ssh/ssh_host_ed25519_key.pub
rm /etc/systemd/system/multi-user.target.wants/envtool-seed.service
END
  qemu-img convert -O qcow2 "$2/disk.raw" "$2/box.img"
  rm "$2/disk.raw" "$2/authorized_keys" "$2"/host_key* "$2/debugfs.log"
  echo '{"provider": "libvirt", "format": "qcow2", "virtual_size": 10}' >"$2/metadata.json"
  printf 'Vagrant.configure("2") do |config|\n  config.ssh.username = "vagrant"\nend\n' >"$2/Vagrantfile"
}

# make_efi_disk FILE: a raw disk with nothing but a boot loader for UEFI that starts the kernel of the recipe's disk.
make_efi_disk() {
  local directory
  directory=$(mktemp --directory)
  cat >"$directory/grub.cfg" <<'END'
search --set=root --label root
linux /vmlinuz root=LABEL=root ro no_timer_check loglevel=4 console=tty0 console=ttyS0
initrd /initrd.img
boot
END
  grub-mkimage --format=x86_64-efi --output="$directory/boot.efi" --prefix=/boot/grub --config="$directory/grub.cfg" \
    part_msdos ext2 linux normal search search_label
  mkfs.vfat -C "$1" 8192 >/dev/null
  mmd -i "$1" ::/EFI ::/EFI/BOOT
  mcopy -i "$1" "$directory/boot.efi" ::/EFI/BOOT/BOOTX64.EFI
  rm -r "$directory"
}
