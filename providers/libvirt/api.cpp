#include "providers/libvirt/api.h"

#include <fmt/format.h>

#include "base/error.h"
#include "base/library.h"

namespace envtool::libvirt {

namespace {

constexpr Library library{"libvirt.so.0", "sudo apt-get install libvirt0 libvirt-daemon-system"};

/// By default the library prints every error beside reporting it.
void keep_quiet(void*, virErrorPtr) {}

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
  return api;
}

}  // namespace

const Api& api() {
  static const Api opened = open_library();
  return opened;
}

}  // namespace envtool::libvirt
