#include "core/packaging.h"

#include <fmt/format.h>

#include "base/files.h"
#include "base/host_keys.h"
#include "base/hosts.h"
#include "base/text.h"
#include "base/vagrant_key.h"
#include "core/disk_devices.h"
#include "core/folder_ways.h"

namespace envtool {

namespace {

/// Run as root in the copy, with LOGIN_USER, OWN_KEY (the machine's login key), HOST_KEY_UNIT and MOUNTS (a
/// line each), and Vagrant's public key as input. What is deleted is overwritten first: the image has the
/// blocks of files that are gone, as far as a neighbour still uses the same cluster.
constexpr std::string_view seal_script = R"(set -e
wipe() {
  if command -v shred >/dev/null; then find "$@" -type f -exec shred -n 0 -z {} + 2>/dev/null || true; fi
}
forget() { wipe "$@"; rm -rf "$@"; }
umask 077
home=$(getent passwd "$LOGIN_USER" | cut -d: -f6)
wipe "$home/.ssh/authorized_keys"
cat >"$home/.ssh/authorized_keys"
if [ -s /root/.ssh/authorized_keys ]; then
  kept=$(grep -vF "$OWN_KEY" /root/.ssh/authorized_keys) || kept=
  wipe /root/.ssh/authorized_keys
  printf '%s\n' "$kept" >/root/.ssh/authorized_keys
fi
umask 022
if [ -d /run/systemd/system ]; then
  printf '%s' "$HOST_KEY_UNIT" >/etc/systemd/system/ssh-host-keys.service
  systemctl --quiet enable ssh-host-keys.service
  systemctl --quiet stop systemd-random-seed.service || true
fi
forget /etc/ssh/ssh_host_* /etc/ssh/envtool_key* /etc/hostname /var/lib/envtool-instance /var/lib/envtool/covers /var/lib/dbus/machine-id \
  /var/lib/systemd/random-seed /var/lib/systemd/credential.secret /etc/udev/rules.d/*-persistent-net.rules \
  /var/lib/cloud/instance /var/lib/cloud/instances /var/lib/cloud/data /var/lib/cloud/sem \
  /var/log/cloud-init*.log /var/lib/dhcp/*.lease* /var/lib/NetworkManager/*.lease
rm -rf /var/log/journal/* /tmp/* /tmp/.[!.]* /var/tmp/*
umount /etc/machine-id 2>/dev/null || true  # one that is of this boot only
wipe /etc/machine-id
: >/etc/machine-id
sed -i '/^127\.0\.1\.1[[:space:]]/d' /etc/hosts
printf '%s\n' "$MOUNTS" | while read -r mount; do
  [ -n "$mount" ] || continue
  kept=$(PLACE=$mount awk '$2 != ENVIRON["PLACE"]' /etc/fstab)
  printf '%s\n' "$kept" >/etc/fstab
done
sed -i '/^# envtool folders begin$/,/^# envtool folders end$/d' /etc/fstab
sync
fstrim --all 2>/dev/null || true
)";

std::unique_ptr<Communicator> enter(MachineContext& machine, const std::string& copy) {
  MachineRecord record = machine.record;
  record.backend_name = copy;
  SshEndpoint endpoint = machine.run.endpoint_of(record, machine.operation);
  endpoint.host_key_alias = machine.record.backend_name;
  const auto still_alive = [&] {
    if (machine.provider.inspect(copy, machine.operation).phase != MachinePhase::running)
      throw Error(ErrorKind::failed, "its copy ended while it was to boot");
  };
  return machine.run.services.communicators.connect(endpoint, machine.config.timeouts.boot, still_alive,
                                                    machine.operation);
}

void seal(MachineContext& machine, Communicator& guest) {
  const std::string key = read_file(machine.store.directory() / "key.pub");
  std::string mounts;
  if (power_of<DiskDevices>(machine.provider))
    for (const DiskConfig& disk : machine.config.disks) mounts += as_in_fstab(disk.mount) + "\n";
  const std::vector<std::string> words = split(key, ' ');
  const auto check = [](const ProcessResult& result) {
    if (result.ok()) return;
    throw Error(ErrorKind::failed, fmt::format("cannot take out of the copy what is the machine's own: {}",
                                               last_lines(result.error, 3)));
  };
  check(guest.run({.script = replace_hosts_block_script(),
                   .user = "root",
                   .input = "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n"},
                  machine.operation));
  check(guest.run({.script = std::string(seal_script),
                   .environment = {{"LOGIN_USER", machine.record.ssh_user},
                                   {"OWN_KEY", words.size() > 1 ? words[1] : key},
                                   {"HOST_KEY_UNIT", host_key_unit("ssh.service sshd.service")},
                                   {"MOUNTS", mounts}},
                   .user = "root",
                   .input = std::string(vagrant_public_key)},
                  machine.operation));
}

NewBoxDisks disks_of_copy(MachineContext& machine, DiskPackage& power) {
  Operation& operation = machine.operation;
  operation.say("starting a copy of it, to take out what is its own");
  const std::string copy = power.start_copy(machine.spec(), operation);
  {
    const auto guest = enter(machine, copy);
    seal(machine, *guest);
  }
  machine.provider.stop(copy, StopMode::graceful, machine.config.timeouts.shutdown, operation);
  return power.export_disks(copy, operation);
}

}  // namespace

void package_machine(MachineContext& machine, const NewBox& box) {
  const std::string& name = machine.record.backend_name;
  NewBox whole = box;
  whole.format = machine.provider.info().box_formats.front();
  whole.ssh_user = machine.record.ssh_user;
  DiskPackage* const disks = power_of<DiskPackage>(machine.provider);
  if (disks == nullptr) {
    Package& package = require<Package>(machine.provider, machine.run.services.providers);
    whole.rootfs = [&](const auto& take, Operation& operation) {
      package.export_rootfs(name, take, operation);
    };
    return machine.run.services.write_box(whole, machine.operation);
  }
  whole.disks = [&](Operation&) { return disks_of_copy(machine, *disks); };
  machine.run.services.write_box(whole, machine.operation);
  abandon_package(machine);
}

void abandon_package(MachineContext& machine) {
  if (DiskPackage* const power = power_of<DiskPackage>(machine.provider))
    power->remove_copy(machine.record.backend_name, machine.run.environment->id, machine.operation);
}

}  // namespace envtool
