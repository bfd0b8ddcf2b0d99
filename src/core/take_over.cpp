#include "core/take_over.h"

#include <fmt/format.h>

#include "base/files.h"
#include "base/text.h"

namespace envtool {

namespace {

/// The new host key waits beside its place until the host has pinned it.
constexpr std::string_view new_host_key = R"(set -e
umask 077
[ -s /etc/ssh/envtool_key.pub ] || ssh-keygen -q -t ed25519 -N '' -C '' -f /etc/ssh/envtool_key
cat /etc/ssh/envtool_key.pub
)";

/// Of the login keys none stays that others know. While sshd takes its new key it refuses who comes, so that
/// is waited for.
constexpr std::string_view own_keys = R"sh(set -e
umask 077
home=$(getent passwd "$LOGIN_USER" | cut -d: -f6)
mkdir -p "$home/.ssh"
cat >"$home/.ssh/authorized_keys.new"
chown "$LOGIN_USER:" "$home/.ssh" "$home/.ssh/authorized_keys.new"
if [ -s /etc/ssh/envtool_key ]; then
  rm -f /etc/ssh/ssh_host_*_key /etc/ssh/ssh_host_*_key.pub
  mv /etc/ssh/envtool_key /etc/ssh/ssh_host_ed25519_key
  mv /etc/ssh/envtool_key.pub /etc/ssh/ssh_host_ed25519_key.pub
  chmod 0644 /etc/ssh/ssh_host_ed25519_key.pub
fi
old=$(cat /etc/hostname 2>/dev/null || hostname)
if [ "$old" != "$NEW_HOSTNAME" ]; then
  printf '%s\n' "$NEW_HOSTNAME" >/etc/hostname
  chmod 0644 /etc/hostname
  hostname "$NEW_HOSTNAME"
  grep -q "[[:space:]]$NEW_HOSTNAME\$" /etc/hosts || printf '127.0.1.1\t%s\n' "$NEW_HOSTNAME" >>/etc/hosts
fi
mv "$home/.ssh/authorized_keys.new" "$home/.ssh/authorized_keys"
kill -HUP "$(cat /run/sshd.pid 2>/dev/null)" 2>/dev/null ||
  systemctl reload ssh 2>/dev/null || systemctl reload sshd 2>/dev/null || service ssh reload || service sshd reload
tries=40
while command -v ssh-keyscan >/dev/null && [ -s /etc/ssh/ssh_host_ed25519_key.pub ] && [ "$tries" -gt 0 ]; do
  ssh-keyscan -t ed25519 127.0.0.1 2>/dev/null | grep -qF "$(cut -d' ' -f2 /etc/ssh/ssh_host_ed25519_key.pub)" && break
  sleep 0.1
  tries=$((tries - 1))
done
)sh";

std::string run_as_root(MachineContext& machine, GuestCommand command) {
  command.user = "root";
  const ProcessResult result = machine.session->run(command, machine.operation);
  if (!result.ok())
    throw Error(ErrorKind::failed,
                fmt::format("cannot give the guest keys of its own: {}", last_lines(result.error, 3)))
        .with_hint("it takes sudo without a password, and ssh-keygen");
  return result.output;
}

}  // namespace

void take_over(MachineContext& machine) {
  const std::string host_key(trim(run_as_root(machine, {.script = std::string(new_host_key)})));
  if (!host_key.starts_with("ssh-ed25519 ") || host_key.find('\n') != std::string::npos)
    throw Error(ErrorKind::failed, fmt::format("the guest's new host key is none: '{}'", host_key));
  write_file(machine.store.known_hosts(), fmt::format("{} {}\n", machine.record.backend_name, host_key),
             0600);
  const std::string& hostname = machine.config.hostname;
  run_as_root(machine, {.script = std::string(own_keys),
                        .environment = {{"LOGIN_USER", machine.record.ssh_user},
                                        {"NEW_HOSTNAME", hostname.empty() ? machine.config.name : hostname}},
                        .input = read_file(machine.store.directory() / "key.pub")});
  machine.record.taken_over = true;
  machine.save();
}

}  // namespace envtool
