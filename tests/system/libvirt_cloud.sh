#!/bin/bash
# An image with cloud-init is a machine after its first boot, by the seed alone: user, keys, name, disk. Its kernel is not
# one for clouds, and QEMU runs as root: folders can come by 9p.
# shellcheck disable=SC2034 # for the world
qemu_setting='user = "root"'

# The recipe's disk as a distribution's image: cloud-init, the ordinary kernel, and nothing of what envtool put into it.
make_image() {
  local disk=$1/disk.raw root=$1/root directory box
  box=$(grep --files-with-matches '"recipe": "debian/bookworm"' "$boxes"/*/metadata.json | head -1)
  mkdir "$root"
  qemu-img convert -O raw "${box%/*}/box.img" "$disk"
  mount -o loop,offset=1048576 "$disk" "$root" || { echo "skipped: it needs loop devices"; exit 77; }
  cp --dereference --remove-destination /etc/resolv.conf "$root/etc/resolv.conf"
  apt-config dump Acquire >"$root/etc/apt/apt.conf.d/00test"
  printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
  chmod +x "$root/usr/sbin/policy-rc.d"
  for directory in proc dev; do mount --bind "/$directory" "$root/$directory"; done
  echo ext4 >>"$root/etc/initramfs-tools/modules" # which kernels for clouds do not have as a module
  chroot "$root" apt-get -qq update
  DEBIAN_FRONTEND=noninteractive chroot "$root" apt-get -qq --yes --no-install-recommends install \
    cloud-init cloud-guest-utils linux-image-amd64
  chroot "$root" userdel --remove vagrant
  for directory in proc dev; do umount "$root/$directory"; done
  rm -rf "$root"/etc/systemd/system/{,multi-user.target.wants/}{envtool-seed,ssh-host-keys}.service "$root/usr/local/sbin/envtool-seed" \
    "$root"/etc/{hostname,sudoers.d/vagrant} "$root"/usr/sbin/policy-rc.d "$root/etc/apt/apt.conf.d/00test" "$root"/var/lib/apt/lists/* \
    "$root"/var/cache/apt/archives/*.deb
  ln -sf ../run/systemd/resolve/stub-resolv.conf "$root/etc/resolv.conf"
  : >"$root/etc/machine-id"
  umount "$root"
  qemu-img convert -O qcow2 "$disk" "$image.part" && mv "$image.part" "$image"
}
before_world() {
  local image=$ENVTOOL_TEST_CACHE/cloud.qcow2 directory
  [ ! -e "$image" ] || [ "$(find "$boxes/index.json" "$0" -newer "$image")" ] || return 0
  directory=$(mktemp --directory /tmp/envtool-image.XXXXXX)
  # Mounts of its own, which end with it.
  export image boxes
  export -f make_image
  unshare --mount bash -euc 'make_image "$0"' "$directory" >"$directory/log" 2>&1
  local status=$?
  [ "$status" -eq 0 ] || cat "$directory/log"
  rm -rf --one-file-system "$directory"
  [ "$status" -eq 0 ] || exit "$status"
}
. "$(dirname "$0")/libvirt_world.sh"
. "$(dirname "$0")/lib.sh"

step "up: a user of its own, a larger disk"
cp --reflink=auto "$ENVTOOL_TEST_CACHE/cloud.qcow2" "$work/cloud.qcow2"
cat >"$work/user-data.yaml" <<'END'
#cloud-config
hostname: not-this
users: [{name: eve}]
write_files: [{path: /etc/asked-for, content: "by the user\n"}]
END
project cloud <<END
name: cloud
provider: libvirt
box: $work/cloud.qcow2
memory: 512MiB
disk: 12GiB
folders:
  - {host: ./live, guest: /srv/my live, type: 9p, exclude: [cache/]}
  - {host: ./kept, guest: /srv/kept, read_only: true}
hostname: from-the-cloud
ssh: {user: ada}
cloud_init: {file: user-data.yaml}
timeouts: {boot: 8m}
providers: {libvirt: {driver: qemu}}
END
expect 3 envtool up
says "no file"
mv "$work/user-data.yaml" .
mkdir -p live/cache kept
echo "from the host" >live/host
chown -R 1000:1000 live kept
expect 0 envtool up
says "folder '/srv/my live' by 9p" "folder '/srv/kept' by 9p: virtiofs could not keep the guest from writing"

step "what the seed said is so, at once"
expect 0 envtool ssh -c 'hostname; whoami; sudo -n whoami; getent hosts from-the-cloud; grep -c . .ssh/authorized_keys; sudo sshd -T | grep -i passwordauth'
equal "the guest" "from-the-cloud ada root 1 no" "$(awk 'NR != 4 { print $NF }' <<<"$output" | xargs)"
equal "its host key" "$(cut -d' ' -f3 "$ENVTOOL_HOME"/state/*/machines/default/known_hosts)" "$(envtool ssh -c 'sudo cat /etc/ssh/ssh_host_ed25519_key.pub' | cut -d' ' -f2)"

step "and stays so when cloud-init is through, without an error"
expect 0 envtool ssh -c 'cloud-init status --wait >/dev/null; cloud-init status --long; df --output=size --block-size=M / | tail -1'
says "status: done" DataSourceNoCloud
[[ $output =~ ([0-9]+)M ]] && [ "${BASH_REMATCH[1]}" -gt 11500 ] || fail "the file system did not grow with the disk"

step "folders by 9p: both sides see what the other writes, with its owner, but for what is the guest's own or not to be written"
expect 0 envtool ssh -c 'cd "/srv/my live" && cat host && echo "from the guest" >guest && touch cache/there && sudo touch roots && ls cache'
says "from the host" there
equal "a file of the guest" "from the guest 1000 0" "$(cat live/guest) $(stat --format %u live/guest live/roots | xargs)"
equal "what stays the guest's" "" "$(ls live/cache)"
expect 1 envtool ssh -c 'sudo mount -o remount,rw /srv/kept && sudo touch /srv/kept/file'
says "Read-only file system"
expect 0 envtool snapshot save mounted
says "without its memory, as QEMU cannot save it beside the folder '$PWD/live' by 9p: restored, it boots"

step "data of the user's own came beside it, and their change asks for a new machine"
expect 0 envtool ssh -c 'cat /etc/asked-for; getent passwd eve ada; sudo cat /etc/ssh/sshd_config.d/10-keys-only.conf; hostname'
says "by the user" eve: ada: "PasswordAuthentication no" from-the-cloud
echo "# more" >>user-data.yaml
expect 0 envtool status
says "changed: cloud_init"
expect 0 envtool destroy --yes
nothing_left
