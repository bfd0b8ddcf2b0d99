#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "base/text.h"
#include "providers/lxc/parts/network_plan.h"

namespace envtool::lxc {

namespace {

/// Whether a rule has nothing but a verdict that ends the packet (counters aside).
bool drops_everything(const Value& rule) {
  bool drops = false;
  for (const Value& expression : rule["expr"].items()) {
    if (expression.has("counter")) continue;
    if (!expression.has("drop") && !expression.has("reject")) return false;
    drops = true;
  }
  return drops;
}

bool same_chain(const Value& chain, const Value& rule) {
  return rule["family"] == chain["family"] && rule["table"] == chain["table"] &&
         rule["chain"] == chain["name"];
}

std::vector<std::string> words_of(std::string_view line) {
  std::vector<std::string> words = split(line, ' ');
  std::erase(words, "");
  return words;
}

}  // namespace

std::string bridge_rules(const std::string& bridge, const IpSubnet& subnet, Passage passage) {
  if (passage == Passage::isolated)
    // A guest may have any route and address, and this host answers for its own on every device.
    return fmt::format(
        "table inet {0} {{}}\n"
        "delete table inet {0}\n"
        "table inet {0} {{\n"
        "  chain input {{\n"
        "    type filter hook input priority filter; policy accept;\n"
        "    iifname \"{0}\" drop\n"
        "  }}\n"
        "  chain forward {{\n"
        "    type filter hook forward priority filter; policy accept;\n"
        "    iifname \"{0}\" oifname != \"{0}\" drop\n"
        "    iifname != \"{0}\" oifname \"{0}\" drop\n"
        "  }}\n"
        "}}\n",
        bridge);
  if (subnet.is_v6()) return "";
  return fmt::format(
      "table ip {0} {{}}\n"
      "delete table ip {0}\n"
      "table ip {0} {{\n"
      "  chain postrouting {{\n"
      "    type nat hook postrouting priority srcnat; policy accept;\n"
      "    ip saddr {1} ip daddr != {1} oifname != \"{0}\" masquerade\n"
      "  }}\n"
      "}}\n",
      bridge, subnet.to_string());
}

std::vector<DroppingChain> dropping_chains(const Value& ruleset) {
  const Value::List& objects = ruleset["nftables"].items();
  std::vector<DroppingChain> found;
  for (const Value& object : objects) {
    const Value& chain = object["chain"];
    const std::string& hook = chain["hook"].as_text();
    const std::string& family = chain["family"].as_text();
    if ((hook != "forward" && hook != "input") || (family != "ip" && family != "ip6" && family != "inet"))
      continue;
    if (chain["type"].as_text() != "filter" || chain["table"].as_text() == "firewalld") continue;
    bool drops = chain["policy"].as_text() == "drop";
    bool docker = false;
    for (const Value& other : objects) {
      drops |= same_chain(chain, other["rule"]) && drops_everything(other["rule"]);
      docker |= hook == "forward" && other["chain"]["name"].as_text() == "DOCKER-USER" &&
                other["chain"]["table"] == chain["table"] && other["chain"]["family"] == chain["family"];
    }
    if (drops)
      found.push_back({family, chain["table"].as_text(), docker ? "DOCKER-USER" : chain["name"].as_text(),
                       hook == "forward"});
  }
  return found;
}

std::string accept_rules(const std::vector<DroppingChain>& chains, const std::string& bridge,
                         Passage passage) {
  std::string text;
  for (const DroppingChain& chain : chains) {
    const auto insert = [&](const std::string& match) {
      text += fmt::format("insert rule {} {} {} {} counter accept comment \"{}\"\n", chain.family,
                          chain.table, chain.chain, match, rule_tag(bridge));
    };
    if (chain.forwards && passage == Passage::isolated) {
      // What goes from port to port meets these chains where the kernel filters bridges.
      insert(fmt::format("iifname \"{0}\" oifname \"{0}\"", bridge));
    } else if (chain.forwards) {
      insert(fmt::format("oifname \"{}\"", bridge));
      insert(fmt::format("iifname \"{}\"", bridge));
    } else if (passage != Passage::isolated) {
      if (passage == Passage::shared)
        for (const char* match : {"udp dport 53", "tcp dport 53"})
          insert(fmt::format("iifname \"{}\" {}", bridge, match));
      // Of IPv6 nothing works without it.
      const char* const icmp = chain.family == "ip"    ? "ip protocol icmp"
                               : chain.family == "ip6" ? "meta l4proto ipv6-icmp"
                                                       : "meta l4proto { icmp, ipv6-icmp }";
      insert(fmt::format("iifname \"{}\" {}", bridge, icmp));
    }
  }
  return text;
}

std::string removal_rules(const Value& ruleset, const std::string& bridge) {
  std::string text;
  for (const Value& object : ruleset["nftables"].items()) {
    const Value& rule = object["rule"];
    if (rule["comment"].as_text() == rule_tag(bridge))
      text += fmt::format("delete rule {} {} {} handle {}\n", rule["family"].as_text(),
                          rule["table"].as_text(), rule["chain"].as_text(), rule["handle"].as_integer());
    if (object["table"]["name"].as_text() == bridge)
      text += fmt::format("delete table {} {}\n", object["table"]["family"].as_text(), bridge);
  }
  return text;
}

std::vector<std::vector<std::string>> legacy_accepts(std::string_view listing, const std::string& bridge,
                                                     Passage passage) {
  bool forward = false, input = false, docker = false;
  for (const std::string& line : split(listing, '\n')) {
    forward |=
        line == "-P FORWARD DROP" || line == "-A FORWARD -j DROP" || line.starts_with("-A FORWARD -j REJECT");
    input |= line == "-P INPUT DROP" || line == "-A INPUT -j DROP" || line.starts_with("-A INPUT -j REJECT");
    docker |= line == "-N DOCKER-USER";
  }
  std::vector<std::vector<std::string>> commands;
  const auto insert = [&](std::vector<std::string> rule) {
    rule.insert(rule.begin(), "-I");
    for (const std::string& word : {std::string("-m"), std::string("comment"), std::string("--comment"),
                                    rule_tag(bridge), std::string("-j"), std::string("ACCEPT")})
      rule.push_back(word);
    commands.push_back(std::move(rule));
  };
  const std::string chain = docker ? "DOCKER-USER" : "FORWARD";
  if (passage == Passage::isolated) {
    if (forward) insert({chain, "-i", bridge, "-o", bridge});
    return commands;
  }
  if (forward) insert({chain, "-o", bridge});
  if (forward) insert({chain, "-i", bridge});
  if (input && passage == Passage::shared) {
    insert({"INPUT", "-i", bridge, "-p", "udp", "--dport", "53"});
    insert({"INPUT", "-i", bridge, "-p", "tcp", "--dport", "53"});
  }
  if (input) insert({"INPUT", "-i", bridge, "-p", "icmp"});
  return commands;
}

std::vector<std::vector<std::string>> legacy_removals(std::string_view listing, const std::string& bridge) {
  std::vector<std::vector<std::string>> commands;
  for (const std::string& line : split(listing, '\n')) {
    // Some versions print comments in quotes.
    std::vector<std::string> words = words_of(replace_all(line, "\"", ""));
    if (std::find(words.begin(), words.end(), rule_tag(bridge)) == words.end() || words[0] != "-A") continue;
    words[0] = "-D";
    commands.push_back(std::move(words));
  }
  return commands;
}

}  // namespace envtool::lxc
