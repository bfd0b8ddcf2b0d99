#include "providers/lxc/helper/firewall.h"

#include "base/files.h"
#include "base/text.h"
#include "providers/lxc/helper/context.h"

namespace envtool::lxc {

namespace fs = std::filesystem;

namespace {

bool legacy_tables_are_used() {
  return has_program("iptables-legacy") &&
         !read_file_if_there("/proc/net/ip_tables_names").value_or("").empty();
}

/// firewall-cmd is a Python program, which takes 0.1 s to say that firewalld does not run.
bool firewalld_runs() {
  if (!has_program("firewall-cmd")) return false;
  std::error_code code;
  for (const auto& entry : fs::directory_iterator("/proc", code)) {
    const auto name = read_file_if_there(entry.path() / "comm");
    if (name && trim(*name) == "firewalld") return run_program({"firewall-cmd", "--state"}).ok();
  }
  return false;
}

Value nft_ruleset() {
  return parse_json(run_checked({"nft", "--json", "--handle", "list", "ruleset"}), "nft list ruleset");
}

void remove_rules(const std::string& bridge) {
  if (has_program("nft")) {
    const std::string removals = removal_rules(nft_ruleset(), bridge);
    if (!removals.empty()) run_checked({"nft", "-f", "-"}, removals);
  }
  if (legacy_tables_are_used())
    for (std::vector<std::string> rule :
         legacy_removals(run_checked({"iptables-legacy", "-w", "-S"}), bridge)) {
      rule.insert(rule.begin(), {"iptables-legacy", "-w"});
      run_checked(rule);
    }
}

}  // namespace

void set_firewall(const std::string& bridge, const IpSubnet& subnet, Passage passage) {
  if (!has_program("nft"))
    throw Error(ErrorKind::host_not_ready, "the program 'nft' is missing, which gives machines their way out")
        .with_hint("install the package 'nftables'");
  remove_rules(bridge);
  run_checked({"nft", "-f", "-"}, bridge_rules(bridge, subnet, passage));
  const std::string accepts = accept_rules(dropping_chains(nft_ruleset()), bridge, passage);
  if (!accepts.empty()) run_checked({"nft", "-f", "-"}, accepts);
  if (legacy_tables_are_used())
    for (std::vector<std::string> rule :
         legacy_accepts(run_checked({"iptables-legacy", "-w", "-S"}), bridge, passage)) {
      rule.insert(rule.begin(), {"iptables-legacy", "-w"});
      run_checked(rule);
    }
  if (firewalld_runs())
    run_checked({"firewall-cmd", "--quiet", "--zone=trusted", "--change-interface=" + bridge});
}

void remove_firewall(const std::string& bridge) {
  remove_rules(bridge);
  if (firewalld_runs())
    run_program({"firewall-cmd", "--quiet", "--zone=trusted", "--remove-interface=" + bridge});
}

}  // namespace envtool::lxc
