#include "core/project_boxes.h"

#include <algorithm>

#include "base/architecture.h"

namespace envtool {

namespace {

void add_once(std::vector<std::string>& list, const std::vector<std::string>& items) {
  for (const std::string& item : items)
    if (std::find(list.begin(), list.end(), item) == list.end()) list.push_back(item);
}

/// What is known of a file stays known where the source says it is the same one.
void keep_digests(const std::vector<BoxPin>& before, std::vector<BoxPin>& after) {
  for (BoxPin& pin : after) {
    if (!pin.sha256.empty()) continue;
    const auto same = std::find_if(before.begin(), before.end(), [&](const BoxPin& other) {
      return other.format == pin.format && other.architecture == pin.architecture &&
             other.version == pin.version && other.url == pin.url;
    });
    if (same != before.end() && !pin.version.empty()) pin.sha256 = same->sha256;
  }
}

}  // namespace

std::vector<ProjectBox> project_boxes(const ProjectConfig& project, const ProviderRegistry& providers,
                                      const std::vector<std::string>& usual, BoxLocks& locks) {
  std::vector<ProjectBox> boxes;
  const auto add = [&](const MachineConfig& machine, const std::optional<BoxConfig>& box,
                       const std::vector<std::string>& formats) {
    if (!box || lock_address(*box).empty()) return;
    auto found = std::find_if(boxes.begin(), boxes.end(), [&](const ProjectBox& known) {
      return lock_address(known.request.box) == lock_address(*box) &&
             known.request.box.personal == box->personal;
    });
    if (found == boxes.end())
      found = boxes.insert(
          boxes.end(),
          {{.box = *box, .formats = {}, .sources = project.sources, .pins = locks.pins_of(*box)}, {}});
    add_once(found->request.formats, formats);
    add_once(found->machines, {machine.name});
  };
  for (const MachineConfig& machine : project.machines) {
    if (machine.providers.empty()) add(machine, machine.box, usual);
    for (const std::string& name : machine.providers)
      if (const ProviderInfo* info = providers.info(name))
        add(machine, effective_for(machine, name).box, info->box_formats);
  }
  return boxes;
}

const BoxPin* pin_for_host(const std::vector<BoxPin>& pins, const std::vector<std::string>& formats) {
  for (const std::string& format : formats)
    for (const BoxPin& pin : pins)
      if (pin.format == format && (pin.architecture == host_architecture() || pin.architecture == "unknown" ||
                                   pin.architecture.empty()))
        return &pin;
  return nullptr;
}

BoxMove move_to_newest(const ProjectBox& box, BoxSource& source, BoxLocks& locks, Operation& operation) {
  BoxMove move{.before = box.request.pins, .after = {}};
  BoxRequest request = box.request;
  request.kept_formats = request.formats;
  request.pins.clear();
  request.pins = source.newest(request, operation);
  // Neither says which file it is, so only fetching it does.
  request.anew = std::none_of(request.pins.begin(), request.pins.end(),
                              [](const BoxPin& pin) { return !pin.version.empty() || !pin.sha256.empty(); });
  keep_digests(move.before, request.pins);
  locks.move(request.box, source.resolve(request, operation).pins, operation);
  move.after = locks.pins_of(request.box);  // in the order of the file, as those before
  return move;
}

}  // namespace envtool
