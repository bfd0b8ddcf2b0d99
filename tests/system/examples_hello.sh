#!/bin/bash
# The first example: one machine from nothing to a page on the host's loopback, through every state and away again.
. "$(dirname "$0")/lib.sh"
example hello

step "up makes the machine, runs the script and waits for the page"
expect 0 envtool up
says "is up" "http://127.0.0.1:80"
port=$(envtool port --guest 80)
equal "the state" running "$(state_of)"
[[ $(page "$port") == *"<h1>Hello</h1>"* ]] || fail "the page is not served"

step "the project's directory is in the machine, its identity is not"
sed -i 's/Hello</Good day</' site/index.html
[[ $(page "$port") == *"Good day"* ]] || fail "an edited file does not reach the machine"
expect 0 envtool ssh -c 'ls -A /vagrant/.envtool'
equal "what the guest sees of .envtool" "" "$output"

step "a second up has nothing to do"
expect 0 envtool plan --exit-code
expect 0 envtool up
says "nothing to do"

step "commands reach the machine, with their own exit codes"
expect 7 envtool ssh -c 'exit 7'
expect 9 envtool exec -- sh -c 'exit 9'
equal "what a command gets" "in: a b" "$(echo 'a b' | "$ENVTOOL" exec -- sed 's/^/in: /')"
expect 0 envtool ssh -c 'id --user --name; hostname; sudo -n id --user'
equal "user, name, and root by sudo" $'vagrant\ndefault\n0' "$output"
echo "from the host" >letter
expect 0 envtool cp letter :/tmp/letter
expect 0 envtool cp :/tmp/letter back
equal "a file there and back" "from the host" "$(cat back)"

step "status and info say what there is"
equal "the address" true "$(json '.machines[0].addresses | length == 1' envtool --json status)"
expect 0 envtool status
says default running lxc "127.0.0.1:$port"
expect 0 envtool info
says build:debian/bookworm "$port"

step "provision runs what is done already once more"
expect 0 envtool provision
says "web server"
[[ $(page "$port") == *"Good day"* ]] || fail "the page is gone after provision"

step "halt and up: the same machine on the same port"
expect 0 envtool ssh -c 'echo kept >note'
expect 0 envtool halt
equal "the state" stopped "$(state_of)"
! page "$port" 2>/dev/null || fail "the port still answers after halt"
expect 0 envtool halt
expect 0 envtool up
equal "the port" "$port" "$(envtool port --guest 80)"
[[ $(page "$port") == *"Good day"* ]] || fail "the page is not served after halt and up"
equal "a file of the guest" kept "$(envtool ssh -c 'cat note')"

step "reload restarts it"
before=$(envtool ssh -c 'cat /proc/sys/kernel/random/boot_id; stat -c %Y /proc/1')
expect 0 envtool reload
[ "$before" != "$(envtool ssh -c 'cat /proc/sys/kernel/random/boot_id; stat -c %Y /proc/1')" ] || fail "it was not restarted"
[[ $(page "$port") == *"Good day"* ]] || fail "the page is not served after reload"

step "destroy asks, and then leaves nothing"
expect 2 envtool destroy
says "--yes"
equal "the state" running "$(state_of)"
expect 0 envtool destroy --yes
nothing_left
[ ! -e .envtool ] || fail ".envtool is still there"
expect 0 envtool destroy --yes
expect 0 envtool status
says "not created"
