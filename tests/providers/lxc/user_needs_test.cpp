#include "providers/lxc/user_needs.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "base/shell.h"
#include "base/text.h"

using namespace envtool;
using namespace envtool::lxc;

namespace {

UserNeeds all_there() {
  return {.user = "ann",
          .id = 1000,
          .has_ids = true,
          .free_ids = 231072,
          .bridges = {"lxcbr0"},
          .usernet = "ann veth lxcbr0 10\n",
          .present_bridge = "lxcbr0",
          .has_cgroups = true,
          .lingers = true,
          .has_systemd = true};
}

/// The commands of all checks that fail, with what they get, a line each.
std::string fixes_of(const UserNeeds& needs) {
  std::string text;
  for (const HostCheck& check : user_checks(needs))
    if (!check.ok)
      for (const RootCommand& command : check.fix)
        text += quote_command(command.argv) + (command.input.empty() ? "" : " <" + command.input) + "\n";
  return replace_all(text, "\n\n", "\n");
}

}  // namespace

TEST_CASE("a host that lends everything needs nothing") {
  const auto checks = user_checks(all_there());

  CHECK(are_met(checks));
  CHECK(std::all_of(checks.begin(), checks.end(), [](const HostCheck& check) { return check.ok; }));
}

TEST_CASE("what is missing comes with the commands that bring it") {
  UserNeeds needs = all_there();
  needs.missing_programs = {"newuidmap"};
  needs.has_ids = false;
  needs.bridges = {};
  needs.usernet = std::nullopt;
  needs.present_bridge = "";
  needs.has_cgroups = false;

  CHECK_FALSE(are_met(user_checks(needs)));
  CHECK(fixes_of(needs) ==
        "apt-get install --yes uidmap lxc\n"
        "usermod --add-subuids 231072-296607 --add-subgids 231072-296607 ann\n"
        "mkdir --parents /etc/lxc\n"
        "tee --append /etc/lxc/lxc-usernet <ann veth lxcbr0 100\n"
        "systemctl enable --now lxc-net\n"
        "loginctl enable-linger ann\n");
}

TEST_CASE("a file that is there is kept, and a torn last line is ended first") {
  UserNeeds needs = all_there();
  needs.bridges = {};
  needs.usernet = "bob veth lxcbr0 10";

  CHECK(fixes_of(needs) ==
        "cp --archive /etc/lxc/lxc-usernet /etc/lxc/lxc-usernet.before-envtool\n"
        "tee --append /etc/lxc/lxc-usernet <\nann veth lxcbr0 100\n");
}

TEST_CASE("settings of the kernel are written once and loaded") {
  UserNeeds needs = all_there();
  needs.namespaces = {{"kernel.apparmor_restrict_unprivileged_userns", "1", "0"}};
  needs.inotify = Setting{"fs.inotify.max_user_instances", "128", "1024"};
  needs.settings_file = "fs.inotify.max_user_instances = 1024\n";

  CHECK_FALSE(are_met(user_checks(needs)));
  CHECK(fixes_of(needs) ==
        "tee --append /etc/sysctl.d/60-envtool.conf <kernel.apparmor_restrict_unprivileged_userns = 0\n"
        "sysctl --quiet --load=/etc/sysctl.d/60-envtool.conf\n"
        "sysctl --quiet --load=/etc/sysctl.d/60-envtool.conf\n");
}

TEST_CASE("few inotify instances are no obstacle") {
  UserNeeds needs = all_there();
  needs.inotify = Setting{"fs.inotify.max_user_instances", "128", "1024"};

  CHECK(are_met(user_checks(needs)));
}

TEST_CASE("machines that end with the user's last session are no obstacle, and systemd alone ends them") {
  UserNeeds needs = all_there();
  needs.lingers = false;

  CHECK(are_met(user_checks(needs)));
  CHECK(fixes_of(needs) == "loginctl enable-linger ann\n");
  needs.has_systemd = false;
  CHECK(fixes_of(needs).empty());
}

TEST_CASE("a bridge of another name that is not there is named, and left to its owner") {
  UserNeeds needs = all_there();
  needs.bridges = {"br-lab"};
  needs.present_bridge = "";

  CHECK_FALSE(are_met(user_checks(needs)));
  CHECK(fixes_of(needs).empty());
  CHECK(user_checks(needs)[3].remedy.find("'br-lab'") != std::string::npos);
}
