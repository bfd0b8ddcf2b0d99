#include "providers/lxc/parts/processes.h"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <signal.h>

#include "base/files.h"

using namespace envtool;
using namespace envtool::lxc;

namespace {

/// A tree that looks like the kernel's cgroups.
struct FakeCgroups {
  TemporaryDirectory directory;

  void put(const std::string& path, const std::string& content) {
    write_file(directory.path() / path, content);
  }
  Cgroups version(int number) const {
    const std::string place = directory.path().string();
    return Cgroups(number == 2 ? fmt::format("cgroup2 {} cgroup2 rw 0 0\n", place)
                               : fmt::format("cgroup {} cgroup rw,pids 0 0\n", place));
  }
};

}  // namespace

TEST_CASE("a machine without a cgroup does not run") {
  const FakeCgroups fake;

  CHECK_FALSE(fake.version(2).is_running("web"));
  CHECK_FALSE(fake.version(1).is_running("web"));
}

TEST_CASE("a process deep inside of the guest counts as running") {
  FakeCgroups fake;
  fake.put("lxc.payload.web/cgroup.procs", "");
  fake.put("lxc.payload.web/system.slice/ssh.service/cgroup.procs", "41\n42\n");

  CHECK(fake.version(1).is_running("web"));
  CHECK(fake.version(1).payload("web") == std::vector<pid_t>{41, 42});
}

TEST_CASE("an empty group left over by a killed machine does not count as running") {
  FakeCgroups fake;
  fake.put("lxc.payload.web/cgroup.procs", "");
  fake.put("lxc.payload.web/cgroup.events", "populated 0\nfrozen 0\n");

  CHECK_FALSE(fake.version(1).is_running("web"));
  CHECK_FALSE(fake.version(2).is_running("web"));
}

TEST_CASE("a group that goes away while it is read does not count as running") {
  FakeCgroups fake;
  fake.put("lxc.payload.web/cgroup.events/reading/this", "fails");
  fake.put("lxc.payload.web/cgroup.procs/reading/this", "fails");

  CHECK_FALSE(fake.version(2).is_running("web"));
}

TEST_CASE("version 2 answers by its events file") {
  FakeCgroups fake;
  fake.put("lxc.payload.web/cgroup.events", "populated 1\nfrozen 0\n");

  CHECK(fake.version(2).is_running("web"));
  CHECK_FALSE(fake.version(2).is_running("we"));
}

TEST_CASE("a guest that restarted into a group with a number runs, and all its groups are found") {
  FakeCgroups fake;
  fake.put("lxc.payload.web/cgroup.procs", "");
  fake.put("lxc.payload.web/cgroup.events", "populated 0\nfrozen 0\n");
  fake.put("lxc.payload.web-1/cgroup.procs", "41\n");
  fake.put("lxc.payload.web-1/cgroup.events", "populated 1\nfrozen 1\n");
  fake.put("lxc.payload.web-b-0a1b2c3d/cgroup.procs", "50\n");
  fake.put("lxc.payload.web-12345678/cgroup.procs", "51\n");

  for (const int version : {1, 2}) {
    const Cgroups groups = fake.version(version);
    CHECK(groups.is_running("web"));
    CHECK(groups.payload("web") == std::vector<pid_t>{41});
    CHECK(groups.is_frozen("web"));
    CHECK(groups.payload_groups("web") == std::vector{fake.directory.path() / "lxc.payload.web-1"});
    CHECK(groups.directories("web").size() == 2);
  }
}

TEST_CASE("a group with a number that the guest has left is none of its own any more") {
  FakeCgroups fake;
  fake.put("lxc.payload.web/cgroup.procs", "41\n");
  fake.put("lxc.payload.web-1/cgroup.procs", "");

  CHECK(fake.version(1).payload("web") == std::vector<pid_t>{41});
}

TEST_CASE("the monitor is found apart from the guest's processes") {
  FakeCgroups fake;
  fake.put("lxc.monitor.web/cgroup.procs", "77\n");
  fake.put("lxc.payload.web/cgroup.procs", "78\n");

  CHECK(fake.version(1).monitor("web") == 77);
  CHECK(fake.version(1).monitor_group("web") == std::vector<pid_t>{77});
  CHECK_FALSE(fake.version(1).monitor("other"));
}

