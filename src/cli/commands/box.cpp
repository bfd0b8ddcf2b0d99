#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "cli/commands/box_views.h"
#include "cli/commands/commands.h"
#include "cli/session.h"
#include "cli/style.h"
#include "core/capabilities.h"
#include "core/rootfs.h"

namespace envtool {

namespace {

/// Which boxes a command means.
struct BoxWords {
  std::vector<std::string> words;
  std::string provider;
};

/// A box is somebody else's: its words do not reach the terminal as they are.
std::string shown(const Value& value) {
  std::string text = value.is_text() ? value.as_text() : to_json(value);
  for (char& c : text)
    if (static_cast<unsigned char>(c) < 32 || c == 127) c = ' ';
  return text;
}

std::string users_of(const UsedBox& box) {
  if (box.machines.empty()) return "unused";
  return box.machines.size() == 1 ? "1 machine" : fmt::format("{} machines", box.machines.size());
}

int list(Session& session) {
  tidy_boxes(session);
  const std::vector<UsedBox> boxes = all_boxes(session);
  std::vector<std::vector<std::string>> rows;
  Value values = Value::list();
  for (const UsedBox& box : boxes) {
    const StoredBox& stored = box.stored;
    rows.push_back({stored.box.digest.substr(0, short_digest),
                    session.style.bold(stored.addresses.empty() ? "(no address)" : name_of(stored)),
                    stored.damage.empty() ? stored.box.format : session.style.red("damaged"),
                    stored.size.to_string(), users_of(box)});
    values.push_back(to_value(box));
  }
  session.show(table(rows), Value::map({{"boxes", values}}));
  if (boxes.empty()) session.say("the store has no box");
  return exit_code::done;
}

/// What a box holds and says of itself, beside its defaults for all machines.
std::vector<std::vector<std::string>> rows_of_content(const Box& box) {
  std::vector<std::vector<std::string>> rows;
  for (const BoxDisk& disk : box.disks)
    rows.push_back({rows.empty() ? "disks" : "",
                    fmt::format("{} ({}, {})", disk.file, disk.format, disk.virtual_size.to_string())});
  bool is_first = true;
  for (const auto& [key, value] : box.info.members())
    rows.push_back({std::exchange(is_first, false) ? "info" : "", key + ": " + shown(value)});
  is_first = true;
  for (const std::string& note : box.notes)
    rows.push_back({std::exchange(is_first, false) ? "note" : "", note});
  return rows;
}

int info(Session& session, const BoxWords& meant) {
  const std::vector<UsedBox> boxes = all_boxes(session);
  const UsedBox& box = find_box(session, boxes, meant.words.front(), meant.provider);
  const StoredBox& stored = box.stored;
  std::vector<std::vector<std::string>> rows = {
      {"box", session.style.bold(name_of(stored))},
      {"digest", "sha256:" + stored.box.digest},
      {"size", stored.size.to_string()},
      {"directory", stored.box.directory.string()},
  };
  for (const std::string& address : stored.addresses)
    if (address != name_of(stored)) rows.push_back({"also", address});
  if (!stored.damage.empty()) rows.push_back({"damaged", session.style.red(stored.damage)});
  if (!stored.box.format.empty()) rows.push_back({"for", stored.box.format});
  if (stored.box.version != "0" && !stored.box.version.empty())
    rows.push_back({"version", stored.box.version});
  if (!stored.box.defaults.ssh_user.empty()) rows.push_back({"user", stored.box.defaults.ssh_user});
  for (const auto& row : rows_of_content(stored.box)) rows.push_back(row);
  for (std::size_t i = 0; i < box.machines.size(); ++i)
    rows.push_back({i == 0 ? "machines" : "", box.machines[i]});
  Value value = to_value(box);
  if (stored.box.metadata.is_map()) value.set("metadata", stored.box.metadata);
  if (!stored.box.info.is_null()) value.set("info", stored.box.info);
  Value notes = Value::list();
  for (const std::string& note : stored.box.notes) notes.push_back(note);
  value.set("notes", notes);
  session.show(table(rows), value);
  return exit_code::done;
}

/// Reads what the store has of it, and what a provider has unpacked.
void verify_one(Session& session, const Box& box, Operation& operation) {
  session.services.boxes.verify(box.digest, operation);
  bool is_unpacked = box.rootfs_manifest.empty();
  for (const ProviderInfo& info : session.services.providers.infos()) {
    const auto provider = session.services.providers.make(info.name, session.host);
    auto* rootfs_store = power_of<RootfsStore>(*provider);
    if (!rootfs_store || !rootfs_store->has_rootfs(box.digest)) continue;
    rootfs_store->verify_rootfs(box.digest, box.rootfs_manifest, operation);
    is_unpacked = true;
  }
  if (!is_unpacked) throw Error(ErrorKind::failed, "its unpacked root file system is gone");
}

int verify(Session& session, const BoxWords& named) {
  tidy_boxes(session);
  const std::vector<UsedBox> boxes = all_boxes(session);
  std::vector<const UsedBox*> meant;
  for (const std::string& word : named.words)
    meant.push_back(&find_box(session, boxes, word, named.provider));
  if (named.words.empty())
    for (const UsedBox& box : boxes) meant.push_back(&box);
  Operation operation{session.host, "", session.stop};
  Value values = Value::list();
  int code = exit_code::done;
  for (const UsedBox* box : meant) {
    const std::string name = name_of(box->stored);
    Value value = Value::map({{"digest", box->stored.box.digest}, {"ok", true}});
    try {
      verify_one(session, box->stored.box, operation);
      session.say(fmt::format("box '{}' is as it was stored", name), Tone::success);
    } catch (Error& error) {
      code = exit_code::failed;
      const std::string digest = box->stored.box.digest.substr(0, short_digest);
      error.with_frame(fmt::format("box '{}' ({}) is damaged", name, digest));
      error.with_hint(fmt::format("'envtool box remove {}' takes it away; then add it again", digest));
      session.host.reporter.error("", error);
      value.set("ok", false).set("damage", error.what());
    }
    values.push_back(value);
  }
  if (session.options.json) session.show("", Value::map({{"boxes", values}}));
  if (boxes.empty()) session.say("the store has no box");
  return code;
}

/// What providers made of it goes first: interrupted between the two, it can be removed once more.
void remove_one(Session& session, const StoredBox& stored) {
  Operation operation{session.host, "", session.stop};
  for_each_copies(session, [&](BoxCopies& copies) { copies.forget_box(stored.box.digest, operation); });
  session.services.boxes.remove(stored.box.digest, operation);
}

/// Removes them and tells what became free. Of earlier ones, too, what another host still has.
void remove_all(Session& session, const std::vector<const UsedBox*>& boxes) {
  Value removed = Value::list();
  for (const UsedBox* box : boxes) {
    remove_one(session, box->stored);
    removed.push_back(box->stored.box.digest);
    if (!session.options.json)
      session.say(fmt::format("box '{}' is removed ({})", name_of(box->stored), box->stored.size.to_string()),
                  Tone::success);
  }
  Operation operation{session.host, "", session.stop};
  for_each_copies(session, [&](BoxCopies& copies) { copies.forget_elsewhere(operation); });
  if (session.options.json) session.show("", Value::map({{"removed", removed}}));
}

int remove(Session& session, const BoxWords& named) {
  tidy_boxes(session);
  const std::vector<UsedBox> boxes = all_boxes(session);
  std::vector<const UsedBox*> meant;
  for (const std::string& word : named.words) {
    const UsedBox& box = find_box(session, boxes, word, named.provider);
    if (!box.machines.empty())
      throw Error(ErrorKind::failed,
                  fmt::format("box '{}' is in use: by {}", name_of(box.stored), join(box.machines, ", ")))
          .with_hint(
              fmt::format("destroy what was made of it first: envtool destroy {}", join(box.machines, " ")));
    if (std::find(meant.begin(), meant.end(), &box) == meant.end()) meant.push_back(&box);
  }
  remove_all(session, meant);
  return exit_code::done;
}

int prune(Session& session) {
  tidy_boxes(session);
  const std::vector<UsedBox> boxes = all_boxes(session);
  std::vector<const UsedBox*> unused;
  std::vector<std::string> names;
  ByteSize size;
  for (const UsedBox& box : boxes) {
    if (!box.machines.empty()) continue;
    unused.push_back(&box);
    names.push_back("'" + name_of(box.stored) + "'");
    size.bytes += box.stored.size.bytes;
  }
  if (!unused.empty() &&
      !session.confirm(fmt::format("remove {} ({})?", join(names, ", "), size.to_string()))) {
    session.say("nothing was removed");
    return exit_code::failed;
  }
  remove_all(session, unused);
  if (unused.empty()) session.say("no box is unused");
  return exit_code::done;
}

OptionRow provider_option(BoxWords& target) {
  OptionRow row =
      text_option(0, "provider", "NAME", target.provider, "of several boxes of a name the one for NAME");
  row.completes = Completes::providers;
  return row;
}

ArgumentRow box_argument(std::vector<std::string>& target, bool repeated) {
  return {.name = "BOX",
          .help = "its address, or the first digits of its digest",
          .set = [&target](const std::string& word) { target.push_back(word); },
          .required = true,
          .repeated = repeated,
          .completes = Completes::boxes};
}

}  // namespace

Command box_list_command() {
  return {.name = "box list",
          .group = group::boxes,
          .summary = "show the boxes of the store, and how many machines use each",
          .run = list};
}

Command box_info_command() {
  const auto words = std::make_shared<BoxWords>();
  return {.name = "box info",
          .group = group::boxes,
          .summary = "show what is known of a box",
          .description = "With --json also the box's own metadata.",
          .options = {provider_option(*words)},
          .arguments = {box_argument(words->words, false)},
          .run = [words](Session& session) { return info(session, *words); }};
}

Command box_verify_command() {
  const auto words = std::make_shared<BoxWords>();
  ArgumentRow box = box_argument(words->words, true);
  box.required = false;
  return {.name = "box verify",
          .group = group::boxes,
          .summary = "read boxes of the store once more and compare their checksums",
          .description = "Without names: all. Exit 1 when one is not as it was stored.",
          .options = {provider_option(*words)},
          .arguments = {box},
          .run = [words](Session& session) { return verify(session, *words); }};
}

Command box_remove_command() {
  const auto words = std::make_shared<BoxWords>();
  return {.name = "box remove",
          .group = group::boxes,
          .summary = "remove boxes that no machine uses",
          .description =
              "With them goes what providers made of them. A box in use is refused, and then none goes.",
          .options = {provider_option(*words)},
          .arguments = {box_argument(words->words, true)},
          .run = [words](Session& session) { return remove(session, *words); }};
}

Command box_prune_command() {
  return {.name = "box prune",
          .group = group::boxes,
          .summary = "remove all boxes that no machine uses; asks",
          .run = prune};
}

}  // namespace envtool
