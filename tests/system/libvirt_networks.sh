#!/bin/bash
# Two virtual machines that come up at once share networks of their project and one of the host's, and know each other by
# name; nothing is left of it. Guests are emulated, hence one boot of both with many checks.
. "$(dirname "$0")/libvirt_world.sh"
. "$(dirname "$0")/lib.sh"

virsh() { command virsh --quiet --connect qemu:///system "$@"; }

# A bridge of the host's, whose DHCP server knows one machine.
ip link add lan0 type bridge && ip address add 10.234.0.1/24 dev lan0 && ip link set lan0 up || fail "no bridge"
dnsmasq --keep-in-foreground --conf-file= --port=0 --interface=lan0 --bind-interfaces --pid-file= \
  --dhcp-leasefile="$work/leases" --dhcp-range=10.234.0.50,10.234.0.60,255.255.255.0 \
  --dhcp-host=52:54:00:0e:77:0c,10.234.0.77 >"$work/dnsmasq.log" 2>&1 9>&- &

networks() {
  cat <<YAML
name: nets
provider: libvirt
box: build:debian/bookworm
folders: []
memory: 384MiB
timeouts: {boot: 8m}
providers: {libvirt: {driver: qemu}}
machines:
  db:
    aliases: [data.test]
    networks:
      - {name: back, subnet: 10.233.0.0/24, ip: 11, mac: "52:54:00:0e:77:0b"}
      - {name: closed, isolated: true}
      - {name: six, subnet: "fd00:e7::/64", ip: 17}
  web:
    networks: [back, closed, six, {name: lan, bridge: $1, mac: "52:54:00:0E:77:0C"}]
YAML
}

places() { json '.machines[] | select(.name == "'"$1"'") | .networks[] | "\(.name) \(.mac) \(.addresses | join(" "))"' envtool --json status; }
place() { places "$1" | awk -v network="$2" '$1 == network { print $3 }'; }
# reaches MACHINE ADDRESS PORT: from inside of the machine.
reaches() { envtool exec "$1" -- timeout 10 bash -c "</dev/tcp/$2/$3"; }

project nets < <(networks lan00)
step "a device that the host lacks is said before anything is made"
expect 4 envtool up web
says "no network device 'lan00'" "did you mean 'lan0'"
expect 0 envtool destroy --yes
networks lan0 >Envfile

step "a pool without room is said, and nothing of the box stays in it"
pool=/var/lib/libvirt/envtool
mkdir -p $pool
mount -t tmpfs -o size=48m tmpfs $pool
expect 1 envtool up db
says "No space left on device" "$pool" "box-"
expect 0 envtool destroy --yes
equal "what is in it" "" "$(ls $pool)"
virsh pool-destroy envtool
umount $pool

step "two machines in four networks"
expect 0 envtool up
equal "the address that is written" 10.233.0.11 "$(place db back)"
equal "the IPv6 address that is written" fd00:e7::11 "$(place db six)"
expect 0 envtool exec db -- sh -c 'cat /sys/class/net/*/address'
says 52:54:00:0e:77:0b

step "they reach each other by name and alias in the network that they share"
for name in db data.test db.back db.closed 10.233.0.11; do
  expect 0 reaches web "$name" 22
done
eventually reaches web db.six 22
expect 0 reaches db web 22
expect 0 envtool exec web -- getent ahostsv4 data.test
says 10.233.0.11

step "on the host's bridge the guest asks for its address; one way out is enough"
has_lan_address() { [ "$(place web lan)" = 10.234.0.77 ]; }
eventually has_lan_address
equal "what the host reads" SSH- "$(timeout 5 bash -c 'head --bytes=4 </dev/tcp/10.234.0.77/22')"
equal "what the host reads in the open network" SSH- "$(timeout 5 bash -c 'head --bytes=4 </dev/tcp/10.233.0.11/22')"
expect 0 envtool exec web -- sh -c 'ip route show default | wc -l'
equal "default routes" 1 "$output"

step "the host has no address in the isolated one"
run ip route get "$(place db closed)"
says_not "dev vbr"

step "libvirt's documents are what its schemas allow"
for network in $(virsh net-list --name); do
  virsh net-dumpxml --inactive "$network" >"$work/network.xml"
  expect 0 virt-xml-validate "$work/network.xml" network
done

step "a guest that boots by itself has them again; nothing is due"
boot_of() { envtool exec web -- cat /proc/sys/kernel/random/boot_id 2>/dev/null; }
first=$(boot_of)
rebooted() { local now; now=$(boot_of) && [ -n "$now" ] && [ "$now" != "$first" ]; }
envtool exec web -u root -- systemctl reboot >/dev/null 2>&1
for _ in $(seq 30); do rebooted && break; sleep 4; done
rebooted || fail "web does not come back from a reboot"
reaches web db.back 22 || fail "web does not reach db after a reboot"
expect 0 envtool up
says "nothing to do"

step "networks go with their last machine"
expect 0 envtool destroy web --yes
expect 0 virsh net-info "envtool-$(record_id)-back"
expect 0 envtool destroy --yes
equal "networks" "" "$(virsh net-list --all --name)"
nothing_left
