#include "base/hosts.h"

#include <fmt/format.h>

#include "base/shell.h"
#include "base/text.h"

namespace envtool {

namespace {

constexpr std::string_view begin_mark = "# envtool begin";
constexpr std::string_view end_mark = "# envtool end";

}  // namespace

std::string hosts_block(const std::string& hostname, const std::vector<HostsEntry>& others) {
  const std::string first = hostname.substr(0, hostname.find('.'));
  std::string block =
      fmt::format("{}\n127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n127.0.1.1 {}{}\n",
                  begin_mark, hostname, first == hostname ? "" : " " + first);
  for (const HostsEntry& host : others) block += fmt::format("{} {}\n", host.address, join(host.names, " "));
  return block + std::string(end_mark) + "\n";
}

std::string hosts_file(std::string_view present, const std::string& block) {
  std::string rest;
  bool ours = false;
  for (const std::string& line : split(present, '\n')) {
    if (line == begin_mark) ours = true;
    if (!ours && !line.empty()) rest += line + "\n";
    if (line == end_mark) ours = false;
  }
  return block + rest;
}

std::string replace_hosts_block_script(const std::string& path) {
  // Written in place, not renamed: the file may be a mount of its own.
  return fmt::format(
      "block=$(cat) || exit 1\n"
      "rest=$(sed '/^{}$/,/^{}$/d' {}) || exit 1\n"
      "printf '%s\\n' \"$block\" ${{rest:+\"$rest\"}} > {}\n",
      begin_mark, end_mark, quote_shell(path), quote_shell(path));
}

}  // namespace envtool
