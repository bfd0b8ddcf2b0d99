#!/bin/bash
# A virtual machine becomes a box, and the box machines of envtool's and of Vagrant's: with its files and nothing that was
# its own, twice in a row.
. "$(dirname "$0")/libvirt_world.sh"
. "$(dirname "$0")/lib.sh"

project_of() {
  project "$1" <<END
name: package-$1
provider: libvirt
box: $2
memory: 512MiB
folders: []
hostname: guest-of-$1
timeouts: {boot: 8m}
providers: {libvirt: {driver: qemu}}
${3-}
END
}
host_key() { envtool ssh -c 'cut -d" " -f2 /etc/ssh/ssh_host_*_key.pub'; }

step "a box of a machine that runs, and runs on"
project_of first build:debian/bookworm 'disks: [{name: data, size: 64MiB, mount: /srv/data}]'
expect 0 envtool up
expect 0 envtool ssh -c 'sudo sh -c "echo of-envtool >/etc/mark; dd if=/dev/urandom of=/srv/random bs=1M count=2 status=none; sync"'
sum=$(envtool ssh -c 'sha256sum </srv/random') key=$(host_key) id=$(envtool ssh -c 'cat /etc/machine-id')
boot=$(envtool ssh -c 'stat --format %Y /proc/1')
private=$(envtool ssh -c 'sudo sed -n 3p /etc/ssh/ssh_host_ed25519_key')
expect 0 envtool package
says "is packaged as 'package.box'"
equal "the machine" running "$(state_of)"
equal "it has not been restarted" "$boot" "$(envtool ssh -c 'stat --format %Y /proc/1')"
equal "what is in the box" "metadata.json box.img" "$(tar --list --file package.box | xargs)"
equal "domains" "$(json '.machines[0].backend_name' envtool --json status)" "$(virsh --connect qemu:///system list --all --name | xargs)"

step "none of its keys is in it, not even among blocks of files that are gone"
mkdir "$work/box" && tar -C "$work/box" -xf package.box
run qemu-img info "$work/box/box.img"
says_not backing
printf '%s\n' "$key" "$private" "$(cut -d' ' -f2 "$ENVTOOL_HOME"/state/*/machines/default/key.pub)" >"$work/secrets"
equal "secrets" 3 "$(grep --count . "$work/secrets")"
# Nothing is packed in it.
equal "what of it is in the box" "" "$(grep --text --only-matching --fixed-strings --file="$work/secrets" "$work/box/box.img" | sort -u)"
rm -r "$work/box"
expect 0 envtool destroy --yes

step "up from it: the same files, other keys and names"
project_of second "$work/first/package.box"
expect 0 envtool up
expect 0 envtool ssh -c 'cat /etc/mark; sha256sum </srv/random; hostname; grep -c . .ssh/authorized_keys; cat /etc/fstab; systemctl --failed --plain --no-legend'
says of-envtool "$sum" guest-of-second
says_not /srv/data failed insecure
[ "$(host_key)" != "$key" ] || fail "it has the first machine's host key"
[ "$(envtool ssh -c 'cat /etc/machine-id')" != "$id" ] || fail "it has the first machine's id"

step "once more, of a stopped machine"
expect 0 envtool halt
expect 0 envtool package --output ../second.box
equal "the machine" stopped "$(state_of)"
expect 0 envtool destroy --yes
if ! command -v vagrant >/dev/null || ! compgen -G "/usr/share/rubygems-integration/all/gems/vagrant-libvirt-*" >/dev/null; then
  step "up from it"
  project_of third "$work/second.box"
  expect 0 envtool up
  equal "its files" "$sum" "$(envtool ssh -c 'sha256sum </srv/random')"
  expect 0 envtool destroy --yes
  nothing_left
  exit
fi

step "Vagrant runs it: in by its own key, with a host key of its own"
mkdir "$work/vagrant" && cd "$work/vagrant" || exit 1
cat >Vagrantfile <<'END'
Vagrant.configure("2") do |config|
  config.vm.box = "packed"
  config.vm.box_check_update = false
  config.vm.boot_timeout = 300
  config.ssh.insert_key = false
  config.vm.synced_folder ".", "/vagrant", disabled: true
  config.vm.provider :libvirt do |libvirt|
    libvirt.driver = "qemu"
    libvirt.cpu_mode = "maximum"
    libvirt.memory = 512
  end
end
END
in_vagrant() {
  HOME=$work VAGRANT_HOME=$work/vagrant.d VAGRANT_DEFAULT_PROVIDER=libvirt VAGRANT_CHECKPOINT_DISABLE=1 VAGRANT_NO_COLOR=1 \
    timeout 300 vagrant "$@" </dev/null 9>&-
}
expect 0 in_vagrant box add --name packed "$work/second.box"
expect 0 in_vagrant up
expect 0 in_vagrant ssh -c 'cat /etc/mark; whoami; sudo -n whoami; cat /etc/ssh/ssh_host_ed25519_key.pub .ssh/authorized_keys; sha256sum </srv/random'
says of-envtool vagrant root "insecure public key" "$sum"
says_not "$key"
expect 0 in_vagrant destroy --force
nothing_left
