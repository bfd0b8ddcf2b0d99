#include "core/user_data.h"

#include <doctest/doctest.h>

#include "base/files.h"

using namespace envtool;

namespace {

MachineConfig with(const char* key, const std::string& value) {
  MachineConfig machine;
  machine.name = "web";
  machine.cloud_init = Value::map({{key, value}});
  return machine;
}

}  // namespace

TEST_CASE("user data come as they are written, or out of their file") {
  const TemporaryDirectory directory;
  const std::string file = (directory.path() / "data").string();
  write_file(file, "#!/bin/sh\necho $HOME\n");

  CHECK(user_data_of(MachineConfig{}).empty());
  CHECK(user_data_of(with("inline", "#cloud-config\n")) == "#cloud-config\n");
  CHECK(user_data_of(with("file", file)) == "#!/bin/sh\necho $HOME\n");
}

TEST_CASE("other user data have another digest, and a file that is gone has one, too") {
  CHECK(user_data_digest(with("inline", "a")) == user_data_digest(with("inline", "a")));
  CHECK(user_data_digest(with("inline", "a")) != user_data_digest(with("inline", "b")));
  CHECK(user_data_digest(with("file", "/nowhere/data")) != user_data_digest(MachineConfig{}));
}

TEST_CASE("user data that cloud-init would leave aside, or that are not there, are found before") {
  CHECK(check_user_data(MachineConfig{}).empty());
  CHECK(check_user_data(with("inline", "#cloud-config\nruncmd: [date]\n")).empty());
  CHECK(check_user_data(with("inline", "#!/bin/sh\ndate\n")).empty());
  REQUIRE(check_user_data(with("inline", "runcmd: [date]\n")).size() == 1);
  CHECK(check_user_data(with("inline", "runcmd: [date]\n"))[0].hint.find("#cloud-config") !=
        std::string::npos);
  REQUIRE(check_user_data(with("file", "/nowhere/data")).size() == 1);
  CHECK(check_user_data(with("file", "/nowhere/data"))[0].text.find("/nowhere/data") != std::string::npos);
}
