#!/bin/bash
# exec and ssh --attach get into a machine without its sshd, and keep exit code, streams, terminal, signals,
# environment and working directory; the console can be joined and left.
. "$(dirname "$0")/lib.sh"

command -v script >/dev/null || skip "it needs 'script'"

project attached <<'EOF'
box: build:debian/bookworm
folders: [".:/srv/project"]
EOF
mkdir -p src
expect 0 envtool up
user=$(json .ssh_user envtool --json info)

step "without an sshd"
expect 0 envtool exec -- sudo systemctl stop ssh.socket ssh.service
equal user "$user" "$(envtool exec -- id -un)"
equal groups "$(envtool exec -- id -G)" "$(envtool exec -- sudo -u "$user" id -G)"
equal "another user" root "$(envtool exec -u root -- id -un)"
expect 255 envtool exec -u nobody-there -- true
equal "the error" "error: machine '$(json .backend_name envtool --json info)': the guest has no user 'nobody-there'" "$output"

step "exit codes and words"
for code in 0 1 7 126; do expect "$code" envtool exec -- sh -c "exit $code"; done
expect 143 envtool exec -- sh -c 'kill -TERM $$'
expect 127 envtool exec -- no-such-program
says "cannot run 'no-such-program'"
equal words "a b|'\"\$HOME|" "$(envtool exec -- printf '%s|' 'a b' "'\"\$HOME")"
equal "a script" "2" "$(envtool ssh --attach -c 'echo $((1 + 1))')"

step "streams"
equal input 5 "$(printf hello | "$ENVTOOL" exec -- wc -c)"
equal "much input" 3000000 "$(head -c 3000000 /dev/zero | "$ENVTOOL" exec -- wc -c)"
run envtool exec -- sh -c 'echo out; echo err >&2'
says out err
equal "output alone" out "$("$ENVTOOL" exec -- sh -c 'echo out; echo err >&2' 2>/dev/null)"

step "environment and working directory"
equal LANG C.UTF-8 "$(LANG=C.UTF-8 envtool exec -- sh -c 'echo $LANG')"
equal HOME "$(envtool exec -- sh -c 'echo ~')" "$(envtool exec -- sh -c 'echo $HOME')"
equal "a variable of the host's" "" "$(SECRET=x envtool exec -- sh -c 'echo $SECRET')"
equal directory /srv/project "$(envtool exec -- pwd)"
equal directory /srv/project/src "$(cd src && envtool exec -- pwd)"
equal directory "$(envtool exec -- sh -c 'echo ~')" "$(cd / && envtool exec @attached -- pwd)"

step "a terminal"
terminal() { script --quiet --return --command "$1" /dev/null </dev/null 2>&1 | tr -d '\r'; }
says_terminal=$(terminal "stty rows 33 cols 99; $ENVTOOL exec -- sh -c 'stty size; tty'")
[[ $says_terminal == *"33 99"*"/dev/pts/"* ]] || fail "no terminal of that size: $says_terminal"
equal "a program without one" "not a tty" "$(envtool exec -- tty)"
terminal "$ENVTOOL exec -- sh -c 'exit 9'"
equal "exit code on a terminal" 9 "${PIPESTATUS[0]}"

step "signals"
"$ENVTOOL" exec -- sleep 1000 </dev/null 9>&- &
eventually envtool exec -- pgrep --exact sleep
helper=$(pgrep --parent $!)
kill -TERM "$helper"
wait $!
equal "exit code" 143 $?
expect 1 envtool exec -- pgrep --exact sleep

step "Ctrl-C, where only the input is no terminal, and at a question"
typed() { (sleep 1.5; printf '\003'; sleep 1) | timeout 20 script --quiet --return --command "$1" /dev/null >typed.txt 2>&1; }
typed "$ENVTOOL exec -- sleep 1000 </dev/null"
equal "exit code" 130 $?
expect 1 envtool exec -- pgrep --exact sleep
typed "$ENVTOOL destroy"
equal "exit code" 130 $?
equal state running "$(state_of)"

step "a guest that restarts itself while a process is about to enter it"
name=$(json '.machines[].backend_name' envtool --json status)
sleep 60 9>&- &
entering=$!
disown
for group in /sys/fs/cgroup/{,*/}"lxc.payload.$name"; do
  [ -d "$group" ] || continue
  echo "$entering" 2>/dev/null >"$group/cgroup.procs" || { mkdir -p "$group/.lxc" && echo "$entering" >"$group/.lxc/cgroup.procs"; }
done
first=$(envtool exec -- readlink /proc/self/ns/pid)
run envtool exec -u root -- reboot --force
restarted() { [ "$(state_of)" = running ] && [ "$(envtool exec -- readlink /proc/self/ns/pid)" != "$first" ]; }
eventually restarted
expect 0 envtool up
says "nothing to do"
expect 0 envtool halt
equal state stopped "$(state_of)"
groups=$(ls -d /sys/fs/cgroup/{,*/}lxc.*"$name"* 2>/dev/null)
equal "control groups" "" "$groups"
expect 0 envtool up

step "the console"
expect 2 envtool console
says "needs a terminal"
(sleep 1; printf '\001q') | script --quiet --return --command "$ENVTOOL console" /dev/null >console.txt 2>&1
equal "leaving it" 0 $?
grep --quiet "Ctrl-a q leaves it" console.txt || fail "it does not say how it is left"
