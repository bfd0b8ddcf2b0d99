#include "core/port_holder.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <unistd.h>

#include <charconv>
#include <cstring>
#include <filesystem>
#include <sstream>
#include <vector>

#include "base/files.h"
#include "base/process.h"
#include "base/text.h"

namespace envtool {

namespace fs = std::filesystem;

namespace {

struct OpenSocket {
  uid_t uid = 0;
  std::string inode;
};

/// "0100007F:1F90": 32-bit words as the host stores them, and the port.
std::optional<SocketAddress> parse_local_address(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon != 8 && colon != 32) return std::nullopt;
  std::uint32_t words[4] = {};
  for (std::size_t i = 0; i < colon / 8; ++i)
    std::from_chars(text.data() + i * 8, text.data() + i * 8 + 8, words[i], 16);
  std::uint16_t port = 0;
  std::from_chars(text.data() + colon + 1, text.data() + text.size(), port, 16);
  char host[INET6_ADDRSTRLEN] = {};
  ::inet_ntop(colon == 8 ? AF_INET : AF_INET6, words, host, sizeof host);
  return SocketAddress::parse(host, port);
}

/// Whether two sockets cannot be bound to both. "::" usually takes IPv4 as well.
bool collide(const SocketAddress& wanted, const SocketAddress& held) {
  if (wanted.port() != held.port()) return false;
  if (wanted.family() != held.family()) return held.family() == AF_INET6 && held.is_any();
  return wanted == held || wanted.is_any() || held.is_any();
}

/// Format of /proc/net/tcp: Documentation/networking/proc_net_tcp.rst in Linux's sources.
std::optional<OpenSocket> find_socket(const fs::path& table, const SocketAddress& wanted,
                                      std::string_view state) {
  std::istringstream lines(read_file_if_there(table).value_or(""));
  std::string line;
  while (std::getline(lines, line)) {
    std::istringstream fields(line);
    std::string number, local, remote, found_state, queues, timer, retransmits, uid, timeout, inode;
    fields >> number >> local >> remote >> found_state >> queues >> timer >> retransmits >> uid >> timeout >>
        inode;
    if (found_state != state || inode.empty()) continue;
    const auto address = parse_local_address(local);
    if (address && collide(wanted, *address)) return OpenSocket{static_cast<uid_t>(std::stoul(uid)), inode};
  }
  return std::nullopt;
}

bool has_open(const fs::path& process, const std::string& link) {
  std::error_code code;
  for (auto entry = fs::directory_iterator(process / "fd", code); !code && entry != fs::directory_iterator();
       entry.increment(code))
    if (std::error_code unreadable; fs::read_symlink(entry->path(), unreadable) == link) return true;
  return false;
}

int find_process(const std::string& inode) {
  const std::string link = fmt::format("socket:[{}]", inode);
  std::error_code code;
  for (const auto& entry : fs::directory_iterator("/proc", code)) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") == std::string::npos && has_open(entry.path(), link))
      return std::stoi(name);
  }
  return 0;
}

}  // namespace

std::string PortHolder::to_string() const {
  return pid > 0 ? fmt::format("'{}' (pid {})", program, pid) : fmt::format("a program of user '{}'", user);
}

std::optional<PortHolder> find_port_holder(const SocketAddress& address, Protocol protocol) {
  const std::string name = protocol == Protocol::udp ? "udp" : "tcp";
  const std::string_view state = protocol == Protocol::udp ? "07" : "0A";  // unconnected, listening
  for (const std::string& table : {name, name + "6"}) {
    const auto socket = find_socket(fs::path("/proc/net") / table, address, state);
    if (!socket) continue;
    PortHolder holder{find_process(socket->inode), {}, user_name(socket->uid)};
    if (holder.pid > 0)
      holder.program = trim(read_file_if_there(fmt::format("/proc/{}/comm", holder.pid)).value_or("?"));
    return holder;
  }
  return std::nullopt;
}

}  // namespace envtool
