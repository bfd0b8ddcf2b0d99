#!/bin/bash
# Two at once, interruptions, failures, and an Envfile that is edited while machines run: each up goes on from
# where the world is.
. "$(dirname "$0")/lib.sh"

# start COMMAND...: in the background, in a process group of its own, with its words in $work/log; sets $first.
start() {
  : >"$work/log"
  setsid "$@" </dev/null >"$work/log" 2>&1 9>&- &
  first=$!
}
was_interrupted() {
  wait $first
  local status=$?
  grep --quiet interrupted "$work/log" && [ $status -eq 130 ] || fail "it left with $status and said: $(cat "$work/log")"
}
ran() { envtool ssh -c "cat /var/log/ran 2>/dev/null" | tr '\n' ' '; }
in_log() { grep --quiet --fixed-strings -- "$1" "$work/log"; }

base="name: work
box: build:debian/bookworm
folders: []"
slow="$base
provision:
  - {name: first, shell: 'echo first >> /var/log/ran'}
  - {name: slow, shell: 'echo begins; until test -e /quick; do sleep 0.1; done; echo slow >> /var/log/ran'}"

step "two at once: one works, the other says who does"
project work <<<"$slow"
start "$ENVTOOL" up
eventually in_log begins
expect 5 envtool up
says "machine 'default'" "$first" "envtool up" "--wait"
expect 5 envtool destroy --yes
says "$first"
equal "the state" running "$(state_of)"
expect 5 envtool --wait=1 up
says "still works on it after 1 s"

step "status, ssh and others do not wait"
expect 0 envtool status
says running
expect 0 envtool ssh -c 'echo here'
says here
expect 0 envtool port
expect 0 envtool inventory

step "the third waits for the first"
"$ENVTOOL" --wait halt </dev/null >"$work/log2" 2>&1 9>&- &
waiting=$!
eventually grep --quiet "waiting for another envtool" "$work/log2"
expect 0 envtool ssh -c 'sudo touch /quick'
wait $first || fail "the first up failed: $(cat "$work/log")"
wait $waiting || fail "the waiting halt failed: $(cat "$work/log2")"
equal "the state" stopped "$(state_of)"
expect 0 envtool destroy --yes

step "Ctrl-C in a provisioner: 130, and the next up goes on"
start "$ENVTOOL" up
eventually in_log begins
kill -INT -- -$first
was_interrupted
equal "the state" running "$(state_of)"
expect 0 envtool ssh -c 'sudo touch /quick'
expect 0 envtool up
says_not "provision first" create
equal "what ran" "first slow " "$(ran)"
expect 0 envtool destroy --yes
nothing_left

step "Ctrl-C while it is created leaves nothing half made"
start "$ENVTOOL" up
eventually in_log "create"
kill -INT -- -$first
was_interrupted
expect 0 envtool destroy --yes
nothing_left

step "a provisioner that fails: the machine stays, the next up goes on from it"
envfile <<<"$base
provision:
  - {name: first, shell: 'echo first >> /var/log/ran'}
  - {name: fails, shell: 'echo no such luck >&2; test -e /mended; echo second >> /var/log/ran'}
  - {name: always, run: always, shell: 'echo always >> /var/log/ran'}
  - {name: never, run: never, shell: 'echo never >> /var/log/ran'}
  - {name: changed, run: changed, shell: 'echo changed >> /var/log/ran'}"
expect 1 envtool up
says "machine 'default'" "'fails'" "no such luck" "Envfile:6"
equal "the state" running "$(state_of)"
equal "what ran" "first " "$(ran)"
expect 0 envtool ssh -c 'sudo touch /mended'
expect 0 envtool up
equal "what ran" "first second always changed " "$(ran)"

