#include <algorithm>
#include <set>

#include "base/text.h"
#include "cli/commands/commands.h"
#include "cli/session.h"
#include "core/powers.h"

namespace envtool {

namespace {

using Candidates = std::vector<std::pair<std::string, std::string>>;  // a word and what it means

/// Where the cursor stands in a half-written command line.
struct Cursor {
  std::string family;  ///< "box", of which the second word is still to come
  const Command* command = nullptr;
  const OptionRow* option = nullptr;  ///< whose value is being written
  std::size_t arguments = 0;          ///< before the cursor
  bool in_rest = false;               ///< behind "--"
  std::string current;                ///< what is written of the word so far
  std::string before;                 ///< of that word, what the shell already has ("--provider=")
};

/// An option that wants the next word as its value, or null.
const OptionRow* wants_next(const CommandLine& language, const Command* command, const std::string& word) {
  if (word.size() < 2 || word[0] != '-' || word.find('=') != std::string::npos) return nullptr;
  const std::string name = word.starts_with("--") ? word.substr(2) : word.substr(word.size() - 1);
  const OptionRow* row = language.find_option(command, name);
  return row && !row->value.empty() && !row->value_optional ? row : nullptr;
}

Cursor cursor_in(const CommandLine& language, std::vector<std::string> words) {
  Cursor cursor;
  // Bash cuts words at '='.
  for (std::size_t i = 1; i + 1 < words.size(); ++i)
    if (words[i] == "=") words.erase(words.begin() + static_cast<std::ptrdiff_t>(i--));
  if (!words.empty() && words.back() == "=") words.back().clear();
  if (words.empty()) words.emplace_back();
  cursor.current = words.back();
  words.pop_back();
  for (const std::string& word : words) {
    if (cursor.option) {
      cursor.option = nullptr;
    } else if (cursor.in_rest || word == "--") {
      cursor.in_rest = true;
    } else if (word.starts_with('-') && word.size() > 1) {
      cursor.option = wants_next(language, cursor.command, word);
    } else if (cursor.command == nullptr) {
      cursor.command = language.find(cursor.family.empty() ? word : cursor.family + " " + word);
      if (!cursor.command && !language.family(word).empty()) cursor.family = word;
    } else {
      ++cursor.arguments;
    }
  }
  const std::size_t equals = cursor.current.find('=');
  if (!cursor.option && !cursor.in_rest && cursor.current.starts_with("--") && equals != std::string::npos) {
    cursor.option = language.find_option(cursor.command, cursor.current.substr(2, equals - 2));
    cursor.before = cursor.current.substr(0, equals + 1);
    cursor.current.erase(0, equals + 1);
  }
  return cursor;
}

/// Names out of the Envfile; none when it cannot be read, for a message would land in the middle of a prompt.
Candidates from_project(Session& session, Completes what) try {
  const ProjectConfig& project = session.project().project;
  Candidates found;
  std::set<std::string> seen;
  for (const MachineConfig& machine : project.machines) {
    if (what == Completes::machines) {
      if (machine.block != machine.name && seen.insert(machine.block).second)
        found.emplace_back(machine.block, "all of the block");
      if (seen.insert(machine.name).second) found.emplace_back(machine.name, "machine");
    } else {
      for (const ProvisionConfig& item : machine.provision)
        if (seen.insert(item.name).second) found.emplace_back(item.name, item.kind);
    }
  }
  return found;
} catch (const Error&) {
  return {};
}

/// Names of the project's snapshots; none when they cannot be had, as for names out of the Envfile.
Candidates snapshots_of(Session& session) try {
  const Session::Target target = session.open({}, Session::Config::if_there);
  Candidates found;
  std::set<std::string> seen;
  for (const std::string& machine : target.engine.select({}, true))
    for (const std::string& name : Powers(target.engine).snapshot_names(machine))
      if (seen.insert(name).second) found.emplace_back(name, "snapshot");
  return found;
} catch (const Error&) {
  return {};
}

Candidates candidates_for(Session& session, Completes what) {
  switch (what) {
    case Completes::machines: {
      Candidates found = from_project(session, what);
      if (found.size() == 1 && found.front().first == "default") found.clear();
      for (const Environment& environment : session.environments().all())
        found.emplace_back("@" + environment.name, environment.directory.string());
      return found;
    }
    case Completes::boxes: {
      Candidates found;
      for (const StoredBox& stored : session.services.boxes.list()) {
        const bool known = !stored.addresses.empty();
        found.emplace_back(known ? stored.addresses.front() : stored.box.digest.substr(0, 12),
                           stored.box.format);
      }
      return found;
    }
    case Completes::provisioners:
      return from_project(session, what);
    case Completes::providers: {
      Candidates found;
      for (const ProviderInfo& info : session.services.providers.infos())
        found.emplace_back(info.name, info.summary);
      return found;
    }
    case Completes::snapshots:
      return snapshots_of(session);
    case Completes::shells:
      return {{"bash", ""}, {"zsh", ""}, {"fish", ""}};
    case Completes::files:
      return {{":files", ""}};
    case Completes::directories:
      return {{":directories", ""}};
    default:
      return {};
  }
}

Candidates options_of(const std::vector<OptionRow>& rows) {
  Candidates found;
  for (const OptionRow& row : rows) found.emplace_back("--" + row.name, row.help);
  return found;
}

/// First words, or the second ones behind that word.
Candidates commands_of(const CommandLine& language, const std::string& family) {
  Candidates found;
  for (const Command& command : language.commands()) {
    const std::size_t space = command.name.find(' ');
    const std::string first = command.name.substr(0, space);
    if (!family.empty() && first == family && space != std::string::npos)
      found.emplace_back(command.name.substr(space + 1), command.summary);
    if (!family.empty() || command.group.empty()) continue;
    if (space == std::string::npos)
      found.emplace_back(command.name, command.summary);
    else if (found.empty() || found.back().first != first)
      found.emplace_back(first, join(language.family(first), ", "));
  }
  return found;
}

Candidates candidates_at(Session& session, const Cursor& cursor) {
  if (cursor.option) return candidates_for(session, cursor.option->completes);
  if (cursor.in_rest) return {{":files", ""}};
  if (cursor.current.starts_with('-')) {
    Candidates found = cursor.command ? options_of(cursor.command->options) : Candidates();
    const Candidates globals = options_of(session.language.globals());
    found.insert(found.end(), globals.begin(), globals.end());
    return found;
  }
  if (cursor.command == nullptr) {
    return commands_of(session.language, cursor.family);
  }
  const ArgumentRow* row = argument_at(*cursor.command, cursor.arguments);
  return row ? candidates_for(session, row->completes) : Candidates();
}

/// A session that has read the -C, -f and --param of the half-written line.
int complete(Session& session, const std::vector<std::string>& words) {
  GlobalOptions written;
  CommandLine language(all_commands(), written);
  std::vector<std::string> whole(words.begin(), words.empty() ? words.end() : words.end() - 1);
  try {
    language.parse(whole);
  } catch (const Error&) {
    // Half-written lines often make no sense yet.
  }
  Host host = session.host;
  if (!written.directory.empty()) host.working_directory = host.working_directory / written.directory;
  Session inner(host, session.services, session.console, written, language, session.stop);
  const Cursor cursor = cursor_in(language, words);
  std::string text;
  for (const auto& [word, meaning] : candidates_at(inner, cursor)) {
    if (!word.starts_with(cursor.current) && !word.starts_with(':')) continue;
    // Bash has cut off what stands before '=' only when it came as words of their own.
    text +=
        (word.starts_with(':') ? "" : cursor.before) + word + (meaning.empty() ? "" : "\t" + meaning) + "\n";
  }
  session.console.write_output(text);
  return exit_code::done;
}

}  // namespace

Command complete_command() {
  const auto words = std::make_shared<std::vector<std::string>>();
  return {.name = "__complete",
          .summary = "print candidates for the last of the words, for the scripts of 'completion'",
          .rest = ArgumentRow{.name = "WORDS",
                              .help = "the words behind 'envtool', the last one half written",
                              .set = [words](const std::string& word) { words->push_back(word); },
                              .repeated = true},
          .run = [words](Session& session) { return complete(session, *words); }};
}

}  // namespace envtool
