#include "providers/libvirt/api.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include "base/error.h"

namespace envtool::libvirt {

namespace {

constexpr const char* library = "libvirt.so.0";
constexpr const char* hint = "sudo apt-get install libvirt0 libvirt-daemon-system";

/// By default the library prints every error beside reporting it.
void keep_quiet(void*, virErrorPtr) {}

template <class Function>
void find(void* handle, const char* name, Function& function) {
  function = reinterpret_cast<Function>(::dlsym(handle, name));
  if (function == nullptr)
    throw Error(ErrorKind::host_not_ready,
                fmt::format("the library '{}' is too old: it has no '{}'", library, name))
        .with_hint(hint);
}

Api open_library() {
  void* const handle = ::dlopen(library, RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr)
    throw Error(ErrorKind::host_not_ready, fmt::format("cannot load '{}': {}", library, ::dlerror()))
        .with_hint(hint);
  Api api;
#define ENVTOOL_FIND(name) find(handle, #name, api.name);
  ENVTOOL_LIBVIRT_FUNCTIONS(ENVTOOL_FIND)
  ENVTOOL_LIBVIRT_EVENTS(ENVTOOL_FIND)
#undef ENVTOOL_FIND
  // Before anything else, even asking for an error: libvirt 9.0 crashes otherwise.
  if (api.virInitialize() != 0)
    throw Error(ErrorKind::host_not_ready, fmt::format("the library '{}' does not initialise", library));
  api.virSetErrorFunc(nullptr, keep_quiet);
  return api;
}

}  // namespace

const Api& api() {
  static const Api opened = open_library();
  return opened;
}

}  // namespace envtool::libvirt
