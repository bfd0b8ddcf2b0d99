#include "cli/commands/box_views.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/suggest.h"
#include "base/text.h"
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

void for_each_copies(Session& session, const std::function<void(BoxCopies&)>& work) {
  for (const ProviderInfo& info : session.services.providers.infos()) {
    const auto provider = session.services.providers.make(info.name, session.host);
    if (auto* copies = power_of<BoxCopies>(*provider)) work(*copies);
  }
}

void tidy_boxes(Session& session) {
  Operation operation{session.host, "", session.stop};
  try {
    for_each_copies(session, [&](BoxCopies& copies) { copies.tidy(operation); });
    session.services.boxes.sweep([&](const std::string& digest) {
      for_each_copies(session, [&](BoxCopies& copies) { copies.forget_box(digest, operation); });
    });
  } catch (const Error& error) {
    session.say(fmt::format("what a killed command left of a box stays for now: {}", error.what()),
                Tone::warning);
  }
}

std::string name_of(const StoredBox& stored) {
  const auto& addresses = stored.addresses;
  if (addresses.empty()) return stored.box.digest.substr(0, short_digest);
  const auto is_name = [](const std::string& address) {
    return !address.starts_with('/') && address.find("://") == std::string::npos;
  };
  const auto name = std::ranges::find_if(addresses, is_name);
  return name == addresses.end() ? addresses.front() : *name;
}

std::vector<std::string> formats_for(const Session& session, const std::string& provider) {
  if (!provider.empty() && !session.services.providers.info(provider))
    session.services.providers.make(provider, session.host);  // says which there are
  std::vector<std::string> formats;
  for (const ProviderInfo& info : session.services.providers.infos())
    if (provider.empty() || info.name == provider)
      formats.insert(formats.end(), info.box_formats.begin(), info.box_formats.end());
  return formats;
}

const UsedBox& find_box(const Session& session, const std::vector<UsedBox>& boxes, const std::string& word,
                        const std::string& provider) {
  const std::vector<std::string> formats = formats_for(session, provider);
  const auto is_for_provider = [&](const UsedBox& box) {
    return provider.empty() ||
           std::find(formats.begin(), formats.end(), box.stored.box.format) != formats.end();
  };
  std::vector<const UsedBox*> found;
  std::vector<std::string> known, kinds;
  for (const UsedBox& box : boxes) {
    known.insert(known.end(), box.stored.addresses.begin(), box.stored.addresses.end());
    if (!is_meant(session, box.stored, word)) continue;
    kinds.push_back("'" + box.stored.box.format + "'");
    if (is_for_provider(box)) found.push_back(&box);
  }
  if (found.size() == 1) return *found.front();
  if (found.size() > 1)
    throw Error(ErrorKind::usage,
                fmt::format("'{}' may be several boxes, for {}", word, join(kinds, " and ")))
        .with_hint(
            "add '--provider NAME', or write more digits of the one that is meant; 'envtool box list' "
            "shows them");
  if (!kinds.empty())
    throw Error(ErrorKind::usage, fmt::format("box '{}' is for {}, not for provider '{}'", word,
                                              join(kinds, " and "), provider));
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
