#!/bin/bash
# The host around LXC machines changes: a bridge that is gone, a monitor that is killed, a host that booted anew, a
# second root, and routes that are there already.
. "$(dirname "$0")/lib.sh"

leave() {
  local result=$?
  ip address delete "${address:-192.0.2.1}/32" dev lo 2>/dev/null
  [ -z "${taken:-}" ] || ip route delete blackhole "$taken" table 4711 2>/dev/null
  if [ -n "${other_root:-}" ]; then
    ENVTOOL_ROOT=$other_root ENVTOOL_HOME=$work/other-home "$ENVTOOL" -C "$work/other" destroy --yes >/dev/null 2>&1
  fi
  (exit "$result")
  clean_up
}
trap leave EXIT

address() { json '.machines[0].addresses[0]' envtool --json status; }
cgroups() { find /sys/fs/cgroup -type d -name "lxc.$1.*$(record_id | cut -c1-4)*"; }
processes() { cgroups "$1" | while read -r group; do cat $(find "$group" -name cgroup.procs); done | sort -nu; }

# The address is what it was, unless somebody else has taken its network while there was no bridge.
same_address() {
  local now
  now=$(address)
  [ "$now" = "$address" ] || [ -n "$(ip route show root "${address%.*}.0/24" table all | grep --invert-match "$bridge")" ] ||
    fail "the address was $address and is $now"
  address=$now
}

project host <<'END'
name: host
box: build:debian/bookworm
ports: ["8480-8499:8000"]
provision:
  - shell: |
      mkdir -p /srv/www && echo answer >/srv/www/page
      printf '[Service]\nExecStart=/usr/bin/python3 -m http.server -d /srv/www 8000\n[Install]\nWantedBy=multi-user.target\n' \
        >/etc/systemd/system/page.service
      systemctl enable --now page.service
ready: [{http: 8000, path: /page}]
END
expect 0 envtool up
port=$(envtool port --guest 8000)
address=$(address)

step "the bridge is gone and the address is another's: nobody is talked to"
ip link delete "$bridge"
ip address add "$address/32" dev lo
python3 - "$address" >"$work/stranger.log" 9>&- <<'END' &
import socket, sys
listener = socket.create_server((sys.argv[1], 22))
print("listening", flush=True)
while True:
    connection, peer = listener.accept()
    print("connection from", peer, flush=True)
    connection.close()
END
stranger=$!
eventually grep -q listening "$work/stranger.log"
run envtool ssh -c true
[ "$status" -ne 0 ] || fail "it connected"
says broken "envtool up"
expect 255 ssh -F .envtool/ssh_config -o BatchMode=yes default.host true
run envtool exec -- true
[ "$status" -ne 0 ] || fail "it connected"
run envtool provision
says broken
expect 0 envtool status
says broken "no longer on the bridge '$bridge'"
equal "who came to the other one" "" "$(grep 'connection from' "$work/stranger.log")"
kill "$stranger"
wait "$stranger" 2>/dev/null
ip address delete "$address/32" dev lo

step "up says what is wrong and mends it"
expect 0 envtool up
says "no longer on the bridge"
equal "the page" answer "$(page "$port" /page)"
same_address
ip link delete "$bridge"
expect 0 envtool destroy --yes
nothing_left
expect 0 envtool up
port=$(envtool port --guest 8000)

step "the monitor is killed, which ends the guest with some versions of LXC: up mends it"
answers() { page "$port" /page 2>/dev/null; }
mended() {
  expect 0 envtool up
  equal "the state" running "$(state_of)"
  equal "the page" answer "$(page "$port" /page)"
}
is_over() { [ "$(state_of)" = stopped ] || answers; }
kill -KILL $(processes monitor)
eventually is_over
mended
kill -KILL $(processes monitor)
expect 0 envtool reload
equal "the page" answer "$(answers)"
kill -KILL $(processes monitor)
expect 0 envtool halt
equal "the state" stopped "$(state_of)"
mended

step "the host boots anew: up brings everything back as it was"
envtool ssh -c 'echo kept >note; sync'
kill -KILL $(processes monitor) $(processes payload) \
  $(ps -eo pid=,args= | grep --fixed-strings -e "$ENVTOOL_HOME" -e "$ENVTOOL_ROOT" | grep -E 'envtool-forward|dnsmasq|ssh:' | awk '{ print $1 }') 2>/dev/null
