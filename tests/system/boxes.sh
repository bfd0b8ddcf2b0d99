#!/bin/bash
# Boxes go when they are told to, from the store and from where LXC keeps them unpacked, and never from under a machine.
. "$(dirname "$0")/lib.sh"

# A small root file system as a box file of this test's own.
tiny_rootfs "$work/tiny" true
mkdir "$work/parts"
ln --symbolic dash "$work/tiny/usr/bin/noted"
python3 -c 'import os, sys; os.setxattr(sys.argv[1], "trusted.note", b"kept", follow_symlinks=False)' "$work/tiny/usr/bin/noted"
tar --create --gzip --xattrs --xattrs-include='trusted.note' --file "$work/parts/rootfs.tar.gz" --directory "$work/tiny" .
echo '{"provider": "lxc", "version": "1.0.0", "test": "'$$'"}' >"$work/parts/metadata.json"
tar --create --file "$work/own.box" --directory "$work/parts" ./metadata.json ./rootfs.tar.gz
digest=$(sha256sum "$work/own.box" | cut -d' ' -f1)
unpacked=$ENVTOOL_ROOT/boxes/$digest

# A store in which nothing else is.
rm "$work/home/data/boxes" && mkdir "$work/home/data/boxes"

step "a box is added by its path and shown"
cd "$work" || exit 1
expect 1 test -e "$unpacked"
expect 0 envtool box add ./own.box
expect 0 envtool box list
says "$work/own.box" "lxc" "unused"
expect 0 envtool box verify
says "box '$work/own.box' is as it was stored"
stored=$work/home/data/boxes/$digest
expect 0 env --chdir="$stored" sha256sum --check --strict .sha256sums
expect 0 python3 -c 'import os, sys; print(os.getxattr(sys.argv[1], "trusted.note", follow_symlinks=False))' "$unpacked/rootfs/usr/bin/noted"
says kept
echo >>"$stored/metadata.json"
expect 1 envtool box verify
says "is damaged: its file 'metadata.json' is changed"
expect 0 envtool box remove ./own.box
expect 0 envtool box add ./own.box
expect 0 envtool box verify

step "verify reads what is unpacked too, and names what differs"
differs() {
  expect 1 envtool box verify
  says "is damaged: in its unpacked root file system its file '$1' is $2"
}
cp --archive "$unpacked/rootfs" "$work/whole"
echo 'eve:x:0:0::/:/bin/sh' >>"$unpacked/rootfs/etc/passwd"
differs /etc/passwd changed
cp --archive "$work/whole/etc/passwd" "$unpacked/rootfs/etc/passwd"
chmod 04755 "$unpacked/rootfs/usr/bin/dash"
differs /usr/bin/dash changed
chmod 0755 "$unpacked/rootfs/usr/bin/dash"
mv "$unpacked/rootfs/etc/group" "$work/group"
differs /etc/group missing
mv "$work/group" "$unpacked/rootfs/etc/group"
ln -s /etc/shadow "$unpacked/rootfs/root/loot"
differs /root/loot new
rm "$unpacked/rootfs/root/loot"
expect 0 envtool box verify
echo >>"$unpacked/manifest"
expect 1 envtool box verify
says "the list of what its unpacked root file system holds is changed or missing"
expect 0 envtool box remove ./own.box
expect 0 envtool box add ./own.box

step "a copy of which no disk is known to have it all counts in this boot, and is looked at in the next"
expect 0 test -e "$unpacked/unsettled"
touch --date '2 minutes ago' "$unpacked/unsettled"
step "whoever lies to root's helper gets nothing made outside, and leaves nothing"
if command -v python3 >/dev/null; then
  mkdir "$work/lies" "$work/outside"
  expect 0 python3 "$source_root/tests/system/lying_sender.py" \
    "$(dirname "$ENVTOOL")/libexec/envtool/envtool-lxc" "$work/lies" "$work/outside"
  says "a file below a link: cannot unpack box 'lie': cannot open the directory of '/a/x'" \
    "a name above: cannot unpack box 'lie': the stream of the box holds what is no entry" \
    "memory that shrinks: the stream of the box comes with memory that may shrink"
  says_not ": taken"
  equal "what is outside" "" "$(find "$work/outside" -mindepth 1)"
  equal "what is left of the boxes" "" "$(find "$work/lies/boxes" -mindepth 1)"
else
  step "... left out: it needs 'python3'"
fi

step "while a machine uses it, it stays"
project user <<YAML
name: user
box: ../own.box
folders: []
YAML
expect 0 envtool up
expect 1 test -e "$unpacked/unsettled"  # the disk has it by now
expect 1 envtool box remove "$work/own.box"
says "is in use: by @"
expect 0 envtool box prune
says "no box is unused"
expect 0 envtool ssh -c true

step "what another user's machine needs stays too"
mkdir "$work/other" && cp Envfile "$work/other/"
other() { ENVTOOL_HOME=$work/home2 envtool -C "$work/other" "$@"; }
expect 0 other up
expect 0 envtool destroy --yes
expect 0 envtool box remove "${digest:0:8}"
expect 0 envtool box list
says "the store has no box"
expect 0 test -d "$unpacked"
expect 0 other ssh -c true

step "with the last machine it can go, and come back"
expect 0 other destroy --yes
expect 0 other box prune --yes
expect 1 test -e "$unpacked"
expect 0 envtool up
expect 0 envtool ssh -c true
expect 0 envtool destroy --yes

step "one that the host went down with is not taken for whole"
echo another-boot >"$unpacked/unsettled"
expect 0 envtool up
expect 1 test -e "$unpacked/unsettled"
expect 0 envtool destroy --yes
echo another-boot >"$unpacked/unsettled"
: >"$unpacked/rootfs/usr/bin/dash"
expect 1 envtool up
says "the root file system of box '../own.box' is not there any more" "envtool box add ../own.box"
expect 1 test -e "$unpacked"
expect 0 envtool box add ../own.box
expect 0 envtool up
expect 0 envtool ssh -c true
expect 0 envtool destroy --yes
expect 0 envtool box remove ../own.box
expect 1 test -e "$unpacked"

if command -v strace >/dev/null; then
  step "killed between root's copy and the user's record, it leaves what the next command finds and removes"
  cut_off() {
    { strace -qq -o "$work/trace" -e trace=renameat,renameat2 -e inject=renameat,renameat2:error=EIO:signal=KILL \
        "$ENVTOOL" box add ../own.box </dev/null 9>&-; } >/dev/null 2>&1
    expect 0 test -d "$unpacked"
    expect 1 test -d "$work/home/data/boxes/$digest"
  }
  cut_off
  expect 0 envtool box list
  says "the store has no box"
  expect 1 test -e "$unpacked"
  equal "what is half made" "" "$(find "$work/home/data/boxes" -maxdepth 1 -name '.part-*')"
  cut_off
  expect 0 envtool box add ../own.box
  expect 0 envtool box verify
  expect 0 envtool box remove ../own.box
  expect 1 test -e "$unpacked"
fi
equal "what is left in the store" "" "$(cd "$work/home/data/boxes" && find . -mindepth 1 -maxdepth 1 -type d ! -name locks)"
nothing_left
