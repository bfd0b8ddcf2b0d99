#!/bin/bash
# An ordinary user without sudo brings machines up, works with them and takes them away, and nothing of it runs as
# root. What the host must lend is what `envtool doctor --fix` writes. It is all removed again.
. "$(dirname "$0")/lib.sh"
for program in sudo useradd runuser newuidmap python3; do
  command -v "$program" >/dev/null || skip "it needs '$program'"
done
[ -d /sys/fs/cgroup/systemd ] || skip "it makes control groups of version 1"
[ ! -d /run/systemd/system ] || skip "it makes control groups by itself, which is systemd's business here"

user=envt-user
lent=envtu$$ lan=envtv$$
device=/dev/envtool-test
usernet=/etc/lxc/lxc-usernet
settings=/etc/sysctl.d/60-envtool.conf
instances=$(sysctl -n fs.inotify.max_user_instances)
id "$user" >/dev/null 2>&1 && fail "there is a user '$user' already"
[ ! -e $settings ] || skip "'$settings' is somebody's"
[ -e $usernet ] && cp -a $usernet "$work/usernet"

# The user's own: everything envtool keeps, and the project.
home=$work/$user
machines=$home/.local/share/envtool/lxc

leave() {
  local result=$? id group
  cd /
  for id in $(as envtool --json list 2>/dev/null | jq --raw-output '.environments[].id'); do
    as envtool destroy "@$id" --yes --volumes
  done >"$work/destroy.log" 2>&1
  for group in $(own_groups | tac); do
    for id in $(cat "$group/cgroup.procs"); do kill -9 "$id"; done
    rmdir "$group" || { sleep 0.3; rmdir "$group"; }
  done
  rmdir /sys/fs/cgroup/*/user
  ip link delete "$lent"
  ip link delete "$lan"
  # lxc-user-nic forgets a device only when it makes the next one for that user.
  sed -i "/^$user veth /d" /run/lxc/nics
  rm -f $device /etc/sudoers.d/envtool-test $settings $usernet.before-envtool
  sysctl --quiet fs.inotify.max_user_instances="$instances"
  if [ -e "$work/usernet" ]; then cp -a "$work/usernet" $usernet; else rm -f $usernet; fi
  rm -rf "/tmp/envtool-$(id -u $user)"
  userdel $user
  (exit "$result")
  clean_up
} 2>/dev/null
trap leave EXIT

own_groups() { find /sys/fs/cgroup/*/user/$user -type d 2>/dev/null; }

# The program at a place that any user can reach.
bin=$work/bin
copy_program "$bin"

as() {
  timeout 120 runuser --user $user -- env --ignore-environment HOME="$home" USER=$user LC_ALL=C.UTF-8 \
    PATH="$bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin" "$@" </dev/null 9>&-
}
envtool() { as "$bin/envtool" "$@"; }
# killed_after SECONDS COMMAND...: as the user, in a shell of its own, which does not tell of the kill.
killed_after() {
  local time=$1
  shift
  (timeout --signal=KILL "$time" runuser --user $user -- env --ignore-environment HOME="$home" USER=$user \
    PATH="$bin:/usr/bin:/bin:/usr/sbin:/sbin" "$@" </dev/null 9>&-; true) >/dev/null 2>&1
}

useradd --create-home --home-dir "$home" --shell /bin/bash $user || fail "useradd"
chmod 0700 "$home"
sed --in-place "/^$user:/d" /etc/subuid /etc/subgid
mkdir -p "$home/.local/share/envtool"
cp -rL "$cache/boxes" "$home/.local/share/envtool/boxes"
chown -R "$user:" "$home"
number=$(id -u $user)

# A device that everybody may use, as udev makes some.
mknod $device c 1 5 && chmod 0666 $device || fail "no device"

# A bridge with an address, as lxc-net makes one; no way out is needed here.
for third in $(seq 200 250); do
  subnet=10.231.$third beside=10.232.$third
  [ -n "$(ip route show root $subnet.0/24 table all)$(ip route show root $beside.0/24 table all)" ] || break
done
ip link add "$lent" type bridge && ip address add "$subnet.1/24" dev "$lent" && ip link set "$lent" up || fail "no bridge"

