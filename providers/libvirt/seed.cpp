#include "providers/libvirt/seed.h"

#include <fmt/format.h>

#include "base/hash.h"

namespace envtool::libvirt {

namespace {

/// JSON is YAML, with quotes that no reader can misunderstand.
std::string user_data(const MachineSpec& spec) {
  const GuestIdentity& identity = spec.identity;
  const Value user = Value::map({{"name", identity.user},
                                 {"shell", "/bin/bash"},
                                 {"sudo", "ALL=(ALL) NOPASSWD:ALL"},
                                 {"lock_passwd", true},
                                 {"ssh_authorized_keys", Value(Value::List{identity.authorized_key})}});
  const Value keys_only = Value::map(
      {{"path", "/etc/ssh/sshd_config.d/10-keys-only.conf"}, {"content", "PasswordAuthentication no\n"}});
  const Value document =
      Value::map({{"users", Value(Value::List{user})},
                  {"hostname", spec.hostname},
                  {"manage_etc_hosts", "localhost"},
                  // Not `ssh_pwauth`: for that cloud-init starts sshd anew after it has let us in.
                  {"write_files", Value(Value::List{keys_only})},
                  {"ssh_deletekeys", true},
                  {"ssh_keys", Value::map({{"ed25519_private", identity.host_private_key},
                                           {"ed25519_public", identity.host_public_key}})}});
  return "#cloud-config\n" + to_json(document, 2) + "\n";
}

/// Ours first, and the user's merged into it: what both have stays ours, or he could not get in, but lists
/// get his items, too (docs.cloud-init.io, merging user data sections).
std::string with_own(const std::string& ours, const std::string& own) {
  if (own.empty()) return ours;
  const Value first = Value::map({{"type", "text/cloud-config"}, {"content", ours}});
  const Value second =
      Value::map({{"content", own}, {"Merge-Type", "list(append)+dict(no_replace,recurse_list)+str()"}});
  return "#cloud-config-archive\n" + to_json(Value(Value::List{first, second}), 2) + "\n";
}

}  // namespace

std::vector<IsoFile> seed_files(const MachineSpec& spec) {
  const GuestIdentity& identity = spec.identity;
  // A machine made anew under an old name is another one for the guest, too.
  const std::string instance =
      fmt::format("{}-{}", spec.backend_name, sha256(identity.host_public_key).substr(0, 12));
  const std::string meta_data =
      to_json(Value::map({{"instance-id", instance}, {"local-hostname", spec.hostname}}), 2) + "\n";
  return {{"meta-data", meta_data},
          {"user-data", with_own(user_data(spec), spec.user_data), 0600},
          {"envtool/instance", instance + "\n"},
          {"envtool/user", identity.user + "\n"},
          {"envtool/authorized_key", identity.authorized_key + "\n"},
          {"envtool/ssh_host_ed25519_key", identity.host_private_key, 0600},
          {"envtool/ssh_host_ed25519_key.pub", identity.host_public_key + "\n"}};
}

}  // namespace envtool::libvirt
