#!/bin/bash
# A box made for Vagrant comes up as quickly and as closed as any: what it brings of keys, passwords and network
# configuration is gone, and nothing in its archive gets out of its place.
. "$(dirname "$0")/lib.sh"
for program in zstd openssl ssh-keygen; do
  command -v "$program" >/dev/null || skip "it needs '$program'"
done

# The recipe's root file system, to be made insecure again.
project recipe <<'YAML'
name: recipe
box: build:debian/bookworm
folders: []
YAML
expect 0 envtool up
expect 0 envtool destroy --yes
plain=$(find -L "$cache/boxes" -name rootfs.tar.zst | head -n 1)
[ -n "$plain" ] || fail "the recipe left no root file system"

# pack NAME: parts/rootfs.tar as NAME.box.
pack() {
  gzip -1 --force "$work/parts/rootfs.tar"
  echo '{"provider": "lxc", "version": "1.0.0"}' >"$work/parts/metadata.json"
  tar --create --gzip --file "$work/$1.box" --directory "$work/parts" ./metadata.json ./rootfs.tar.gz
}

# What boxes for Vagrant have, and network configuration of three kinds.
make_insecure() {
  local root=$1 hash units=$1/etc/systemd
  mkdir -p "$root/etc/ssh" "$root/root/.ssh" "$root/home/vagrant/.ssh" "$root/etc/network" "$root/etc/netplan" \
    "$units/network" "$units/system/multi-user.target.wants" "$units/system/network-online.target.wants"
  hash=$(openssl passwd -6 vagrant)
  tar --extract --to-stdout --file "$work/parts/rootfs.tar" --wildcards '*etc/shadow' |
    sed --regexp-extended "s|^(root\|vagrant):[^:]*:|\1:$hash:|" >"$root/etc/shadow"
  chmod 0640 "$root/etc/shadow"
  grep --quiet '^vagrant:\$6\$' "$root/etc/shadow" || fail "the box has no passwords to lock"
  ssh-keygen -q -t ed25519 -N '' -C vagrant -f "$work/foreign"
  cp "$work/foreign.pub" "$root/root/.ssh/authorized_keys"
  cp "$work/foreign.pub" "$root/home/vagrant/.ssh/authorized_keys"
  ssh-keygen -q -t rsa -b 2048 -N '' -f "$root/etc/ssh/ssh_host_rsa_key"
  ssh-keygen -q -t ed25519 -N '' -f "$root/etc/ssh/ssh_host_ed25519_key"
  printf 'PermitRootLogin yes\nPasswordAuthentication yes\nUsePAM yes\nSubsystem sftp internal-sftp\n' \
    >"$root/etc/ssh/sshd_config"

  printf 'auto lo\niface lo inet loopback\nauto eth0\niface eth0 inet dhcp\n' >"$root/etc/network/interfaces"
  printf 'network: {version: 2, ethernets: {eth0: {dhcp4: true}}}\n' >"$root/etc/netplan/50-cloud-init.yaml"
  printf '[Match]\nName=eth0\n[Network]\nDHCP=yes\n' >"$units/network/10-eth0.network"
  ln -s /lib/systemd/system/networking.service "$units/system/multi-user.target.wants/"
  ln -s /lib/systemd/system/systemd-networkd.service "$units/system/multi-user.target.wants/"
  ln -s /lib/systemd/system/systemd-networkd-wait-online.service "$units/system/network-online.target.wants/"
}

step "a box as Vagrant's: known key and passwords, host keys, and DHCP by ifupdown, netplan and systemd-networkd"
mkdir "$work/parts" "$work/insecure"
zstd --quiet --decompress "$plain" -o "$work/parts/rootfs.tar" || fail "cannot unpack $plain"
make_insecure "$work/insecure"
chown --recursive 0:0 "$work/insecure"
mkdir "$work/tree"
tar --extract --file "$work/parts/rootfs.tar" --directory "$work/tree" || fail "tar --extract"
cp -a "$work/insecure/." "$work/tree/rootfs"
tar --create --numeric-owner --file "$work/parts/rootfs.tar" --directory "$work/tree" ./rootfs || fail "tar --create"
pack vagrant

step "it comes up"
project vagrant <<YAML
name: vagrant
box: $work/vagrant.box
folders: []
YAML
expect 0 envtool up
address=$(json '.machines[0].addresses[0]' envtool --json status)

step "the key it brings opens nothing, and passwords are not asked for"
for user in vagrant root; do
  run ssh -F /dev/null -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \
    -o LogLevel=ERROR -o IdentitiesOnly=yes -i "$work/foreign" "$user@$address" true
  [ "$status" -ne 0 ] || fail "the box's own key opens it to $user"
  says "Permission denied (publickey)"
