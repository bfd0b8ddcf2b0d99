#pragma once

#include <sys/types.h>

#include <array>
#include <vector>

#include "base/files.h"

namespace envtool::lxc {

/// Standard streams for a program in a guest, which must not get hold of a terminal of the host's: it could
/// type on it (TIOCSTI). A stream that is one goes through a pipe; others are passed on as they are.
class GuestStreams {
 public:
  /// Throws Error(failed) when no pipe can be made.
  GuestStreams();

  /// For the program, by their usual numbers.
  const std::array<int, 3>& ends() const { return ends_; }
  /// To be called once the program has its own: copies until it ends, and then what it left.
  void copy_until_end(pid_t program);

 private:
  struct Way {
    UniqueFd owned;  ///< of the pipe, the end on this side
    int from = -1, to = -1;
  };
  void copy(Way& way) const;

  std::array<int, 3> ends_{0, 1, 2};
  std::vector<UniqueFd> guest_ends_;
  std::vector<Way> ways_;
};

}  // namespace envtool::lxc
