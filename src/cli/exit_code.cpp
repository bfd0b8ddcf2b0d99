#include "cli/exit_code.h"

namespace envtool {

int exit_code_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::failed:
      return exit_code::failed;
    case ErrorKind::usage:
      return exit_code::usage;
    case ErrorKind::bad_envfile:
      return exit_code::bad_envfile;
    case ErrorKind::host_not_ready:
      return exit_code::host_not_ready;
    case ErrorKind::busy:
      return exit_code::busy;
    case ErrorKind::unsupported:
      return exit_code::unsupported;
  }
  return exit_code::failed;
}

int exit_code_of(const Outcome& outcome) {
  if (outcome.interrupted) return exit_code::interrupted;
  const Error* error = outcome.first_error();
  return error ? exit_code_of(error->kind()) : exit_code::done;
}

}  // namespace envtool
