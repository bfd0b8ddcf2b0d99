#pragma once

#include <stop_token>

namespace envtool {

/// Thrown when the user asked to stop. Deliberately not an Error, so that no handler of errors swallows
/// Ctrl-C.
struct Interrupted {};

/// Throws Interrupted when a stop was requested.
inline void throw_if_stopped(const std::stop_token& stop) {
  if (stop.stop_requested()) throw Interrupted{};
}

}  // namespace envtool
