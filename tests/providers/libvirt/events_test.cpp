#include "providers/libvirt/events.h"

#include <doctest/doctest.h>

#include <chrono>
#include <thread>

using namespace envtool::libvirt;
using namespace std::chrono_literals;

TEST_CASE("what happens to a domain is heard at once, by its watch alone") {
  const Connection connection("test:///default");
  const Domain domain = connection.find_domain("test");
  DomainWatch watch(connection, domain);
  const auto begin = std::chrono::steady_clock::now();

  std::jthread other([] {
    const Connection own("test:///default");
    api().virDomainSuspend(own.find_domain("test").get());
  });
  watch.wait(20s);

  CHECK(std::chrono::steady_clock::now() - begin < 10s);
  api().virDomainResume(domain.get());
}

TEST_CASE("the event loop can be had by one thread, and goes on afterwards") {
  const Connection connection("test:///default");
  const Domain domain = connection.find_domain("test");
  DomainWatch watch(connection, domain);
  { const OwnEventLoop own; }

  api().virDomainSuspend(domain.get());
  const auto begin = std::chrono::steady_clock::now();
  watch.wait(20s);

  CHECK(std::chrono::steady_clock::now() - begin < 10s);
  api().virDomainResume(domain.get());
}
