#include "base/architecture.h"

#include <sys/utsname.h>

#include <string_view>
#include <utility>

namespace envtool {

std::string box_architecture(const std::string& machine) {
  constexpr std::pair<std::string_view, std::string_view> names[] = {
      {"x86_64", "amd64"}, {"aarch64", "arm64"},   {"i686", "i386"},          {"i586", "i386"},
      {"i486", "i386"},    {"armv7l", "armhf"},    {"armv6l", "armel"},       {"ppc64le", "ppc64el"},
      {"s390x", "s390x"},  {"riscv64", "riscv64"}, {"loongarch64", "loong64"}};
  for (const auto& [kernel, box] : names)
    if (machine == kernel) return std::string(box);
  return machine;
}

std::string host_architecture() {
  utsname system = {};
  return ::uname(&system) == 0 ? box_architecture(system.machine) : "";
}

}  // namespace envtool
