#!/bin/bash
# A paused machine takes no CPU time and goes on where it was, its ports too; limits change while it runs, and usage
# is told.
. "$(dirname "$0")/lib.sh"

command -v python3 >/dev/null || skip "it needs python3"

project paused <<'EOF'
box: build:debian/bookworm
folders: []
memory: 512MiB
ports: ["8240-8249:8000"]
provision:
  - shell: |
      printf '[Service]\nExecStart=python3 -m http.server 8000 --directory /etc\n[Install]\nWantedBy=multi-user.target\n' \
        >/etc/systemd/system/page.service
      systemctl enable --now page
ready: [{tcp: 8000}]
EOF
expect 0 envtool up
port=$(json '.machines[].ports[0].host' envtool --json status)
page "$port" /hostname >/dev/null || fail "the page does not answer"

step "suspend and resume"
expect 0 envtool exec -u root -- touch /run/booted-once
expect 0 envtool suspend
says "is paused"
equal state paused "$(state_of)"
before=$(json '.machines[].usage.cpu_seconds' envtool --json status --usage)
sleep 0.5
equal "CPU time while it is paused" "$before" "$(json '.machines[].usage.cpu_seconds' envtool --json status --usage)"
expect 1 envtool ssh -c true
says "is paused" "envtool resume"
expect 0 envtool suspend
says "nothing to suspend"
expect 0 envtool resume
page "$port" /hostname >/dev/null || fail "the page does not answer right after resume"
clock=$(envtool exec -- date +%s)
now=$(date +%s)
expect 0 envtool exec -- test -e /run/booted-once
[ $((now - clock)) -le 1 ] || fail "the guest's clock is late: $clock, $now"

step "up, halt and destroy of a paused machine"
envtool suspend
expect 0 envtool up
equal state running "$(state_of)"
envtool suspend
expect 0 envtool halt
equal state stopped "$(state_of)"
expect 0 envtool up
envtool suspend

step "limits"
expect 0 envtool resume
equal memory 536870912 "$(json .memory envtool --json limits)"
expect 0 envtool limits --memory 768MiB --cpus 1 --cpu-set 0
says 768MiB
equal memory 805306368 "$(json .memory envtool --json limits)"
equal "CPUs of the guest" 1 "$(envtool exec -- nproc)"
[ "$(nproc)" = 1 ] || equal "CPUs seen by a program" 0 "$(envtool exec -- sh -c 'grep Cpus_allowed_list /proc/self/status | cut -f2')"
expect 1 envtool limits --cpu-set 4000
equal "the error names the machine once" "error: machine 'default': the kernel refuses '4000' for its 'cpuset.cpus': " \
  "$(sed -n "/^error/s/:[^:]*$/: /p" <<<"$output")"
equal memory 805306368 "$(json .memory envtool --json limits)"
expect 1 envtool limits --memory 1MiB
says "the kernel refuses"
equal memory 805306368 "$(json .memory envtool --json limits)"
expect 0 envtool up
equal "memory after up" 536870912 "$(json .memory envtool --json limits)"
equal "CPU set after up" null "$(json .cpu_set envtool --json limits)"
expect 0 envtool limits --memory 640MiB --save
equal "the file" "memory: 640MiB" "$(cat Envfile.local)"
expect 0 envtool up
says "nothing to do"
equal "memory after up" 671088640 "$(json .memory envtool --json limits)"

expect 0 envtool limits --cpu-set 0 --save
expect 0 envtool up
says "nothing to do"
expect 0 envtool reload
equal "CPU set after a start" 0 "$(json .cpu_set envtool --json limits)"
equal "CPUs seen by a program" 0 "$(envtool exec -- sh -c 'grep Cpus_allowed_list /proc/self/status | cut -f2')"
rm Envfile.local
expect 0 envtool up
equal "CPU set without the file" null "$(json .cpu_set envtool --json limits)"
expect 0 envtool limits --memory 640MiB --save

step "usage"
envtool exec -- sh -c 'head -c 30M /dev/urandom >/tmp/x; sync'
for key in cpu_seconds memory received sent processes; do
  [ "$(json ".usage.$key > 0" envtool --json info)" = true ] || fail "usage has no '$key'"
done

step "destroy of a paused machine"
envtool suspend
expect 0 envtool destroy --yes
nothing_left
