// What this host lacks for machines, as `envtool doctor` shows it.
#include <fmt/format.h>
#include <unistd.h>

#include "base/text.h"
#include "providers/lxc/provider.h"

namespace envtool::lxc {

namespace {

/// What the helper found out by trying.
void add_findings(std::vector<HostCheck>& checks, const Value& found, const std::filesystem::path& root) {
  const std::string refusal = found["refusal"].as_text();
  checks.push_back({"kernel: idmapped mounts, for unprivileged guests", found["shifting"].as_bool(), true,
                    found["shifting"].as_bool() ? "yes" : refusal,
                    "a kernel of 5.12 or newer, and ext4, xfs or btrfs below " + root.string()});
  checks.push_back({"kernel: overlay on idmapped layers", found["overlay"].as_bool(), false,
                    found["overlay"].as_bool() ? "yes" : refusal,
                    "a kernel of 5.19 or newer; until then boxes are copied"});
  if (found["btrfs"].as_bool())
    checks.push_back({"btrfs below " + root.string() + ", for 'storage: btrfs'", true, false, "yes"});
  for (const auto& [type, obstacle] : found["stores"].members())
    checks.push_back({.name = fmt::format("a file system for each machine, by 'storage: {{lxc: {}}}'", type),
                      .ok = obstacle.as_text().empty(),
                      .required = false,
                      .found = obstacle.as_text().empty() ? "yes" : obstacle.as_text(),
                      .remedy = "only who wants it needs it"});
  const std::vector<std::string> missing = found["missing"].as_texts();
  checks.push_back({.name = "programs: ip, nft, tar",
                    .ok = missing.empty(),
                    .found = missing.empty() ? "all there" : "missing: " + join(missing, ", "),
                    .fix = {{{"apt-get", "install", "--yes", "iproute2", "nftables", "tar"}}}});
  checks.push_back(
      {.name = "DNS for guests: dnsmasq",
       .ok = found["dnsmasq"].as_bool(),
       .required = false,
       .found = found["dnsmasq"].as_bool() ? "yes" : "missing: guests ask the host's name servers themselves",
       .fix = {{{"apt-get", "install", "--yes", "dnsmasq-base"}}}});
  if (::access("/run/systemd/system", F_OK) != 0) return;
  const bool enabled = ::access(boot_unit_link, F_OK) == 0;
  checks.push_back({.name = "machines that start with the host",
                    .ok = enabled,
                    .required = false,
                    .found = enabled ? "yes" : "'start_on_boot' does nothing yet",
                    .fix = {{{"systemctl", "enable", "envtool-lxc-boot.service"}}}});
}

}  // namespace

std::vector<HostCheck> LxcProvider::diagnose(Operation& operation) {
  std::vector<HostCheck> checks;
  const bool installed = ::access(root_.helper.program().c_str(), X_OK) == 0;
  checks.push_back({"the helper 'envtool-lxc'", installed, true, root_.helper.program().string(),
                    "install envtool again"});
  if (!installed) return checks;
  std::vector<HostCheck> without_root;
  if (!can_regain_root()) without_root = user_checks(user_needs(host_));
  const bool ready = !without_root.empty() && are_met(without_root);
  try {
    const Value found = root_.helper.call("check", Value::map(), operation);
    checks.push_back({"root for the helper", true, true, can_regain_root() ? "yes" : "by sudo", ""});
    add_findings(checks, found, root_.layout.root);
  } catch (const Error& error) {
    checks.push_back({"root for the helper", false, !ready, error.what(), error.hint()});
  }
  if (ready) without_root.push_back(overlay_without_root(operation));
  // One of the two ways is enough.
  for (HostCheck& check : without_root) {
    check.required = check.required && !checks[1].ok;
    checks.push_back(std::move(check));
  }
  return checks;
}

HostCheck LxcProvider::overlay_without_root(Operation& operation) const {
  HostCheck check{.name = "without root: overlay",
                  .required = false,
                  .remedy = "a kernel of 5.11 or newer, and ext4, xfs or btrfs below " +
                            user_.layout.root.string() + "; until then boxes are copied"};
  try {
    const Value found = user_.helper.call("check", Value::map(), operation);
    check.ok = found["overlay"].as_bool();
    check.found = check.ok ? "yes" : found["refusal"].as_text();
  } catch (const Error& error) {
    check.required = true;
    check.found = error.what();
    check.remedy = error.hint();
  }
  return check;
}

}  // namespace envtool::lxc
