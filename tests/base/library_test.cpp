#include "base/library.h"

#include <doctest/doctest.h>

#include <functional>

#include "base/error.h"

using namespace envtool;

namespace {

constexpr Library libm{"libm.so.6", "sudo apt-get install libc6"};
constexpr Library absent{"libenvtool-is-not-there.so.1", "sudo apt-get install it"};
constinit LibraryFunction<libm, double(double)> third_root{"cbrt"};
constinit LibraryFunction<absent, double(double)> anything{"anything"};

std::string reason_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::host_not_ready);
    return error.render();
  }
  return "nothing was thrown";
}

}  // namespace

TEST_CASE("a function of a library is called like any other, and again") {
  CHECK(third_root(27) == doctest::Approx(3));
  CHECK(third_root(8) == doctest::Approx(2));
}

TEST_CASE("a library that is not there says what brings it") {
  const std::string reason = reason_of([] { anything(3); });

  CHECK(reason.find("cannot load 'libenvtool-is-not-there.so.1'") != std::string::npos);
  CHECK(reason.find("sudo apt-get install it") != std::string::npos);
}

TEST_CASE("a library that lacks a function is too old") {
  const std::string reason = reason_of([] { libm.find("no_such_function"); });

  CHECK(reason.find("the library 'libm.so.6' is too old: it has no 'no_such_function'") != std::string::npos);
}
