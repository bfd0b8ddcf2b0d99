#!/bin/bash
# Vagrant with vagrant-lxc boots a box that envtool packaged, and envtool one that Vagrant packaged. Vagrant runs in
# mount, network and process namespaces of the test's own, so that it meets no container, bridge or address of the
# host's, and ends with them.
. "$(dirname "$0")/lib.sh"
for program in vagrant lxc-start dnsmasq redir unshare nsenter; do
  command -v "$program" >/dev/null || skip "it needs '$program'"
done
compgen -G "/usr/share/rubygems-integration/all/gems/vagrant-lxc-*" >/dev/null || skip "it needs vagrant-lxc"

mkdir "$work/containers" "$work/vagrant" "$work/vagrant.d"
world=
leave() {
  local result=$?
  [ -z "$world" ] || { kill -9 "$world"; wait "$world" 2>/dev/null; }
  find /sys/fs/cgroup -depth -type d -path "*/lxc.*.envtool-vagrant-$$*" -exec rmdir {} + 2>/dev/null
  (exit "$result")
  clean_up
}
trap leave EXIT

step "a box by envtool"
project packed <<'YAML'
name: packed
box: build:debian/bookworm
folders: []
provision:
  - shell: echo of-envtool >/etc/mark
  # What nobody needs here would be packed, unpacked and packed again.
  - shell: rm -rf /usr/share/{locale,perl,doc,man} /usr/lib/python3* /usr/lib/*-linux-gnu/perl
YAML
expect 0 envtool up
expect 0 envtool package --output "$work/envtool.box"
expect 0 envtool destroy --yes

# The container's address comes from here, as it would from a network of lxc-net's.
cat >"$work/world.sh" <<END
mount --bind "$work/containers" /var/lib/lxc
mkdir "$work/cgroups" && mount --rbind /sys/fs/cgroup "$work/cgroups"
mount -t sysfs sysfs /sys && mount --rbind "$work/cgroups" /sys/fs/cgroup
ip link set lo up
ip link add lxcbr0 type bridge && ip address add 10.0.3.1/24 dev lxcbr0 && ip link set lxcbr0 up
dnsmasq --conf-file=/dev/null --interface=lxcbr0 --bind-interfaces --except-interface=lo --no-ping \
  --dhcp-range=10.0.3.2,10.0.3.250,1h --dhcp-leasefile="$work/leases" --pid-file="$work/dnsmasq.pid" --no-resolv --no-hosts
touch "$work/ready"
exec sleep infinity
END
unshare --mount --net --pid --fork --kill-child --mount-proc sh "$work/world.sh" 9>&- &
world=$!
eventually test -e "$work/ready"
inside=$(pgrep --parent "$world") || fail "there is no world for Vagrant"

# vagrant WORDS...: there, in its project.
vagrant() {
  nsenter --target "$inside" --mount --net --pid --wdns="$work/vagrant" env HOME="$work" USER=root VAGRANT_HOME="$work/vagrant.d" \
    VAGRANT_DEFAULT_PROVIDER=lxc VAGRANT_CHECKPOINT_DISABLE=1 VAGRANT_BOX_UPDATE_CHECK_DISABLE=1 VAGRANT_NO_COLOR=1 \
    timeout 200 vagrant "$@" </dev/null 9>&-
}
# It looks for a key that LXC has had no more since 2.1, when it packages.
cat >"$work/vagrant/Vagrantfile" <<END
require "vagrant-lxc/driver"
class Vagrant::LXC::Driver
  def rootfs_path = base_path.join("rootfs")
end
Vagrant.configure("2") do |config|
  config.vm.box = "packed"
  config.vm.box_check_update = false
  config.vm.synced_folder ".", "/vagrant", disabled: true
  config.vm.provider :lxc do |lxc|
    lxc.container_name = "envtool-vagrant-$$"
    lxc.customize "apparmor.profile", "unconfined"
    lxc.customize "net.0.link", "lxcbr0"
  end
end
END

step "Vagrant adds it"
expect 0 vagrant box add --name packed "$work/envtool.box"
says "Successfully added box 'packed'"

step "and boots it: address by DHCP, name server, in by its own key, which it replaces"
expect 0 vagrant up
says "Inserting generated public key"
expect 0 vagrant ssh -c 'cat /etc/mark; whoami; sudo -n whoami; ls /etc/ssh/ssh_host_ed25519_key; cat /etc/resolv.conf'
says of-envtool vagrant root ssh_host_ed25519_key "nameserver 10.0.3.1"

step "Vagrant packages it"
expect 0 vagrant ssh -c 'echo of-vagrant | sudo tee /etc/mark'
expect 0 vagrant package --output "$work/vagrant.box"
expect 0 vagrant destroy --force

step "envtool boots what Vagrant packaged"
project back <<YAML
name: back
box: $work/vagrant.box
folders: []
YAML
expect 0 envtool up
expect 0 envtool ssh -c 'cat /etc/mark; sudo -n whoami; systemctl is-system-running --wait; grep --count . .ssh/authorized_keys'
equal "the machine" "of-vagrant root running 1" "$(xargs <<<"$output")"
expect 0 envtool destroy --yes
nothing_left
