#!/bin/bash
# Networks of a project's own, open and isolated, IPv4 and IPv6, and a bridge of the host's: who reaches whom by which
# name, what stays through halts, snapshots and new machines, and that nothing is left, whenever a command is killed.
. "$(dirname "$0")/lib.sh"
for program in dnsmasq python3; do
  command -v "$program" >/dev/null || skip "it needs '$program'"
done

lan=envtl$$ up=envtp$$ world=envt-world-$$

# Nothing on this host has a route there.
for third in $(seq 20 250); do
  own=10.233.$third other=10.234.$third
  [ -n "$(ip route show root "$own.0/24" table all)$(ip route show root "$other.0/24" table all)" ] || break
done
six=fd00:e7:$third:

leave() {
  local result=$?
  ip link delete "$lan" 2>/dev/null
  ip link delete "$up" 2>/dev/null
  ip netns delete "$world" 2>/dev/null
  (exit "$result")
  clean_up
}
trap leave EXIT

# Beyond the host: one address with a server. On the host: a bridge whose DHCP server knows one machine.
ip netns add "$world" && ip link add "$up" type veth peer name up1 netns "$world" || fail "no world"
ip address add 198.51.100.1/24 dev "$up" && ip link set "$up" up
ip -n "$world" address add 198.51.100.2/24 dev up1
ip -n "$world" address add 203.0.113.9/32 dev up1
ip -n "$world" link set up1 up
ip route add 203.0.113.9/32 via 198.51.100.2
ip link add "$lan" type bridge && ip address add "$other.1/24" dev "$lan" && ip link set "$lan" up || fail "no bridge"
mkdir "$work/site"
ip netns exec "$world" python3 -m http.server --bind 203.0.113.9 --directory "$work/site" 80 >/dev/null 2>&1 9>&- &
python3 -m http.server --bind 198.51.100.1 --directory "$work/site" 8099 >/dev/null 2>&1 9>&- &
dnsmasq --keep-in-foreground --conf-file= --port=0 --interface="$lan" --bind-interfaces --pid-file= \
  --dhcp-leasefile="$work/leases" --dhcp-range="$other.50,$other.60,255.255.255.0" \
  --dhcp-host="52:54:00:0e:77:0c,$other.77" >"$work/dnsmasq.log" 2>&1 9>&- &

networks() {
  cat <<END
name: nets
box: build:debian/bookworm
folders: []
machines:
  db:
    aliases: [data.test]
    networks:
      - {name: back, subnet: $own.0/24, ip: 11, mac: "52:54:00:0e:77:0b"}
      - {name: closed, isolated: $1}
      - {name: six, subnet: "$six:/64", ip: 17}
  web: {networks: [back, closed, six]}
  lan: {networks: [{name: lan, bridge: $lan, mac: "52:54:00:0E:77:0C"}]}
END
}

places() { json '.machines[] | select(.name == "'"$1"'") | .networks[] | "\(.name) \(.mac) \(.addresses | join(" "))"' envtool --json status; }
place() { places "$1" | awk -v network="$2" '$1 == network { print $3 }'; }
device() { json '.machines[] | select(.name == "db") | .networks[] | select(.name == "'"$1"'") | .device' envtool --json status; }
# reaches MACHINE ADDRESS PORT: from inside of the machine.
reaches() { envtool exec "$1" -- timeout 5 bash -c "</dev/tcp/$2/$3"; }
cannot_reach() { ! envtool exec "$1" -- timeout 1 bash -c "</dev/tcp/$2/$3" >/dev/null 2>&1 || fail "$1 reaches $2"; }
# from_host ADDRESS: how the SSH server there greets. Somewhere beyond, a host's default route may lead to anything.
from_host() { timeout 5 bash -c "head --bytes=4 </dev/tcp/$1/22" 2>/dev/null; }
in_guest() { expect 0 envtool exec "$1" -u root -- sh -c "$2"; }

project nets < <(networks true)
step "three machines in four networks"
expect 0 envtool up
equal "the address that is written" "$own.11" "$(place db back)"
equal "the IPv6 address that is written" "${six}:11" "$(place db six)"
[[ $(place web back) == "$own."* && $(place web closed) != "$own."* ]] || fail "web is at $(places web)"
expect 0 envtool exec db -- cat /sys/class/net/eth1/address
equal "the MAC address that is written" 52:54:00:0e:77:0b "$output"
first=$(places db; places web)

step "they reach each other by name and alias in the network that they share"
for name in db data.test db.back db.closed "$own.11"; do
  expect 0 reaches web "$name" 22
