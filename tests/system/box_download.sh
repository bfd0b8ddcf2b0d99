#!/bin/bash
# A box that comes over the network is the right one or an error, whatever the server does, and leaves no debris.
. "$(dirname "$0")/lib.sh"
command -v python3 >/dev/null || skip "it needs 'python3'"
export HOME=$work  # for ~/.netrc
rm "$work/home/data/boxes" && mkdir "$work/home/data/boxes"
store=$work/home/data/boxes

# make_box NAME: a box of three megabytes of noise.
make_box() {
  mkdir -p "$work/$1/rootfs/etc" "$work/$1/rootfs/usr"
  echo '{"provider": "lxc", "version": "1.0.0", "name": "'"$1"'"}' >"$work/$1/metadata.json"
  head --bytes 3000000 /dev/urandom >"$work/$1/rootfs/usr/noise"
  tar --create --file "$work/$1/rootfs.tar" --directory "$work/$1" ./rootfs
  tar --create --file "$work/$1.box" --directory "$work/$1" ./metadata.json ./rootfs.tar
}
make_box right
make_box other
right=$(sha256sum "$work/right.box" | cut -d' ' -f1)
other=$(sha256sum "$work/other.box" | cut -d' ' -f1)

python3 "$source_root/tests/system/box_server.py" "$work/port" "$work/requests" "$work/right.box" "$work/other.box" 9>&- &
eventually test -e "$work/port"
site=http://127.0.0.1:$(cat "$work/port")

# Those that take their time go on beside the others, each with a store of its own: begin KIND, and later
# ends KIND STATUS WORDS...
begin() {
  mkdir -p "$work/home-$1/data"
  ENVTOOL_HOME=$work/home-$1 envtool box add "$site/$1/x.box" >"$work/said-$1" 2>&1 &
  eval "$1=$!"
}
ends() {
  command="box add $site/$1/x.box"
  wait "${!1}"
  status=$? output=$(cat "$work/said-$1")
  [ "$status" -eq "$2" ] || fail "expected exit status $2, found $status"
  says "${@:3}"
  equal "what is half made" "" "$(find "$work/home-$1/data/boxes" -maxdepth 1 -name '.part-*')"
}

no_debris() { equal "what is half made" "" "$(find "$store" -maxdepth 1 -name '.part-*')"; }
empty_store() { equal "the store" "" "$(find "$store" -mindepth 1 -maxdepth 1 -type d ! -name locks)"; }

# gives KIND DIGEST: the box of that kind of server becomes that one, and goes.
gives() {
  expect 0 envtool box add "$site/$1/x.box"
  [ -d "$store/$2" ] || fail "the box is not the right one: $(ls "$store")"
  expect 0 envtool box verify
  expect 0 envtool box remove "$site/$1/x.box"
  no_debris
  empty_store
}

# fails KIND WORDS: a clear error, and nothing in the store.
fails() {
  expect 1 envtool box add "$site/$1/x.box"
  says "$2" "box '$site/$1/x.box'"
  no_debris
  empty_store
}

for kind in always long stall; do begin "$kind"; done

step "servers that are as they should be"
gives good "$right"
gives redirect "$right"

step "connections that break off"
gives cut "$right"
says_in_log() { grep --quiet --fixed-strings "$1" "$work/requests" || fail "no request '$1'"; }
says_in_log "/cut/x.box bytes="
gives dated "$right"
says_in_log "/dated/x.box bytes="
gives noranges "$right"
gives shifted "$right"
gives missized "$right"
gives busy "$right"
gives many "$right"

step "a file that changes between two halves"
gives changed "$other"
gives changed-size-kept "$right"
fails empty "not an archive"
fails short "damaged"

step "servers that do not give it"
fails missing "the server has no such file (404)"
fails loop "redirects"
fails page "not an archive"
fails private "(401)"
says "~/.netrc"
expect 2 envtool box add "http://user:secret@127.0.0.1/x.box"
says "may hold no user or password"
says_not secret
expect 1 envtool box add "http://127.0.0.1:1/x.box"
says "the download fails"

