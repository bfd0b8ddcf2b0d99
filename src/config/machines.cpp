#include "config/machines.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "config/check.h"
#include "config/merge.h"
#include "config/scalar.h"

namespace envtool {

namespace {

constexpr std::size_t most_machines = 10'000;

/// Adds what one file says under `machines:`.
void cut_blocks(const Node& machines, MachineLayers& layers, const Scope& scope) {
  for (const Entry& entry : machines.entries) {
    if (!matches(entry.key, machine_name_format()))
      scope.problems.add(entry.position,
                         fmt::format("'{}' is not {}", shortened(entry.key), machine_name_format().expected));
    const auto [known, is_new] = layers.index.emplace(entry.key, layers.blocks.size());
    if (is_new) layers.blocks.push_back({entry.key, entry.position});
    MachineLayers::Block* block = &layers.blocks[known->second];
    if (!is_new && entry.value.is_null()) {
      block->layers.clear();  // `null` takes away what outer files said
      continue;
    }
    if (entry.value.is_map() || entry.value.is_null()) {
      Node own = entry.value.is_map() ? entry.value : Node::map(entry.value.position);
      block->layers.push_back(std::move(own));
    } else {
      scope.problems.add(entry.value.position, fmt::format("machine '{}' must be a map, found {}",
                                                           shortened(entry.key), entry.value.describe()));
    }
  }
}

std::optional<int> count_of(const MachineLayers::Block& block, const Tables& tables, const Scope& scope) {
  const Node* count = nullptr;
  for (const Node& layer : block.layers)
    if (const Node* here = layer.find("count")) count = here->is_null() ? nullptr : here;
  if (!count) return std::nullopt;
  Node copy = *count;
  const Value number = check(copy, tables.machine.field("count")->shape, "count", scope);
  return static_cast<int>(number.as_integer(1));
}

}  // namespace

bool MachineLayers::are_several() const {
  return blocks.size() > 1 || (blocks.size() == 1 && blocks[0].count.value_or(1) > 1);
}

MachineLayers cut_machines(const std::vector<Layer>& files, const Tables& tables, const Scope& scope) {
  MachineLayers layers;
  for (const Layer& file : files) {
    Node defaults = Node::map(file.root.position);
    for (const Entry& entry : file.root.entries)
      if (tables.defaults.field(entry.key)) defaults.entries.push_back(entry);
    layers.defaults.push_back(std::move(defaults));
    const Node* machines = file.root.find("machines");
    layers.position = file.root.position;
    if (!machines || machines->is_null()) continue;
    if (machines->is_map() && !machines->entries.empty())
      cut_blocks(*machines, layers, scope);
    else
      scope.problems.add(machines->position,
                         fmt::format("'machines' must be a map of machines, found {}",
                                     machines->is_map() ? "an empty one" : machines->describe()),
                         "without 'machines' there is one, called 'default'");
  }
  std::erase_if(layers.blocks, [](const MachineLayers::Block& block) { return block.layers.empty(); });
  layers.index.clear();
  for (std::size_t at = 0; at < layers.blocks.size(); ++at) layers.index.emplace(layers.blocks[at].name, at);
  for (MachineLayers::Block& block : layers.blocks) block.count = count_of(block, tables, scope);
  return layers;
}

std::vector<MachineIdentity> identify(const MachineLayers& layers, const Scope& scope) {
  if (layers.blocks.empty()) return {{"default", "default", 1, false, layers.position}};
  std::vector<MachineIdentity> machines;
  std::set<std::string> names;
  for (const MachineLayers::Block& block : layers.blocks) {
    for (int index = 1; index <= block.count.value_or(1); ++index) {
      const std::string name = block.count ? fmt::format("{}-{}", block.name, index) : block.name;
      if (!names.insert(name).second)
        scope.problems.add(block.position, fmt::format("there are two machines called '{}'", name));
      machines.push_back({name, block.name, index, block.count.has_value(), block.position});
      if (machines.size() > most_machines) {
        scope.problems.add(block.position, fmt::format("there are more than {} machines", most_machines));
        scope.problems.throw_if_any();
      }
    }
  }
  return machines;
}

namespace {

const MachineLayers::Block* block_of(const MachineLayers& layers, const std::string& name) {
  const auto found = layers.index.find(name);
  return found == layers.index.end() ? nullptr : &layers.blocks[found->second];
}

/// Of a counted block, a host number is the first of a run.
void count_addresses(Node& machine, const Scope& scope) {
  Node* networks = machine.find("networks");
  if (!networks || !scope.machine->counted) return;
  for (Node& network : networks->items) {
    Node* ip = network.find("ip");
    if (!ip || !expand(*ip, Late::never, scope) || ip->varies) continue;
    if (const auto number = parse_integer(ip->text))
      ip->text = std::to_string(*number + scope.machine->index - 1);
  }
}

/// Lists in a provider's block add to the machine's own, as layers do.
void inherit_lists(Node& machine, const Tables& tables, const Scope& scope) {
  Node* providers = machine.find("providers");
  if (!providers) return;
  for (Entry& provider : providers->entries)
    for (const char* key : {"folders", "networks"}) {
      Node* own = provider.value.find(key);
      const Node* shared = machine.find(key);
      if (!own || !shared || !own->is_list()) continue;
      Node merged = *shared;
      merge_layer(merged, *own, tables.defaults.field(key)->shape, scope);
      *own = std::move(merged);
    }
}

}  // namespace

Node assemble(const MachineLayers& layers, const Tables& tables, const Scope& scope) {
  Node machine = Node::map(scope.machine->position);
  for (const Node& defaults : layers.defaults) merge_layer(machine, defaults, tables.defaults, scope);
  if (const MachineLayers::Block* block = block_of(layers, scope.machine->block))
    for (const Node& layer : block->layers) merge_layer(machine, layer, tables.machine, scope);
  machine.position = scope.machine->position;
  count_addresses(machine, scope);
  inherit_lists(machine, tables, scope);
  return machine;
}

namespace {

/// Looks for what cannot be the same on two machines.
class SharedSettings {
 public:
  SharedSettings(bool is_counted, const Scope& scope)
      : is_counted_(is_counted), where_(is_counted ? "under 'count'" : "at the top level"), scope_(scope) {}

