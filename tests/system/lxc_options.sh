#!/bin/bash
# What the Envfile can say about LXC machines, seen in the kernel: ids, storage, limits, raw configuration.
. "$(dirname "$0")/lib.sh"

# The process id of a machine's init.
init() {
  local file
  for file in $(find /sys/fs/cgroup -path "*/lxc.payload.*$(record_id | cut -c1-4)*" -name cgroup.procs); do
    xargs --no-run-if-empty -n 1 sh -c 'grep -qsE "^NSpid:.*\s1$" /proc/$0/status && echo $0' <"$file"
  done | sort -nu | head -n 1
}
# What a limit's file says, of cgroup version 2 or else 1.
control() {
  find /sys/fs/cgroup -path "*/lxc.payload.*$(record_id | cut -c1-4)*/$1" -not -path "*/lxc.payload.*/*/*" -exec cat {} + | head -n 1
}
cpu_limit() {
  local quota
  quota=$(control cpu.max)
  echo $(($(set -- ${quota:-$(control cpu.cfs_quota_us)} && [ "$1" != max ] && echo "$1" || echo 0) / 100000))
}
memory_limit() { local limit; limit=$(control memory.max); echo "${limit:-$(control memory.limit_in_bytes)}"; }
mount_of() { awk '$5 == "/" { sub(/.* - /, ""); print $1 }' "/proc/$(init)/mountinfo"; }

