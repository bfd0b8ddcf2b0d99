#include "base/host_keys.h"

#include <fmt/format.h>

namespace envtool {

std::string host_key_unit(std::string_view before) {
  return fmt::format(R"([Unit]
Description=Make SSH host keys where there are none
ConditionPathExistsGlob=!/etc/ssh/ssh_host_*_key
Before={}

[Service]
Type=oneshot
ExecStart=/usr/bin/ssh-keygen -q -t ed25519 -N "" -C "" -f /etc/ssh/ssh_host_ed25519_key
ExecStart=/usr/bin/ssh-keygen -q -t ecdsa -N "" -C "" -f /etc/ssh/ssh_host_ecdsa_key

[Install]
WantedBy=multi-user.target
)",
                     before);
}

}  // namespace envtool
