#!/bin/bash
# Virtual machines where this host has no route to them: of an ordinary user, who needs no right at all, and of another
# host, which is this one by SSH here. Guests are emulated, hence one boot of each with many checks.
. "$(dirname "$0")/libvirt_world.sh"
. "$(dirname "$0")/lib.sh"
for program in /usr/sbin/sshd runuser ssh-keygen openssl; do
  command -v "$program" >/dev/null || skip "it needs '$program'"
done

# A user of this world alone, in an /etc of its own: single files over the host's would be lost as soon as somebody adds
# a user there, who replaces them.
user=envt-vm
own=/run/libvirt/$user # short: libvirt puts sockets there
cp -a /etc /run/libvirt/etc # gone with this world
mount --bind /run/libvirt/etc /etc
echo "$user:x:64123:64123::$own:/bin/bash" >>/etc/passwd
echo "$user:x:64123:" >>/etc/group
echo "$user:*:19000::::::" >>/etc/shadow
install --directory --owner 64123 --group 64123 --mode 0711 $own $own/run "$work/$user" "$work/$user/home" "$work/$user/home/data"
cp -r "$(readlink -f "$cache/boxes")" "$work/$user/home/data/boxes"
bin=$work/bin
copy_program "$bin"
chown -R $user:$user "$work/$user"
as() {
  runuser --user $user -- env -i HOME=$own USER=$user PATH="$bin:/usr/sbin:/usr/bin:/sbin:/bin" LANG=C.UTF-8 \
    XDG_RUNTIME_DIR=$own/run ENVTOOL_HOME="$work/$user/home" "$@" </dev/null 9>&-
}

machine() {
  cat <<YAML
name: $1
provider: libvirt
box: build:debian/bookworm
memory: 384MiB
timeouts: {boot: 8m}
ports: ["8280-8289:8000"]
folders: ["./src:/srv/app"]
providers: {libvirt: {driver: qemu, uri: "$2"}}
provision:
  - shell: systemctl is-active --quiet web || systemd-run --unit=web python3 -m http.server 8000 --directory /srv/app
ready:
  - {tcp: 8000, timeout: 3m}
  - {http: 8000, path: /page, timeout: 3m}
YAML
}

