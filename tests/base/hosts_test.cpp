#include "base/hosts.h"

#include <doctest/doctest.h>

#include "base/files.h"
#include "base/process.h"

using namespace envtool;

TEST_CASE("a guest's hosts block has its own name and the project's other machines") {
  CHECK(hosts_block("web.shop.test", {{"10.1.0.2", {"db", "db.test"}}}) ==
        "# envtool begin\n"
        "127.0.0.1 localhost\n"
        "::1 localhost ip6-localhost ip6-loopback\n"
        "127.0.1.1 web.shop.test web\n"
        "10.1.0.2 db db.test\n"
        "# envtool end\n");
}

TEST_CASE("a new block replaces the old one and leaves the user's own lines") {
  const std::string old = hosts_file("192.0.2.1 mine\n", hosts_block("web", {{"10.1.0.2", {"db"}}}));

  const std::string now = hosts_file(old, hosts_block("web", {{"10.1.0.9", {"db"}}}));

  CHECK(now.find("10.1.0.2") == std::string::npos);
  CHECK(now.find("10.1.0.9 db\n") != std::string::npos);
  CHECK(now.ends_with("192.0.2.1 mine\n"));
}

TEST_CASE("the script does in the guest what the function does") {
  TemporaryDirectory directory;
  const auto path = directory.path() / "hosts";
  const std::string old = hosts_file("192.0.2.1 mine\n", hosts_block("web", {{"10.1.0.2", {"db"}}}));
  const std::string block = hosts_block("web", {{"10.1.0.9", {"db"}}});
  write_file(path, old);
  ProcessSpec spec{{"/bin/sh", "-c", replace_hosts_block_script(path.string())}};
  spec.input = block;

  const ProcessResult result = SystemProcessRunner().run(spec, {});

  CHECK(result.ok());
  CHECK(read_file(path) == hosts_file(old, block));
}
