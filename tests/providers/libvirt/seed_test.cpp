#include "providers/libvirt/seed.h"

#include <doctest/doctest.h>

#include "base/text.h"
#include "base/value.h"

using namespace envtool;
using namespace envtool::libvirt;

namespace {

MachineSpec a_spec() {
  MachineSpec spec;
  spec.backend_name = "shop-web-01234567";
  spec.hostname = "web";
  spec.identity = {.user = "vagrant",
                   .authorized_key = "ssh-ed25519 AAAAlogin \"quoted\": #1",
                   .host_private_key = "-----BEGIN\nline\n-----END\n",
                   .host_public_key = "ssh-ed25519 AAAAhost"};
  return spec;
}

std::string content(const std::vector<IsoFile>& files, const std::string& path) {
  for (const IsoFile& file : files)
    if (file.path == path) return file.content;
  FAIL("no file " << path);
  return {};
}

}  // namespace

TEST_CASE("cloud-init finds user, key, host key and host name, whatever they hold") {
  const std::vector<IsoFile> files = seed_files(a_spec());

  const std::string text = content(files, "user-data");
  REQUIRE(text.starts_with("#cloud-config\n"));
  const Value document = parse_json(text.substr(text.find('\n')), "user-data");
  CHECK(document["users"].items().front()["name"].as_text() == "vagrant");
  CHECK(document["users"].items().front()["ssh_authorized_keys"].as_texts() ==
        std::vector<std::string>{a_spec().identity.authorized_key});
  CHECK(document["ssh_keys"]["ed25519_private"].as_text() == a_spec().identity.host_private_key);
  CHECK(document["hostname"].as_text() == "web");
}

TEST_CASE("the user's own data come to cloud-init beside ours, which stay") {
  MachineSpec spec = a_spec();
  spec.user_data = "#cloud-config\nusers: [{name: eve}]\nruncmd: [date]\n";

  const std::string text = content(seed_files(spec), "user-data");

  REQUIRE(text.starts_with("#cloud-config-archive\n"));
  const Value parts = parse_json(text.substr(text.find('\n')), "user-data");
  REQUIRE(parts.items().size() == 2);
  CHECK(parts.items()[0]["content"].as_text() == content(seed_files(a_spec()), "user-data"));
  CHECK(parts.items()[1]["content"].as_text() == spec.user_data);
  CHECK(parts.items()[1]["Merge-Type"].as_text().find("no_replace") != std::string::npos);
}

TEST_CASE("boxes of our recipes find the same in plain files") {
  const std::vector<IsoFile> files = seed_files(a_spec());

  CHECK(content(files, "envtool/user") == "vagrant\n");
  CHECK(content(files, "envtool/authorized_key") == a_spec().identity.authorized_key + "\n");
  CHECK(content(files, "envtool/ssh_host_ed25519_key") == a_spec().identity.host_private_key);
}

TEST_CASE("a machine made anew under the same name is another instance") {
  MachineSpec anew = a_spec();
  anew.identity.host_public_key = "ssh-ed25519 AAAAother";

  CHECK(content(seed_files(a_spec()), "meta-data") == content(seed_files(a_spec()), "meta-data"));
  CHECK(content(seed_files(a_spec()), "meta-data") != content(seed_files(anew), "meta-data"));
}

TEST_CASE("the image is an ISO of that name which holds the files") {
  const std::string image = iso_image(seed_volume_id, {{"meta-data", "abc-content"}, {"envtool/user", "me"}});

  REQUIRE(image.size() > 0x9000);
  CHECK(image.substr(0x8001, 5) == "CD001");
  CHECK(trim(image.substr(0x8028, 32)) == "CIDATA");
  CHECK(image.find("abc-content") != std::string::npos);
}