done
expect 0 envtool ssh -c 'sudo sshd -T'
says "passwordauthentication no" "kbdinteractiveauthentication no"
expect 0 envtool ssh -c 'sudo getent shadow root vagrant | cut -d: -f2 | cut -c1 | tr -d "!*\n"'
equal "passwords that are not locked" "" "$output"
expect 0 envtool ssh -c 'sudo sh -c "cat /home/*/.ssh/* /root/.ssh/*" 2>/dev/null || true'
says_not "$(cut -d' ' -f2 "$work/foreign.pub")"

step "its host keys are new, and the one there is is pinned"
expect 0 envtool ssh -c 'cat /etc/ssh/ssh_host_*_key.pub'
equal "how many there are" 1 "$(wc -l <<<"$output")"
says_not "$(cut -d' ' -f2 "$work/insecure/etc/ssh/ssh_host_ed25519_key.pub")"
equal "the pinned key" "$(cut -d' ' -f2 <<<"$output")" "$(cut -d' ' -f3 "$ENVTOOL_HOME"/state/*/machines/default/known_hosts)"

step "it has the one address it was given, and nothing that failed"
expect 0 envtool ssh -c 'ip -4 -brief address show eth0'
[[ $output =~ ^eth0(@if[0-9]+)?\ +UP\ +$address/24\ *$ ]] || fail "its address is not $address"
expect 0 envtool ssh -c 'systemctl is-system-running --wait; systemctl --failed --plain --no-legend'
equal "the system" running "$output"

step "it does not wait for DHCP"
expect 0 envtool halt
began=$SECONDS
expect 0 envtool up
[ $((SECONDS - began)) -lt 10 ] || fail "it takes $((SECONDS - began)) s to start"
expect 0 envtool destroy --yes
nothing_left

# hostile NAME: packs what the Python code of standard input adds to the archive, and tries to bring it up.
hostile() {
  mkdir -p "$work/parts" "$work/outside"
  rm -rf "$work/parts/"*
  python3 - "$work/parts/rootfs.tar" "$work/outside" <<PYTHON || fail "cannot make a hostile archive"
import io, sys, tarfile

archive = tarfile.open(sys.argv[1], "w")
outside = sys.argv[2]

def add(name, kind=tarfile.REGTYPE, text="", target=""):
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size, info.mode = kind, target, len(text), 0o755
    archive.addfile(info, io.BytesIO(text.encode()))

def folders(*names):
    for name in names:
        add(name, tarfile.DIRTYPE)

$(cat)
archive.close()
PYTHON
  pack "$1"
  project "$1" <<YAML
name: $1
box: $work/$1.box
folders: []
timeouts: {boot: 3s}
YAML
  run envtool up
  [ "$status" -ne 0 ] || fail "it came up"
  equal "what is outside" "" "$(ls -A "$work/outside")"
  expect 0 envtool destroy --yes
  nothing_left
}

step "an archive that writes through its own links"
hostile links <<'PYTHON'
folders("rootfs", "rootfs/usr")
add("rootfs/etc", tarfile.SYMTYPE, target=outside)
add("rootfs/etc/passwd", text="root:x:0:0::/root:/bin/sh\n")
PYTHON

step "an archive that names places outside"
hostile places <<'PYTHON'
folders("rootfs", "rootfs/usr", "rootfs/etc")
add(outside + "/absolute", text="x")
add("../" * 20 + outside[1:] + "/upwards", text="x")
add("rootfs/../../../" + "../" * 20 + outside[1:] + "/inside", text="x")
PYTHON

step "an archive whose directories lead outside where a box is sealed"
hostile sealed <<'PYTHON'
folders("rootfs", "rootfs/usr", "rootfs/etc", "rootfs/home", "rootfs/etc/systemd")
add("rootfs/etc/passwd", text="root:x:0:0::%s:/bin/sh\nvagrant:x:1000:1000::/home/vagrant:/bin/sh\n" % outside)
for name in "ssh", "network", "netplan", "NetworkManager", "cloud", "systemd/network", "systemd/system":
    add("rootfs/etc/" + name, tarfile.SYMTYPE, target=outside)
for name in "shadow", "hostname", "hosts", "resolv.conf", "machine-id":
    add("rootfs/etc/" + name, tarfile.SYMTYPE, target=outside + "/" + name)
add("rootfs/home/vagrant", tarfile.SYMTYPE, target=outside)
PYTHON
