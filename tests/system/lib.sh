# shellcheck shell=bash
# What the system tests share: a world of their own, its removal, and a few assertions. Sourced, not run.
#
# The world of one test is $work. What a box needs lies beside it, for all tests together, in $ENVTOOL_TEST_CACHE
# (/var/cache/envtool-test): making and unpacking the recipe's box takes a minute, a test seconds. Tests that share
# it run one after the other.
set -uo pipefail

tests=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
source_root=$(dirname "$(dirname "$tests")")
started=$SECONDS

skip() { echo "skipped: $*"; exit 77; }

# Says what failed, where, and what the last command printed.
fail() {
  printf '\nFAILED: %s\n' "$*"
  local frame
  for ((frame = 1; frame < ${#FUNCNAME[@]}; frame++)); do
    [ "${BASH_SOURCE[frame]}" = "${BASH_SOURCE[0]}" ] && [ "${FUNCNAME[frame]}" != main ] && continue
    printf '  at %s:%s\n' "${BASH_SOURCE[frame]##*/}" "${BASH_LINENO[frame - 1]}"
  done
  [ -z "${command-}" ] || printf '  the last command was: %s\n' "$command"
  [ -z "${output-}" ] || sed 's/^/  | /' <<<"$output"
  exit 1
}

step() { printf '%3d s  %s\n' $((SECONDS - started)) "$*"; }

# --- commands and what they print ------------------------------------------------------------------------------

# envtool without the test's own descriptors, as a user would start it in a script.
envtool() { "$ENVTOOL" "$@" </dev/null 9>&-; }

# copy_program DIRECTORY: the program at a place that any user can reach, as DIRECTORY/envtool.
copy_program() {
  mkdir -p "$1/libexec"
  cp "$ENVTOOL" "$1/envtool"
  local directory
  for directory in "$(dirname "$ENVTOOL")/libexec" "$(dirname "$ENVTOOL")/../libexec"; do
    [ -d "$directory/envtool" ] && cp -r "$directory/envtool" "$1/libexec/" && break
  done
}

# run COMMAND...: keeps $status and $output (standard output and errors together).
run() {
  command=$*
  output=$("$@" 2>&1)
  status=$?
}

# expect STATUS COMMAND...
expect() {
  local wanted=$1
  shift
  run "$@"
  [ "$status" -eq "$wanted" ] || fail "expected exit status $wanted, found $status"
}

# says TEXT...: the last command printed each of them.
says() {
  local text
  for text in "$@"; do
    [[ $output == *"$text"* ]] || fail "expected in the output: $text"
  done
}

says_not() {
  local text
  for text in "$@"; do
    [[ $output != *"$text"* ]] || fail "not expected in the output: $text"
  done
}

# equal WHAT EXPECTED FOUND
equal() { [ "$2" = "$3" ] || fail "$1: expected '$2', found '$3'"; }

# json FILTER COMMAND...: what jq makes of the command's standard output.
json() {
  local filter=$1
  shift
  command=$*
  output=
  "$@" 2>"$work/stderr" | jq --raw-output "$filter" || fail "no JSON: $(cat "$work/stderr")"
}

state_of() { json ".machines[] | select(.name == \"${1-default}\") | .state" envtool --json status; }
record_id() { jq --raw-output .id .envtool/id; }

# page PORT [PATH]: what answers there on the host's loopback.
page() { curl --silent --show-error --fail --max-time 10 "http://127.0.0.1:$1${2-/}"; }

# eventually COMMAND...: within half a minute, which a loaded host may need.
eventually() {
  local deadline=$((SECONDS + 30))
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$deadline" ] || fail "it never came true: $*"
    sleep 0.05
  done
}

# --- projects --------------------------------------------------------------------------------------------------

# project NAME: a new directory with the Envfile of standard input; goes there.
project() {
  mkdir -p "$work/$1" && cd "$work/$1" || fail "cannot make project '$1'"
  envfile
}

# Replaces the Envfile of the project that the test is in by standard input.
envfile() { cat >Envfile; }

# example NAME: a copy of an example; goes there.
example() {
  cp -a "$source_root/examples/$1" "$work/$1" && cd "$work/$1" || fail "there is no example '$1'"
}

# tiny_rootfs DIRECTORY [PROGRAM...]: what of the recipe's root file system a machine needs to boot and be entered, and
# these programs of it: some forty files instead of 13,000. Its init becomes sshd.
tiny_rootfs() {
  local box program file tiny=$1
  shift
  expect 0 envtool box add build:debian/bookworm
  box=$ENVTOOL_ROOT/boxes/$(jq --raw-output '.recipes["debian/bookworm"].digest' "$cache/boxes/index.json")/rootfs
  mkdir -p "$tiny"/{proc,sys,dev,run,tmp,root,etc/ssh,usr/bin,usr/sbin,usr/lib,usr/lib64}
  ln -s usr/bin usr/sbin usr/lib usr/lib64 "$tiny"
  for program in dash mkdir cat "$@" ../sbin/sshd; do
    # The loader finds a library under the name that it is asked for.
    for file in /usr/bin/$program $(chroot "$box" ldd "/usr/bin/$program" | grep --only-matching '/[^ ]*'); do
      mkdir -p "$tiny${file%/*}"
      cp --dereference --no-clobber "$box$file" "$tiny$file"
    done
  done
  ln -s dash "$tiny/usr/bin/sh"
  printf '%s\n' 'root:x:0:0::/root:/bin/sh' 'sshd:x:100:65534::/run/sshd:/bin/sh' 'vagrant:x:1000:1000::/home/vagrant:/bin/sh' \
    >"$tiny/etc/passwd"
  printf '%s\n' 'root:*:1::::::' 'vagrant:*:1::::::' >"$tiny/etc/shadow"
  printf '%s\n' 'root:x:0:' 'vagrant:x:1000:' >"$tiny/etc/group"
  echo 'UsePAM no' >"$tiny/etc/ssh/sshd_config"
  install --directory --owner 1000 --group 1000 "$tiny/home/vagrant"
  printf '%s\n' '#!/bin/sh' 'mkdir -p /run/sshd' 'exec /usr/sbin/sshd -D' >"$tiny/usr/sbin/init"
  chmod 0755 "$tiny/usr/sbin/init"
}

# For the conformance suite: ends every process of the container "$1".
# shellcheck disable=SC2016,SC2034 # for the suite's shell
kill_by_group='
  groups=$(find /sys/fs/cgroup -type d -path "*/lxc.payload.$1*")
  for group in $groups; do
    for process in $(cat "$group/cgroup.procs"); do kill -KILL "$process"; done
  done 2>/dev/null
  for tries in $(seq 500); do
    [ -n "$(for group in $groups; do cat "$group/cgroup.procs"; done 2>/dev/null)" ] || exit 0
    sleep 0.01
  done
  exit 1'

# --- nothing may be left ---------------------------------------------------------------------------------------

# Prints what is left of this root's machines and this home's environments.
leftovers() {
  local directory
  for directory in lxc machines root disks; do
    find "$ENVTOOL_ROOT/$directory" -mindepth 1 -maxdepth 1 -printf 'directory %p\n' 2>/dev/null
  done
  grep --fixed-strings -e " $ENVTOOL_ROOT/" -e " $work/" /proc/self/mountinfo |
    awk -v own="$work/tmpfs" '$5 !~ "^" own { print "mount " $5 }'
  ip -oneline link | awk -F': ' -v own="^($bridge|$own_networks.*)" '$2 ~ own || $0 ~ "master " substr(own, 2) " " { print "link " $2 }'
  nft list tables | grep --extended-regexp " ($bridge|$own_networks.*)$" | sed 's/^/nft /'
  nft list ruleset | grep --extended-regexp "envtool:($bridge|$own_networks)" | sed 's/^/nft rule /'
  # The test's own commands name these places too, so only programs that stay behind are asked for.
  ps -eo pid=,args= | grep --fixed-strings -e "$ENVTOOL_ROOT" -e "$ENVTOOL_HOME" -e "interface=$bridge" |
    grep --extended-regexp 'envtool-forward|dnsmasq|lxc monitor|ssh:' | sed 's/^/process /'
  find "$ENVTOOL_HOME/state" -mindepth 1 -maxdepth 1 -type d -printf 'state %p\n' 2>/dev/null
  jq --raw-output '.. | objects | select(has("environment")) | "port \(.)"' "$ENVTOOL_HOME/state/ports.json" 2>/dev/null
}

nothing_left() {
  local found
  found=$(leftovers)
  [ -z "$found" ] || fail "something is left behind:"$'\n'"$found"
}

# The next test finds the recipe's box in the cache, and none that this test brought.
forget_own_boxes() {
  local box recipes
  recipes=$(jq --raw-output '.recipes[].digest' "$cache/boxes/index.json") || return
  for box in "$cache"/boxes/* "$cache"/root/boxes/*; do
    [[ ${box##*/} =~ ^[0-9a-f]{64}$ ]] || continue
    [[ $recipes == *"${box##*/}"* ]] || rm -rf "$box"
  done
}