no_process() { [ -z "$(processes payload)" ]; }
eventually no_process
ip link delete "$bridge"
nft delete table ip "$bridge"
for group in payload monitor; do cgroups $group | sort -r | while read -r path; do find "$path" -depth -type d -exec rmdir {} + 2>/dev/null; done; done
rm -rf "${XDG_RUNTIME_DIR:?}"/*
equal "the state" stopped "$(state_of)"
expect 0 envtool up
same_address
equal "the port" "$port" "$(envtool port --guest 8000)"
equal "the page" answer "$(page "$port" /page)"
equal "what it kept" kept "$(envtool ssh -c 'cat note')"
expect 0 envtool ssh -c "nft list ruleset 2>/dev/null; ip route show default"
says "default via ${address%.*}.1"
nft list table ip "$bridge" >/dev/null || fail "there is no way out for guests"

step "a second root has a bridge and machines of its own"
other_root=$work/other-root
mkdir -p "$work/other-home" "$work/other"
cp Envfile "$work/other/Envfile"
sed -i 's/name: host/name: other/; s/8480-8499/8500-8519/' "$work/other/Envfile"
ln -s "$cache/boxes" "$work/other-home/boxes"
mkdir -p "$work/other-home/data" && ln -s "$cache/boxes" "$work/other-home/data/boxes"
other() { ENVTOOL_ROOT=$other_root ENVTOOL_HOME=$work/other-home "$ENVTOOL" -C "$work/other" "$@" </dev/null 9>&-; }
expect 0 other up
other_bridge=envt$(printf %s "$other_root" | sha256sum | cut -c1-8)
ip link show "$other_bridge" >/dev/null || fail "it has no bridge '$other_bridge'"
other_address=$(json '.machines[0].addresses[0]' other --json status)
[ "${other_address%.*}" != "${address%.*}" ] || fail "both use the network ${address%.*}.0/24"
equal "machines there" 1 "$(ls "$other_root/lxc" | wc -l)"
equal "the page there" answer "$(page "$(other port --guest 8000)" /page)"
expect 0 other destroy --yes
ip link show "$other_bridge" >/dev/null 2>&1 && fail "its bridge is still there"
equal "what is left there" "" "$(find "$other_root"/{lxc,machines,root} -mindepth 1)"
equal "the page here" answer "$(page "$port" /page)"
rm -rf --one-file-system "$other_root"
other_root=

step "destroy"
expect 0 envtool destroy --yes
nothing_left

step "a route of any table is avoided, the one that has been used before too"
taken=${address%.*}.0/24
ip route add blackhole "$taken" table 4711
expect 0 envtool up
[ "$(address | cut -d. -f1-3)" != "${address%.*}" ] || fail "the machine has an address of a routed network"
equal "the page" answer "$(page "$(envtool port --guest 8000)" /page)"

step "a route that comes later moves the bridge when it is made again"
ip route delete blackhole "$taken" table 4711
expect 0 envtool halt
address=$(address)
ip link delete "$bridge"
taken=${address%.*}.0/24
ip route add blackhole "$taken" table 4711
expect 0 envtool up
[ "$(address | cut -d. -f1-3)" != "${address%.*}" ] || fail "the machine has an address of a routed network"
equal "the page" answer "$(page "$(envtool port --guest 8000)" /page)"
ip route delete blackhole "$taken" table 4711
taken=
expect 0 envtool destroy --yes
nothing_left

step "dnsmasq was killed: the next start brings it back, and it holds nothing of that machine's"
dnsmasq() { pgrep --full "^dnsmasq .*interface=$bridge"; }
envfile <<'END'
name: host
box: build:debian/bookworm
folders: []
machines: {first: {}, second: {}}
END
expect 0 envtool up first
kill "$(dnsmasq)"
gone() { [ -z "$(dnsmasq)" ]; }
eventually gone
expect 0 envtool up second
[ -n "$(dnsmasq)" ] || fail "no dnsmasq runs"
equal "processes in the monitors' groups" 2 "$(processes monitor | wc -l)"
groups=$(cgroups monitor | grep second)
expect 0 envtool destroy second --yes
for group in $groups; do [ ! -e "$group" ] || fail "$group is left"; done
[ -n "$(dnsmasq)" ] || fail "dnsmasq went with the second machine"
expect 0 envtool destroy --yes
nothing_left

step "without dnsmasq, guests ask the host's name servers themselves, and it is said"
server=$(awk '$1 == "nameserver" && $2 !~ /^127\./ && $2 != "::1" { print $2; exit }' /etc/resolv.conf)
# A mount namespace is enough to take the program away from this test alone.
without_dnsmasq() {
  unshare --mount --propagation private sh -c '
    mount --bind /bin/false "$(command -v dnsmasq)"
    "$0" up first && "$0" ssh first -c "cat /etc/resolv.conf"
    code=$?
    "$0" destroy --yes && exit $code' "$ENVTOOL" </dev/null 9>&-
}
expect 0 without_dnsmasq
says "dnsmasq does not start on '$bridge'" "name servers"
[ -z "$server" ] || says "nameserver $server"
nothing_left
