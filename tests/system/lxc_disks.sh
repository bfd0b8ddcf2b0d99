#!/bin/bash
# Disks beside the root disk: what keeps them, what takes them away, and whose what is on them is. And options that
# give a guest something of the host's, or take something from it.
. "$(dirname "$0")/lib.sh"

guest() { envtool exec -u root -- "$@"; }
kept() { json '.machines[] | select(.name == "default") | .kept_disks | join(" ")' envtool --json status; }
name() { json '.machines[0].backend_name' envtool --json status; }

step "a disk is there, is root's, and is no part of the root file system"
project disks <<'END'
name: disks
box: build:debian/bookworm
folders:
  - .:/srv/data/project
disks:
  - {name: data, size: 1GiB, mount: /srv/data, keep: true}
  - {name: scratch, size: 1GiB, mount: /srv/scratch}
END
expect 0 envtool up
says "disk 'data' is a directory here"
equal "its owner" "root root 755" "$(guest stat -c '%U %G %a' /srv/data)"
[ "$(guest stat -c %d /srv/data)" != "$(guest stat -c %d /)" ] || fail "it is a directory of the root file system"
guest sh -c 'echo root >/srv/data/root; echo www >/srv/data/www; chown www-data: /srv/data/www; cp /usr/bin/id /srv/data/id
  chmod 4755 /srv/data/id; echo chips >/srv/scratch/chips'
expect 0 guest test -e /srv/data/project/Envfile
equal "kept" data "$(kept)"
expect 0 runuser --user nobody -- test ! -r "$ENVTOOL_ROOT/disks/$(name)/data"
expect 0 envtool reload
equal "after a restart" "root chips" "$(guest cat /srv/data/root /srv/scratch/chips | xargs)"

step "a snapshot has what does not outlive the machine, and leaves alone what does"
expect 0 envtool snapshot save live
guest sh -c 'echo later >/srv/scratch/chips; echo later >/srv/data/root'
expect 0 envtool halt
expect 0 envtool snapshot save still
expect 0 envtool snapshot restore live
expect 0 envtool up
equal "after a restore" "later chips" "$(guest cat /srv/data/root /srv/scratch/chips | xargs)"
expect 0 envtool snapshot restore still
equal "after another" later "$(guest cat /srv/scratch/chips)"

step "destroy keeps what is to be kept, and the next machine has it, its owners too"
expect 0 envtool destroy --yes
says "disk 'data' is kept" "destroy --volumes default"
equal "kept" data "$(kept)"
expect 0 envtool status
says "not created" "disk 'data' kept of it"
expect 0 envtool up
equal "root's" "later root:root" "$(guest cat /srv/data/root) $(guest stat -c %U:%G /srv/data/root)"
equal "www-data's" www-data:www-data "$(guest stat -c %U:%G /srv/data/www)"
equal "what was not kept" "" "$(guest ls /srv/scratch)"

step "a privileged machine has it as an unprivileged one has"
sed -i '$a providers: {lxc: {unprivileged: false, storage: dir}}' Envfile
expect 0 envtool destroy --yes
expect 0 envtool up
equal "www-data's" www-data:www-data "$(guest stat -c %U:%G /srv/data/www)"
equal "root's" 0 "$(stat -c %u "$ENVTOOL_ROOT/disks/$(name)/data/files/root")"

step "an environment is remembered for its disks, until destroy --volumes"
expect 0 envtool destroy --yes
expect 0 envtool list --prune
says "1 disk kept"
expect 0 envtool destroy --yes
says "is not there"
equal "kept" data "$(kept)"
expect 0 envtool destroy --yes --volumes
nothing_left

step "what may not be is refused by name"
envfile <<'END'
name: disks
box: build:debian/bookworm
disk: 10GiB
disks: [{name: raw, size: 1GiB}]
END
expect 6 envtool up
says "'disk' is not supported by provider 'lxc'" "disk 'raw' has no 'mount'"
envfile <<'END'
name: disks
box: build:debian/bookworm
disks: [{name: a, size: 1GiB, mount: /srv}, {name: b, size: 1GiB, mount: /srv}]
END
expect 3 envtool up
says "disk 'b' is to be on '/srv', where disk 'a' is"
nothing_left

step "tmpfs, devices, dropped capabilities and nesting have their effect"
for unprivileged in true false; do
  envfile <<END
name: disks
box: build:debian/bookworm
folders: ["./in:/tmp/in"]
providers:
  lxc: {unprivileged: $unprivileged, tmpfs: 64MiB, devices: [/dev/fuse, /dev/net/tun], drop_capabilities: [net_raw, sys_ptrace], nesting: true}
END
  mkdir -p in && touch in/file
  expect 0 envtool up
  equal "/tmp" "tmpfs 65536 1777" "$(guest stat -f -c %T /tmp) $(guest df --output=size -k /tmp | tail -1 | xargs) $(guest stat -c %a /tmp)"
  expect 0 guest test -e /tmp/in/file
  equal "a device" "character special file root" "$(guest stat -c '%F %U' /dev/fuse)"
  expect 0 guest python3 -c 'import os; os.open("/dev/fuse", os.O_RDWR)'
  expect 0 guest python3 -c 'import os; os.open("/dev/net/tun", os.O_RDWR)'
  caps=$((16#$(guest sed -n 's/^CapBnd:\t//p' /proc/1/status)))
  equal "net_raw, sys_ptrace" "0 0" "$((caps >> 13 & 1)) $((caps >> 19 & 1))"
  equal "net_admin" 1 "$((caps >> 12 & 1))"
  expect 1 guest python3 -c 'import socket; socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)'
  expect 0 guest unshare --user --map-root-user --pid --fork --mount-proc true
  guest sh -c 'systemctl is-system-running --wait' >"$work/running"
  equal "the guest" running "$(cat "$work/running")"
  expect 0 envtool destroy --yes
  nothing_left
done

step "without them there is none of it"
envfile <<'END'
name: disks
box: build:debian/bookworm
folders: []
END
expect 0 envtool up
expect 1 guest test -e /dev/fuse
expect 1 guest unshare --user --map-root-user --pid --fork --mount-proc true
[ "$(guest stat -f -c %T /tmp)" != tmpfs ] || fail "/tmp is in memory"
sed -i '$a providers: {lxc: {devices: [/dev/none]}}' Envfile
expect 1 envtool up --restart
says "/dev/none"
sed -i 's|devices: .*|drop_capabilities: [net_rawe]}}|' Envfile
expect 3 envtool up --restart
says "there is no capability 'net_rawe'" "did you mean 'net_raw'?" "Envfile:4"
expect 0 envtool destroy --yes
nothing_left
