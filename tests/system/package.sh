#!/bin/bash
# A machine becomes a box, and the box machines that have its files as they were and nothing that was its own: twice
# in a row, from overlay and copy, running and stopped.
. "$(dirname "$0")/lib.sh"

# first NAME BOX [MORE]: a project with one machine of that box; goes there.
project_of() {
  project "$1" <<YAML
name: package-$1
box: $2
folders: []
hostname: guest-of-$1
${3-}
YAML
}

# Owners, links, holes, attributes and odd names.
cat >"$work/make.sh" <<'SCRIPT'
set -e
rm -rf /usr/share/locale /usr/share/perl /usr/share/doc /usr/share/man  # what nobody needs takes its time
mkdir -p /srv/data && cd /srv/data
echo owned >owned && chown 1234:2345 owned && chmod 4751 owned
ln owned linked && ln -s owned symbolic && mkfifo pipe
echo blanks >"größe and blanks"
truncate -s 50M sparse && printf end | dd of=sparse bs=1 seek=52428797 conv=notrunc status=none
cp /bin/true capable
python3 - <<'PYTHON'
import os, struct
os.setxattr("capable", "security.capability", struct.pack("<IIIII", 0x02000001, 1 << 13, 0, 0, 0))
os.setxattr("capable", "user.note", b"kept")
PYTHON
SCRIPT
cat >"$work/facts.sh" <<'SCRIPT'
cd /srv/data && stat --format '%n %F %u:%g %a %h %s' *
sha256sum owned sparse capable | cut -c1-16
[ "$(stat --format %b sparse)" -lt 1000 ] && echo sparse
[ owned -ef linked ] && echo hard-linked
python3 -c 'import os; print([os.getxattr("capable", name).hex() for name in ("security.capability", "user.note")])'
SCRIPT
facts() { envtool ssh -c "sudo -n sh -c '$(sed "s/'/'\\\\''/g" "$work/facts.sh")'"; }
host_key() { envtool ssh -c 'cut -d" " -f2 /etc/ssh/ssh_host_*_key.pub'; }
# rootfs BOX: the root file system in it, as a plain tar.
rootfs() { tar --extract --to-stdout --file "$1" rootfs.tar.gz | gzip --decompress; }
is_healthy() {
  expect 0 envtool ssh -c 'systemctl is-system-running --wait; systemctl --failed --plain --no-legend'
  equal "the system" running "$output"
}

step "a box of a machine that runs, and runs on"
project_of first build:debian/bookworm
cp "$work/make.sh" . && echo 'provision: [{shell: {path: make.sh}}]' >>Envfile
expect 0 envtool up
facts=$(facts) key=$(host_key) id=$(envtool ssh -c 'cat /etc/machine-id')
boot=$(envtool ssh -c 'stat --format %Y /proc/1')
[[ $facts == *hard-linked* && $facts == *6b657074* ]] || fail "the machine is not as it should be: $facts"
expect 0 envtool package
says "is packaged as 'package.box'"
equal "the machine" running "$(state_of)"
equal "it has not been restarted" "$boot" "$(envtool ssh -c 'stat --format %Y /proc/1')"
equal "what is in the box" "metadata.json lxc-config rootfs.tar.gz" "$(tar --list --file package.box | xargs)"
before=$(stat --format '%s %y' package.box)
expect 1 envtool package
says "'$PWD/package.box' is there already" "name another file"
equal "the box" "$before" "$(stat --format '%s %y' package.box)"

step "nothing in it was the machine's own"
state=$(echo "$ENVTOOL_HOME"/state/*/machines/default)
envtool ssh -c 'sudo sed -n 3p /etc/ssh/ssh_host_ed25519_key' >"$work/secrets"
{ echo "$key"; echo "$id"; cut -d' ' -f2 "$state/key.pub"; echo guest-of-first; } >>"$work/secrets"
equal "secrets" 5 "$(grep --count . "$work/secrets")"
found=$(rootfs package.box | grep --text --only-matching --fixed-strings --file="$work/secrets" | sort | uniq -c)
equal "what of it is in the box" "" "$found"
rootfs package.box | tar --list --verbose --numeric-owner >"$work/list"
grep --quiet 'vagrant/.ssh/authorized_keys' "$work/list" || fail "Vagrant's key is missing"
found=$(grep --extended-regexp 'ssh_host_.*_key|/etc/hostname|systemd/(random-seed|credential.secret)|log/journal/.|rootfs/(tmp|run|dev)/.' "$work/list")
equal "files that are one machine's" "" "$found"

step "up from it: the same files, other keys and names"
project_of second "$work/first/package.box"
expect 0 envtool up
equal "the files" "$facts" "$(facts)"
[ "$(host_key)" != "$key" ] || fail "it has the first machine's host key"
[ "$(envtool ssh -c 'cat /etc/machine-id')" != "$id" ] || fail "it has the first machine's id"
expect 0 envtool ssh -c 'hostname; grep -c "^127.0.0.1" /etc/hosts; getent hosts guest-of-first; ls /etc/resolv.conf'
equal "its names" "guest-of-second 1 /etc/resolv.conf" "$(xargs <<<"$output")"
is_healthy

step "once more, of a stopped machine, with files beside it"
expect 0 envtool halt
echo '{"author": "ada"}' >info.json && mkdir docs && echo read >docs/README
expect 0 envtool package --output ../second.box --info info.json --include docs
equal "the machine" stopped "$(state_of)"
equal "what is in the box" "metadata.json lxc-config info.json include/docs/README rootfs.tar.gz" "$(tar --list --file ../second.box | xargs)"
expect 0 envtool destroy --yes
project_of third "$work/second.box" 'providers: {lxc: {storage: dir}}'
expect 0 envtool up
equal "the files" "$facts" "$(facts)"
is_healthy

step "a machine with a copy of its box is packaged while it runs, too"
expect 0 envtool package
rootfs package.box | tar --list --verbose --numeric-owner | grep /srv/data/ | sed 's/ link to .*//' >"$work/third-list"
grep /srv/data/ "$work/list" | sed 's/ link to .*//' | diff - "$work/third-list" >"$work/difference" ||
  fail "its files differ: $(cat "$work/difference")"
expect 0 envtool destroy --yes
rm package.box

step "a kill or Ctrl-C leaves no file, and a machine that runs"
cd "$work/first" && rm package.box && files=$(ls -A)
for time in 0.1 0.3 0.6 1.2; do
  (timeout --signal=KILL "$time" "$ENVTOOL" package </dev/null 9>&-; true) >/dev/null 2>&1
  equal "files after a kill at $time s" "$files" "$(ls -A)"
  # What the killed one started may still be at it.
  expect 0 envtool --wait=60 up
  equal "the machine" running "$(state_of)"
done
run timeout --preserve-status --signal=INT 0.8 "$ENVTOOL" package
equal "the exit status after Ctrl-C" 130 "$status"
equal "files after Ctrl-C" "$files" "$(ls -A)"
equal "the machine" running "$(state_of)"
expect 0 envtool ssh -c true
expect 0 envtool destroy --yes
nothing_left