step "a password goes to its own host only"
echo "machine 127.0.0.1 login ada password secret" >"$work/.netrc"
chmod 0600 "$work/.netrc"
expect 0 envtool --verbose box add "$site/private/x.box"
says_not secret
expect 0 envtool box remove "$site/private/x.box"
gives elsewhere "$right"

step "a checksum"
expect 1 envtool box add "$site/good/y.box" --checksum "sha256:$other"
says "the file's checksum is sha256:$right, expected sha256:$other"
no_debris
empty_store
expect 0 envtool box add "$site/good/y.box" --checksum "sha256:$right"

step "what is there needs no server"
before=$(grep --count /good/ "$work/requests")
expect 0 envtool box add "$site/good/y.box"
says "already"
expect 0 envtool box list
says "$site/good/y.box"
equal "requests" "$before" "$(grep --count /good/ "$work/requests")"
expect 0 envtool box prune --yes

step "two that want it at once download it once"
envtool box add "$site/slow/x.box" >"$work/one" 2>&1 &
one=$!
expect 0 envtool box add "$site/slow/x.box"
wait "$one" || fail "the other one fails: $(cat "$work/one")"
equal "downloads" 1 "$(grep --count /slow/ "$work/requests")"
expect 0 envtool box prune --yes

step "an Envfile names it"
project named <<YAML
name: named
box: {name: acme/base, url: "$site/good/z.box", checksum: "sha256:$other"}
folders: []
YAML
expect 0 envtool validate
expect 1 envtool up
says "expected sha256:$other" "Envfile:2:"
no_debris
empty_store
nothing_left

step "whether an address has another file by now is known without fetching it"
envfile <<YAML
name: named
box: $site/moving/x.box
folders: []
YAML
expect 0 envtool box update
equal "state" current "$(json '.boxes[0].state' envtool --json box outdated)"
touch "$work/requests.moved"
equal "state" outdated "$(json '.boxes[0].state' envtool --json box outdated)"
expect 0 envtool box update
equal "state" current "$(json '.boxes[0].state' envtool --json box outdated)"
equal "the digest" "$other" "$(jq --raw-output '.boxes[][0].sha256' Envfile.lock)"
sed --in-place 's,/moving/,/dateless/,' Envfile
expect 0 envtool box update
equal "state" "not known" "$(json '.boxes[0].state' envtool --json box outdated)"
expect 0 envtool box prune --yes

# In a session of its own, where nothing ignores an interrupt.
add_apart() {
  setsid "$ENVTOOL" box add "$site/hang/x.box" </dev/null >"$work/one" 2>&1 9>&- &
  one=$!
}
half_way() { [ "$(grep --count /hang/ "$work/requests")" = "$1" ] && compgen -G "$ENVTOOL_ROOT/boxes/.part-*/box/rootfs/usr/noise" >/dev/null; }

step "Ctrl-C in the middle leaves nothing"
add_apart
eventually half_way 1
kill -INT -- "-$one"
wait "$one"
equal "the exit status" 130 "$?"
no_debris

step "what a killed one leaves the next one removes"
add_apart
eventually half_way 2
kill -KILL -- "-$one"
wait "$one" 2>/dev/null
gives good "$right"

step "servers that break off each time, or fall silent"
ends always 1 "the download fails: " "box '$site/always/x.box'"
ends long 1 "the download fails: "
ends stall 0 "it goes on in 1 s"
[ -d "$work/home-stall/data/boxes/$right" ] || fail "the box is not the right one"

step "where boxes are unpacked there is no debris either"
nothing_half_made() { ! compgen -G "$ENVTOOL_ROOT/boxes/.part-*" >/dev/null; }
eventually nothing_half_made
