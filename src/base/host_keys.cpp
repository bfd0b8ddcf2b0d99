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
ExecStart=/usr/bin/ssh-keygen -A

[Install]
WantedBy=multi-user.target
)",
                     before);
}

}  // namespace envtool