  void report(Node& block) {
    report_if_fixed(block.find("hostname"), "hostname");
    if (Node* networks = block.find("networks"))
      for (Node& network : networks->items) {
        report_if_fixed(network.find("mac"), "mac");
        Node* ip = network.find("ip");
        // Under `count` a host number is the first of a run.
        if (!is_counted_ || !ip || !parse_integer(ip->text)) report_if_fixed(ip, "ip");
      }
    if (Node* ports = block.find("ports"))
      for (Node& port : ports->items) report_port(port.find("host"));
  }

 private:
  bool is_fixed(Node* value) const {
    return value && value->is_scalar() && expand(*value, Late::never, scope_) && !value->varies;
  }

  void report_if_fixed(Node* value, std::string_view key) const {
    if (!is_fixed(value)) return;
    scope_.problems.add(value->position,
                        fmt::format("'{}' stands {}, where it is for several machines", key, where_),
                        is_counted_ ? fmt::format("let '${{machine.index}}' be part of it")
                                    : fmt::format("move it to its machine, under 'machines:'"));
  }

  void report_port(Node* host) const {
    if (!is_fixed(host) || host->text.find('-') != std::string::npos) return;
    scope_.problems.add(
        host->position,
        fmt::format("host port {} stands {}, where it is for several machines", host->text, where_),
        fmt::format("a range gives each its own, such as '8080-8089:80'{}",
                    is_counted_ ? "" : "; or move it to its machine, under 'machines:'"));
  }

  bool is_counted_;
  std::string_view where_;
  const Scope& scope_;
};

}  // namespace

void report_shared(const MachineLayers& layers, const Tables& tables,
                   const std::vector<MachineIdentity>& machines, const Scope& scope) {
  const auto report = [&](const std::vector<Node>& parts, const MachineIdentity& machine, bool is_counted) {
    const Scope own{scope.names, scope.problems, &machine};
    Node merged = Node::map({});
    for (const Node& part : parts) merge_layer(merged, part, tables.machine, own);
    SharedSettings(is_counted, own).report(merged);
  };
  if (layers.are_several()) report(layers.defaults, machines.front(), false);
  for (const MachineIdentity& machine : machines)
    if (machine.counted && machine.index == 1) report(block_of(layers, machine.block)->layers, machine, true);
}

}  // namespace envtool
