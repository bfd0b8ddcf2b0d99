#include "core/take_over.h"

#include <fmt/format.h>

#include "base/files.h"
#include "base/text.h"

namespace envtool {

namespace {

/// Run as root with the login user, the host name, the login key, and the host key's public and private
/// halves on its input. One script, and a program only where the shell cannot do it itself: either costs an
/// emulated guest what a user notices. The host key comes first, so that sshd takes it while the rest is
/// done; it refuses who comes meanwhile, so that is waited for: it writes its pid once it listens. Of the
/// login keys none stays that others know.
constexpr std::string_view own_keys = R"sh(set -e
umask 077
IFS= read -r user
IFS= read -r name
IFS= read -r login_key
IFS= read -r host_key
eval "home=~$user"
cd /etc/ssh
while IFS= read -r line; do printf '%s\n' "$line"; done >envtool_key
umask 022
mv envtool_key ssh_host_ed25519_key
printf '%s\n' "$host_key" >ssh_host_ed25519_key.pub
set --
for file in ssh_host_*_key ssh_host_*_key.pub; do
  case $file in
    ssh_host_ed25519_key*) ;;
    *) [ ! -e "$file" ] || set -- "$@" "$file" ;;
  esac
done
[ $# = 0 ] || rm -f "$@"
pid= restarts=
[ ! -s /run/sshd.pid ] || read -r pid </run/sshd.pid || true
if [ -n "$pid" ] && true >/run/sshd.pid && kill -HUP "$pid" 2>/dev/null; then
  restarts=yes
else
  systemctl reload ssh 2>/dev/null || systemctl reload sshd 2>/dev/null || service ssh reload || service sshd reload
fi
umask 077
[ -d "$home/.ssh" ] || mkdir -p "$home/.ssh"
printf '%s\n' "$login_key" >"$home/.ssh/authorized_keys.new"
chown "$user:" "$home/.ssh" "$home/.ssh/authorized_keys.new"
mv "$home/.ssh/authorized_keys.new" "$home/.ssh/authorized_keys"
umask 022
old=
[ ! -s /etc/hostname ] || read -r old </etc/hostname || true
if [ "$old" != "$name" ]; then
  printf '%s\n' "$name" >/etc/hostname
  { printf '%s\n' "$name" >/proc/sys/kernel/hostname; } 2>/dev/null || hostname "$name"
  known=
  while read -r line; do
    case $line in *[[:space:]]"$name") known=yes ;; esac
  done </etc/hosts
  [ -n "$known" ] || printf '127.0.1.1\t%s\n' "$name" >>/etc/hosts
fi
tries=40
until [ -z "$restarts" ] || [ -s /run/sshd.pid ] || [ "$tries" = 0 ]; do
  sleep 0.1
  tries=$((tries - 1))
done
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
                        .input = fmt::format("{}\n{}\n{}{}\n{}", machine.record.ssh_user,
                                             hostname.empty() ? machine.config.name : hostname, login_key,
                                             host.public_key, host.private_key)});
  write_file(known_hosts, pinned, 0600);
  machine.record.taken_over = true;
  machine.save();
}

}  // namespace envtool
