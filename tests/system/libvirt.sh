#!/bin/bash
# A virtual machine lives as a container does, from up to destroy, and what others have in libvirt stays. Guests
# are emulated, hence few boots with many checks each.
. "$(dirname "$0")/libvirt_world.sh"
. "$(dirname "$0")/lib.sh"

virsh() { command virsh --quiet --connect qemu:///system "$@"; }
in_libvirt() { virsh "$@" | awk 'NF { print $1, $2 }'; }

step "others have a domain and a network in the same libvirt"
cat >"$work/foreign.xml" <<'END'
<domain type='qemu'><name>foreign</name><memory unit='MiB'>64</memory><os><type>hvm</type></os></domain>
END
expect 0 virsh define "$work/foreign.xml"

envfile_of() {
  envfile <<END
name: vm
provider: libvirt
box: build:debian/bookworm
memory: 512MiB
cpus: 2
disk: $1
disks: [{name: scratch, size: $3, mount: /srv/my scratch}]
hostname: $2
ports: ["8180-8189:8000"]
folders: ["./src:/srv/app"${4-}]
timeouts: {boot: 8m}
providers: {libvirt: {driver: qemu}}
provision:
  - name: server
    shell: systemctl is-active --quiet web || systemd-run --unit=web python3 -m http.server 8000 --directory /srv/app
    run: always
  - ansible: site.yml
END
}

step "the example is an Envfile without problems"
example virtual-machine
expect 0 envtool validate

step "up: a box from the recipe, a folder, Ansible, a port"
project vm </dev/null
mkdir src
echo "from the host" >src/page
cat >site.yml <<'END'
- hosts: all
  gather_facts: false
  become: true
  tasks:
    - copy: {content: "by ansible\n", dest: /etc/motd}
END
envfile_of 11GiB shop-vm 64MiB
expect 0 envtool up
says "folder '/srv/app' by rsync: it belongs to user 0 of this host, and 'vagrant' is user 1000 in the guest"
equal "the state" running "$(state_of)"
equal "the page" "from the host" "$(page 8180 /page)"
name=$(json '.machines[0].backend_name' envtool --json status)
equal "libvirt's word" running "$(virsh domstate "$name")"

step "what the guest sees of it"
# shellcheck disable=SC2016
report='hostname; nproc; whoami; cat /etc/motd; df --output=size --block-size=M / | tail -1; getent hosts "$(hostname)"; ls /home/*/.ssh'
expect 0 envtool ssh -c "$report"
says shop-vm vagrant "by ansible" authorized_keys
[[ $output =~ ([0-9]+)M ]] && [ "${BASH_REMATCH[1]}" -gt 10500 ] || fail "the file system did not grow with the disk"
equal "password logins" "" "$(envtool ssh -c 'sudo grep -E "^[^:]+:[^*!:]" /etc/shadow')"
expect 0 envtool up
says_not "start" "create"

step "what others could see of it: nothing secret"
says_not "PRIVATE KEY"
run virsh dumpxml "$name"
says "$(record_id)"
says_not "PRIVATE KEY"

step "memory is taken and given back while it runs"
expect 0 envtool limits --memory 384MiB
# shellcheck disable=SC2016
memory() { envtool ssh -c 'awk "/^MemTotal/ { print int(\$2 / 1024) }" /proc/meminfo'; }
for _ in {1..20}; do [ "$(memory)" -lt 384 ] && break; done
[ "$(memory)" -lt 384 ] || fail "the guest has as much memory as before"
expect 0 envtool limits --memory 512MiB

step "the console: what the guest says comes, and what is typed goes there"
mkfifo keys
script --quiet --flush --return --command "$ENVTOOL console" console.txt <keys >/dev/null 2>&1 9>&- &
console=$!
exec 8>keys
heard() { envtool ssh -c 'echo from the guest | sudo tee /dev/ttyS0' && grep "from the guest" console.txt; }
eventually heard
prompted() { printf '\r' >&8 && sleep 1 && grep "login:" console.txt; }
eventually prompted
expect 1 script --quiet --return --command "$ENVTOOL console" /dev/null
says "one terminal at a time"
printf '\001q' >&8
wait "$console"
equal "leaving it" 0 $?
exec 8>&-

step "suspend and resume: the clock is right afterwards"
expect 0 envtool suspend
equal "the state" paused "$(state_of)"
sleep 5
expect 0 envtool resume
behind=$(($(date +%s) - $(envtool ssh -c 'date +%s')))
[ "$behind" -le 3 ] || fail "the guest's clock is $behind s behind"

step "a snapshot with memory: what ran then runs on"
scratch() { envtool ssh -c 'df --output=size --block-size=M "/srv/my scratch" | tail -1 | tr -dc 0-9; cat "/srv/my scratch/mark"'; }
expect 0 envtool ssh -c 'echo before | sudo tee "/srv/my scratch/mark"'
expect 0 envtool ssh -c 'echo before >mark; sudo systemd-run --quiet --unit=witness sleep infinity'
expect 0 envtool snapshot save before
expect 0 envtool ssh -c 'echo after | sudo tee "/srv/my scratch/mark"'
expect 0 envtool ssh -c 'echo after >mark; sudo systemctl stop witness'
expect 0 envtool snapshot restore before
expect 0 envtool up
equal "the disk" before "$(envtool ssh -c 'cat mark')"
[[ $(scratch) =~ ^[56][0-9]before$ ]] || fail "the other disk is not as it was: $(scratch)"
equal "the memory" active "$(envtool ssh -c 'systemctl is-active witness')"
expect 0 envtool snapshot list
says before
expect 0 envtool status --usage

expect 0 envtool ssh -c 'ls /sys/class/net >nics'

step "halt is heard by the guest; up takes another host name and a larger disk"
expect 0 envtool halt
says_not "hard"
equal "the state" stopped "$(state_of)"

step "a snapshot of a stopped machine"
expect 0 envtool snapshot save stopped
expect 0 envtool snapshot restore stopped
expect 0 envtool snapshot delete stopped
mkdir -p live/cache
echo "made here" >live/cache/here
chown -R 1000:1000 live
envfile_of 12GiB other-vm 128MiB ', {host: ./live, guest: "/srv/my live", exclude: [cache/]}'
expect 0 envtool up
says start "folder '/srv/my live' by virtiofs"
says_not "get the box"
expect 0 envtool ssh -c "$report"
says other-vm "by ansible"
[[ $output =~ ([0-9]+)M ]] && [ "${BASH_REMATCH[1]}" -gt 11500 ] || fail "the file system did not grow with the disk"
[[ $(scratch) =~ ^1[0-9][0-9]before$ ]] || fail "the other disk did not grow: $(scratch)"
eventually page 8180 /page
equal "the page" "from the host" "$(page 8180 /page)"

step "a folder by virtiofs: both sides see at once what the other writes, but for what is the guest's own"
equal "network devices" "$(envtool ssh -c 'cat nics')" "$(envtool ssh -c 'ls /sys/class/net')"
echo "from the host" >live/host
equal "a file of the host" "from the host" "$(envtool ssh -c 'cat "/srv/my live/host"')"
expect 0 envtool ssh -c 'cd "/srv/my live" && echo "from the guest" >guest && touch cache/there && ls cache'
equal "what the guest has for it" there "$output"
equal "a file of the guest" "from the guest 1000" "$(cat live/guest) $(stat --format %u live/guest)"
equal "what stays the guest's" here "$(ls live/cache)"
expect 0 envtool suspend
expect 0 envtool resume
expect 0 envtool up
says_not "virtiofs"
equal "after suspend" "from the host" "$(envtool ssh -c 'cat "/srv/my live/host"')"

step "beside it a snapshot has no memory, which is said; it is a copy, and the older one stays beside it"
marks() { envtool ssh -c 'cat mark "/srv/my scratch/mark"' | paste --serial --delimiters=' '; }
expect 0 envtool ssh -c 'echo live | sudo tee mark "/srv/my scratch/mark"'
expect 0 envtool snapshot save live
says "without its memory, as QEMU cannot save it beside the folder '$PWD/live' by virtiofs: restored, it boots"
equal "the state" running "$(state_of)"
expect 0 envtool snapshot list
[[ $output =~ before.*'with memory'.*live.*MiB ]] || fail "the snapshots are not as they were saved: $output"
[[ ! $output =~ live.*'with memory' ]] || fail "a copy has no memory: $output"
expect 0 envtool ssh -c 'echo later | sudo tee mark "/srv/my scratch/mark"'
expect 0 envtool snapshot restore live
equal "the disks" "live live" "$(marks)"

step "a restart keeps the folder"
expect 0 envtool up
says_not "virtiofs"
equal "after a restart" "from the host there" "$(envtool ssh -c 'cd "/srv/my live" && echo "$(cat host) $(ls cache)"')"

step "it is not read-only, which is said"
envfile_of 12GiB other-vm 128MiB ', {host: ./live, guest: "/srv/my live", read_only: true, type: virtiofs}'
expect 6 envtool up
says "folder '/srv/my live' cannot be shared by virtiofs: virtiofs could not keep the guest from writing"
envfile_of 12GiB other-vm 128MiB ', {host: ./live, guest: "/srv/my live", exclude: [cache/]}'

step "more CPUs while it runs"
expect 0 envtool limits --cpus 3
has_three() { [ "$(envtool ssh -c nproc)" = 3 ]; } # it brings a CPU up when it gets round to it
eventually has_three

step "a killed QEMU: stopped, and its ports are free again"
kill -9 "$(cat "/run/libvirt/qemu/$name.pid")"
stopped() { [ "$(state_of)" = stopped ]; }
eventually stopped

step "a snapshot with a disk that is gone is refused, and the others stay as they are"
virsh vol-delete "$(virsh vol-list envtool | awk '$1 ~ /disk-scratch.qcow2$/ { print $1 }')" --pool envtool
expect 1 envtool snapshot restore before
says "cannot be restored" "disk-scratch" "envtool snapshot delete before"

step "destroy leaves what is not its own, and nothing else"
expect 0 envtool destroy --yes
equal "domains" "- foreign" "$(in_libvirt list --all)"
equal "networks" "" "$(in_libvirt net-list --all)"
equal "volumes but the box's" "" "$(in_libvirt vol-list envtool | grep --invert-match '^box-')"
nothing_left

step "a daemon that is gone is said, and nothing is lost"
kill "$(cat /run/libvirt/libvirtd.pid)"
gone() { ! virsh list; }
eventually gone
expect 4 envtool up
says "cannot connect" "libvirt-daemon-system"
