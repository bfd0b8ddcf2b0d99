#include "providers/lxc/helper/snapshots.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <ctime>

#include "providers/lxc/helper/freezer.h"
#include "providers/lxc/helper/layers.h"
#include "providers/lxc/parts/disks.h"
#include "providers/lxc/parts/processes.h"

namespace envtool::lxc {

namespace {

bool is_running(const Context& context, const Record& record) {
  return Cgroups::of_machine(context.layout, record.name).is_running(record.name);
}

const std::string& snapshot_name(const Context& context) {
  const std::string& name = context.text("snapshot");
  if (!is_snapshot_name(name))
    throw Error(ErrorKind::usage, fmt::format("'{}' is no name for a snapshot", name));
  return name;
}

/// The layers of the machine as it is now, which then nobody writes into any more: the machine goes on in a
/// new one.
std::vector<std::string> set_aside(const std::filesystem::path& own, LayerStack& stack) {
  std::vector<std::string> layers = stack.layers;
  layers.push_back(stack.top);
  const std::string before = stack.top;
  if (layers.size() > most_layers) {
    const std::string merged = stack.new_layer();
    merge_layers(own, layers, merged);
    layers = {merged};
  }
  stack.top = stack.new_layer();
  make_top(own, stack.top, before);
  stack.layers = layers;
  return layers;
}

/// The layers of the machine as it is now, the highest of them a copy.
std::vector<std::string> copy_aside(const std::filesystem::path& own, LayerStack& stack) {
  std::vector<std::string> layers = stack.layers;
  layers.push_back(stack.new_layer());
  copy_layer(own, stack.top, layers.back());
  return layers;
}

/// Copies of these disks, by their names.
std::map<std::string, std::string> copy_disks(const std::filesystem::path& own,
                                              const std::map<std::string, std::string>& disks,
                                              LayerStack& stack) {
  std::map<std::string, std::string> copies;
  for (const auto& [name, layer] : disks) {
    copies[name] = stack.new_layer();
    copy_layer(own, layer, copies[name]);
  }
  return copies;
}

}  // namespace

std::vector<std::string> copy_aside(const Context& context, const Record& record, LayerStack& stack) {
  std::optional<StandStill> still;
  if (is_running(context, record)) still.emplace(context.layout, record.name);
  return copy_aside(context.layout.machine(record.name), stack);
}

Value save_snapshot(Context& context) {
  const Record record = complete_record(context);
  const std::string& name = snapshot_name(context);
  const std::filesystem::path own = context.layout.machine(record.name);
  LayerStack stack = stack_of(context.layout, record);
  if (stack.find(name)) throw Error(ErrorKind::failed, fmt::format("it has a snapshot '{}' already", name));
  const bool runs = is_running(context, record);
  std::optional<StandStill> still;
  if (runs) still.emplace(context.layout, record.name);
  const bool copies = runs || record.storage != Storage::overlay;
  SavedStack saved{.name = name,
                   .when = fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr))),
                   .layers = copies ? copy_aside(own, stack) : set_aside(own, stack),
                   .disks = copy_disks(own, stack.disks, stack)};
  still.reset();
  stack.snapshots.push_back(std::move(saved));
  save_stack(context, record, stack);
  discard_unused(own, stack);
  return Value::map();
}

Value restore_snapshot(Context& context) {
  const Record record = complete_record(context);
  const std::string& name = snapshot_name(context);
  const std::filesystem::path own = context.layout.machine(record.name);
  if (is_running(context, record)) throw Error(ErrorKind::failed, "it runs");
  LayerStack stack = stack_of(context.layout, record);
  const SavedStack* const saved = stack.find(name);
  if (!saved) throw Error(ErrorKind::failed, fmt::format("it has no snapshot '{}'", name));
  const std::string highest = saved->layers.back();
  stack.top = stack.new_layer();
  if (record.storage != Storage::overlay) {
    copy_layer(own, highest, stack.top);
  } else {
    make_top(own, stack.top, highest);
    stack.layers = saved->layers;
  }
  // One that outlives the machine by now is no part of it any more.
  std::map<std::string, std::string> disks = saved->disks;
  for (const std::string& kept : kept_disks(context.layout, record.name)) disks.erase(kept);
  stack.disks = copy_disks(own, disks, stack);
  save_stack(context, record, stack);
  discard_unused(own, stack);
  return Value::map();
}

Value delete_snapshot(Context& context) {
  const Record record = complete_record(context);
  const std::string& name = snapshot_name(context);
  LayerStack stack = stack_of(context.layout, record);
  if (!stack.find(name)) return Value::map();
  std::erase_if(stack.snapshots, [&](const SavedStack& saved) { return saved.name == name; });
  save_stack(context, record, stack);
  discard_unused(context.layout.machine(record.name), stack);
  return Value::map();
}

Value measure_snapshots(Context& context) {
  const Record record = complete_record(context);
  LayerStack stack = stack_of(context.layout, record);
  bool measured = false;
  for (SavedStack& saved : stack.snapshots) {
    if (saved.bytes >= 0) continue;
    const std::filesystem::path own = context.layout.machine(record.name);
    saved.bytes = tree_size(own / saved.layers.back());
    for (const auto& [name, layer] : saved.disks) saved.bytes += tree_size(own / layer);
    measured = true;
  }
  if (measured) save_stack(context, record, stack);
  return Value::map();
}

}  // namespace envtool::lxc
