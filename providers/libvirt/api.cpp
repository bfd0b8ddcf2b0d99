#include "providers/libvirt/api.h"

#include <fmt/format.h>

#include <cstdlib>

#include "base/error.h"
#include "base/library.h"

namespace envtool::libvirt {

namespace {

constexpr Library library{"libvirt.so.0", "sudo apt-get install libvirt0 libvirt-daemon-system"};

/// By default the library prints every error beside reporting it.
void keep_quiet(void*, virErrorPtr) {}

/// Its log, whose warnings come with lines of who it is. For that it has a variable only, which programs that
/// we start would have too; what its own daemon calls is no part of what it promises to have.
void warn_only_when_asked() {
  constexpr unsigned only_errors = 4;
  if (std::getenv("LIBVIRT_DEBUG") != nullptr || std::getenv("LIBVIRT_LOG_OUTPUTS") != nullptr) return;
  try {
    reinterpret_cast<int (*)(unsigned)>(library.find("virLogSetDefaultPriority"))(only_errors);
  } catch (const Error&) {
  }
}

Api open_library() {
  Api api;
#define ENVTOOL_FIND(name) api.name = reinterpret_cast<decltype(api.name)>(library.find(#name));
  ENVTOOL_LIBVIRT_FUNCTIONS(ENVTOOL_FIND)
  ENVTOOL_LIBVIRT_EVENTS(ENVTOOL_FIND)
#undef ENVTOOL_FIND
  // Before anything else, even asking for an error: libvirt 9.0 crashes otherwise.
  if (api.virInitialize() != 0)
    throw Error(ErrorKind::host_not_ready, fmt::format("the library '{}' does not initialise", library.file));
  api.virSetErrorFunc(nullptr, keep_quiet);
  warn_only_when_asked();
  return api;
}

}  // namespace

const Api& api() {
  static const Api opened = open_library();
  return opened;
}

}  // namespace envtool::libvirt