project there < <(machine there qemu:///session)
mkdir src
echo "from the host" >src/page
step "root has no session, and what is no QEMU is refused with what it lacks"
expect 6 envtool up
says "root has no session"
for other in test:///default lxc:/// xen:///system; do
  machine there "$other" >Envfile
  expect 6 envtool up
  says "$other" "is not supported"
done

step "an ordinary user's machine: SSH, folder and ports by a port of the loopback"
cp -r "$work/there" "$work/$user/here"
machine here qemu:///session >"$work/$user/here/Envfile"
chown -R $user:$user "$work/$user/here"
cd "$work/$user/here" || fail "no project"
expect 0 as envtool up
expect 0 as envtool ssh -c 'whoami; cat /srv/app/page'
says vagrant "from the host"
port=$(as envtool --json status | jq '.machines[0].ports[0].host // .machines[0].forwards[0].host')
equal "the page" "from the host" "$(page "$port" /page)"
expect 0 as envtool exec -- true
equal "who runs it" $user "$(ps -eo user:20,args | awk '/qemu-system.*-name guest=here/ && !/awk/ { print $1 }' | head -1)"
[ -z "$(virsh --connect qemu:///system list --all --name | tr -d '\n')" ] || fail "the system has the machine"

step "a session has no networks that machines share; nothing is left after destroy"
expect 0 as envtool halt
says_not hard
sed -i '1a networks: [back]' Envfile
expect 6 as envtool up
says "no network that machines share"
expect 0 as envtool destroy --yes
equal "domains" "" "$(as virsh --connect qemu:///session list --all --name | tr -d '\n')"
equal "volumes but the box's" "" "$(find "$work/$user/home/data/libvirt-pool" -type f ! -name 'box-*')"
expect 0 as envtool box remove --provider libvirt build:debian/bookworm
[ -z "$(as virsh --connect qemu:///session pool-list --all --name | tr -d '\n')" ] || fail "the session has a pool"
as pkill --uid 64123 --exact libvirtd

step "another host by SSH and by TLS: volumes by streams, SSH through it, rsync"
mount -t tmpfs tmpfs /root/.ssh 2>/dev/null || { mkdir -p /root/.ssh && mount -t tmpfs tmpfs /root/.ssh; }
chmod 0700 /root/.ssh
ssh-keygen -q -t ed25519 -N '' -f "$work/host_key" && ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/key || fail "no keys"
cp /root/.ssh/key.pub /root/.ssh/authorized_keys
mkdir -p /run/sshd
cat >"$work/sshd_config" <<END
Port 2299
ListenAddress 127.0.0.1
HostKey $work/host_key
PidFile $work/sshd.pid
UsePAM no
StrictModes no
AuthorizedKeysFile /root/.ssh/authorized_keys
PermitRootLogin yes
END
/usr/sbin/sshd -f "$work/sshd_config" -E "$work/sshd.log" 9>&- || fail "no sshd"

# authority NAME: its key and certificate, NAME.key and NAME.pem.
authority() {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -noenc -days 2 -subj "/CN=$1" -keyout "$1.key" -out "$1.pem"
}
# certificate NAME AUTHORITY EXTENSION
certificate() {
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -noenc -subj "/CN=$1" -keyout "$1.key" -out "$1.csr" &&
    openssl x509 -req -in "$1.csr" -CA "$2.pem" -CAkey "$2.key" -CAcreateserial -days 2 -extfile <(echo "$3") -out "$1.pem"
}
pki=$work/pki
mkdir -p "$pki" /etc/pki/CA /etc/pki/libvirt/private && cd "$pki" || fail "no $pki"
{
  authority ours && authority others &&
    certificate far ours "subjectAltName=DNS:far.test" && certificate user ours "extendedKeyUsage=clientAuth" &&
    certificate stranger others "extendedKeyUsage=clientAuth"
} >"$work/openssl.log" 2>&1 || fail "no certificates: $(cat "$work/openssl.log")"
cp ours.pem /etc/pki/CA/cacert.pem
cp far.pem /etc/pki/libvirt/servercert.pem && cp far.key /etc/pki/libvirt/private/serverkey.pem
cp user.pem /etc/pki/libvirt/clientcert.pem && cp user.key /etc/pki/libvirt/private/clientkey.pem
echo "127.0.0.1 far.test elsewhere.test" >>/etc/hosts
printf 'listen_addr = "127.0.0.1"\n' >/run/libvirt/tls.conf
kill "$(cat /run/libvirt/libvirtd.pid)"
gone() { ! virsh --connect qemu:///system list; }
eventually gone
libvirtd --daemon --listen --config /run/libvirt/tls.conf --pid-file /run/libvirt/libvirtd.pid 9>&-

cd "$work/there" || fail "no project"
# both_machines URI: the machine of that URI beside one by SSH.
both_machines() {
  machine there "qemu+ssh://root@127.0.0.1:2299/system?keyfile=/root/.ssh/key&no_verify=1"
  printf '%s\n' "machines:" "  there: {}" "  far: {providers: {libvirt: {uri: \"$1\"}}}"
}

step "by TLS: what is wrong with certificates, names and the way of SSH is said"
for name in user stranger none; do
  mkdir -p "$pki/with-$name"
  cat "$pki/ours.pem" "$pki/others.pem" >"$pki/with-$name/cacert.pem"
  [ $name = none ] || { cp "$pki/$name.pem" "$pki/with-$name/clientcert.pem" && cp "$pki/$name.key" "$pki/with-$name/clientkey.pem"; }
done
# refused CERTIFICATES HOST TEXT...: what `up` says of them.
refused() {
  both_machines "qemu+tls://$2/system?pkipath=$pki/$1" >Envfile
  shift 2
  expect 4 envtool up far
  says "cannot connect" "$@"
}
refused nowhere far.test cacert.pem "~/.pki/libvirt"
refused with-none far.test "it does not take this user's clientcert.pem"
refused with-stranger far.test "it does not take this user's clientcert.pem"
refused with-user elsewhere.test "must name 'elsewhere.test'"
says_not "info :"
refused with-user far.test:1 refused libvirtd-tls.socket

both_machines qemu+tls://far.test/system >Envfile
printf 'Host far.test\n  StrictHostKeyChecking accept-new\n' >/root/.ssh/config
expect 1 envtool up far
says "ssh: connect to host far.test port 22" "must get there without a question"
printf '  HostName 127.0.0.1\n  Port 2299\n  IdentityFile /root/.ssh/key\n' >>/root/.ssh/config

step "both machines live as those of this host do"
expect 0 envtool up
for name in there far; do
  expect 0 envtool ssh $name -c 'cat /srv/app/page'
  says "from the host"
  port=$(envtool --json status | jq ".machines[] | select(.name == \"$name\") | .ports[0].host")
  equal "the page" "from the host" "$(page "$port" /page)"
  [[ $(envtool ssh-config $name) == *"ProxyCommand ssh "* ]] || fail "no jump in ssh-config"
done
expect 0 envtool logs there --console
echo "changed" >src/page
expect 0 envtool sync far
equal "a changed file" changed "$(envtool exec far -- cat /srv/app/page)"
expect 0 envtool snapshot save one far
expect 0 envtool halt far
says_not hard
equal "the state" stopped "$(state_of far)"

step "a host that is gone is said, and the machine is there again with it"
kill "$(cat "$work/sshd.pid")"
eventually bash -c '! ss -Hltn | grep -q 127.0.0.1:2299'
expect 0 envtool status
says broken "cannot connect"
/usr/sbin/sshd -f "$work/sshd_config" -E "$work/sshd.log" 9>&- || fail "no sshd"
equal "the state" running "$(state_of there)"
expect 0 envtool destroy --yes
equal "domains" "" "$(virsh --connect qemu:///system list --all --name | tr -d '\n')"

step "the box's copy there goes with the box, or later if that host does not answer"
pools() { virsh --connect qemu:///system pool-list --all --name | tr -d '\n '; }
rm "$ENVTOOL_HOME/data/boxes" # the cache's
cp -r "$cache/boxes" "$ENVTOOL_HOME/data/boxes"
export LIBVIRT_DEFAULT_URI="qemu+unix:///system?socket=/nowhere" # else it is this host's libvirt, too
kill "$(cat "$work/sshd.pid")"
eventually bash -c '! ss -Hltn | grep -q 127.0.0.1:2299'
expect 0 envtool box remove --provider libvirt build:debian/bookworm
says "the copy of box 'build:debian/bookworm' in libvirt at 'qemu+ssh://" "Connection refused" "envtool box prune"
equal "the pool" envtool "$(pools)"
/usr/sbin/sshd -f "$work/sshd_config" -E "$work/sshd.log" 9>&- || fail "no sshd"
expect 0 envtool box prune --yes
says_not "stays for now"
equal "the pool" "" "$(pools)"
nothing_left
