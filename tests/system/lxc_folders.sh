#!/bin/bash
# Shared folders of LXC machines: owners on both sides, what is read-only or covered, changes while a machine runs,
# and that nothing envtool does touches the files themselves. envtool runs as an ordinary user by sudo here.
. "$(dirname "$0")/lib.sh"

# Only root's own envtool may have a root directory elsewhere, so this one uses /var/lib/envtool and its bridge.
user=games
SUDO_UID=$(id -u $user) && SUDO_GID=$(id -g $user) || skip "it needs the user '$user'"
export SUDO_USER=$user SUDO_UID SUDO_GID ENVTOOL_ROOT=/var/lib/envtool
# Others may have machines there.
leftovers() {
  find "$ENVTOOL_ROOT"/{lxc,machines,root} -mindepth 1 -maxdepth 1 -name 'envtshared-*' 2>/dev/null
  grep --fixed-strings -e "/envtshared-" -e " $work/" /proc/self/mountinfo
  ps -eo pid=,args= | grep --fixed-strings -e envtshared- -e "$ENVTOOL_HOME" | grep --extended-regexp 'envtool-forward|lxc monitor|ssh:'
  find "$ENVTOOL_HOME/state" -mindepth 1 -maxdepth 1 -type d -printf 'state %p\n' 2>/dev/null
}
rm "$work/home/data/boxes" && cp -a --reflink=auto "$cache/boxes" "$work/home/data/boxes"
chown -R "$SUDO_UID:$SUDO_GID" "$work/home" "$work/run"

guest() { envtool ssh -c "$1"; }
guest_root() { envtool ssh -c "sudo -n sh -c '$1'"; }
owner() { stat --format %u:%g "$1"; }
owner_in_guest() { guest "stat --format %U:%G '$1'"; }

project shared <<'END'
name: envtshared
box: build:debian/bookworm
folders:
  - .:/vagrant
  - ./src:/srv/app:ro
  - {host: ./web, guest: /srv/web, owner: www-data}
  - {host: "./with blanks", guest: "/srv/with blanks"}
  - {host: ./site, guest: /srv/site, exclude: [node_modules/, deep/cache]}
  - {host: ./made, guest: /srv/made, create: true}
END
mkdir -p src web "with blanks" site/node_modules site/deep/cache
echo source >src/main.c
echo page >web/index.html
echo "a b" >"with blanks/a file"
echo host >site/node_modules/host.js
echo host >site/deep/cache/host
echo "kept" >notes
chmod 0640 notes
chown -R "$SUDO_UID:$SUDO_GID" .
expect 0 envtool up

step "the guest's user owns what is the host's user's, and the other way round"
equal "a file of the host's" vagrant:vagrant "$(owner_in_guest /vagrant/notes)"
equal "its text" kept "$(guest 'cat /vagrant/notes')"
guest 'echo guest >/vagrant/from-guest; mkdir /vagrant/tree; echo x >/vagrant/tree/leaf; ln -s leaf /vagrant/tree/link'
for file in from-guest tree tree/leaf; do
  equal "the owner of '$file' on the host" "$SUDO_UID:$SUDO_GID" "$(owner $file)"
done
equal "the link" leaf "$(readlink tree/link)"
equal "the made folder" "$SUDO_UID:$SUDO_GID" "$(owner made)"
equal "the made folder in the guest" vagrant:vagrant "$(owner_in_guest /srv/made)"

step "an owner of the entry's own"
equal "a file of the host's" www-data:www-data "$(owner_in_guest /srv/web/index.html)"
guest 'sudo -n -u www-data sh -c "echo more >/srv/web/more.html"'
equal "www-data's file on the host" "$SUDO_UID:$SUDO_GID" "$(owner web/more.html)"

step "the guest's root is root there and nobody here"
guest_root 'echo root >/vagrant/of-root; chown www-data: /vagrant/of-root; echo root >/vagrant/tree/of-root'
equal "in the guest" root:root "$(owner_in_guest /vagrant/tree/of-root)"
first=$(stat --format %u tree/of-root)
[ "$first" -ge 100000 ] || fail "root's file belongs to $first on the host"
equal "www-data's on the host" $((first + 33)):$((first + 33)) "$(owner of-root)"
equal "www-data's in the guest" www-data:www-data "$(owner_in_guest /vagrant/of-root)"
touch of-host-root
equal "a file of the host's root in the guest" nobody:nogroup "$(owner_in_guest /vagrant/of-host-root)"
expect 2 envtool ssh -c 'sudo -n sh -c "echo x >/vagrant/of-host-root"'

step "read-only is read-only, for root too"
equal "its text" source "$(guest 'cat /srv/app/main.c')"
expect 1 envtool ssh -c 'touch /srv/app/new'
says "Read-only file system"
expect 1 envtool ssh -c 'sudo -n touch /srv/app/new'
says "Read-only file system"
guest_root 'mount -o remount,rw /srv/app; mount -o remount,rw,bind /srv/app; touch /srv/app/new' >/dev/null 2>&1
[ ! -e src/new ] || fail "the guest's root made a read-only folder writable"

