#!/bin/bash
# Whatever moment 'envtool up' is ended at, the next command puts everything right, and 'destroy' leaves nothing.
# SEED=N repeats a run; ROUNDS="50 10 10 10 10" says how often each way is tried.
. "$(dirname "$0")/lib.sh"

seed=${SEED:-$RANDOM}
RANDOM=$seed
read -ra rounds <<<"${ROUNDS:-50 10 10 10 10}"

project kill <<'YAML'
name: kill
box: build:debian/bookworm
ports: ["28100-28199:22"]
folders: [".:/srv/project"]
provision:
  - name: mark
    shell: |
      exec 9>/run/mark.lock
      flock --nonblock 9 || { echo "that of the killed run goes on beside this one"; exit 1; }
      cat /etc/machine-id >> /srv/project/begun
      sleep 0.2
      cat /etc/machine-id >> /srv/project/ended
YAML

milliseconds() { date +%s%3N; }

# A process with all that it started and still owns. What has left it (the container, a daemon) is not among them.
family() {
  local child
  echo "$1"
  for child in $(pgrep --parent "$1"); do family "$child"; done
}

# cut_off SIGNAL one|all: starts 'up' and sends the signal after a random while, to it or to all it has started.
cut_off() {
  local pid target targets
  rm -f begun ended
  delay=$((RANDOM * (duration + 50) / 32768))
  "$ENVTOOL" up >cut 2>&1 </dev/null 9>&- &
  pid=$!
  sleep "$(printf '%d.%03d' $((delay / 1000)) $((delay % 1000)))"
  targets=$pid
  if [ "$2" = all ]; then
    kill -STOP "$pid" 2>/dev/null # or it starts another one while they are counted
    targets=$(family "$pid")
  fi
  for target in $targets; do kill "-$1" "$target" 2>/dev/null; done
  { wait "$pid"; } 2>/dev/null
  cut_status=$?
  for target in $targets; do
    while [ -n "$(readlink "/proc/$target/exe")" ]; do sleep 0.01; done
  done
}

trouble() {
  fail "$* ($what after $delay ms of $duration, round $round, SEED=$seed)"$'\n'"what was cut off said:"$'\n'"$(cat cut)"
}

up_works() {
  local id times
  run envtool up
  [ "$status" -eq 0 ] || trouble "up gives $status"
  run envtool ssh -c 'cat /etc/machine-id'
  [ "$status" -eq 0 ] || trouble "ssh gives $status"
  id=$output
  times=$(grep --count --line-regexp "$id" begun)
  grep --quiet --line-regexp "$id" ended || trouble "not provisioned"
  if grep --quiet 'is up' cut || ! grep --quiet 'provision mark' cut; then
    [ "$times" -eq 1 ] || trouble "provisioned $times times, and the first was not cut off"
  else
    [ "$times" -le 2 ] || trouble "provisioned $times times"
  fi
  run timeout 5 bash -c 'head -c 7 <"/dev/tcp/127.0.0.1/$1"' - "$(envtool port --guest 22)"
  [ "$output" = SSH-2.0 ] || trouble "nothing answers on the forwarded port"
  run nft list table ip "$bridge"
  [[ $output == *masquerade* ]] || trouble "the guest has no way out"
  run envtool plan --exit-code
  [ "$status" -eq 0 ] || trouble "work is left after up"
}

groups() { find /sys/fs/cgroup -maxdepth 2 -name 'lxc.*.kill-default-*'; }
foreign_groups=$(groups) # of a run that was killed, or of another root

# Beyond what nothing_left looks for: files half written, control groups, and devices without their bridge.
remains() {
  leftovers
  find "$ENVTOOL_HOME/state" -mindepth 1 ! -name ports.json ! -name ports.lock ! -name environments.lock
  find "$ENVTOOL_ROOT" "$ENVTOOL_ROOT"/{lxc,machines,root,disks} -mindepth 1 -maxdepth 1 \
    ! -name '*.lock' ! -name host.json ! -name lxc ! -name machines ! -name root ! -name disks ! -name boxes 2>/dev/null
  groups | grep --invert-match --line-regexp --fixed-strings "$foreign_groups"
  find /run -maxdepth 1 -name "*$bridge*"
}

destroy_works() {
  local found
  run envtool destroy --yes
  [ "$status" -eq 0 ] || trouble "destroy gives $status"
  found=$(remains)
  [ -z "$found" ] || trouble "left behind:"$'\n'"$found"
}

killed_then_up() { cut_off KILL one && up_works; }
killed_then_destroyed() { cut_off KILL one; }
killed_with_its_helpers_then_up() { cut_off KILL all && up_works; }
killed_with_its_helpers_then_destroyed() { cut_off KILL all; }
interrupted_then_up() {
  cut_off INT one
  [ "$cut_status" -eq 130 ] || grep --quiet 'is up' cut || trouble "it left with $cut_status"
  up_works
}

step "what a plain 'up' takes, seed $seed"
expect 0 envtool up
expect 0 envtool destroy --yes
began=$(milliseconds)
expect 0 envtool up
duration=$(($(milliseconds) - began))
expect 0 envtool destroy --yes
equal "what remains of it" "" "$(remains)"

number=0
for what in killed_then_up killed_then_destroyed killed_with_its_helpers_then_up \
  killed_with_its_helpers_then_destroyed interrupted_then_up; do
  step "${what//_/ }: ${rounds[number]} times"
  for ((round = 1; round <= rounds[number]; round++)); do
    "$what"
    destroy_works
  done
  number=$((number + 1))
done
