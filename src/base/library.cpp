#include "base/library.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include "base/error.h"

namespace envtool {

void* Library::find(const char* symbol) const {
  // What is open already is only counted once more.
  void* const handle = ::dlopen(file, RTLD_LAZY | RTLD_LOCAL);
  if (handle == nullptr)
    throw Error(ErrorKind::host_not_ready, fmt::format("cannot load '{}': {}", file, ::dlerror()))
        .with_hint(hint);
  if (void* const place = ::dlsym(handle, symbol)) return place;
  throw Error(ErrorKind::host_not_ready,
              fmt::format("the library '{}' is too old: it has no '{}'", file, symbol))
      .with_hint(hint);
}

}  // namespace envtool
