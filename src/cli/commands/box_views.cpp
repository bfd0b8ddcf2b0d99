#include "cli/commands/box_views.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/suggest.h"
#include "core/state.h"

namespace envtool {

namespace {

bool is_meant(const Session& session, const StoredBox& stored, const std::string& word) {
  const std::string path = (session.host.working_directory / word).lexically_normal().string();
  const auto& known = stored.addresses;
  return std::any_of(known.begin(), known.end(),
                     [&](const std::string& address) {
                       return address == word || address == path || address.starts_with(word + "@");
                     }) ||
         (word.size() >= 4 && stored.box.digest.starts_with(word));
}

}  // namespace

std::vector<UsedBox> all_boxes(Session& session) {
  std::vector<UsedBox> boxes;
  auto machines = machines_by_box(session.environments());
  for (StoredBox& stored : session.services.boxes.list()) {
    const std::string digest = stored.box.digest;
    boxes.push_back({std::move(stored), std::move(machines[digest])});
  }
  return boxes;
}

std::string name_of(const StoredBox& stored) {
  return stored.addresses.empty() ? stored.box.digest.substr(0, short_digest) : stored.addresses.front();
}

const UsedBox& find_box(const Session& session, const std::vector<UsedBox>& boxes, const std::string& word) {
  const UsedBox* found = nullptr;
  std::vector<std::string> known;
  for (const UsedBox& box : boxes) {
    known.insert(known.end(), box.stored.addresses.begin(), box.stored.addresses.end());
    if (!is_meant(session, box.stored, word)) continue;
    if (found)
      throw Error(ErrorKind::usage, fmt::format("'{}' may be several boxes", word))
          .with_hint("write more digits of the one that is meant; 'envtool box list' shows them");
    found = &box;
  }
  if (found) return *found;
  const std::string guess = did_you_mean(word, known);
  throw Error(ErrorKind::usage, fmt::format("there is no box '{}' in the store", word))
      .with_hint(guess.empty() ? "'envtool box list' shows what there is" : guess);
}

Value to_value(const UsedBox& box) {
  const StoredBox& stored = box.stored;
  Value addresses = Value::list(), machines = Value::list();
  for (const std::string& address : stored.addresses) addresses.push_back(address);
  for (const std::string& machine : box.machines) machines.push_back(machine);
  Value value = Value::map({{"digest", stored.box.digest},
                            {"addresses", addresses},
                            {"version", stored.box.version},
                            {"format", stored.box.format},
                            {"size", static_cast<std::int64_t>(stored.size.bytes)},
                            {"directory", stored.box.directory.string()},
                            {"machines", machines}});
  if (!stored.damage.empty()) value.set("damage", stored.damage);
  return value;
}

}  // namespace envtool
