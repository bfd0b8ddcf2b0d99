#!/bin/bash
# An image server's bare image becomes a machine: what it lacks is put into it once, and a kill leaves nothing half.
. "$(dirname "$0")/lib.sh"
for program in python3 mmdebstrap xz; do
  command -v $program >/dev/null || skip "it needs '$program'"
done
architecture=$(dpkg --print-architecture)

# A Debian with apt and an init, and without sshd, sudo, Python or a user: made once for all runs.
bare=$cache/bare-bookworm.tar.xz
if [ ! -e "$bare" ]; then
  step "making a bare image"
  make_bare() { mmdebstrap --quiet --variant=minbase --include=systemd-sysv --format=tar bookworm "$work/bare.tar"; }
  make_bare || make_bare || fail "mmdebstrap"  # a mirror may be busy
  xz -1 --stdout "$work/bare.tar" >"$bare.new" && mv "$bare.new" "$bare"
  rm "$work/bare.tar"
fi

# Small ones besides: one that lacks nothing, and those whose package manager is a few lines.
tiny_rootfs "$work/tiny" true sleep chmod
tiny_image() {
  cp --archive "$work/tiny" "$work/$1"
  printf '%s\n' '#!/bin/sh' "$2" >"$work/$1/usr/bin/apt-get"
  chmod 0755 "$work/$1/usr/bin/apt-get"
  (cd "$work/$1" && XZ_OPT=-0 tar --create --xz --file "$www/images/$1.tar.xz" ./etc ./[!e]*)  # a directory first tells what it is
}
rm "$work/home/data/boxes" && mkdir "$work/home/data/boxes"
www=$work/www
mkdir -p "$www/streams/v1" "$www/images"
ln "$bare" "$www/images/root.tar.xz" 2>/dev/null || cp "$bare" "$www/images/root.tar.xz"
digest=$(sha256sum "$www/images/root.tar.xz" | cut -d' ' -f1)
unpacked=$ENVTOOL_ROOT/boxes/$digest
prepared=envtool-prepare-$(printf %s "$ENVTOOL_ROOT" | sha256sum | cut -c1-8)
rm -rf "$unpacked"  # of an earlier run
# publish ALIAS FILE SERIAL
publish() {
  jq --null-input --arg arch "$architecture" --arg alias "$1" --arg path "images/$2" --arg serial "$3" \
     --arg sha256 "$(sha256sum "$www/images/$2" | cut -d' ' -f1)" \
     '{format: "products:1.0", products: {"debian:bookworm": {aliases: $alias, arch: $arch, versions: {($serial): {items: {
        "root.tar.xz": {ftype: "root.tar.xz", path: $path, sha256: $sha256}, "lxd.tar.xz": {ftype: "lxd.tar.xz", path: "x"}}}}}}}' \
     >"$www/streams/v1/images.json"
}
echo '{"index": {"images": {"datatype": "image-downloads", "path": "streams/v1/images.json"}}}' >"$www/streams/v1/index.json"
publish debian/bookworm,debian/12 root.tar.xz 20261101_05:24
python3 "$source_root/tests/system/catalog_server.py" "$work/ports" "$work/requests" "$www" 9>&- &
eventually test -e "$work/ports"
read -r port _ <"$work/ports"

project image <<YAML
name: image
box: images:debian/12
folders: []
sources: {images: "http://127.0.0.1:$port"}
YAML

step "an image that is not there has a near name"
sed --in-place 's,debian/12,debian/21,' Envfile
expect 1 envtool up
says "has no image 'debian/21'" "did you mean 'debian/12'?"
sed --in-place 's,debian/21,debian/12,' Envfile

