// What the boxes of a project are locked to, and how that moves.
#include <fmt/format.h>

#include <algorithm>

#include "base/suggest.h"
#include "base/text.h"
#include "cli/commands/commands.h"
#include "cli/session.h"
#include "cli/style.h"
#include "core/project_boxes.h"

namespace envtool {

namespace {

/// Formats of the provider that a machine which names none would get.
std::vector<std::string> usual_formats(Session& session) {
  Operation operation{session.host, "", session.stop};
  const std::string wanted = session.host.variable("ENVTOOL_PROVIDER");
  for (const ProviderInfo& info : session.services.providers.infos()) {
    if (!wanted.empty() && info.name != wanted) continue;
    try {
      session.services.providers.make(info.name, session.host)->check_host({}, operation);
      return info.box_formats;
    } catch (const Error&) {  // not usable here, so no machine gets it
    }
  }
  std::vector<std::string> all;
  for (const ProviderInfo& info : session.services.providers.infos())
    all.insert(all.end(), info.box_formats.begin(), info.box_formats.end());
  return all;
}

bool is_meant(const ProjectBox& box, const std::string& word) {
  const BoxConfig& config = box.request.box;
  return word == config.name || word == lock_address(config) ||
         word == config.name.substr(0, config.name.find('@'));
}

/// The project's boxes of these names; without names all.
std::vector<ProjectBox> chosen_boxes(Session& session, BoxLocks& locks,
                                     const std::vector<std::string>& words) {
  const std::vector<ProjectBox> all =
      project_boxes(session.project().project, session.services.providers, usual_formats(session), locks);
  if (words.empty()) return all;
  std::vector<ProjectBox> chosen;
  std::vector<std::string> known;
  for (const ProjectBox& box : all) known.push_back(box.request.box.name);
  for (const std::string& word : words) {
    const std::size_t before = chosen.size();
    std::copy_if(all.begin(), all.end(), std::back_inserter(chosen),
                 [&](const ProjectBox& box) { return is_meant(box, word); });
    if (chosen.size() == before)
      throw Error(ErrorKind::usage, fmt::format("no machine of this project is made of box '{}'", word))
          .with_hint(did_you_mean(word, known));
  }
  return chosen;
}

std::string shown(const BoxPin* pin) {
  if (!pin) return "-";
  if (!pin->version.empty()) return pin->version;
  return pin->sha256.empty() ? "another file" : pin->sha256.substr(0, 12);
}

/// "current", "outdated", "not locked", or "not known" where only a download could tell.
std::string state_of(const BoxPin* locked, const BoxPin* newest) {
  if (!locked) return "not locked";
  if (!newest) return "not known";
  if (newest->version.empty() && newest->sha256.empty()) return "outdated";
  const bool same_content =
      locked->sha256.empty() || newest->sha256.empty() || locked->sha256 == newest->sha256;
  return locked->version == newest->version && same_content ? "current" : "outdated";
}

int outdated(Session& session, const std::vector<std::string>& words) {
  BoxLocks locks(session.project().project.directory, session.host.paths);
  Operation operation{session.host, "", session.stop};
  std::vector<std::vector<std::string>> rows;
  Value values = Value::list();
  int code = exit_code::done;
  for (const ProjectBox& box : chosen_boxes(session, locks, words)) {
    const std::string address = lock_address(box.request.box);
    const BoxPin* locked = pin_for_host(box.request.pins, box.request.formats);
    Value value = Value::map({{"box", address}, {"locked", shown(locked)}});
    try {
      const std::vector<BoxPin> pins = session.services.boxes.newest(box.request, operation);
      const BoxPin* newest = pin_for_host(pins, box.request.formats);
      const std::string state = state_of(locked, newest);
      rows.push_back({session.style.bold(address), shown(locked), shown(newest),
                      state == "outdated" ? session.style.yellow(state) : state});
      value.set("newest", shown(newest)).set("state", state);
    } catch (const Error& error) {
      code = exit_code::failed;
      session.host.reporter.error("", error);
      value.set("state", "failed").set("error", error.what());
    }
    values.push_back(std::move(value));
  }
  session.show(table(rows), Value::map({{"boxes", values}}));
  if (values.items().empty()) session.say("the project has no box that could be outdated");
  return code;
}

int update(Session& session, const std::vector<std::string>& words) {
  BoxLocks locks(session.project().project.directory, session.host.paths);
  Operation operation{session.host, "", session.stop};
  Value values = Value::list();
  const std::vector<ProjectBox> boxes = chosen_boxes(session, locks, words);
  std::vector<BoxConfig> kept;
  for (const ProjectBox& box : boxes) {
    const std::string address = lock_address(box.request.box);
    const BoxMove move = move_to_newest(box, session.services.boxes, locks, operation);
    const std::string before = shown(pin_for_host(move.before, box.request.formats));
    const std::string after = shown(pin_for_host(move.after, box.request.formats));
    values.push_back(Value::map(
        {{"box", address}, {"before", before}, {"after", after}, {"changed", move.has_changed()}}));
    kept.push_back(box.request.box);
    if (session.options.json) continue;
    if (!move.has_changed())
      session.say(fmt::format("box '{}' is up to date: {}", address, after));
    else if (before == after || before == "-")
      session.say(fmt::format("box '{}' is locked to {}", address, after), Tone::success);
    else
      session.say(
          fmt::format("box '{}' moved from {} to {}; machines take it with 'envtool destroy' and 'up'",
                      address, before, after),
          Tone::success);
  }
  // Other files than the project's own may share its directory, and want what they have locked there.
  if (words.empty() && session.options.files.empty() && session.host.variable("ENVTOOL_FILE").empty())
    locks.keep_only(kept, operation);
  if (session.options.json) session.show("", Value::map({{"boxes", values}}));
  if (boxes.empty()) session.say("the project has no box that could be updated");
  return exit_code::done;
}

ArgumentRow box_arguments(std::vector<std::string>& target) {
  return {.name = "BOX",
          .help = "a box of the Envfile, with or without its version; default: all",
          .set = [&target](const std::string& word) { target.push_back(word); },
          .repeated = true,
          .completes = Completes::boxes};
}

}  // namespace

Command box_outdated_command() {
  const auto words = std::make_shared<std::vector<std::string>>();
  return {.name = "box outdated",
          .group = group::boxes,
          .summary = "compare what the project's boxes are locked to with what their sources have",
          .description = "Fetches no box. Where only a download could tell, it says 'not known'.",
          .arguments = {box_arguments(*words)},
          .run = [words](Session& session) { return outdated(session, *words); }};
}

Command box_update_command() {
  const auto words = std::make_shared<std::vector<std::string>>();
  return {.name = "box update",
          .group = group::boxes,
          .summary = "fetch the newest boxes that the Envfile allows, and lock them",
          .description = "Writes Envfile.lock. Machines that are there keep the box that they were made of.",
          .examples = {"envtool box update", "envtool box update generic/debian12"},
          .arguments = {box_arguments(*words)},
          .run = [words](Session& session) { return update(session, *words); }};
}

}  // namespace envtool
