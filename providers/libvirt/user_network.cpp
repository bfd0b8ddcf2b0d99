#include "providers/libvirt/user_network.h"

#include <dlfcn.h>
#include <fmt/format.h>
#include <libvirt/libvirt-qemu.h>

#include <charconv>
#include <sstream>

#include "base/text.h"

namespace envtool::libvirt {

namespace {

/// As libvirt calls it: by the alias of the domain's only network device.
constexpr const char* device = "hostnet0";
constexpr const char* library = "libvirt-qemu.so.0";

/// In a library of its own, which only machines of a session need.
decltype(&::virDomainQemuMonitorCommand) monitor_function() {
  void* const handle = ::dlopen(library, RTLD_NOW | RTLD_LOCAL);
  void* const found = handle == nullptr ? nullptr : ::dlsym(handle, "virDomainQemuMonitorCommand");
  if (found == nullptr)
    throw Error(ErrorKind::host_not_ready, fmt::format("cannot use '{}': {}", library, ::dlerror()))
        .with_hint("sudo apt-get install libvirt0");
  return reinterpret_cast<decltype(&::virDomainQemuMonitorCommand)>(found);
}

/// What QEMU's monitor answers; a refusal is an answer, too.
std::string ask_qemu(const Domain& domain, const std::string& command) {
  static const auto function = monitor_function();
  char* answer = nullptr;
  if (function(domain.get(), command.c_str(), &answer, VIR_DOMAIN_QEMU_MONITOR_COMMAND_HMP) != 0)
    fail(fmt::format("ask QEMU '{}'", command));
  const Text owner(answer);
  return answer == nullptr ? "" : std::string(trim(answer));
}

std::optional<int> number_of(const std::string& text) {
  int number = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failure != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

std::optional<int> ssh_port_in(std::string_view info) {
  for (const std::string& line : split(info, '\n')) {
    std::istringstream stream(line);
    std::vector<std::string> words;
    for (std::string word; stream >> word;) words.push_back(word);
    // Protocol[State], descriptor, host's address, its port, guest's address, its port, two queues.
    if (words.size() >= 6 && words[0] == "TCP[HOST_FORWARD]" && words[2] == "127.0.0.1" && words[5] == "22")
      return number_of(words[3]);
  }
  return std::nullopt;
}

std::optional<int> ssh_port_of(const Domain& domain) { return ssh_port_in(ask_qemu(domain, "info usernet")); }

void open_ssh_port(const Domain& domain, const std::string& name) {
  if (ssh_port_of(domain)) return;
  // Port 0: the kernel chooses, so that nobody can be faster.
  const std::string answer = ask_qemu(domain, fmt::format("hostfwd_add {} tcp:127.0.0.1:0-:22", device));
  if (!answer.empty())
    throw Error(ErrorKind::failed, fmt::format("cannot open a port for SSH to '{}': {}", name, answer));
}

}  // namespace envtool::libvirt
