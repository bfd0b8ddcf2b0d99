#include "config/rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/suggest.h"
#include "config/port_text.h"

namespace envtool {

namespace {

class Dependencies {
 public:
  Dependencies(ProjectConfig& project, Diagnostics& problems) : project_(project), problems_(problems) {
    for (const MachineConfig& machine : project_.machines) {
      known_[machine.name] = {machine.name};
      if (machine.block != machine.name) known_[machine.block].push_back(machine.name);
    }
    for (const auto& [name, machines] : known_) names_.push_back(name);
  }

  void run() {
    for (MachineConfig& machine : project_.machines) resolve_dependencies(machine);
    find_cycles();
    check_primary();
    for (const ProvisionConfig& step : project_.provision_all)
      for (const std::string& name : step.machines) check_known(name, step.position);
  }

 private:
  bool check_known(const std::string& name, const SourcePosition& position) {
    if (known_.contains(name)) return true;
    problems_.add(position, fmt::format("unknown machine '{}'", name), did_you_mean(name, names_));
    return false;
  }

  void resolve_dependencies(MachineConfig& machine) {
    const SourcePosition& position = machine.position_of("depends_on");
    std::vector<std::string> resolved;
    std::set<std::string> seen;
    for (const std::string& name : machine.depends_on) {
      if (!check_known(name, position)) continue;
      if (name == machine.name || name == machine.block) {
        problems_.add(position, fmt::format("machine '{}' depends on itself", name));
        continue;
      }
      for (const std::string& each : known_[name])
        if (seen.insert(each).second) resolved.push_back(each);
    }
    machine.depends_on = std::move(resolved);
  }

  /// Takes away machines whose dependencies are all gone; what stays leads into a circle. Then walks that
  /// circle.
  void find_cycles() {
    std::map<std::string, std::size_t> waits;
    std::map<std::string, std::vector<std::string>> dependants;
    std::vector<std::string> ready;
    for (const MachineConfig& machine : project_.machines) {
      waits[machine.name] = machine.depends_on.size();
      if (machine.depends_on.empty()) ready.push_back(machine.name);
      for (const std::string& other : machine.depends_on) dependants[other].push_back(machine.name);
    }
    while (!ready.empty()) {
      const std::string name = ready.back();
      ready.pop_back();
      waits.erase(name);
      for (const std::string& other : dependants[name])
        if (--waits[other] == 0) ready.push_back(other);
    }
    if (!waits.empty()) report_cycle(waits);
  }

  void report_cycle(const std::map<std::string, std::size_t>& waiting) {
    std::map<std::string, const MachineConfig*> by_name;
    for (const MachineConfig& machine : project_.machines) by_name[machine.name] = &machine;
    std::vector<std::string> path = {waiting.begin()->first};
    std::set<std::string> seen(path.begin(), path.end());
    for (;;) {
      const std::vector<std::string>& next = by_name[path.back()]->depends_on;
      path.push_back(
          *std::ranges::find_if(next, [&](const std::string& name) { return waiting.contains(name); }));
      if (!seen.insert(path.back()).second) break;
    }
    const auto begin = std::ranges::find(path, path.back());
    std::string circle = "'" + *begin + "'";
    for (auto each = std::next(begin); each != path.end(); ++each)
      circle += ", which depends on '" + *each + "'";
    problems_.add(by_name[*begin]->position_of("depends_on"), "dependencies in a circle: " + circle);
  }

  void check_primary() {
    const MachineConfig* first = nullptr;
    for (const MachineConfig& machine : project_.machines) {
      if (!machine.primary) continue;
      if (first)
        problems_.add(machine.position_of("primary"),
                      fmt::format("machine '{}' is primary, but so is '{}'", machine.block, first->block));
      else
        first = &machine;
    }
  }

  ProjectConfig& project_;
  Diagnostics& problems_;
  std::map<std::string, std::vector<std::string>>
      known_;  ///< machines and blocks, with the machines they mean
  std::vector<std::string> names_;
};

class Uniqueness {
 public:
  Uniqueness(const ProjectConfig& project, Diagnostics& problems) : problems_(problems) {
    for (const MachineConfig& machine : project.machines) names_.emplace(machine.name, machine.name);
  }

  void check(const MachineConfig& machine) {
    check_ports(machine);
    check_names(machine);
    check_disks(machine);
  }

 private:
  /// Whether two sockets cannot both be bound: an unspecified address takes all of its kind, `::` those of
  /// IPv4 too.
  static bool collide(const std::string& a, const std::string& b) {
    const auto takes = [](const std::string& all, const std::string& one) {
      return all == one || all == "::" || (all == "0.0.0.0" && one.find(':') == std::string::npos);
    };
    return takes(a, b) || takes(b, a);
  }

  void check_ports(const MachineConfig& machine) {
    for (const PortConfig& port : machine.ports) {
      if (!port.host || port.host->first != port.host->last) continue;
      auto& others = host_ports_[{port.protocol, port.host->first}];
      for (const auto& [bind, owner, position] : others)
        if (collide(bind, port.bind))
          problems_.add(port.position,
                        fmt::format("host port {} is taken twice: machine '{}' has it at {}",
                                    port.host->first, owner, position.to_string()),
                        fmt::format("choose another, or a range: '{}'", with_range(port, port.host->first)));
      others.push_back({port.bind, machine.name, port.position});
    }
  }

  /// Names by which the project's machines know each other.
  void check_names(const MachineConfig& machine) {
    for (const std::string& alias : machine.aliases) {
      const auto [known, is_new] = names_.emplace(alias, machine.name);
      if (!is_new)
        problems_.add(machine.position_of("aliases"),
                      fmt::format("alias '{}' of machine '{}' is also a name of machine '{}'", alias,
                                  machine.name, known->second));
    }
  }

  void check_disks(const MachineConfig& machine) {
    std::map<std::string, std::string> places;
    for (const FolderConfig& folder : machine.folders) places[folder.guest] = "a folder";
    for (const DiskConfig& disk : machine.disks) {
      if (disk.mount.empty()) continue;
      const auto [known, is_new] = places.emplace(disk.mount, fmt::format("disk '{}'", disk.name));
      if (!is_new)
        problems_.add(disk.position, fmt::format("disk '{}' is to be on '{}', where {} is", disk.name,
                                                 disk.mount, known->second));
    }
  }

  struct Taken {
    std::string bind, owner;
    SourcePosition position;
  };

  Diagnostics& problems_;
  std::map<std::pair<Protocol, std::uint16_t>, std::vector<Taken>> host_ports_;
  std::map<std::string, std::string> names_;  ///< with the machine that has each
};

}  // namespace

void check_dependencies(ProjectConfig& project, Diagnostics& problems) {
  Dependencies(project, problems).run();
}

void check_uniqueness(const ProjectConfig& project, Diagnostics& problems) {
  Uniqueness uniqueness(project, problems);
  for (const MachineConfig& machine : project.machines) uniqueness.check(machine);
}

}  // namespace envtool
