#!/bin/bash
# Boxes go when they are told to, from the store and from where LXC keeps them unpacked, and never from under a machine.
. "$(dirname "$0")/lib.sh"

# The recipe's root file system as a box file of this test's own.
project recipe <<'YAML'
name: recipe
box: build:debian/bookworm
folders: []
YAML
expect 0 envtool box add build:debian/bookworm
plain=$(json .directory envtool --json box info build:debian/bookworm --provider lxc)/rootfs.tar.zst
mkdir "$work/parts"
ln -s "$plain" "$work/parts/rootfs.tar.zst"
echo '{"provider": "lxc", "version": "1.0.0", "test": "'$$'"}' >"$work/parts/metadata.json"
tar --create --dereference --file "$work/own.box" --directory "$work/parts" ./metadata.json ./rootfs.tar.zst
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
echo >>"$stored/metadata.json"
expect 1 envtool box verify
says "is damaged: its file 'metadata.json' is changed"
expect 0 envtool box remove ./own.box
expect 0 envtool box add ./own.box
expect 0 envtool box verify

step "while a machine uses it, it stays"
project user <<YAML
name: user
box: ../own.box
folders: []
YAML
expect 0 envtool up
expect 0 test -d "$unpacked"
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
expect 0 envtool box remove ../own.box
expect 1 test -e "$unpacked"
equal "what is left in the store" "" "$(cd "$work/home/data/boxes" && find . -mindepth 1 -maxdepth 1 -type d ! -name locks)"
nothing_left