step "what is excluded is the guest's own"
equal "what it sees" "" "$(guest 'ls -A /srv/site/node_modules /srv/site/deep/cache | grep host')"
guest 'echo guest >/srv/site/node_modules/guest.js; echo guest >/srv/site/deep/cache/guest'
equal "what the host sees" "host.js" "$(ls -A site/node_modules)"
equal "what the host sees" "host" "$(ls -A site/deep/cache)"

step "what happens in a folder is told on both sides"
cat >watch.py <<'END'
import ctypes, os, sys
libc = ctypes.CDLL(None)
watch = libc.inotify_init()
libc.inotify_add_watch(watch, sys.argv[1].encode(), 0x100)
open(sys.argv[2] + ".ready", "w").close()
os.read(watch, 4096)
open(sys.argv[2] + ".seen", "w").close()
END
guest 'setsid python3 /vagrant/watch.py /vagrant/tree /tmp/watch >/dev/null 2>&1 </dev/null &'
python3 watch.py tree "$work/watch" &
eventually envtool ssh -c 'test -e /tmp/watch.ready'
eventually test -e "$work/watch.ready"
touch tree/made-here
eventually envtool ssh -c 'test -e /tmp/watch.seen'
eventually test -e "$work/watch.seen"
rm "$work/watch.ready" "$work/watch.seen"
python3 watch.py tree "$work/watch" &
eventually test -e "$work/watch.ready"
guest 'touch /vagrant/tree/made-there'
eventually test -e "$work/watch.seen"

step "a name with blanks"
equal "a file" "a b" "$(guest 'cat "/srv/with blanks/a file"')"

step "the guest sees nothing of .envtool and cannot write there"
equal "the host's" "$(printf '%s\n' .gitignore id inventory.yml schema.json ssh_config)" "$(ls -A .envtool | sort)"
equal "the guest's" "" "$(guest 'ls -A /vagrant/.envtool')"
expect 1 envtool ssh -c 'sudo -n touch /vagrant/.envtool/id'
hidden() {
  equal "the guest's .envtool" "" "$(guest "ls -A $1/.envtool")"
  guest_root "umount $1/.envtool; touch $1/.envtool/x; rm -rf $1/.envtool" >/dev/null 2>&1
  [ "$(ls -A .envtool | sort)" = "$own" ] || fail "the guest's root reached the project's .envtool by $1"
}
own=$(ls -A .envtool | sort)
hidden /vagrant

step "a folder added to a running machine, and one taken away"
boot=$(guest 'stat --format %Y /proc/1')
mkdir -p late/sub
echo late >late/file
chown -R "$SUDO_UID:$SUDO_GID" late
sed -i 's|^  - ./src:/srv/app:ro$|  - "./late:/srv/late folder"\n  - "./late:/srv/late ro:ro"\n  - .:/srv/again|' Envfile
expect 0 envtool up
equal "the machine has not been restarted" "$boot" "$(guest 'stat --format %Y /proc/1')"
equal "the new one" late "$(guest 'cat "/srv/late folder/file"')"
equal "its owner" vagrant:vagrant "$(owner_in_guest '/srv/late folder/sub')"
equal "the old one" "" "$(guest 'ls -A /srv/app')"
equal "its files here" source "$(cat src/main.c)"
expect 1 envtool ssh -c 'touch "/srv/late ro/x"'
guest_root 'mount -o remount,rw,bind "/srv/late ro"; umount "/srv/late ro"; touch "/srv/late ro/new"' >/dev/null 2>&1
[ ! -e late/new ] || fail "the guest's root made a read-only folder writable that came late"
equal "a covered one still" "guest.js" "$(guest 'ls -A /srv/site/node_modules')"
hidden /srv/again
expect 0 envtool up
says "nothing to do"

step "all is there again after a restart"
expect 0 envtool reload
equal "the new one" late "$(guest 'cat "/srv/late folder/file"')"
equal "what it kept under a cover" guest "$(guest 'cat /srv/site/node_modules/guest.js')"
equal "root's file" root:root "$(owner_in_guest /vagrant/tree/of-root)"
equal "www-data's page" www-data:www-data "$(owner_in_guest /srv/web/more.html)"

step "a folder that is missing is an error before anything changes"
cp Envfile good
sed -i 's|./late:|./absent:|' Envfile
expect 3 envtool up
says "absent"
equal "the state" running "$(state_of)"
cp good Envfile && rm good

step "destroy leaves every file as it was, with the machine running or not"
files() { find . -path ./.envtool -prune -o -printf '%y %m %u %g %l ' -print0 | sort -z | tr '\0' '\n'; find . -path ./.envtool -prune -o -type f -print0 | sort -z | xargs -0 sha256sum; }
before=$(files)
expect 0 envtool destroy --yes
equal "the project's files" "$before" "$(files)"
nothing_left
expect 0 envtool up
equal "the project's files in a new machine" "a b" "$(guest 'cat "/srv/with blanks/a file"')"
expect 0 envtool halt
expect 0 envtool destroy --yes
equal "the project's files" "$before" "$(files)"
nothing_left

step "a user's folder is opened with the user's rights"
mkdir -m 0700 "$work/private"
envfile <<END
name: envtshared
box: build:debian/bookworm
folders: ["$work/private:/srv/private"]
END
expect 1 envtool up
says "$work/private"
expect 0 envtool destroy --yes
nothing_left