step "run: once, always, never, changed"
expect 0 envtool up
equal "what ran" "first second always changed always " "$(ran)"
sed -i -e 's/echo first >>/echo FIRST >>/' -e 's/echo changed >>/echo CHANGED >>/' Envfile
expect 0 envtool up
says "'first' changed since it ran" "--provision-with first"
equal "what ran" "first second always changed always always CHANGED " "$(ran)"
expect 0 envtool provision --provision-with first
expect 0 envtool provision --provision-with never
expect 2 envtool provision --provision-with nobody
says "nobody"
equal "what ran" "first second always changed always always CHANGED FIRST never " "$(ran)"
expect 0 envtool up --no-provision
equal "what ran" "first second always changed always always CHANGED FIRST never " "$(ran)"

step "an edited Envfile: ports, folders, memory at once"
mkdir shared && echo shared >shared/file
serve="systemd-run --quiet --unit page python3 -m http.server 80 --directory /etc/ssh"
envfile <<<"$base
ports: ['18950:80', '18951:81']
memory: 512MiB
provision: [{name: page, shell: '$serve'}]"
expect 0 envtool up
eventually page 18950 /sshd_config
boot=$(envtool ssh -c 'stat --format %Y /proc/1')
envfile <<<"name: work
box: build:debian/bookworm
folders: ['./shared:/shared']
ports: ['18952:80']
memory: 384MiB
provision: [{name: page, shell: '$serve'}]"
equal "what is pending" "" "$(json '.machines[0].pending[]?.key' envtool --json status)"
expect 0 envtool up
eventually page 18952 /sshd_config
! page 18950 2>/dev/null || fail "the removed port still answers"
equal "a file of the new folder" shared "$(envtool ssh -c 'cat /shared/file')"
limit=$(cat /sys/fs/cgroup/lxc.payload.work-default-*/memory.max \
  /sys/fs/cgroup/memory/lxc.payload.work-default-*/memory.limit_in_bytes 2>/dev/null)
equal "the memory limit" $((384 * 1024 * 1024)) "$limit"
equal "it was not restarted" "$boot" "$(envtool ssh -c 'stat --format %Y /proc/1')"
sed -i 's/^folders: .*/folders: []/' Envfile
expect 0 envtool up
expect 1 envtool ssh -c 'test -e /shared/file'

step "what needs a restart is told and left, until --restart"
echo "hostname: renamed" >>Envfile
expect 0 envtool up
says "'hostname'" "envtool up --restart"
equal "the host name" default "$(envtool exec -- hostname)"
equal "what is pending" "hostname restart" "$(json '.machines[0].pending[] | "\(.key) \(.needs)"' envtool --json status)"
expect 0 envtool status
says hostname
expect 0 envtool up --restart
equal "the host name" renamed "$(envtool exec -- hostname)"
equal "what is pending" "" "$(json '.machines[0].pending[]?.key' envtool --json status)"

step "what needs another machine is told and left, until --recreate"
envtool ssh -c 'sudo touch /old'
# The recipe's own root file system as a box of another name.
ln -s "$ENVTOOL_HOME"/data/boxes/*/rootfs.tar.* "$work/rootfs.tar.gz"
echo '{"provider": "lxc", "version": "1.0.0"}' >"$work/metadata.json"
tar --create --dereference --file own.box --directory "$work" metadata.json rootfs.tar.gz
sed -i 's|^box: .*|box: ./own.box|' Envfile
expect 0 envtool up
says "'box'" "envtool up --recreate"
expect 0 envtool ssh -c 'test -e /old'
expect 2 envtool up --recreate
says "--yes"
expect 0 envtool up --recreate --yes
expect 1 envtool ssh -c 'test -e /old'
expect 0 envtool destroy --yes
nothing_left

step "a machine that is no longer in the Envfile"
envfile <<<"$base
machines: {stays: {}, goes: {}}"
expect 0 envtool up
envfile <<<"$base
machines: {stays: {}}"
expect 0 envtool status
says goes "not in Envfile"
expect 0 envtool up
says_not "goes: destroy"
equal "the state" running "$(state_of goes)"
expect 0 envtool up --remove-orphans
equal "machines" stays "$(json '.machines[].name' envtool --json status)"
expect 0 envtool destroy --yes
nothing_left
