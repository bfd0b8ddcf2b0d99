#!/bin/bash
# A box that is asked for by name is the right one of its catalog, and what Envfile.lock says for everybody.
. "$(dirname "$0")/lib.sh"
command -v python3 >/dev/null || skip "it needs 'python3'"
architecture=$(dpkg --print-architecture)

# A small root file system as box files, which differ in a word.
tiny_rootfs "$work/tiny" true
rm "$work/home/data/boxes" && mkdir "$work/home/data/boxes"
store=$work/home/data/boxes
www=$work/www
mkdir -p "$www/acme" "$www/private" "$work/parts"
tar --create --gzip --file "$work/parts/rootfs.tar.gz" --directory "$work/tiny" .
make_box() {
  echo '{"provider": "lxc", "version": "1.0.0", "test": "'"$1 $$"'"}' >"$work/parts/metadata.json"
  tar --create --file "$www/$1.box" --directory "$work/parts" ./metadata.json ./rootfs.tar.gz
  sha256sum "$www/$1.box" | cut -d' ' -f1
}
first=$(make_box first)
second=$(make_box second)

file() { printf '{"name": "%s", "url": "%s", "architecture": "%s", "default_architecture": false%s}' "$@"; }
# catalog NAME VERSIONS...: each "NUMBER FILES".
catalog() {
  local path=$www/$1 versions=()
  shift
  while [ $# -gt 0 ]; do
    versions+=("{\"version\": \"$1\", \"providers\": [$2]}")
    shift 2
  done
  mkdir -p "${path%/*}"
  (IFS=,; echo "{\"name\": \"acme/base\", \"versions\": [${versions[*]}]}") >"$path"
}
known=", \"checksum_type\": \"sha512\", \"checksum\": \"$(sha512sum "$www/first.box" | cut -d' ' -f1)\""
one="$(file lxc /first.box "$architecture" "$known"),$(file lxc /other.box vax ''),$(file libvirt /disk.box "$architecture" '')"
catalog acme/base 0.9 "$(file lxc /old.box "$architecture" '')" 1.10 "$one" 2.0.beta "$one"

python3 "$source_root/tests/system/catalog_server.py" "$work/ports" "$work/requests" "$www" 9>&- &
server=$!
eventually test -e "$work/ports"
read -r port other_port <"$work/ports"
site=http://127.0.0.1:$port
requests() { cut -d' ' -f2 "$work/requests" 2>/dev/null | tr '\n' ' '; rm -f "$work/requests"; }

step "mirrors are asked in order, and every one that fails is named with its reason"
export ENVTOOL_CATALOGS="http://127.0.0.1:1 $site/nothing"
expect 1 envtool box add acme/base
says "box 'acme/base': no catalog has it:" "http://127.0.0.1:1/api/v2/vagrant/acme/base: " \
     "$site/nothing/acme/base: the download fails: the server has no such file (404)"
ENVTOOL_CATALOGS+=" $site"
expect 0 envtool box add acme/base
says "downloading box 'acme/base' version 1.10"
[ -d "$store/$first" ] || fail "it is another box: $(ls "$store")"
expect 1 envtool box add acme/base --version '>= 3'
says "has no version '>= 3'; it has '2.0.beta', '1.10', '0.9'"
expect 1 envtool box add acme/base --architecture arm
says "is for architecture '$architecture', 'vax', not for 'arm'"
expect 2 envtool box add acme/base --version '>> 3'
says "'>> 3' is no version"
expect 0 envtool box list
says "acme/base@1.10"
requests >/dev/null

step "a wrong checksum, of whatever kind, is refused"
catalog wrong/acme/base 1.0 "$(file lxc /first.box "$architecture" ', "checksum_type": "md5", "checksum": "d41d8cd98f00b204e9800998ecf8427e"')"
expect 0 envtool box remove acme/base@1.10
expect 1 envtool box add acme/base --catalog "$site/wrong"
says "expected md5:d41d8cd98f00b204e9800998ecf8427e"
equal "the store" "" "$(find "$store" -mindepth 1 -maxdepth 1 -type d ! -name locks)"

step "a token goes to its own host only, and is never printed"
cp "$www/first.box" "$www/private/"
catalog private/acme/base 1.0 "$(file lxc "$site/away/first.box" "$architecture" '')"
expect 1 envtool box add acme/base --catalog "$site/private"
says "the server does not let you have it (401)" ".netrc"
mkdir -p "$work/home/config"
echo "credentials: {'127.0.0.1:$port': {token: secret}}" >"$work/home/config/config.yaml"
rm -f "$work/requests"
expect 0 envtool -v box add acme/base --catalog "$site/private"
says_not secret
grep --quiet "^$port /private/acme/base Bearer secret" "$work/requests" || fail "the token was not sent: $(cat "$work/requests")"
grep --quiet "^$port /away/first.box Bearer secret" "$work/requests" || fail "not sent to its host: $(cat "$work/requests")"
grep --quiet "^$other_port /first.box -" "$work/requests" || fail "sent to another host: $(cat "$work/requests")"
rm "$work/home/config/config.yaml"
expect 0 envtool box remove acme/base@1.0

step "several addresses are tried in order, and a file can have a name"
expect 0 envtool box add "$site/none.box" "$site/first.box" --name mine --version 1.2
says "the server has no such file (404)" "is in the store"
expect 0 envtool box info mine@1.2
says "$first"
expect 0 envtool box remove mine@1.2

step "up locks what it took, and needs no server for what it has"
project user <<YAML
name: user
provider: lxc
box: acme/base@~> 1.2
folders: []
sources: {catalogs: $site}
YAML
unset ENVTOOL_CATALOGS
expect 3 envtool up --locked
says "box 'acme/base@~> 1.2' is not locked"
rm -f "$work/requests"
expect 0 envtool up
says "box 'acme/base@~> 1.2' is locked from now on"
equal "the locked version" 1.10 "$(jq --raw-output '.boxes["acme/base@~> 1.2"][0].version' Envfile.lock)"
equal "what is locked" "lxc lxc" "$(jq --raw-output '[.boxes[][].format] | join(" ")' Envfile.lock)"
equal "the digest" "$first" "$(jq --raw-output ".boxes[][] | select(.format == \"lxc\" and .architecture == \"$architecture\").sha256" Envfile.lock)"
cp Envfile.lock "$work/lock"
requests >/dev/null
expect 0 envtool destroy --yes
expect 0 envtool up --locked
expect 0 cmp Envfile.lock "$work/lock"
equal "requests" "" "$(requests)"

step "a lock file that was lost is written again, as it was"
rm Envfile.lock
expect 0 envtool up
says "box 'acme/base@~> 1.2' is locked from now on"
expect 0 cmp Envfile.lock "$work/lock"
equal "requests" "" "$(requests)"

step "a newer version changes nothing until it is asked for"
catalog acme/base 1.10 "$one" 1.11 "$(file lxc /second.box "$architecture" '')"
expect 0 envtool box outdated
says "1.10" "1.11" "outdated"
equal "state" outdated "$(json '.boxes[0].state' envtool --json box outdated)"
expect 0 envtool destroy --yes
expect 0 envtool box prune --yes
requests >/dev/null
expect 0 envtool up
equal "requests" "/first.box " "$(requests)"
expect 0 cmp Envfile.lock "$work/lock"
expect 0 envtool box update acme/base
says "moved from 1.10 to 1.11"
equal "the digest" "$second" "$(jq --raw-output '.boxes[][0].sha256' Envfile.lock)"
expect 0 envtool box outdated
says "current"
expect 0 envtool box update
says "is up to date: 1.11"
equal "machines of the old box" 1 "$(json '.machines | length' envtool --json box info acme/base@1.10)"

step "a locked file that is gone or another one is an error, never a change"
expect 0 envtool destroy --yes
expect 0 envtool box prune --yes
cp Envfile.lock "$work/lock"
mv "$www/second.box" "$work/second.box"
expect 1 envtool up
says "the server has no such file (404)" "'envtool box update acme/base@~> 1.2' takes what there is now"
cp "$www/first.box" "$www/second.box"
expect 1 envtool up
says "expected sha256:$second"

step "but the same bytes from another server will do"
mkdir -p "$www/mirror"
mv "$work/second.box" "$www/mirror/second.box"
catalog mirror/acme/base 1.11 "$(file lxc /mirror/second.box "$architecture" '')"
sed --in-place "s|catalogs: .*|catalogs: [$site, $site/mirror]}|" Envfile
rm "$www/second.box"
expect 0 envtool up
says "the server has no such file (404); trying '$site/mirror/second.box'"
expect 0 cmp Envfile.lock "$work/lock"
mv "$www/mirror/second.box" "$www/second.box"

step "without any server everything that is there works"
kill "$server"
expect 0 envtool destroy --yes
expect 0 envtool up --locked
expect 0 envtool ssh -c true
expect 1 envtool box outdated
says "no catalog has it"

step "a box of the user's own file is locked outside of the project"
echo 'box: acme/base@1.11' >Envfile.local
expect 0 envtool destroy --yes
expect 0 envtool up
expect 0 cmp Envfile.lock "$work/lock"
expect 0 envtool destroy --yes
echo '<<<<<<< mine' >>Envfile.lock
rm Envfile.local
expect 3 envtool up
says "Envfile.lock': not valid JSON" "envtool box update"
nothing_left