step "killed while it is prepared, it leaves no box, and nothing at all after the next command"
tiny_image slow 'echo begun; sleep 60'
publish debian/slow slow.tar.xz 1
sed --in-place 's,debian/12,debian/slow,' Envfile
"$ENVTOOL" up >"$work/said" 2>&1 </dev/null 9>&- &
up=$!
log=$ENVTOOL_ROOT/machines/$prepared/rootfs/.envtool-prepare.log
eventually grep --quiet begun "$log"
helper=$(pgrep -f "$(dirname "$ENVTOOL")/libexec/envtool/envtool-lxc .*images:debian/slow" | head -1)
[ -n "$helper" ] || fail "no helper runs: $(cat "$work/said")"
kill -9 "$up" "$helper"
wait "$up" 2>/dev/null
gone() { ! grep --quiet . /sys/fs/cgroup/{,*/}lxc.payload.$prepared*/cgroup.procs 2>/dev/null; }
eventually gone
expect 1 test -e "$ENVTOOL_ROOT/boxes/$(sha256sum "$www/images/slow.tar.xz" | cut -d' ' -f1)"
expect 0 test -e "$ENVTOOL_ROOT/lxc/$prepared"
expect 0 envtool box list
expect 1 test -e "$ENVTOOL_ROOT/lxc/$prepared"
expect 1 test -e "$ENVTOOL_ROOT/machines/$prepared"
expect 1 ip link show "$bridge"
publish debian/bookworm,debian/12 root.tar.xz 20261101_05:24
sed --in-place 's,debian/slow,debian/12,' Envfile

step "what it lacks is put into it once"
expect 0 envtool up
says "preparing box 'images:debian/12' once: it has no sshd, python3, sudo and the user 'vagrant'"
expect 1 test -e "$ENVTOOL_ROOT/lxc/$prepared"
expect 0 envtool ssh -c 'sudo python3 -c "import apt, os; print(os.getuid())"'
says 0
expect 0 envtool ssh -c 'test ! -e /.envtool-prepared && test ! -e /.envtool-prepare.log && test ! -e /usr/sbin/policy-rc.d'
equal "the serial" 20261101_05:24 "$(jq --raw-output '.boxes["images:debian/12"][0].version' Envfile.lock)"
expect 0 envtool destroy --yes
rm "$work/requests"
expect 0 envtool up
says_not "preparing"
expect 1 test -e "$work/requests"
expect 0 envtool ssh -c true
expect 0 envtool destroy --yes

if command -v mksquashfs >/dev/null && command -v sqfs2tar >/dev/null; then
  step "a squashfs does as well, and one that lacks nothing is left as it is"
  cp --archive "$work/tiny" "$work/whole"
  cp "$work/tiny/usr/bin/true" "$work/whole/usr/bin/python3"
  cp "$work/tiny/usr/bin/true" "$work/whole/usr/bin/sudo"
  mksquashfs "$work/whole" "$www/images/root.squashfs" -quiet -no-progress -comp lzo >/dev/null || fail "mksquashfs"
  publish debian/squash root.squashfs 2
  sed --in-place 's/"root.tar.xz": {/"root.squashfs": {/; s/"ftype": "root.tar.xz"/"ftype": "squashfs"/' "$www/streams/v1/images.json"
  sed --in-place 's,debian/12,debian/squash,' Envfile
  expect 0 envtool up
  says_not preparing
  expect 0 envtool ssh -c 'sudo true'
  expect 0 envtool destroy --yes
  sed --in-place 's,debian/squash,debian/12,' Envfile
fi

step "where that fails the error says why, and nothing is left"
tiny_image broken 'echo "E: Failed to fetch http://127.0.0.1:1/debian"; exit 100'
publish debian/broken broken.tar.xz 1
sed --in-place 's,debian/12,debian/broken,' Envfile
expect 1 envtool up
says "and getting it fails:" "127.0.0.1"
expect 1 test -e "$ENVTOOL_ROOT/lxc/$prepared"
expect 1 test -e "$ENVTOOL_ROOT/machines/$prepared"
expect 1 test -e "$ENVTOOL_ROOT/boxes/$(sha256sum "$www/images/broken.tar.xz" | cut -d' ' -f1)"
rm -rf "$unpacked"
nothing_left
