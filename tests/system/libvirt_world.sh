# shellcheck shell=bash
# A libvirt of the test's own, sourced before lib.sh: the test runs on in mount, network and process namespaces
# of its own, with a virtlogd and a libvirtd there. Whatever it starts ends with it, and it meets neither the
# host's libvirt nor its networks. Its boxes are kept apart, too: it need not wait for the tests on LXC.

if [ -z "${ENVTOOL_LIBVIRT_WORLD:-}" ]; then
  [ "$(id -u)" -eq 0 ] || { echo "skipped: it needs root"; exit 77; }
  for program in libvirtd virtlogd virsh qemu-system-x86_64 qemu-img grub-mkimage dnsmasq; do
    command -v "$program" >/dev/null || { echo "skipped: it needs '$program'"; exit 77; }
  done
  export ENVTOOL_TEST_CACHE=${ENVTOOL_TEST_CACHE:-/var/cache/envtool-test}/libvirt
  # Outside, where the mirror can be reached; with the box in the cache it is a matter of milliseconds.
  boxes=$ENVTOOL_TEST_CACHE/boxes
  home=$(mktemp --directory /tmp/envtool-test.XXXXXX)
  mkdir -p "$boxes" "$home/data"
  ln -s "$boxes" "$home/data/boxes"
  ENVTOOL_HOME=$home "$ENVTOOL" box add --provider libvirt build:debian/bookworm || exit 1
  rm -rf "$home"
  # What a test needs of the world outside, it makes by a function of that name.
  ! declare -F before_world >/dev/null || before_world
  exec env ENVTOOL_LIBVIRT_WORLD=1 unshare --mount --net --pid --fork --kill-child --mount-proc "$0" "$@"
fi

ip link set lo up
for directory in /run/libvirt /var/lib/libvirt /var/log/libvirt /var/cache/libvirt; do
  mkdir -p "$directory"
  mount -t tmpfs -o mode=0711 tmpfs "$directory"
done
# Networks, pools and domains of the host's are not those of this libvirt.
for directory in qemu storage nwfilter; do
  mkdir -p "/etc/libvirt/$directory"
  mount -t tmpfs tmpfs "/etc/libvirt/$directory"
done
# No control groups: nobody would remove them at the end, and in one of its own a guest that is emulated gets less of a
# busy host than any other process.
printf '%s\n' 'cgroup_controllers = [ ]' 'namespaces = [ ]' "${qemu_setting-}" >/run/libvirt/qemu.conf
mount --bind /run/libvirt/qemu.conf /etc/libvirt/qemu.conf
# libvirt asks QEMU anew at every call, more than a dozen times for a definition, where KVM's device is there and does not
# work: here it is never there, which a /dev of libvirt's own for the guest would take amiss.
touch /run/libvirt/no-kvm
[ ! -e /dev/kvm ] || { mount --bind /run/libvirt/no-kvm /dev/kvm && mount -o remount,bind,ro /dev/kvm; }
virtlogd --daemon --pid-file /run/libvirt/virtlogd.pid
libvirtd --daemon --pid-file /run/libvirt/libvirtd.pid