step "a machine is unprivileged and an overlay of its box"
project options <<'END'
name: options
box: build:debian/bookworm
cpus: 1
memory: 512MiB
END
expect 0 envtool up
read -r inside outside count <"/proc/$(init)/uid_map"
equal "the first id" 0 "$inside"
equal "how many" 65536 "$count"
[ "$outside" -ge 100000 ] || fail "root of the guest is $outside on the host"
equal "the root file system" overlay "$(mount_of)"
used=$(du --summarize --block-size=1M "$ENVTOOL_ROOT"/machines/* | cut -f1)
[ "$used" -lt 20 ] || fail "a machine takes $used MB beside its box"

step "limits are the kernel's, and up changes them in a running machine"
equal "cpus" 1 "$(cpu_limit)"
equal "memory" $((512 * 1024 * 1024)) "$(memory_limit)"
boot=$(envtool ssh -c 'stat --format %Y /proc/1')
sed -i 's/cpus: 1/cpus: 2/; s/512MiB/1GiB/' Envfile
expect 10 envtool plan --exit-code
expect 0 envtool up
equal "cpus" 2 "$(cpu_limit)"
equal "memory" $((1024 * 1024 * 1024)) "$(memory_limit)"
equal "the machine has not been restarted" "$boot" "$(envtool ssh -c 'stat --format %Y /proc/1')"
expect 0 envtool plan --exit-code
expect 0 envtool reload
equal "cpus after a restart" 2 "$(cpu_limit)"
equal "memory after a restart" $((1024 * 1024 * 1024)) "$(memory_limit)"

step "a guest that does not shut down in time is stopped hard"
echo "timeouts: {shutdown: 3s}" >>Envfile
expect 0 envtool ssh -c "sudo systemd-run --quiet --unit stuck --property 'ExecStop=/bin/sleep 600' \
  --property TimeoutStopSec=600 sleep infinity"
began=$(date +%s)
expect 0 envtool halt
took=$(($(date +%s) - began))
{ [ $took -ge 3 ] && [ $took -lt 60 ]; } || fail "halt took $took s, expected a little more than 3"
equal "the state" stopped "$(state_of)"
expect 0 envtool up

step "an init that is a mere program ends when it is asked, or at once"
# halts SECONDS PROGRAM: with an init that starts sshd and becomes that program, halt takes no longer.
halts() {
  local began
  expect 0 envtool ssh -c "printf '%s\n' '#!/bin/sh' 'mkdir -p /run/sshd' '$2' | sudo tee /sbin/program && sudo chmod 0755 /sbin/program"
  expect 0 envtool up --restart
  expect 0 envtool reload
  began=$SECONDS
  expect 0 envtool halt
  [ $((SECONDS - began)) -lt "$1" ] || fail "halt took $((SECONDS - began)) s"
}
envfile <<'END'
name: options
box: build:debian/bookworm
providers: {lxc: {config: {lxc.init.cmd: /sbin/program}}}
END
halts 20 "exec /usr/sbin/sshd -D"
says_not "stopped hard"
expect 0 envtool up
halts 20 "/usr/sbin/sshd; exec sleep infinity"
says "listens to no signal that asks it to shut down" "stopped hard"
expect 0 envtool up

step "options wait for a restart, and say so"
envfile <<'END'
name: options
box: build:debian/bookworm
providers:
  lxc:
    config:
      lxc.environment: "GREETING=hello there"
      lxc.sysctl.net.ipv4.ip_unprivileged_port_start: 80
    start_on_boot: true
END
expect 0 envtool up
says "--restart"
expect 0 envtool up --restart
says "does not start with this host before 'sudo systemctl enable envtool-lxc-boot.service'"
equal "a list's text" "GREETING=hello there" "$(envtool ssh -c 'sudo -n cat /proc/1/environ' | tr '\0' '\n' | grep GREETING)"
equal "a number" 80 "$(envtool ssh -c 'cat /proc/sys/net/ipv4/ip_unprivileged_port_start')"

step "what wants to start with the host does, and nothing else does"
for helper in "$(dirname "$ENVTOOL")"/{,../}libexec/envtool/envtool-lxc; do [ -x "$helper" ] && break; done
# As the host is after a power cut.
power_cut() { expect 0 envtool halt --force; ip link delete "$bridge"; nft delete table ip "$bridge"; }
# As the unit does it.
boot() { expect "$1" env -i "$helper" "{\"op\":\"boot\",\"root\":\"$ENVTOOL_ROOT\"}"; }
power_cut
boot 0
equal "the state" running "$(state_of)"
eventually envtool ssh -c true
equal "an option" 80 "$(envtool ssh -c 'cat /proc/sys/net/ipv4/ip_unprivileged_port_start')"
expect 0 envtool ssh -c 'test -e /vagrant/Envfile'
expect 0 envtool plan --exit-code
power_cut
mv "$work/options" "$work/elsewhere"
boot 1
says "machine 'options-default-" "cannot share the folder '$work/options'"
mv "$work/elsewhere" "$work/options"
sed -i '/start_on_boot/d' Envfile
expect 0 envtool up
power_cut
boot 0
equal "the state" stopped "$(state_of)"
expect 0 envtool up

step "a key that envtool sets, or that is none, is refused before anything is touched"
for key in lxc.rootfs.path lxc.net.0.type cpu.max lxc.enviroment; do
  sed -i "s/^      [a-z.0]*: \"\?GREETING.*/      $key: \"GREETING\"/" Envfile
  expect 3 envtool up --restart
  says "'$key'" "Envfile:6:"
  expect 3 envtool validate
done
says "did you mean 'lxc.environment'?"
equal "the state" running "$(state_of)"
expect 0 envtool destroy --yes
nothing_left
sed -i 's/lxc.enviroment/lxc.of.another.time/' Envfile
expect 3 envtool up
says "the LXC of this host has no 'lxc.of.another.time'" "Envfile:6:"
nothing_left

step "storage: dir is a copy"
envfile <<'END'
name: options
box: build:debian/bookworm
providers: {lxc: {storage: dir}}
END
expect 0 envtool up
[ "$(mount_of)" != overlay ] || fail "the root file system is an overlay"
equal "the owner of a file" "root:root" "$(envtool ssh -c 'stat --format %U:%G /etc/passwd')"
equal "sudo works" 0 "$(envtool ssh -c 'sudo -n id --user')"
envtool ssh -c 'echo kept >note'
expect 0 envtool reload
equal "what it keeps" kept "$(envtool ssh -c 'cat note')"
expect 0 envtool destroy --yes
nothing_left

step "unprivileged: false is the host's root, with both kinds of storage and a folder"
for storage in overlay dir; do
  envfile <<END
name: options
box: build:debian/bookworm
providers: {lxc: {unprivileged: false, storage: $storage}}
END
  expect 0 envtool up
  equal "the map of ids" "0 0 4294967295" "$(tr --squeeze-repeats ' ' <"/proc/$(init)/uid_map" | sed 's/^ //')"
  equal "the state of the guest" 0 "$(envtool ssh -c 'sudo -n id --user')"
  equal "the owner of the project" vagrant "$(envtool ssh -c 'stat --format %U /vagrant/Envfile')"
  expect 1 envtool ssh -c 'sudo -n date --set=now'
  envtool ssh -c 'echo mine >/vagrant/mine'
  equal "the owner of a file on the host" 0 "$(stat --format %u mine)"
  expect 0 envtool destroy --yes
  nothing_left
  rm mine
done

step "another kind of storage than there is, is an error"
sed -i 's/storage: dir/storage: dirr/' Envfile
expect 3 envtool up
says "dirr" "did you mean 'dir'"
