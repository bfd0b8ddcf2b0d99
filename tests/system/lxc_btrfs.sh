#!/bin/bash
# On btrfs a machine is a subvolume of its box's: made, saved and restored in a time that does not depend on how much
# is in it.
. "$(dirname "$0")/lib.sh"
command -v mkfs.btrfs >/dev/null || skip "it needs 'mkfs.btrfs'"
grep --quiet --word-regexp btrfs /proc/filesystems || skip "this kernel has no btrfs"

step "elsewhere it is refused"
project btrfs <<'END'
name: btrfs
box: build:debian/bookworm
folders: []
disks: [{name: data, size: 1GiB, mount: /srv/data, keep: true}, {name: scratch, size: 1GiB, mount: /srv/scratch}]
providers: {lxc: {storage: btrfs}}
END
if [ "$(stat --file-system --format %T "$ENVTOOL_ROOT")" != btrfs ]; then
  expect 4 envtool up
  says "'storage: btrfs' needs" "on btrfs"
  nothing_left
fi

# Unmounted by lib.sh.
truncate --size 4G "$work/disk"
mkfs.btrfs --quiet "$work/disk" >/dev/null 2>&1 && mkdir "$work/tmpfs" && mount -o loop "$work/disk" "$work/tmpfs" ||
  skip "no btrfs can be mounted here"
export ENVTOOL_ROOT=$work/tmpfs/root
bridge=envt$(printf %s "$ENVTOOL_ROOT" | sha256sum | cut -c1-8)
guest() { envtool exec -u root -- "$@"; }
subvolumes() { btrfs subvolume list "$work/tmpfs" | awk '{ print $NF }' | sort; }
# Blocks that were written since, in MiB.
used() { sync --file-system "$work/tmpfs"; df --output=used --block-size=1M "$work/tmpfs" | tail -1; }

expect 0 envtool doctor
says "for 'storage: btrfs'"

step "a machine shares its box's blocks"
envtool box remove build:debian/bookworm --yes >/dev/null 2>&1
expect 0 envtool up
before=$(used)
sed -i 's/^folders/machines: {default: {}, other: {}}\n&/' Envfile
expect 0 envtool up
[ $(($(used) - before)) -lt 60 ] || fail "another machine takes $(($(used) - before)) MiB"
equal "the owner of a file" "root:root" "$(envtool exec default -- stat --format %U:%G /etc/passwd)"
expect 0 envtool destroy other --yes --volumes
sed -i '/^machines/d' Envfile

step "snapshots are subvolumes"
guest sh -c 'head -c 200M /dev/urandom >/root/big; echo one >/root/file; echo one >/srv/scratch/file; echo one >/srv/data/file'
before=$(used)
expect 0 envtool snapshot save live
guest sh -c 'echo two >/root/file; echo two >/srv/scratch/file; echo two >/srv/data/file'
expect 0 envtool halt
expect 0 envtool snapshot save still
[ $(($(used) - before)) -lt 60 ] || fail "two snapshots take $(($(used) - before)) MiB"
expect 0 envtool snapshot restore live
expect 0 envtool up
equal "live" "one one two" "$(guest cat /root/file /srv/scratch/file /srv/data/file | xargs)"
expect 0 envtool snapshot restore still
equal "still" "two two" "$(guest cat /root/file /srv/scratch/file | xargs)"
expect 0 envtool snapshot delete live
expect 0 envtool reload
equal "still" two "$(guest cat /root/file)"

step "all subvolumes go with their machine but the box's and the kept disk"
expect 0 envtool destroy --yes
equal "subvolumes" 1 "$(subvolumes | grep --count --invert-match /disks/)"
expect 0 envtool up
equal "the kept disk" two "$(guest cat /srv/data/file)"
expect 0 envtool destroy --yes --volumes
equal "subvolumes" 1 "$(subvolumes | wc -l)"
nothing_left
