#!/bin/bash
# Snapshots of stopped and running machines come back exactly, with what provisioners had done; whatever is killed
# on the way, neither the machine nor a snapshot is lost.
. "$(dirname "$0")/lib.sh"

guest() { envtool exec -u root -- "$@"; }
facts() { json '.machines[] | "\(.backend_name) \(.addresses[0])"' envtool --json status; }
mac() { guest cat /sys/class/net/eth0/address; }
# cut DELAY WORDS...: envtool and its helper are killed after that time.
cut() {
  local delay=$1
  shift
  "$ENVTOOL" "$@" </dev/null >/dev/null 2>&1 9>&- &
  sleep "$delay"
  # shellcheck disable=SC2046 # several numbers
  kill -KILL $! $(pgrep --parent $!) 2>/dev/null
  wait $! 2>/dev/null
}
own_disk() { echo "$ENVTOOL_ROOT/machines/$(json '.machines[].backend_name' envtool --json status)"; }

for storage in overlay dir; do
  step "storage $storage"
  project "snapshots-$storage" <<EOF
box: build:debian/bookworm
folders: []
providers: {lxc: {storage: $storage}}
provision: [{name: first, shell: "echo first >>/root/provisioned"}]
EOF
  expect 0 envtool up
  before="$(facts) $(mac) $(guest cat /etc/ssh/ssh_host_ed25519_key.pub)"
  guest sh -c 'echo one >/root/file; mkdir /root/dir; echo x >/root/dir/x; ln /root/file /root/link'
  guest sh -c 'rm /etc/debian_version; rm -r /usr/share/doc/bash; mkdir /usr/share/doc/bash; chown 1000:1000 /root/dir'
  guest setfattr -n user.mine -v yes /root/dir/x 2>/dev/null

  step "of a running machine"
  expect 0 envtool snapshot save live
  equal state running "$(state_of)"
  guest sh -c 'echo two >/root/file; rm -r /root/dir; echo back >/etc/debian_version; echo new >/root/new'
  envfile <<EOF
box: build:debian/bookworm
folders: []
providers: {lxc: {storage: $storage}}
provision:
  - {name: first, shell: "echo first >>/root/provisioned"}
  - {name: second, shell: "echo second >>/root/provisioned"}
EOF
  expect 0 envtool up
  expect 0 envtool halt
  expect 0 envtool snapshot save still
  equal state stopped "$(state_of)"
  expect 0 envtool snapshot list
  says live still
  [ "$(json '[.machines[].snapshots[] | select(.size > 0)] | length' envtool --json snapshot list)" = 2 ] ||
    fail "a snapshot has no size"

  step "restore"
  expect 0 envtool up
  guest sh -c 'echo three >/root/file'
  expect 0 envtool snapshot restore live
  equal state running "$(state_of)"
  equal "the file" one "$(guest cat /root/file)"
  equal "its other name" one "$(guest cat /root/link)"
  equal "the directory" "1000:1000" "$(guest stat -c %u:%g /root/dir)"
  expect 1 guest test -e /root/new
  expect 1 guest test -e /etc/debian_version
  equal "an emptied directory" "" "$(guest ls /usr/share/doc/bash)"
  equal "who it is" "$before" "$(facts) $(mac) $(guest cat /etc/ssh/ssh_host_ed25519_key.pub)"
  equal "provisioned" first "$(guest cat /root/provisioned)"
  expect 0 envtool ssh -c true
  expect 0 envtool up
  equal "provisioned" $'first\nsecond' "$(guest cat /root/provisioned)"
  expect 0 envtool snapshot restore still
  equal "the file" two "$(guest cat /root/file)"
  expect 0 guest test -e /root/new
  equal "provisioned" $'first\nsecond' "$(guest cat /root/provisioned)"

  step "names"
  expect 1 envtool snapshot save live
  says "has a snapshot 'live' already"
  expect 2 envtool snapshot restore lvie
  says "did you mean 'live'?"

  step "delete"
  expect 0 envtool snapshot delete still
  expect 0 envtool reload
  equal "the file" two "$(guest cat /root/file)"
  expect 0 envtool snapshot restore live
  equal "the file" one "$(guest cat /root/file)"
  expect 0 envtool snapshot delete live
  # Copies of a whole file system take their time; destroy waits for it.
  [ "$storage" = dir ] || eventually test ! -e "$(own_disk)/discarded"
  expect 0 envtool destroy --yes
  nothing_left
done

step "killed on the way"
project killed <<EOF
box: build:debian/bookworm
folders: []
EOF
expect 0 envtool up
guest sh -c 'echo kept >/root/file; head -c 60M /dev/urandom >/root/big'
expect 0 envtool snapshot save good
for delay in 0.005 0.02 0.04 0.08 0.15 0.3; do
  cut "$delay" snapshot save "cut$delay"
  expect 0 envtool up
  equal state running "$(state_of)"
  equal "the file" kept "$(guest cat /root/file)"
done
for delay in 0.005 0.02 0.04 0.08 0.15; do
  cut "$delay" snapshot restore good
  expect 0 envtool up
  equal "the file" kept "$(guest cat /root/file)"
done
expect 0 envtool snapshot restore good
equal "the file" kept "$(guest cat /root/file)"

step "a hundred layers and more"
expect 0 envtool halt
for number in $(seq 1 103); do envtool -q snapshot save "n$number" || fail "snapshot $number"; done
expect 0 envtool up
equal "the file" kept "$(guest cat /root/file)"
expect 1 guest test -e /etc/none
expect 0 envtool snapshot restore n50
equal "the file" kept "$(guest cat /root/file)"
expect 0 envtool destroy --yes
nothing_left