cd "$home" && as mkdir project && cd project || fail "no project"
write() { cat >Envfile && chown "$user:" Envfile; }
write <<'YAML'
name: envtuser
provider: lxc
box: build:debian/bookworm
memory: 300MiB
ports: ["28600-28699:8000"]
folders:
  - .:/vagrant
  - ./read:/srv/read:ro
  - {host: ./site, guest: /srv/site, exclude: [node_modules]}
disks: [{name: data, size: 1GiB, mount: /srv/data, keep: true}]
providers: {lxc: {tmpfs: 32MiB, devices: [/dev/envtool-test], nesting: true, drop_capabilities: [net_raw]}}
provision:
  - shell: |
      mkdir -p /srv/www && echo answer >/srv/www/page
      printf '[Service]\nExecStart=/usr/bin/python3 -m http.server -d /srv/www 8000\n[Install]\nWantedBy=multi-user.target\n' \
        >/etc/systemd/system/page.service
      systemctl enable --now page.service
ready: [{http: 8000, path: /page}]
YAML
as mkdir -p read site/node_modules
echo source >read/main.c
echo host >site/node_modules/host.js
chown -R "$user:" .

guest() { envtool ssh -c "$1"; }
guest_root() { envtool ssh -c "sudo -n sh -c '$1'"; }
address() { json '.machines[0].addresses[0]' envtool --json status; }
payload() { find /sys/fs/cgroup/systemd/user/$user -path '*lxc.payload.*' -name cgroup.procs -exec cat {} + | sort -n; }
monitor() { find /sys/fs/cgroup/systemd/user/$user -path '*lxc.monitor.*' -name cgroup.procs -exec cat {} + | sort -n; }
traces() {
  find "$machines"/{lxc,machines,root,disks} -mindepth 1 -maxdepth 1 2>/dev/null
  find "$machines/run/lxc" -type f
  own_groups | grep --invert-match "/$user\$"
  ls "/sys/class/net/$lent/brif"
  grep --fixed-strings " $home/" /proc/self/mountinfo
  ps -eo user:32=,args= | grep --fixed-strings -e "$machines" -e "$home" | grep --extended-regexp 'envtool-forward|lxc monitor|ssh:'
}
no_traces() {
  local tries
  # The kernel takes the devices of a network namespace away a moment after its last process.
  for tries in $(seq 30); do [ -n "$(ls "/sys/class/net/$lent/brif")" ] && sleep 0.1; done
  equal "what is left" "" "$(traces)"
}

step "doctor names what is missing, with the lines that mend it"
run envtool doctor
says "subordinate user and group ids" "sudo usermod --add-subuids" "--add-subgids" \
  "a bridge in /etc/lxc/lxc-usernet: none for '$user'" "echo '$user veth lxcbr0 100' | sudo tee --append $usernet" \
  "a delegated control group: none" "fs.inotify.max_user_instances"
expect 4 envtool up
says "sudo envtool" "envtool doctor"

step "doctor --fix does it, keeps what files hold, and has nothing to do the second time"
printf '# mine\n%s veth %s 5' $user "$lent" >$usernet
echo "$user ALL=(ALL) NOPASSWD: ALL" >/etc/sudoers.d/envtool-test
chmod 0440 /etc/sudoers.d/envtool-test
expect 2 envtool doctor --fix
says "--yes"
envtool doctor --fix --yes >"$work/fix.log" 2>&1
grep -q "^$user:" /etc/subuid || fail "no subordinate ids: $(cat "$work/fix.log")"
equal "the lines that were there" "# mine $user veth $lent 5" "$(tr '\n' ' ' <$usernet)"
before=$(cat /etc/subuid /etc/subgid $usernet $settings)
run envtool doctor --fix --yes
equal "the files" "$before" "$(cat /etc/subuid /etc/subgid $usernet $settings)"
rm /etc/sudoers.d/envtool-test

