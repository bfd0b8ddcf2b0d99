#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/files.h"

namespace envtool::forward {

/// A message between two forwarders of one machine, with at most one descriptor.
struct Message {
  std::string text;
  UniqueFd descriptor;
};

/// Listens on forwarder.sock, in place of one that an ended forwarder left. Throws Error(failed).
UniqueFd listen_for_successors(const std::filesystem::path& directory);
/// A connection to the running forwarder of that machine; invalid when nobody listens.
UniqueFd connect_to_running(const std::filesystem::path& directory);

/// False when the other side is gone.
bool send_message(int socket, std::string_view text, int descriptor = -1);
/// An empty text when the other side is gone or silent for 2 s.
Message receive_message(int socket);

}  // namespace envtool::forward
