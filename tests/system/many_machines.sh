#!/bin/bash
# Thirty machines at once: every guest boots without a failed unit, envtool stays small, and all of them go again.
. "$(dirname "$0")/lib.sh"

# A guest with systemd takes eight of them, and many hosts have 128.
instances=$(sysctl -n fs.inotify.max_user_instances)
leave() {
  local result=$?
  sysctl --quiet fs.inotify.max_user_instances="$instances"
  (exit "$result")
  clean_up
}
trap leave EXIT
[ "$instances" -ge 1024 ] || sysctl --quiet fs.inotify.max_user_instances=1024

project many <<'END'
name: many
box: build:debian/bookworm
folders: []
machines: {node: {count: 30}}
END

# measured COMMAND...: runs it; $peak is the most memory it had, in MiB.
measured() {
  command=$*
  output=$(python3 - "$@" 2>&1 9>&- <<'END'
import resource, subprocess, sys
status = subprocess.call(sys.argv[1:], stdin=subprocess.DEVNULL)
print("peak", resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)
sys.exit(status)
END
  )
  status=$?
  peak=$(sed -n 's/^peak //p' <<<"$output")
  [ "$status" -eq 0 ] || fail "it failed"
}

began=$EPOCHREALTIME
measured "$ENVTOOL" up
step "thirty machines are up after $(awk -v from="$began" -v to="$EPOCHREALTIME" 'BEGIN { printf "%.1f", to - from }') s; envtool took $peak MiB"
[ "$peak" -lt 100 ] || fail "envtool took $peak MiB"
equal "machines that run" 30 "$(json '[.machines[] | select(.state == "running")] | length' envtool --json status)"

step "no guest has a failed unit"
for number in $(seq 30); do
  run envtool exec "node-$number" -- systemctl is-system-running --wait
  [ "$output" = running ] || fail "node-$number is '$output': $(envtool exec "node-$number" -- systemctl --failed --no-legend)"
done

step "all of them go"
expect 0 envtool destroy --yes
nothing_left
