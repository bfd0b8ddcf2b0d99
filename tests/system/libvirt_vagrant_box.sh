#!/bin/bash
# A box as Vagrant has it, which knows nothing of envtool and has Vagrant's key, becomes the user's own machine; with
# two disks, of which the other one has its boot loader, and with what else a machine can be given.
. "$(dirname "$0")/libvirt_world.sh"
. "$(dirname "$0")/lib.sh"
for program in mkfs.vfat mcopy debugfs; do
  command -v "$program" >/dev/null || skip "it needs '$program'"
done
[ -d /usr/lib/grub/x86_64-efi ] || skip "it needs GRUB for EFI"
. "$(dirname "$0")/libvirt_box.sh"

step "a box out of the recipe's disk: with that key, without the unit that takes a seed"
expect 0 envtool --json box list
recipe=$(jq --raw-output '.boxes[] | select(.format == "libvirt") | .digest' <<<"$output" | head -1)
make_vagrant_box "$cache/boxes/$recipe/box.img" "$work/box"
make_efi_disk "$work/box/efi.img"
echo '{"provider": "libvirt", "disks": [{"path": "box.img"}, {"path": "efi.img"}]}' >"$work/box/metadata.json"
tar -C "$work/box" -czf "$work/vagrant.box" .
rm -r "$work/box"

step "up: entered by Vagrant's key, which is gone afterwards"
printf '%-8192s' "what is on the disc" >"$work/tools.iso"
project vagrant <<END
name: vagrant
provider: libvirt
box: $work/vagrant.box
memory: 512MiB
disks: [{name: data, size: 256MiB, mount: /srv/data}]
hostname: taken-over
folders: []
timeouts: {boot: 8m}
providers:
  libvirt:
    driver: qemu
    machine: q35
    cpu: max
    firmware: uefi
    video: virtio
    cdroms: [$work/tools.iso]
    xml:
      domain: <description>made for the shop</description>
      devices: <input type='keyboard' bus='virtio'/>
provision:
  - shell: "! grep -r 'insecure public key' /home/vagrant/.ssh"
END
expect 0 envtool up
expect 0 envtool ssh -c 'hostname; cat ~/.ssh/authorized_keys'
says taken-over envtool
says_not insecure
pinned=$(cut -d' ' -f3 "$ENVTOOL_HOME"/state/*/machines/default/known_hosts)
equal "the host keys" "$pinned" "$(envtool ssh -c 'cat /etc/ssh/ssh_host_*.pub' | cut -d' ' -f2)"

step "firmware, chipset, CD-ROM, graphics and the user's own XML are what the Envfile says"
report='test -d /sys/firmware/efi && echo by UEFI; cat /sys/class/dmi/id/product_name; sudo head -c 19 /dev/sr0; echo
  cat /sys/class/drm/card*/device/vendor /proc/bus/input/devices; lsblk --noheadings --nodeps --output NAME,SIZE /dev/vdb'
expect 0 envtool ssh -c "$report"
says "by UEFI" Q35 "what is on the disc" "QEMU Virtio Keyboard" "vdb"
name=$(json '.machines[0].backend_name' envtool --json status)
expect 0 virsh --connect qemu:///system dumpxml "$name"
says "<description>made for the shop</description>" "<model type='virtio'"
virsh --connect qemu:///system dumpxml --inactive "$name" >"$work/domain.xml"
expect 0 virt-xml-validate "$work/domain.xml" domain

step "a disk of its own has a file system, for good"
expect 0 envtool ssh -c 'echo rows | sudo tee /srv/data/table; findmnt --noheadings --output FSTYPE /srv/data; cat /etc/fstab; sync'
says ext4 " /srv/data ext4 "

step "a snapshot with memory, which QEMU cannot save beside firmware in flash memory: what ran then runs on"
expect 0 envtool ssh -c 'echo before >mark; sudo systemd-run --quiet --unit=witness sleep infinity; sync'
expect 0 envtool snapshot save one
equal "the machine" running "$(state_of)"
expect 0 envtool ssh -c 'echo after >mark; sudo systemctl stop witness'
expect 0 envtool snapshot restore one
equal "disk and memory" "before active" "$(envtool ssh -c 'cat mark; systemctl is-active witness' | xargs)"
expect 0 envtool snapshot delete one
equal "memory that is left" "" "$(virsh --connect qemu:///system vol-list envtool | grep memory)"

step "destroy leaves what the Envfile keeps, and then nothing"
sed -i 's|mount: /srv/data|&, keep: true|' Envfile
expect 0 envtool destroy --yes
says "disk 'data' is kept"
expect 0 envtool status
says "disk 'data' kept of it"
qemu-img convert -O raw "/var/lib/libvirt/envtool/$name".*.disk-data.qcow2 "$work/data.raw"
equal "what is on it" rows "$(debugfs -R 'cat table' "$work/data.raw" 2>/dev/null)"
expect 0 envtool destroy --volumes --yes
equal "volumes but the box's" "" "$(virsh --connect qemu:///system vol-list envtool | awk 'NR > 2 && NF { print $1 }' | grep --invert-match '^box-')"
nothing_left
