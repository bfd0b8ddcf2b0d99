#include "providers/lxc/parts/container_config.h"

#include <doctest/doctest.h>

#include "base/error.h"
#include "base/files.h"
#include "places.h"

using namespace envtool;
using namespace envtool::lxc;

namespace {

const Layout layout{"/var/lib/envtool"};

Record a_record() {
  return {.name = "shop-web-1",
          .environment = "4f2a",
          .owner = 1000,
          .complete = true,
          .box = std::string(64, 'a'),
          .storage = Storage::overlay,
          .ids = 2000683008,
          .user = "vagrant",
          .bridge = "envtool0",
          .address = "10.86.0.7",
          .mac = "52:55:01:02:03:04"};
}

const std::vector<NetworkLink> networks = {{.name = "back",
                                            .bridge = "ev0123456789abc",
                                            .subnet = "10.30.0.0/16",
                                            .address = "10.30.0.11",
                                            .mac = "52:55:00:00:00:01",
                                            .device = "envt0000000001"},
                                           {.name = "six",
                                            .bridge = "ev0123456789abd",
                                            .subnet = "fd00:30::/64",
                                            .address = "fd00:30::11",
                                            .mac = "52:55:00:00:00:02",
                                            .device = "envt0000000002"},
                                           {.name = "lan",
                                            .bridge = "br0",
                                            .foreign = true,
                                            .subnet = {},
                                            .address = {},
                                            .mac = "52:54:00:aa:bb:cc",
                                            .device = "envt0000000003"}};

std::string golden(const std::string& name) {
  return read_file(source_directory / "tests/providers/lxc/golden" / name);
}

}  // namespace

TEST_CASE("an unprivileged machine's configuration is the golden one") {
  const ContainerConfig config{.hostname = "web",
                               .gateway = "10.86.0.1",
                               .limits = {.cpus = 2, .memory = 512 << 20},
                               .folders = {{0, "/srv/my app"}, {1, "/srv/data/in"}},
                               .disks = {{"data", "/srv/data"}},
                               .raw = {{"lxc.cap.drop", "sys_time\nsys_nice"}},
                               .apparmor = true,
                               .seccomp_profile = "/usr/share/lxc/config/common.seccomp"};

  CHECK(container_config_text(layout, a_record(), config) == golden("unprivileged.conf"));
}

TEST_CASE("a privileged machine's configuration keeps devices and capabilities back") {
  Record record = a_record();
  record.ids = 0;

  const std::string text = container_config_text(layout, record, {.hostname = "web", .gateway = "10.86.0.1"});

  CHECK(text == golden("privileged.conf"));
}

TEST_CASE("what options give a guest, and take from it, is in its configuration") {
  const ContainerConfig config{
      .hostname = "web",
      .gateway = "10.86.0.1",
      .folders = {{0, "/tmp/in"}},
      .devices = {{.source = "/m/devices/0", .guest = "/dev/net/tun", .rule = "c 10:200 rwm"}},
      .options = {.nesting = true, .temporary = 64 << 20, .capabilities = {"net_raw", "sys_ptrace"}}};
  Record record = a_record();

  const std::string unprivileged = container_config_text(layout, record, config);
  record.ids = 0;
  const std::string privileged = container_config_text(layout, record, config);

  CHECK(unprivileged.ends_with(
      "lxc.mount.entry = /m/devices/0 dev/net/tun none bind,create=file 0 0\n"
      "lxc.mount.entry = tmpfs tmp tmpfs size=67108864,mode=1777,nosuid,nodev,create=dir 0 0\n"
      "lxc.mount.entry = /var/lib/envtool/root/shop-web-1/folders/0 tmp/in none rbind,create=dir 0 0\n"
      "lxc.mount.entry = proc dev/.lxc/proc proc create=dir 0 0\n"
      "lxc.mount.entry = sysfs dev/.lxc/sys sysfs create=dir 0 0\n"
      "lxc.cap.drop = net_raw\n"
      "lxc.cap.drop = sys_ptrace\n"));
  CHECK(unprivileged.find("devices.allow") == std::string::npos);
  CHECK(privileged.find("lxc.cgroup2.devices.allow = c 10:200 rwm\n") != std::string::npos);
}

TEST_CASE("each further network is a device of its own: fixed, of IPv6, or for the guest to ask on") {
  Record record = a_record();
  record.networks = networks;

  const std::string text = container_config_text(layout, record, {.hostname = "web", .gateway = "10.86.0.1"});

  CHECK(text == golden("networks.conf"));
}

TEST_CASE("without root the helper was given the further devices, too") {
  Record record = a_record();
  record.own = IdPair{1000, 1000};
  record.networks = {networks[2]};

  const std::string text = container_config_text(layout, record, {.hostname = "web", .gateway = "10.86.0.1"});

  CHECK(text.find(
            "lxc.net.1.type = phys\nlxc.net.1.link = eth1\nlxc.net.1.flags = up\nlxc.net.1.name = eth1\n") !=
        std::string::npos);
}

TEST_CASE("the configuration of an ordinary user's machine is the golden one") {
  Record record = a_record();
  record.own = IdPair{1000, 1000};
  record.bridge = "lxcbr0";
  record.address = "10.0.3.17";
  record.prefix = 22;

  const std::string text =
      container_config_text({"/home/jo/.local/share/envtool/lxc"}, record,
                            {.hostname = "web", .gateway = "10.0.3.1", .limits = {.memory = 512 << 20}});

  CHECK(text == golden("rootless.conf"));
}

TEST_CASE("a control file that the machine's groups do not have is left out, since liblxc would not start") {
  const ContainerConfig config{.hostname = "web",
                               .gateway = "10.86.0.1",
                               .limits = {.cpus = 2, .memory = 512 << 20},
                               .folders = {},
                               .raw = {},
                               .absent_controls = {"cpu.max"}};

  const std::string text = container_config_text(layout, a_record(), config);

  CHECK(text.find("cpu.max") == std::string::npos);
  CHECK(text.find("lxc.cgroup2.memory.max = 536870912") != std::string::npos);
}

TEST_CASE("the name of the network device fits the kernel and stays with the machine") {
  CHECK(veth_name("shop-web-1").size() <= 15);
  CHECK(veth_name("shop-web-1") == veth_name("shop-web-1"));
  CHECK(veth_name("shop-web-1") != veth_name("shop-web-2"));
}

TEST_CASE("a record comes back from its text as it was") {
  Record record = a_record();
  record.storage = Storage::copy;
  CHECK(parse_record(record_text(record), "machine.json") == record);

  record.own = IdPair{1000, 100};
  record.device = "veth1000_x1Yz";
  record.prefix = 16;
  record.networks = networks;

  CHECK(parse_record(record_text(record), "machine.json") == record);
}

TEST_CASE("a text that is no record is an error that names the file") {
  CHECK_THROWS_AS(parse_record("{}", "/x/machine.json"), Error);
  CHECK_THROWS_AS(parse_record("{", "/x/machine.json"), Error);
}

TEST_CASE("names that could leave their directory are no machine names") {
  CHECK(is_machine_name("shop-web-1"));
  for (const char* name : {"", "..", "a/b", ".hidden", "a b", "-x", "x\n"})
    CHECK_FALSE(is_machine_name(name));
  CHECK_FALSE(is_machine_name(std::string(64, 'a')));
}
