#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <set>

#include "base/shell.h"
#include "base/text.h"
#include "cli/commands/commands.h"
#include "cli/session.h"
#include "cli/style.h"
#include "core/capabilities.h"

namespace envtool {

namespace {

struct Section {
  std::string title;
  std::vector<HostCheck> checks;
};

bool is_on_path(const Host& host, const std::string& program) {
  for (const std::string& directory : split(host.variable("PATH", "/usr/bin:/bin"), ':'))
    if (::access((directory + "/" + program).c_str(), X_OK) == 0) return true;
  return false;
}

Section programs(const Host& host) {
  struct Program {
    const char* name;
    const char* used_for;
    const char* package;
    bool required;
  };
  constexpr Program wanted[] = {{"ssh", "'envtool ssh', 'exec', 'cp' and Ansible", "openssh-client", true},
                                {"rsync", "folders that are copied into machines", "rsync", false},
                                {"ansible-playbook", "'ansible' provisioners", "ansible-core", false}};
  Section section{"programs", {}};
  for (const Program& program : wanted) {
    const bool found = is_on_path(host, program.name);
    section.checks.push_back({.name = fmt::format("{}, for {}", program.name, program.used_for),
                              .ok = found,
                              .required = program.required,
                              .found = found ? "" : "not on PATH",
                              .fix = {{{"apt-get", "install", "--yes", program.package}}}});
  }
  return section;
}

/// A provider that does not tell its needs one by one is asked whether it is usable at all.
Section provider_section(Session& session, const ProviderInfo& info) {
  Section section{"provider " + info.name, {}};
  Operation operation{session.host, "", session.stop};
  const auto provider = session.services.providers.make(info.name, session.host);
  if (auto* diagnosis = power_of<HostDiagnosis>(*provider)) section.checks = diagnosis->diagnose(operation);
  HostCheck usable{.name = "usable", .ok = true};
  try {
    provider->check_host({}, operation);
  } catch (const Error& error) {
    usable = {.name = "usable", .ok = false, .found = error.what(), .remedy = error.hint()};
    const bool was_said = std::ranges::any_of(
        section.checks, [&](const HostCheck& check) { return !check.ok && check.found == error.what(); });
    if (was_said) usable = {.name = "usable", .ok = false, .found = "not before that is mended"};
  }
  section.checks.push_back(std::move(usable));
  return section;
}

/// As one types it.
std::string to_text(const RootCommand& command) {
  const std::string line = "sudo " + quote_command(command.argv);
  if (command.input.empty()) return line;
  return fmt::format("echo {} | {}", quote_shell(command.input.substr(0, command.input.size() - 1)), line);
}

std::string remedy_of(const HostCheck& check) {
  if (check.ok) return "";
  std::vector<std::string> lines;
  for (const RootCommand& command : check.fix) lines.push_back(to_text(command));
  return lines.empty() ? check.remedy : join(lines, "\n");
}

std::string to_text(const Section& section, const Style& style) {
  std::string text = style.bold(section.title) + "\n";
  for (const HostCheck& check : section.checks) {
    const std::string mark = check.ok         ? style.green("ok     ")
                             : check.required ? style.red("missing")
                                              : style.yellow("absent ");
    text += fmt::format("  {}  {}{}\n", mark, check.name, check.found.empty() ? "" : ": " + check.found);
    if (const std::string remedy = remedy_of(check); !remedy.empty()) text += indent(remedy, 11) + "\n";
  }
  return text;
}

Value to_value(const Section& section) {
  Value checks = Value::list();
  for (const HostCheck& check : section.checks)
    checks.push_back(Value::map({{"name", check.name},
                                 {"ok", check.ok},
                                 {"required", check.required},
                                 {"found", check.found},
                                 {"remedy", remedy_of(check)}}));
  return Value::map({{"title", section.title}, {"checks", checks}});
}

std::vector<Section> examine(Session& session) {
  std::vector<Section> sections = {programs(session.host)};
  for (const ProviderInfo& info : session.services.providers.infos())
    sections.push_back(provider_section(session, info));
  return sections;
}

using Fix = std::vector<RootCommand>;

/// What would mend the sections, one thing after the other, but for commands that have been tried.
std::vector<Fix> fixes(const std::vector<Section>& sections, const std::set<std::string>& tried) {
  std::vector<Fix> found;
  std::set<std::string> listed = tried;
  for (const Section& section : sections)
    for (const HostCheck& check : section.checks) {
      Fix fix;
      for (const RootCommand& command : check.fix)
        if (!check.ok && listed.insert(to_text(command)).second) fix.push_back(command);
      if (!fix.empty()) found.push_back(std::move(fix));
    }
  return found;
}

void run_as_root(Session& session, const RootCommand& command) {
  ProcessSpec spec{.argv = command.argv, .input = command.input, .regain_root = can_regain_root()};
  if (!spec.regain_root) spec.argv.insert(spec.argv.begin(), "sudo");
  const ProcessResult result = session.host.processes.run(spec, session.stop);
  if (!result.ok()) throw Error(ErrorKind::failed, describe_failure(spec, result));
}

/// Stops at the first command that fails, and adds why to `failures`.
void run_fix(Session& session, const Fix& fix, std::vector<Diagnostic>& failures) {
  try {
    for (const RootCommand& command : fix) run_as_root(session, command);
  } catch (const Error& error) {
    failures.push_back({error.what(), {}, error.hint()});
  }
}

/// One thing mended may show the next that is missing: a bridge, say, once its package is there. What cannot
/// be mended keeps nothing else from it: one may need a network, and the next one none.
std::vector<Section> mend(Session& session, std::vector<Section> sections,
                          std::vector<Diagnostic>& failures) {
  std::set<std::string> tried;
  for (;;) {
    const std::vector<Fix> wanted = fixes(sections, tried);
    if (wanted.empty() && tried.empty()) session.say("there is nothing that '--fix' can mend");
    if (wanted.empty()) return sections;
    std::string list;
    for (const Fix& fix : wanted)
      for (const RootCommand& command : fix) {
        list += indent(to_text(command), 2) + "\n";
        tried.insert(to_text(command));
      }
    session.say("as root:\n" + list);
    if (!session.confirm("run these commands?")) return sections;
    for (const Fix& fix : wanted) run_fix(session, fix, failures);
    sections = examine(session);
  }
}

int doctor(Session& session, bool fix) {
  std::vector<Section> sections = examine(session);
  std::vector<Diagnostic> failures;
  if (fix) sections = mend(session, std::move(sections), failures);
  bool usable = false;
  for (const Section& section : sections)
    usable = usable || (&section != &sections.front() && section.checks.back().ok);
  std::string text;
  Value list = Value::list();
  for (const Section& section : sections) {
    text += (text.empty() ? "" : "\n") + to_text(section, session.style);
    list.push_back(to_value(section));
  }
  session.show(text, Value::map({{"usable", usable}, {"sections", list}}));
  if (!failures.empty()) throw Error(ErrorKind::failed, std::move(failures));
  return usable ? exit_code::done : exit_code::host_not_ready;
}

}  // namespace

Command doctor_command() {
  const auto fix = std::make_shared<bool>(false);
  return {.name = "doctor",
          .group = group::tool,
          .summary = "show what this host lacks, and the command that mends it",
          .description =
              "Changes nothing without '--fix'. Exit 0 when at least one provider can be used,\n"
              "4 when none can.",
          .options = {flag(0, "fix", *fix, "run those commands by sudo, after showing them and asking")},
          .run = [fix](Session& session) { return doctor(session, *fix); }};
}

}  // namespace envtool
