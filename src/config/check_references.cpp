#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "config/references.h"
#include "config/rules.h"

namespace envtool {

namespace {

/// Looks through every value that is expanded only when machines are up.
class References {
 public:
  References(const ProjectConfig& project, Diagnostics& problems) : project_(project), problems_(problems) {}

  void run() const {
    for (const MachineConfig& machine : project_.machines) {
      look_at(machine.vars, &machine);
      look_at(machine.message, &machine);
      for (const ProvisionConfig& step : machine.provision) look_at(step.options, &machine);
      for (const auto& [provider, overrides] : machine.provider_overrides)
        look_at(overrides.options, &machine);
    }
    const std::vector<MachineConfig>& all = project_.machines;
    look_at(project_.message, all.size() == 1 ? &all.front() : nullptr);
    for (const ProvisionConfig& step : project_.provision_all) look_at(step.options, nullptr);
    for (const auto& [name, group] : project_.ansible.groups) look_at(group.vars, nullptr);
  }

 private:
  /// `own` is what "machine" means there; null: nothing.
  void look_at(const Value& value, const MachineConfig* own) const {
    for (const Value& item : value.items()) look_at(item, own);
    for (const auto& [key, member] : value.members()) look_at(member, own);
    if (!value.is_late()) return;
    const auto parts = split_references(value.as_text());
    if (!parts) return;
    for (const TextPart& part : *parts)
      if (part.is_reference) check(part.text, value.position, own);
  }

  void check(const std::string& reference, const SourcePosition& position, const MachineConfig* own) const {
    const std::vector<std::string> words = split(reference, '.');
    if (words.size() == 3 && words[0] == "machine" && words[1] == "port" && own)
      check_port(*own, words[2], position);
    if (words.size() != 4 || words[0] != "machines" || words[2] != "port") return;
    if (const MachineConfig* other = project_.find(words[1])) check_port(*other, words[3], position);
  }

  void check_port(const MachineConfig& machine, const std::string& port,
                  const SourcePosition& position) const {
    std::vector<std::string> known;
    for (const PortConfig& each : machine.ports) known.push_back(std::to_string(each.guest));
    if (std::ranges::find(known, port) != known.end()) return;
    problems_.add(position, fmt::format("no host port leads to port {} of machine '{}'", port, machine.name),
                  known.empty() ? fmt::format("it has no 'ports'; ports: [{}] forwards it", port)
                                : fmt::format("its 'ports' lead to: {}", join(known, ", ")));
  }

  const ProjectConfig& project_;
  Diagnostics& problems_;
};

}  // namespace

void check_references(const ProjectConfig& project, Diagnostics& problems) {
  References(project, problems).run();
}

}  // namespace envtool