# Ends what the test started and destroys what it made. A leftover after that is a failure of the test.
clean_up() {
  local result=$? id found
  trap - EXIT
  set +u
  cd /
  for id in $(jobs -p); do kill "$id" 2>/dev/null; done
  wait 2>/dev/null
  export ENVTOOL_HOME
  for ENVTOOL_HOME in "$work"/home?* "$work/home"; do
    [ -d "$ENVTOOL_HOME" ] || continue
    for id in $(envtool --json list 2>/dev/null | jq --raw-output '.environments[].id'); do
      envtool destroy "@$id" --yes --volumes >"$work/destroy.log" 2>&1 || { cat "$work/destroy.log"; result=1; }
    done
    envtool list --prune >/dev/null 2>&1
  done
  found=$(leftovers)
  if [ -n "$found" ]; then
    printf '\nFAILED: the test left behind:\n%s\n' "$found"
    result=1
  fi
  forget_own_boxes
  for id in "$work"/tmpfs*; do mountpoint --quiet "$id" && umount "$id"; done
  if [ "$result" -eq 1 ] && [ -n "${ENVTOOL_TEST_KEEP:-}" ]; then
    echo "kept: $work"
  elif grep --quiet --fixed-strings " $work/" /proc/self/mountinfo; then
    # A bind mount is of the same file system: rm would go on in what lies there.
    printf '\nFAILED: something is mounted below %s, which stays\n' "$work"
    result=1
  else
    rm -rf --one-file-system "$work"
  fi
  [ "$result" -ne 0 ] || step "done"
  exit "$result"
}

