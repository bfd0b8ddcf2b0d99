#!/bin/bash
# A machine in a file system of its own, a store of liblxc's: as large as its disk, with all that the box holds, and gone
# with it. The stores differ in a few commands (parts/store.h); a file that is mounted is the one any host can have.
. "$(dirname "$0")/lib.sh"
command -v mkfs.ext4 >/dev/null || skip "it needs 'mkfs.ext4'"
[ -e /dev/loop-control ] || skip "this kernel has no loop devices"

guest() { envtool exec -u root -- "$@"; }
# The guest's file system in MiB, of which ext4 itself takes a twentieth.
disk() { guest df --output=size --block-size=1M / | tail -1 | tr -d ' '; }
about() { { [ "$2" -gt $(($1 * 88 / 100)) ] && [ "$2" -le "$1" ]; } || fail "the disk has $2 MiB, expected nearly $1"; }
loops() { losetup --list --noheadings --output BACK-FILE | grep --fixed-strings "$ENVTOOL_ROOT/"; }
no_loops() { ! loops; }
# Of the machine and of the second container that its store is.
locks() { find /run/lxc/lock -name ".$name"; }
stores() { find "$ENVTOOL_ROOT/machines" -name rootdev; }

step "a store that this host cannot have is refused, and doctor says which those are"
run envtool doctor
says "'storage: {lxc: loop}': yes"
doctor=$output
for store in lvm zfs; do
  grep --quiet "'storage: {lxc: $store}': yes" <<<"$doctor" && continue
  project "$store" <<END
name: $store
box: build:debian/bookworm
disk: 1GiB
providers: {lxc: {storage: {lxc: $store}}}
END
  expect 4 envtool up
  says "this host cannot have 'storage: {lxc: $store}'" "'envtool doctor' says what works here"
  nothing_left
done

step "a machine has all of its box, in a file system as large as its disk"
project stores <<'END'
name: stores
box: build:debian/bookworm
disk: 1GiB
providers: {lxc: {storage: {lxc: loop}}}
provision: [{shell: id -u >/root/provisioned}]
END
expect 0 envtool up
about 1024 "$(disk)"
equal "root's" root:root "$(guest stat --format %U:%G /etc/passwd)"
equal "the ssh user's" vagrant:vagrant "$(guest stat --format %U:%G /home/vagrant)"
box=$ENVTOOL_ROOT/boxes/$(jq --raw-output '.recipes["debian/bookworm"].digest' "$cache/boxes/index.json")/rootfs
# shellcheck disable=SC2016 # for that shell
tree='cd "$0" && find usr -xdev -type f -printf "%p %n %U:%G %m %s\n" | sort | sha256sum'
equal "all of /usr" "$(sh -c "$tree" "$box")" "$(guest sh -c "$tree" /)"
equal "no directory of the file system's own" "" "$(guest ls -d /lost+found 2>/dev/null)"
expect 0 guest test -e /vagrant/Envfile
run guest sh -c 'head -c 1200M /dev/zero >/root/big'
says "No space left"
expect 0 guest sh -c 'rm /root/big && echo kept >/root/kept'
expect 6 envtool snapshot save now
equal "the error names the machine once" \
  "error: machine 'default': it has no snapshots, as it lies in a store of liblxc's ('storage: {lxc: loop}')" "$(grep ^error <<<"$output")"
says "envtool package"

step "the disk grows by a restart, and never shrinks"
sed -i 's/disk: 1GiB/disk: 2GiB/' Envfile
expect 0 envtool up
says "disk"
about 1024 "$(disk)"
expect 0 envtool up --restart
about 2048 "$(disk)"
equal "what was on it" "0 kept" "$(guest cat /root/provisioned /root/kept | xargs)"
sed -i 's/disk: 2GiB/disk: 1500MiB/' Envfile
expect 0 envtool up --restart
says "its disk stays at 2GiB"
about 2048 "$(disk)"

step "a halted machine leaves nothing mounted, and a moved project has it still"
expect 0 envtool halt
eventually no_loops
mv "$work/stores" "$work/moved" && cd "$work/moved" || exit 1
expect 0 envtool up
for _ in 1 2 3; do expect 0 envtool reload; done
equal "what was on it" kept "$(guest cat /root/kept)"

step "what runs is packaged as it is"
# To pack what is left takes a tenth of the time.
expect 0 guest sh -c 'rm -rf /usr/share /usr/lib/python3* /usr/lib/x86_64-linux-gnu/perl* /var/cache /var/lib/apt /usr/bin/p*'
expect 0 envtool package --output "$work/stores.box"
equal "the file in the box" kept "$(tar --extract --to-stdout --file "$work/stores.box" --wildcards '*rootfs.tar*' |
  tar --extract --to-stdout --gzip --wildcards '*/root/kept')"
equal "what is mounted" 1 "$(loops | wc -l)"
name=$(json .backend_name envtool --json info)
equal "liblxc's locks" 2 "$(locks | wc -l)"
expect 0 envtool destroy --yes
eventually no_loops
equal "liblxc's locks" "" "$(locks)"
nothing_left

step "a creation that is killed is begun anew, and what it left is gone"
for moment in 0 0.1 0.4; do
  "$ENVTOOL" up >/dev/null 2>&1 </dev/null 9>&- &
  up=$!
  eventually loops
  sleep "$moment"
  helper=$(pgrep --parent "$up" envtool-lxc)
  # shellcheck disable=SC2086 # several, or none
  kill -KILL "$up" $helper 2>/dev/null
  wait "$up" 2>/dev/null
  eventually no_loops
done
expect 0 envtool up
equal "stores" 1 "$(stores | wc -l)"
equal "what is mounted" 1 "$(loops | wc -l)"
expect 0 guest true
expect 0 envtool destroy --yes

step "a disk that does not hold the box is said to"
sed -i 's/disk: 1500MiB/disk: 100MiB/' Envfile
expect 1 envtool up
says "its box does not fit into a disk of 100MiB"
expect 0 envtool destroy --yes
eventually no_loops
nothing_left
