#include "boxes/recipes/debian.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "base/error.h"
#include "base/files.h"
#include "base/host_keys.h"
#include "base/shell.h"
#include "base/text.h"
#include "boxes/archive.h"
#include "boxes/public_servers.h"
#include "boxes/recipes/debian_disk.h"

namespace envtool {

namespace fs = std::filesystem;

namespace {

/// What a box needs beside Debian's essential packages: an init, a way in, and what Ansible asks of a host.
constexpr std::string_view packages =
    "systemd,systemd-sysv,dbus,openssh-server,sudo,python3,python3-apt,iproute2,procps,netbase,rsync,ca-"
    "certificates";

/// What mmdebstrap says when it begins each of its phases, in order.
constexpr std::string_view phases[] = {"running apt-get update", "downloading packages",
                                       "extracting archives",    "installing essential packages",
                                       "installing remaining",   "cleaning package lists",
                                       "creating tarball"};

/// Units that would work, and hold apt's lock, just when a new machine is provisioned, or have nothing to do
/// there.
constexpr std::string_view unwanted_units =
    "apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service "
    "fstrim.timer";

void check_mirror(const std::string& uri, ErrorKind kind, std::string_view setting) {
  const bool plain =
      std::all_of(uri.begin(), uri.end(), [](char c) { return c > ' ' && c != '[' && c != ']' && c != '#'; });
  if (plain && uri.find(":/") != std::string::npos) return;
  throw Error(kind, fmt::format("{}: '{}' is not the address of a Debian mirror", setting, uri))
      .with_hint("it looks like 'http://HOST/debian'");
}

std::string deb_line(std::string_view options, std::string_view uri, std::string_view suite) {
  return fmt::format("deb {}{} {} main\n", options, uri, suite);
}

std::string sources_list(const DebianMirrors& mirrors, std::string_view release, std::string_view options) {
  std::string text = deb_line(options, mirrors.archive, release);
  if (!mirrors.updates.empty())
    text += deb_line(options, mirrors.updates, fmt::format("{}-updates", release));
  if (!mirrors.security.empty())
    text += deb_line(options, mirrors.security, fmt::format("{}-security", release));
  return text;
}

std::string write_in_guest(std::string_view content, std::string_view path) {
  return fmt::format("printf %s {} > \"$1\"{}\n", quote_shell(content), path);
}

/// Follows what mmdebstrap says, line by line, and keeps it.
class BuildTranscript {
 public:
  explicit BuildTranscript(Operation& operation) : operation_(operation) {}

  void line(std::string_view text) {
    said_ += std::string(text) + "\n";
    if (!text.starts_with("I: ")) return;
    const auto phase = std::find_if(std::begin(phases), std::end(phases),
                                    [&](auto name) { return text.find(name) != std::string_view::npos; });
    if (phase != std::end(phases)) report(static_cast<std::size_t>(phase - std::begin(phases)));
  }
  /// Phase number `done` has begun; the one after mmdebstrap's last is the packing.
  void report(std::size_t done) { operation_.progress({.done = done, .total = std::size(phases) + 1}); }
  const std::string& said() const { return said_; }

