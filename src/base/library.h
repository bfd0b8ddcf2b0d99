#pragma once

#include <atomic>

namespace envtool {

/// A shared library that is opened when it is first needed: with all that it brings, linking it would cost
/// every command milliseconds. It stays open.
struct Library {
  const char* file;  ///< as the loader looks for it, "libssh.so.4"
  const char* hint;  ///< what brings it: "sudo apt-get install libssh-4"

  /// That symbol's place. Safe from several threads. Throws Error(host_not_ready) when the library is missing
  /// or too old.
  void* find(const char* symbol) const;
};

/// A function of such a library, found by its first call and called like the function itself.
template <const Library& library, class Function>
class LibraryFunction {
 public:
  constexpr explicit LibraryFunction(const char* name) : name_(name) {}

  operator Function*() {
    void* place = place_.load(std::memory_order_relaxed);
    if (place == nullptr) place_.store(place = library.find(name_), std::memory_order_relaxed);
    return reinterpret_cast<Function*>(place);
  }

 private:
  const char* name_;
  std::atomic<void*> place_ = nullptr;
};

/// Declares the function of C of that name, whose declaration is included, as one of that library: in the
/// namespace where this stands its name then means the one that is found there.
#define ENVTOOL_LIBRARY_FUNCTION(library, name) \
  inline constinit LibraryFunction<library, decltype(::name)> name{#name};

}  // namespace envtool
