#!/bin/bash
# A box as Vagrant has it, which knows nothing of envtool and has Vagrant's key, becomes the user's own machine.
. "$(dirname "$0")/libvirt_world.sh"
. "$(dirname "$0")/lib.sh"

key="ssh-rsa AAAAB3NzaC1yc2EAAAABIwAAAQEA6NF8iallvQVp22WDkTkyrtvp9eWW6A8YVr+kz4TjGYe7gHzIw+niNltGEFHzD8+v1I2YJ6oXevct1YeS0o9HZyN1Q9qgCgzUFtdOKLv6IedplqoPkcmF0aYet2PkEDo3MlTBckFXPITAMzF8dJSIFo9D8HfdOV0IAdx4O7PtixWKn5y2hMNG0zQPyUecp4pzC6kivAIhyfHilFR61RGL+GPXQ2MWZWFYbAGjyiYJnAmCP3NOTd0jMZEnDkbUvxhMmBYSdETk1rRgm+R4LOzFUGaHqHDLKLX+FIPKcF96hrucXzcWyLbIbEgE98OHlnVYCzRdK8jlqm8tehUc9c9WhQ== vagrant insecure public key"

step "a box out of the recipe's disk: with that key, without the unit that takes a seed"
expect 0 envtool --json box list
recipe=$(jq --raw-output '.boxes[] | select(.format == "libvirt") | .digest' <<<"$output" | head -1)
mkdir "$work/box"
qemu-img convert -O raw "$cache/boxes/$recipe/box.img" "$work/disk.raw"
echo "$key" >"$work/authorized_keys"
debugfs -w -f - "$work/disk.raw?offset=1048576" >"$work/debugfs.log" 2>&1 <<END
mkdir /home/vagrant/.ssh
set_inode_field /home/vagrant/.ssh uid 1000
set_inode_field /home/vagrant/.ssh gid 1000
set_inode_field /home/vagrant/.ssh mode 040700
write $work/authorized_keys /home/vagrant/.ssh/authorized_keys
set_inode_field /home/vagrant/.ssh/authorized_keys uid 1000
set_inode_field /home/vagrant/.ssh/authorized_keys gid 1000
set_inode_field /home/vagrant/.ssh/authorized_keys mode 0100600
rm /etc/systemd/system/multi-user.target.wants/envtool-seed.service
END
qemu-img convert -O qcow2 "$work/disk.raw" "$work/box/box.img"
rm "$work/disk.raw"
echo '{"provider": "libvirt", "format": "qcow2", "virtual_size": 10}' >"$work/box/metadata.json"
printf 'Vagrant.configure("2") do |config|\n  config.ssh.username = "vagrant"\nend\n' >"$work/box/Vagrantfile"
tar -C "$work/box" -czf "$work/vagrant.box" .
rm -r "$work/box"

step "up: entered by Vagrant's key, which is gone afterwards"
project vagrant <<END
name: vagrant
provider: libvirt
box: $work/vagrant.box
memory: 512MiB
hostname: taken-over
folders: []
timeouts: {boot: 8m}
providers: {libvirt: {driver: qemu}}
provision:
  - shell: "! grep -r 'insecure public key' /home/vagrant/.ssh"
END
expect 0 envtool up
expect 0 envtool ssh -c 'hostname; cat ~/.ssh/authorized_keys'
says taken-over envtool
says_not insecure
pinned=$(cut -d' ' -f3 "$ENVTOOL_HOME"/state/*/machines/default/known_hosts)
equal "the host keys" "$pinned" "$(envtool ssh -c 'cat /etc/ssh/ssh_host_*.pub' | cut -d' ' -f2)"

step "destroy leaves nothing"
expect 0 envtool destroy --yes
nothing_left