# --- the world of a test ---------------------------------------------------------------------------------------

[ "$(id -u)" -eq 0 ] || skip "it needs root"
[ -x "${ENVTOOL:-}" ] || { echo "ENVTOOL names no program: '${ENVTOOL:-}'"; exit 1; }
for program in jq curl ip nft; do
  command -v "$program" >/dev/null || skip "it needs '$program'"
done

cache=${ENVTOOL_TEST_CACHE:-/var/cache/envtool-test}
mkdir -p "$cache/boxes" "$cache/root"
exec 9>"$cache/lock"
flock 9

work=$(mktemp --directory /tmp/envtool-test.XXXXXX)
chmod 0711 "$work"
mkdir -p "$work/home/data" "$work/run"
chmod 0700 "$work/run"
ln -s "$cache/boxes" "$work/home/data/boxes"
unset ENVTOOL_PROVIDER ENVTOOL_FILE ENVTOOL_CATALOGS NO_COLOR
export ENVTOOL_HOME=$work/home ENVTOOL_ROOT=$cache/root XDG_RUNTIME_DIR=$work/run
# As the LXC provider names the bridge of a root that is not the usual one, and how those of its projects begin.
root_digest=$(printf %s "$ENVTOOL_ROOT" | sha256sum)
bridge=envt${root_digest:0:8} own_networks=ev${root_digest:0:5}
trap clean_up EXIT
trap 'exit 129' HUP INT TERM

run envtool --json providers
usable=$(jq --raw-output '.providers[] | select(.name == "lxc") | .usable' <<<"$output" 2>/dev/null)
[ "$usable" = true ] || skip "LXC is not usable here: $output"
nothing_left