done
eventually reaches web db.six 22 # the kernel asks for a second whether an IPv6 address is somebody else's
expect 0 envtool exec web -- getent ahostsv4 data.test
says "$own.11"
expect 0 envtool exec web -- getent ahostsv4 db.closed
says "$(place db closed)"
expect 0 reaches db web 22
expect 0 reaches db data.test 22
expect 0 envtool exec lan -- getent ahostsv4 db
says "$(json '.machines[] | select(.name == "db") | .addresses[0]' envtool --json status)"
says_not "$own.11"

step "one way out is enough: the default route is that of eth0"
for machine in db lan; do
  expect 0 envtool exec $machine -- ip route show default
  [[ $output == *"dev eth0"* && $output != *"dev eth1"* ]] || fail "the default routes of $machine: $output"
done

step "by the open network the host and the world are reached, by NAT"
equal "what the host reads" SSH- "$(from_host "$own.11")"
in_guest web "ip route add 203.0.113.9 via $own.1 dev eth1 && ip route add 198.51.100.1 via $own.1 dev eth1"
expect 0 reaches web 203.0.113.9 80
expect 0 reaches web 198.51.100.1 8099

step "out of the isolated one there is no way, whatever the guest tries"
hardware=$(cat "/sys/class/net/$(device closed)/address")
# With the address of eth0, to which an answer would find its way.
main=$(json '.machines[] | select(.name == "web") | .addresses[0]' envtool --json status)
for address in 203.0.113.9 198.51.100.1; do
  in_guest web "ip route replace $address dev eth2 src $main && ip neigh replace $address lladdr $hardware dev eth2"
done
cannot_reach web 203.0.113.9 80
cannot_reach web 198.51.100.1 8099
expect 0 ip route get "$(place db closed)"
says_not "$(device closed)"
in_guest web "ip route delete 203.0.113.9 && ip route delete 198.51.100.1"

step "on the host's bridge the guest asks for its address, with the MAC address that is written"
has_lan_address() { [ "$(place lan lan)" = "$other.77" ]; }
eventually has_lan_address
equal "what the host reads" SSH- "$(from_host "$other.77")"
expect 0 envtool info lan
says "$other.77" 52:54:00:0e:77:0c "$lan"

step "all of it stays through halt, a snapshot's restore and a new machine"
expect 0 envtool snapshot save before web
expect 0 envtool reload web
expect 0 envtool snapshot restore before web
equal "addresses and MACs" "$first" "$(places db; places web)"
expect 0 envtool destroy db --yes
expect 0 envtool up db
equal "addresses and MACs" "$first" "$(places db; places web)"
expect 0 reaches web data.test 22

step "changed networks wait for a restart, and are then as they are written, one of them by a new name"
networks false | sed 's/back/rear/' >Envfile
expect 0 envtool plan db
says "nothing to do" "'networks'" "envtool up --restart"
expect 0 envtool up --restart db web
equal "the address by the new name" "$own.11" "$(place db rear)"
expect 0 reaches web db.rear 22
equal "what the host reads in the one that was isolated" SSH- "$(from_host "$(place db closed)")"

step "what cannot be is told with what is in the way"
refused() {
  expect "$1" envtool up
  shift
  says "$@"
  [ "$(json '[.machines[] | select(.state != "not created")] | length' envtool --json status)" = 0 ] || fail "a machine was made"
}
base=$'name: wrong\nbox: build:debian/bookworm\nfolders: []'
project wrong <<<"$base
networks: [{name: mine, subnet: $own.128/25}]"
refused 1 "subnet '$own.128/25' overlaps '$own.0/24', the network 'rear' of environment" "is free"
envfile <<<"$base
networks: [{name: mine, subnet: $other.0/24}]"
refused 1 "'$other.0/24', which this host has on '$lan'"
envfile <<<"$base
networks: [{name: mine, bridge: ${lan}0}]"
refused 4 "this host has no bridge '${lan}0'" "did you mean '$lan'?"
envfile <<<"$base
networks: [{name: mine, bridge: $bridge}]"
refused 1 "envtool's own"
envfile <<<"$base
networks: [{name: mine, bridge: $lan, ip: 1}]"
refused 1 "this host has the address $other.1"
cd "$work/nets" || exit 1

step "networks go with their last machine, and with all of their rules"
expect 0 envtool destroy db --yes
expect 0 ip link show "$(json '.machines[] | select(.name == "web") | .networks[0].device' envtool --json status)"
expect 0 envtool destroy --yes
nothing_left
expect 0 ip address show "$lan"
says "$other.1/24"

step "a command that is killed at any moment leaves nothing that destroy does not take"
for moment in 0.15 0.3 0.45 0.6 0.9; do
  networks true >Envfile
  setsid "$ENVTOOL" up db web </dev/null >/dev/null 2>&1 9>&- &
  killed=$!
  sleep "$moment"
  kill -KILL -- "-$killed" 2>/dev/null
  wait "$killed" 2>/dev/null
  expect 0 envtool destroy --yes
  nothing_left
done