 private:
  Operation& operation_;
  std::string said_;
};

[[noreturn]] void fail_build(const ProcessSpec& spec, const ProcessResult& result, const std::string& said,
                             const fs::path& log) {
  if (result.status == 127)
    throw Error(ErrorKind::host_not_ready, "the program 'mmdebstrap' is not installed")
        .with_hint("apt install mmdebstrap");
  if (said.find("unable to pick chroot mode") != std::string::npos)
    throw Error(ErrorKind::host_not_ready, "mmdebstrap finds no way to build a system as this user")
        .with_hint(
            "apt install uidmap, and give the user a line in /etc/subuid and /etc/subgid; or use sudo");
  if (said.find("NO_PUBKEY") != std::string::npos)
    throw Error(ErrorKind::host_not_ready,
                "this host's keyring does not have the keys of that Debian release")
        .with_hint("apt update && apt install debian-archive-keyring");
  write_file(log, said);
  ProcessResult shown = result;
  shown.error = said;
  throw Error(ErrorKind::failed, describe_failure(spec, shown, 8))
      .with_hint(fmt::format("the whole log is in '{}'", log.string()));
}

}  // namespace

std::vector<std::string> debian_recipes() { return {"debian/bookworm", "debian/trixie"}; }

DebianMirrors choose_debian_mirrors(const std::string& setting, const std::string& variable,
                                    const RecipeHost& recipe_host) {
  if (!setting.empty()) {
    check_mirror(setting, ErrorKind::bad_envfile, "'sources.debian'");
    return {.archive = setting};
  }
  if (!variable.empty()) {
    check_mirror(variable, ErrorKind::usage, "ENVTOOL_DEBIAN_MIRROR");
    return {.archive = variable};
  }
  auto mirrors = debian_mirrors(read_apt_sources(recipe_host.apt_directory));
  if (mirrors.archive.empty())
    throw Error(ErrorKind::host_not_ready, "no Debian mirror is known on this host")
        .with_hint(
            "set ENVTOOL_DEBIAN_MIRROR, or 'sources: {debian: ...}' in the Envfile, to a mirror's address");
  return mirrors;
}

std::string build_sources(const DebianBuild& build) {
  return sources_list(build.mirrors, build.release, fmt::format("[signed-by={}] ", build.keyring.string()));
}

std::string guest_sources(const DebianBuild& build) {
  DebianMirrors mirrors = build.mirrors;
  if (is_private_to_host(mirrors.archive))
    mirrors = {.archive = std::string(public_servers::debian),
               .updates = std::string(public_servers::debian),
               .security = std::string(public_servers::debian_security)};
  if (!mirrors.updates.empty() && is_private_to_host(mirrors.updates))
    mirrors.updates = public_servers::debian;
  if (!mirrors.security.empty() && is_private_to_host(mirrors.security))
    mirrors.security = public_servers::debian_security;
  return sources_list(mirrors, build.release, "");
}

std::string customize_script(const DebianBuild& build) {
  std::string script = "set -e\n";
  script +=
      "rm -f \"$1\"/etc/apt/sources.list.d/* \"$1\"/etc/ssh/ssh_host_* \"$1\"/etc/hostname "
      "\"$1\"/etc/resolv.conf\n";
  script += write_in_guest(guest_sources(build), "/etc/apt/sources.list");
  script += write_in_guest("127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n", "/etc/hosts");
  script += write_in_guest("LANG=C.UTF-8\n", "/etc/default/locale");
  script +=
      "chroot \"$1\" useradd --uid 1000 --user-group --create-home --shell /bin/bash --password '*' "
      "vagrant\n";
  script += write_in_guest("vagrant ALL=(ALL:ALL) NOPASSWD: ALL\n", "/etc/sudoers.d/vagrant");
  script += "chmod 0440 \"$1\"/etc/sudoers.d/vagrant\n";
  script += write_in_guest(host_key_unit("ssh.service"), "/etc/systemd/system/ssh-host-keys.service");
  script += "chroot \"$1\" systemctl --quiet enable ssh-host-keys.service\n";
  script += fmt::format("chroot \"$1\" systemctl --quiet disable {}\n", unwanted_units);
  // Ansible takes the directory's time for that of the last update, and would not update where it has to.
  script += "chroot \"$1\" apt-get clean\n";
  script += "find \"$1\"/var/lib/apt/lists -type f -delete\n";
  script += "touch --date=@0 \"$1\"/var/lib/apt/lists\n";
  return script;
}

std::vector<std::string> mmdebstrap_command(const DebianBuild& build, const fs::path& tar) {
  // It must not go on when this program is killed: it would work for half a minute on what nobody wants.
  std::vector<std::string> words = {"setpriv", "--pdeathsig", "TERM"};
  if (build.own_mounts) words.insert(words.end(), {"unshare", "--mount", "--propagation", "private"});
  words.insert(words.end(), {"mmdebstrap", "--variant=minbase",
                             "--skip=cleanup/apt",  // the script does it
                             fmt::format("--include={}", packages)});
  const std::string customize = fmt::format("--customize-hook={}", customize_script(build));
  if (build.image_fd < 0)
    words.insert(words.end(), {"--format=tar", customize, build.release, tar.string(), "-"});
  else
    // Nothing but the image leaves it: what else mmdebstrap has in the tree for itself must not be there.
    words.insert(
        words.end(),
        {fmt::format("--include={}", disk_packages()), "--skip=chroot/policy-rc.d,chroot/start-stop-daemon",
         "--format=null", fmt::format("--essential-hook={}", disk_essential_script()), customize,
         fmt::format("--customize-hook={}", disk_script(build.image_fd)), build.release, "-", "-"});
  return words;
}

void run_mmdebstrap(const DebianBuild& build, const fs::path& tar, const fs::path& log,
                    Operation& operation) {
  BuildTranscript transcript(operation);
  LineSplitter lines([&](std::string_view line) { transcript.line(line); });
  if (!fs::exists(build.keyring))
    throw Error(ErrorKind::host_not_ready,
                fmt::format("Debian's keyring '{}' is missing", build.keyring.string()))
        .with_hint("apt install debian-archive-keyring");
  ProcessSpec spec{.argv = mmdebstrap_command(build, tar), .input = build_sources(build)};
  if (build.image_fd >= 0) spec.inherited = {build.image_fd};
  spec.regain_root = true;
  spec.on_output = spec.on_error = [&](std::string_view chunk) { lines.add(chunk); };
  // As root its work lies where the next run finds and removes what a killed one left; as a user it must lie
  // where the ids of the user's namespace may go.
  if (::geteuid() == 0) spec.environment["TMPDIR"] = tar.parent_path();
  const ProcessResult result = operation.run(spec);
  lines.finish();
  if (!result.ok()) fail_build(spec, result, transcript.said() + result.error, log);
  transcript.report(std::size(phases));
}

void build_debian_box(const DebianBuild& build, const fs::path& directory, const fs::path& log,
                      Operation& operation) {
  const fs::path tar = directory / "root.tar";
  run_mmdebstrap(build, tar, log, operation);
  pack_rootfs(tar, directory / "rootfs.tar.zst", operation);
  fs::remove(tar);
  const Value metadata = Value::map({{"provider", "lxc"},
                                     {"version", "1.0.0"},
                                     {"recipe", fmt::format("debian/{}", build.release)},
                                     {"recipe-version", debian_recipe_version}});
  write_file(directory / "metadata.json", to_json(metadata, 2) + "\n");
}

}  // namespace envtool
