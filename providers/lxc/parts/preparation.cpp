#include "providers/lxc/parts/preparation.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/hash.h"
#include "base/shell.h"
#include "base/text.h"

namespace envtool::lxc {

namespace {

/// How a package manager installs, and what it calls the programs.
struct Manager {
  std::string_view program, install, after, sshd, python, enable;
};

constexpr Manager managers[] = {
    // Without a running init nothing is to be started; an update that fails once is often a mirror's moment.
    {"apt-get",
     "[ -e /usr/sbin/policy-rc.d ] || { printf '#!/bin/sh\\nexit 101\\n' >/usr/sbin/policy-rc.d; chmod 0755 "
     "/usr/sbin/policy-rc.d; mine=1; }\n"
     // By itself apt only warns of servers that it cannot reach (apt-get(8): APT::Update::Error-Mode).
     "update() { apt-get -q -o APT::Update::Error-Mode=any update; }\nupdate || { sleep 3; update; }\n"
     // What is cut off is thrown away, and what is whole is synced at the end.
     "apt-get -q -y --no-install-recommends -o Dpkg::Options::=--force-unsafe-io install",
     // Ansible takes the directory's time for that of the last update.
     "[ -z \"${mine-}\" ] || rm /usr/sbin/policy-rc.d\n"
     "apt-get clean\nfind /var/lib/apt/lists -type f -delete\ntouch -d @0 /var/lib/apt/lists",
     "openssh-server", "python3 python3-apt", ":"},
    {"dnf", "dnf -y install", "dnf clean all", "openssh-server", "python3", "systemctl enable sshd"},
    {"microdnf", "microdnf -y install", "microdnf clean all", "openssh-server", "python3",
     "systemctl enable sshd"},
    {"apk", "apk add --no-cache", ":", "openssh", "python3", "rc-update add sshd default"},
    // Alone, a package may need libraries that are newer than the image's (Arch's wiki, "System
    // maintenance").
    {"pacman", "pacman -Syu --noconfirm --needed", "rm -f /var/cache/pacman/pkg/*", "openssh", "python",
     "systemctl enable sshd"},
    {"zypper", "zypper --non-interactive install", "zypper clean --all", "openssh", "python3",
     "systemctl enable sshd"}};

std::string packages_of(const Manager& manager, const std::vector<std::string>& programs) {
  std::vector<std::string> packages;
  for (const std::string& program : programs)
    packages.emplace_back(program == "sshd"      ? manager.sshd
                          : program == "python3" ? manager.python
                                                 : std::string_view(program));
  return join(packages, " ");
}

std::string install_script(const Preparation& preparation) {
  if (preparation.programs.empty()) return {};
  const auto& programs = preparation.programs;
  const bool sshd = std::find(programs.begin(), programs.end(), "sshd") != programs.end();
  std::string script;
  for (const Manager& manager : managers)
    script += fmt::format("{} command -v {} >/dev/null; then\n{} {}\n{}\n{}\n",
                          script.empty() ? "if" : "elif", manager.program, manager.install,
                          packages_of(manager, programs), manager.after, sshd ? manager.enable : ":");
  return script + "else\necho 'it has no package manager that envtool knows'\nexit 1\nfi\n";
}

std::string user_script(const std::string& user) {
  if (user.empty()) return {};
  const std::string name = quote_shell(user);
  return fmt::format(
      "shell=/bin/sh\n[ ! -x /bin/bash ] || shell=/bin/bash\n"
      "if command -v useradd >/dev/null; then useradd -m -U -s $shell {0}\n"
      "else adduser -D -s $shell {0}; fi\n"
      "mkdir -p /etc/sudoers.d\n"
      "printf '%s ALL=(ALL:ALL) NOPASSWD: ALL\\n' {0} >/etc/sudoers.d/{0}\n"
      "chmod 0440 /etc/sudoers.d/{0}\n",
      name);
}

}  // namespace

std::string preparation_name(const std::filesystem::path& root) {
  return "envtool-prepare-" + sha256(root.string()).substr(0, 8);
}

std::string Preparation::in_words() const {
  std::vector<std::string> all = programs;
  if (!user.empty()) all.push_back(fmt::format("the user '{}'", user));
  if (all.size() < 2) return join(all, "");
  const std::string last = all.back();
  all.pop_back();
  return join(all, ", ") + " and " + last;
}

std::string preparation_script(const Preparation& preparation) {
  return fmt::format(
      "exec >{} 2>&1 </dev/null\n"
      "set -e\n"
      "export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C\n"
      "export DEBIAN_FRONTEND=noninteractive\n"
      "{}{}sync\n: >{}\n",
      preparation_log, install_script(preparation), user_script(preparation.user), preparation_done);
}

}  // namespace envtool::lxc