step "up, as the user and without sudo"
expect 0 envtool doctor
expect 0 envtool up
says "is up"
equal "the page" answer "$(page "$(envtool port --guest 8000)" /page)"
equal "the guest" running "$(guest 'systemctl is-system-running --wait')"
equal "processes of root's" "" "$(payload | cat - <(monitor) | xargs -I{} ps -o uid= -p {} | sort -u | awk '$1 < 1000')"
equal "programs of root's" "" "$(ps -eo uid=,args= | awk '$1 == 0' | grep --fixed-strings -e "$machines" -e "$bin/libexec" | grep --invert-match 'grep ')"
expect 0 envtool up
says "nothing to do"

step "ssh --attach, as the user, into the machine's own control groups"
equal "who it is" vagrant "$(envtool ssh --attach -c 'id -un')"
expect 7 envtool ssh --attach -c 'exit 7'
envtool ssh --attach -c 'exec sleep 7391' &
eventually pgrep --exact --full 'sleep 7391'
sleeper=$(pgrep --exact --full 'sleep 7391')
for group in /sys/fs/cgroup/*/user/$user; do
  [ -e "$group/tasks" ] || continue # the user may not go to those of version 2
  members=$(find "$group" -path '*lxc.payload.*' -name cgroup.procs -exec cat {} +)
  [[ " ${members//$'\n'/ } " == *" $sleeper "* ]] || fail "it is not in the machine's group below '$group'"
done
kill "$sleeper"
wait $!
equal "exit code" 143 $?

step "folders, from both sides, as user, root and www-data"
equal "the user's file in the guest" vagrant:vagrant "$(guest 'stat -c %U:%G /vagrant/Envfile')"
guest 'echo guest >/vagrant/of-user'
equal "the guest user's file here" "$user:$user" "$(stat -c %U:%G of-user)"
guest_root 'echo root >/vagrant/of-root; echo www >/vagrant/of-www; chown www-data: /vagrant/of-www'
first=$(stat -c %u of-root)
equal "the guest root's file here" "$(awk -F: -v user=$user '$1 == user { print $2 }' /etc/subuid)" "$first"
equal "www-data's file here" $((first + 33)) "$(stat -c %u of-www)"
equal "root's file in the guest" root:root "$(guest 'stat -c %U:%G /vagrant/of-root')"
equal "www-data's file in the guest" www-data:www-data "$(guest 'stat -c %U:%G /vagrant/of-www')"
expect 1 envtool ssh -c 'touch /srv/read/new'
guest_root 'mount -o remount,rw,bind /srv/read; umount /srv/read; touch /srv/read/new' >/dev/null 2>&1
[ ! -e read/new ] || fail "the guest's root made a read-only folder writable"
equal "what is excluded" "" "$(guest 'ls -A /srv/site/node_modules')"
guest 'echo guest >/srv/site/node_modules/own.js'
equal "what the host keeps there" host.js "$(ls -A site/node_modules)"
guest_root 'umount /vagrant/.envtool; touch /vagrant/.envtool/new' >/dev/null 2>&1
[ ! -e .envtool/new ] || fail "the guest's root reached the project's .envtool"
cat >watch.py <<'END'
import ctypes, os
libc = ctypes.CDLL(None)
watch = libc.inotify_init()
libc.inotify_add_watch(watch, b"/vagrant", 0x100)
open("/tmp/ready", "w").close()
os.read(watch, 4096)
open("/tmp/seen", "w").close()
END
guest 'setsid python3 /vagrant/watch.py >/dev/null 2>&1 </dev/null &'
eventually envtool ssh -c 'test -e /tmp/ready'
as touch made-here
eventually envtool ssh -c 'test -e /tmp/seen'
write <<<"$(sed 's|^  - ./read:/srv/read:ro$|&\n  - ./late:/srv/late|' Envfile)"
as mkdir late && as touch late/file
boot=$(guest 'stat --format %Y /proc/1')
expect 0 envtool up
equal "the new folder" "vagrant file" "$(guest 'cd /srv/late && stat -c "%U %n" file')"
equal "the machine has not been restarted" "$boot" "$(guest 'stat --format %Y /proc/1')"

step "a disk, and what options give"
guest_root 'echo kept >/srv/data/file; chown vagrant: /srv/data/file; echo www >/srv/data/www; chown www-data: /srv/data/www'
equal "/tmp" "tmpfs 32768" "$(guest 'stat -f -c %T /tmp; df --output=size -k /tmp | tail -1' | xargs)"
equal "what the device gives" 16 "$(guest "head -c 16 $device | wc -c")"
guest 'unshare --user --map-root-user --pid --fork --mount-proc true' || fail "no /proc for a container in the guest"
equal "net_raw" 0 "$(($(guest 'printf 0x; sed -n "s/^CapBnd:\t//p" /proc/1/status') >> 13 & 1))"

step "an owner who is not the ssh user is refused with what to do"
cp Envfile good
write <<<"$(sed 's|^  - ./late:/srv/late$|  - {host: ./late, guest: /srv/late, owner: www-data}|' good)"
expect 6 envtool up
says "/srv/late" "'vagrant' only" "rsync" "mode: root"
write <good && rm good
expect 0 envtool up

step "limits, where their control groups are delegated"
equal "memory" $((300 << 20)) "$(guest 'cat /sys/fs/cgroup/memory/memory.limit_in_bytes')"
write <<<"$(sed 's|300MiB|280MiB|' Envfile)"
expect 0 envtool up
equal "memory, changed live" $((280 << 20)) "$(guest 'cat /sys/fs/cgroup/memory/memory.limit_in_bytes')"

step "a box of it while it runs, and a machine of the box"
guest_root 'mkdir /srv/owned && cd /srv/owned && touch a b c && chown 1234:2345 a && chown vagrant: b && chown nobody: c'
owners=$(guest 'cd /srv/owned && stat -c "%n %u:%g" *')
expect 0 envtool package
equal "who owns the box" "$user" "$(stat -c %U package.box)"
equal "the page" answer "$(page "$(envtool port --guest 8000)" /page)"
as mkdir "$home/second" && cd "$home/second" || fail "no project"
write <<YAML
name: envtsecond
provider: lxc
box: $home/project/package.box
folders: []
YAML
expect 0 envtool up
equal "the page in the other machine" answer "$(guest 'cat /srv/www/page')"
equal "who owns its files" "$owners" "$(guest 'cd /srv/owned && stat -c "%n %u:%g" *')"
equal "who owns the user's home" "vagrant vagrant" "$(guest 'stat -c %U ~ ~/.ssh/authorized_keys' | xargs)"
expect 0 envtool destroy --yes
expect 0 envtool box remove "$home/project/package.box"
cd "$home/project" && rm -r package.box "$home/second" || fail "no project"

step "a restart inside of the guest"
guest 'sudo -n systemctl reboot' >/dev/null 2>&1
eventually page "$(envtool port --guest 8000)" /page
equal "the state" running "$(state_of)"
equal "the folder" "vagrant" "$(guest 'stat -c %U /vagrant/Envfile')"

step "halt, and up again where others have taken the address meanwhile"
expect 0 envtool halt
equal "the state" stopped "$(state_of)"
equal "processes" "" "$(payload)$(monitor)"
chmod 0600 $device
expect 6 envtool up
says "user '$user' may not use the device '$device'" "mode: root"
chmod 0666 $device
address=$(address)
ip address add "$address/32" dev "$lent"
expect 0 envtool up
[ "$(address)" != "$address" ] || fail "the machine has an address that is another's"
equal "the page" answer "$(page "$(envtool port --guest 8000)" /page)"
equal "what it kept under a cover" own.js "$(guest 'ls -A /srv/site/node_modules')"
ip address delete "$address/32" dev "$lent"

stopped() { [ "$(state_of)" = stopped ]; }
step "its init is killed, then its monitor alone: up brings it back"
kill -9 "$(payload | head -1)"
eventually stopped
expect 0 envtool up
kill -9 "$(monitor)"
eventually stopped
expect 0 envtool up
equal "the page" answer "$(page "$(envtool port --guest 8000)" /page)"

step "destroy keeps the disk, and the next machine has it"
expect 0 envtool destroy --yes
equal "kept" data "$(json '.machines[0].kept_disks[]' envtool --json status)"
expect 0 envtool up
equal "what is on it" "kept vagrant www www-data" "$(guest 'cd /srv/data && for file in file www; do cat $file; stat -c %U $file; done' | xargs)"

step "destroy leaves nothing but the user's files"
expect 0 envtool destroy --yes --volumes
no_traces
for file in of-user of-root of-www late/file read/main.c site/node_modules/host.js; do
  [ -e $file ] || fail "'$file' is gone"
done

step "kill -9 at any moment, and destroy finds what is left"
for time in 0.05 0.1 0.2 0.3 0.4 0.6 0.9; do
  killed_after $time "$bin/envtool" up
  expect 0 envtool destroy --yes --volumes
  no_traces
done

step "a file system of its own and a network of the project's own need root, and are refused with what to do"
write <<'YAML'
name: envtuser
provider: lxc
box: build:debian/bookworm
folders: []
providers: {lxc: {storage: {lxc: loop}}}
YAML
expect 6 envtool up
says "without root there is no 'storage: {lxc: loop}'" "mode: root"
write <<'YAML'
name: envtuser
provider: lxc
box: build:debian/bookworm
folders: []
networks: [backend]
YAML
expect 6 envtool up
says "network 'backend'" "without root" "sudo envtool up" "Envfile:5:" "'bridge'"

step "two machines, one of them on another bridge of the host's, with an address and a MAC that are written"
# More than it takes: lxc-user-nic counts a user's devices on other bridges, too.
printf '\n%s veth %s 10\n' "$user" "$lan" >>$usernet
ip link add "$lan" type bridge && ip address add "$beside.1/24" dev "$lan" && ip link set "$lan" up || fail "no bridge"
write <<YAML
name: envtuser
provider: lxc
box: build:debian/bookworm
folders: []
machines: {one: {networks: [{name: lan, bridge: $lan, ip: 99, mac: "52:54:00:0e:77:0d"}]}, two: {}}
YAML
expect 0 envtool up
equal "its place there" "52:54:00:0e:77:0d $beside.99" \
  "$(json '.machines[] | select(.name == "one") | .networks[0] | "\(.mac) \(.addresses[0])"' envtool --json status)"
expect 0 envtool exec one -- cat /sys/class/net/eth1/address
equal "the MAC address" 52:54:00:0e:77:0d "$output"
equal "what this host reads there" SSH- "$(timeout 5 head --bytes=4 <"/dev/tcp/$beside.99/22")"
expect 0 envtool exec one -- getent hosts two
expect 0 envtool exec two -- bash -c 'timeout 5 cat </dev/tcp/one/22 | head -c 4'
says SSH-
equal "where root's machines are" "" "$(ls -A "$ENVTOOL_ROOT/lxc")"
expect 0 envtool destroy --yes
no_traces

suite=$(dirname "$ENVTOOL")/tests/conformance
if [ -x "$suite" ]; then
  step "the conformance suite, as this user"
  cp "$suite" "$bin/conformance"
  box=$(find "$machines/boxes" -mindepth 1 -maxdepth 1 -name '[0-9a-f]*' | head -1)
  expect 0 as env ENVTOOL="$bin/envtool" CONFORMANCE_PROVIDER=lxc CONFORMANCE_ENVIRONMENT=c0f0c0f0c0f0c0f0 \
    CONFORMANCE_DIGEST="${box##*/}" CONFORMANCE_BOX="$box" CONFORMANCE_KILL="$kill_by_group" "$bin/conformance"
  no_traces
else
  step "the conformance suite is left out: it is not built"
fi

step "a user without a delegated control group is told so before anything starts"
for group in /sys/fs/cgroup/*/user/$user; do chown root: "$group" "$group/cgroup.procs"; done
write <<'YAML'
name: envtuser
provider: lxc
box: build:debian/bookworm
folders: []
providers: {lxc: {mode: user}}
YAML
run envtool up
[ "$status" -ne 0 ] || fail "it came up"
says "delegated"
expect 0 envtool destroy --yes
for group in /sys/fs/cgroup/*/user/$user; do chown $user: "$group" "$group/cgroup.procs"; done

step "the box's unpacked copy goes with the box"
[ -n "$(ls -A "$machines/boxes")" ] || fail "there is no copy"
# Copies of root's on this host are not the user's to remove.
expect 0 as env ENVTOOL_ROOT="$work/none" "$bin/envtool" box remove build:debian/bookworm --provider lxc
equal "copies" "" "$(ls -A "$machines/boxes")"
