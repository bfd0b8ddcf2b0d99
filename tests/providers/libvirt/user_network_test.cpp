#include "providers/libvirt/user_network.h"

#include <doctest/doctest.h>

using namespace envtool::libvirt;

TEST_CASE("the port for SSH is among what QEMU forwards") {
  const char* const info =
      "Hub -1 (hostnet0):\r\n"
      "  Protocol[State]    FD  Source Address  Port   Dest. Address  Port RecvQ SendQ\r\n"
      "  TCP[ESTABLISHED]   22       127.0.0.1 45678       10.0.2.15    22     0     0\r\n"
      "  TCP[HOST_FORWARD]  20       127.0.0.1  8080       10.0.2.15    80     0     0\r\n"
      "  TCP[HOST_FORWARD]  21       127.0.0.1 40123       10.0.2.15    22     0     0\r\n";

  CHECK(ssh_port_in(info) == 40123);
  CHECK_FALSE(ssh_port_in(""));
  CHECK_FALSE(ssh_port_in("  TCP[HOST_FORWARD]  21  127.0.0.1  x  10.0.2.15  22 0 0"));
}
