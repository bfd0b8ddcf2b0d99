#include <fmt/format.h>
#include <unistd.h>

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
    section.checks.push_back(
        {.name = fmt::format("{}, for {}", program.name, program.used_for),
         .ok = found,
         .required = program.required,
         .found = found ? "" : "not on PATH",
         .remedy = found ? "" : fmt::format("sudo apt-get install {}", program.package)});
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
    provider->check_host(operation);
  } catch (const Error& error) {
    usable = {.name = "usable", .ok = false, .found = error.what(), .remedy = error.hint()};
  }
  section.checks.push_back(std::move(usable));
  return section;
}

std::string to_text(const Section& section, const Style& style) {
  std::string text = style.bold(section.title) + "\n";
  for (const HostCheck& check : section.checks) {
    const std::string mark = check.ok         ? style.green("ok     ")
                             : check.required ? style.red("missing")
                                              : style.yellow("absent ");
    text += fmt::format("  {}  {}{}\n", mark, check.name, check.found.empty() ? "" : ": " + check.found);
    if (!check.ok && !check.remedy.empty()) text += indent(check.remedy, 11) + "\n";
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
                                 {"remedy", check.remedy}}));
  return Value::map({{"title", section.title}, {"checks", checks}});
}

int doctor(Session& session) {
  std::vector<Section> sections = {programs(session.host)};
  bool usable = false;
  for (const ProviderInfo& info : session.services.providers.infos()) {
    sections.push_back(provider_section(session, info));
    usable = usable || sections.back().checks.back().ok;
  }
  std::string text;
  Value list = Value::list();
  for (const Section& section : sections) {
    text += (text.empty() ? "" : "\n") + to_text(section, session.style);
    list.push_back(to_value(section));
  }
  session.show(text, Value::map({{"usable", usable}, {"sections", list}}));
  return usable ? exit_code::done : exit_code::host_not_ready;
}

}  // namespace

Command doctor_command() {
  return {.name = "doctor",
          .group = group::tool,
          .summary = "show what this host lacks, and the command that mends it",
          .description = "Changes nothing. Exit 0 when at least one provider can be used, 4 when none can.",
          .run = doctor};
}

}  // namespace envtool
