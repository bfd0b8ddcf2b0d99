#include "core/take_over.h"

#include <fmt/format.h>

#include "base/files.h"
#include "base/text.h"

namespace envtool {

namespace {

/// Run as root with three things on its input: the login key, the host key's public half, and its private
/// one. One script, as each costs an emulated guest a second. Of the login keys none stays that others know.
/// While sshd takes its new key it refuses who comes, so that is waited for: it writes its pid once it
/// listens.
constexpr std::string_view own_keys = R"sh(set -e
umask 077
home=$(getent passwd "$LOGIN_USER" | cut -d: -f6)
mkdir -p "$home/.ssh"
IFS= read -r login_key
IFS= read -r host_key
printf '%s\n' "$login_key" >"$home/.ssh/authorized_keys.new"
chown "$LOGIN_USER:" "$home/.ssh" "$home/.ssh/authorized_keys.new"
cat >/etc/ssh/envtool_key
printf '%s\n' "$host_key" >/etc/ssh/envtool_key.pub
chmod 0644 /etc/ssh/envtool_key.pub
rm -f /etc/ssh/ssh_host_*_key /etc/ssh/ssh_host_*_key.pub
mv /etc/ssh/envtool_key /etc/ssh/ssh_host_ed25519_key
mv /etc/ssh/envtool_key.pub /etc/ssh/ssh_host_ed25519_key.pub
old=$(cat /etc/hostname 2>/dev/null || hostname)
if [ "$old" != "$NEW_HOSTNAME" ]; then
  printf '%s\n' "$NEW_HOSTNAME" >/etc/hostname
  chmod 0644 /etc/hostname
  hostname "$NEW_HOSTNAME"
  grep -q "[[:space:]]$NEW_HOSTNAME\$" /etc/hosts || printf '127.0.1.1\t%s\n' "$NEW_HOSTNAME" >>/etc/hosts
fi
mv "$home/.ssh/authorized_keys.new" "$home/.ssh/authorized_keys"
tries=40
if pid=$(cat /run/sshd.pid 2>/dev/null) && rm -f /run/sshd.pid && kill -HUP "$pid" 2>/dev/null; then
  until [ -s /run/sshd.pid ] || [ "$tries" = 0 ]; do
    sleep 0.1
    tries=$((tries - 1))
  done
else
  systemctl reload ssh 2>/dev/null || systemctl reload sshd 2>/dev/null || service ssh reload || service sshd reload
fi
)sh";

void run_as_root(MachineContext& machine, GuestCommand command) {
  command.user = "root";
  const ProcessResult result = machine.session->run(command, machine.operation);
  if (!result.ok())
    throw Error(ErrorKind::failed,
                fmt::format("cannot give the guest keys of its own: {}", last_lines(result.error, 3)))
        .with_hint("it takes sudo without a password");
}

}  // namespace

void take_over(MachineContext& machine) {
  const KeyPair host = machine.run.services.make_key(machine.record.backend_name);
  const std::filesystem::path known_hosts = machine.store.known_hosts();
  const std::string pinned = fmt::format("{} {}\n", machine.record.backend_name, host.public_key);
  // Both until it is done: should this program be killed meanwhile, nobody knows which one the guest has.
  write_file(known_hosts, pinned + read_file(known_hosts), 0600);
  const std::string login_key = read_file(machine.store.directory() / "key.pub");
  const std::string& hostname = machine.config.hostname;
  run_as_root(machine, {.script = std::string(own_keys),
                        .environment = {{"LOGIN_USER", machine.record.ssh_user},
                                        {"NEW_HOSTNAME", hostname.empty() ? machine.config.name : hostname}},
                        .input = login_key + host.public_key + "\n" + host.private_key});
  write_file(known_hosts, pinned, 0600);
  machine.record.taken_over = true;
  machine.save();
}

}  // namespace envtool