TEST_CASE("a machine of an ordinary user's is found where its start wrote down, after a restart too") {
  FakeCgroups fake;
  const Layout layout{fake.directory.path() / "lib"};
  const std::string place = (fake.directory.path() / "delegated/web").string();
  write_file(layout.cgroups("web"), place + "\n");
  fake.put("delegated/web/lxc.monitor.web/cgroup.procs", "7\n");
  fake.put("delegated/web/lxc.payload.web/cgroup.procs", "8\n");

  CHECK(Cgroups::of_machine(layout, "web").payload("web") == std::vector<pid_t>{8});

  fake.put("delegated/web/lxc.monitor.web/cgroup.procs", "");
  fake.put("delegated/web/lxc.payload.web/cgroup.procs", "");
  fake.put("delegated/web/lxc.pivot/lxc.monitor.web/cgroup.procs", "7\n");
  fake.put("delegated/web/lxc.pivot/lxc.payload.web/cgroup.procs", "9\n");
  const Cgroups restarted = Cgroups::of_machine(layout, "web");
  CHECK(restarted.payload("web") == std::vector<pid_t>{9});
  CHECK(restarted.monitor("web") == 7);
  CHECK(restarted.directories("web").front() == place);
}

TEST_CASE("a machine stands still when its freezer says so, in either version") {
  FakeCgroups fake;
  fake.put("lxc.payload.web/cgroup.events", "populated 1\nfrozen 0\n");
  CHECK_FALSE(fake.version(2).is_frozen("web"));
  fake.put("lxc.payload.web/cgroup.events", "populated 1\nfrozen 1\n");
  CHECK(fake.version(2).is_frozen("web"));

  fake.put("lxc.payload.web/freezer.state", "FREEZING\n");
  CHECK_FALSE(fake.version(1).is_frozen("web"));
  fake.put("lxc.payload.web/freezer.state", "FROZEN\n");
  CHECK(fake.version(1).is_frozen("web"));
  CHECK_FALSE(fake.version(1).is_frozen("db"));
}

TEST_CASE("the CPUs that a machine could have are those of the group above it") {
  FakeCgroups fake;
  CHECK(fake.version(2).all_cpus("web").empty());

  fake.put("lxc.payload.web/cpuset.cpus", "0\n");
  fake.put("cpuset.cpus.effective", "0-3\n");
  CHECK(fake.version(2).all_cpus("web") == "0-3");
}

TEST_CASE("an init is asked to shut down by the signal that it listens to") {
  // As of /proc/1/status under Debian 12: systemd, busybox's init, sshd, sleep.
  CHECK(halt_signal("SigBlk:\t7fe3c0fe28014a03\nSigIgn:\t0000000000001000\nSigCgt:\t00000001000004ec\n") ==
        SIGRTMIN + 3);
  CHECK(halt_signal("SigBlk:\t0000000020004e06\nSigIgn:\t0000000000000000\nSigCgt:\t0000000000080000\n") ==
        SIGPWR);
  CHECK(halt_signal("SigBlk:\t0000000000000000\nSigIgn:\t0000000000001000\nSigCgt:\t0000000000014005\n") ==
        SIGTERM);
  CHECK(halt_signal("SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\nSigCgt:\t0000000000000000\n") ==
        0);
  CHECK(halt_signal("") == 0);
}

TEST_CASE("the groups of a guest are told from its monitor's") {
  FakeCgroups fake;
  CHECK(fake.version(1).payload_groups("web").empty());
  fake.put("lxc.monitor.web/cgroup.procs", "77\n");
  fake.put("lxc.payload.web/cgroup.procs", "78\n");
  fake.put("lxc.payload.webshop/cgroup.procs", "79\n");

  CHECK(fake.version(2).payload_groups("web") ==
        std::vector<std::filesystem::path>{fake.directory.path() / "lxc.payload.web"});
}
