#include "provisioners/shell/shell.h"

#include <fmt/format.h>

#include <memory>

#include "base/files.h"
#include "base/hash.h"
#include "base/shell.h"
#include "base/text.h"
#include "core/program_output.h"
#include "core/registry.h"

namespace envtool {

namespace {

/// Linux takes 128 KiB in one argument (MAX_ARG_STRLEN), and quoting makes text longer.
constexpr std::size_t longest_argument = 64 << 10;

std::string script_of(const ProvisionConfig& item) {
  const Value& path = item.options["path"];
  if (path.is_null()) return item.options["inline"].as_text();
  std::string text = read_file(path.as_text());
  const std::string& expected = item.options["sha256"].as_text();
  if (!expected.empty() && sha256(text) != expected)
    throw Error(ErrorKind::failed,
                fmt::format("script '{}' has sha256 {}, expected {}", path.as_text(), sha256(text), expected))
        .at(path.position);
  return text;
}

std::vector<std::string> arguments_of(const ProvisionConfig& item, const ProvisionContext& context) {
  return expand_late(item.options["args"], context.late).as_texts();
}

[[noreturn]] void fail(const ProvisionConfig& item, const ProcessResult& result, const std::string& tail) {
  std::string text = fmt::format("shell '{}' exited with status {}", item.name, result.status);
  if (!tail.empty()) text += ":\n" + indent(tail, 4);
  Error error(ErrorKind::failed, text);
  if (result.status == 127) error.with_hint("a program that the script calls is not installed in the guest");
  throw error.at(item.position);
}

class ShellProvisioner : public Provisioner {
 public:
  const PluginSchema& schema() const override {
    static const PluginSchema table{
        .name = "shell",
        .options = {{.name = "inline", .summary = "the script itself", .script = true},
                    {.name = "path", .type = OptionType::path, .summary = "a script file of the host"},
                    {.name = "args",
                     .type = OptionType::text_list,
                     .summary = "arguments of the script",
                     .late = true},
                    {.name = "env",
                     .type = OptionType::text_map,
                     .summary = "environment of the script",
                     .secrets = true},
                    {.name = "user", .summary = "who runs it in the guest", .fallback = Value("root")},
                    {.name = "dir",
                     .summary = "working directory in the guest; default the ssh user's home",
                     .late = true},
                    {.name = "sha256", .summary = "what the file of `path` must have"}},
        .shorthand = "inline",
        .default_run = "once"};
    return table;
  }

  std::vector<Diagnostic> check(const ProvisionConfig& item) const override {
    const Value& path = item.options["path"];
    if (path.is_null() == item.options["inline"].is_null())
      return {{"shell: expected either 'inline' or 'path'", item.position,
               "write the script itself, or {path: FILE} for one of the project's files"}};
    if (path.is_null()) {
      if (!trim(item.options["inline"].as_text()).empty()) return {};
      return {{"shell: the script is empty", item.options["inline"].position, "leave the step out"}};
    }
    std::error_code ignored;
    if (!std::filesystem::is_regular_file(path.as_text(), ignored))
      return {{fmt::format("shell: no file {}", in_its_directory(path.as_text())), path.position, ""}};
    const std::string text = read_file(path.as_text());
    if (text.starts_with("#!") && text.substr(0, text.find('\n')).ends_with('\r'))
      return {{fmt::format("shell: '{}' has Windows line ends, which no interpreter name may have",
                           path.as_text()),
               path.position, "dos2unix " + quote_shell(path.as_text())}};
    const std::string& expected = item.options["sha256"].as_text();
    if (!expected.empty() && sha256(text) != expected)
      return {{fmt::format("shell: '{}' has sha256 {}, expected {}", path.as_text(), sha256(text), expected),
               item.options["sha256"].position, "look at what changed in it, then write the new sum"}};
    return {};
  }

  std::string fingerprint(const ProvisionConfig& item, const ProjectConfig&) const override {
    const Value& path = item.options["path"];
    const std::string content = path.is_null() ? "" : read_file_if_there(path.as_text()).value_or("absent");
    return sha256(to_json(item.options) + "\n" + content);
  }

  void run(const ProvisionConfig& item, const ProvisionContext& context, const ProvisionFlags&,
           Operation& operation) const override {
    GuestCommand command = shell_command(
        {.name = item.name, .script = script_of(item), .arguments = arguments_of(item, context)});
    command.job = context.job;
    command.user = item.options["user"].as_text();
    command.directory = expand_late_text(item.options["dir"], context.late);
    for (const auto& [name, value] : item.options["env"].members())
      command.environment[name] = expand_late_text(value, context.late);
    ProgramOutput output(operation, context.mask);
    command.on_output = output.output_sink();
    command.on_error = output.error_sink();
    const ProcessResult result = context.communicator->run(command, operation);
    output.finish();
    if (!result.ok()) fail(item, result, output.tail());
  }
};

/// Receives the script by standard input, so that it may have any size and any bytes, and runs it from a
/// directory of its user's own.
std::string received_and_run(const ShellScript& script, const std::string& interpreter) {
  std::string text =
      "d=$(mktemp -d) || exit 1; trap 'rm -rf -- \"$d\"' EXIT; trap 'exit 143' HUP INT TERM; f=$d/script; ";
  text += fmt::format("cat > \"$f\" && [ \"$(wc -c < \"$f\")\" -eq {} ] && chmod 0700 \"$f\" || exit 1; ",
                      script.script.size());
  return text + interpreter + "\"$f\" " + quote_command(script.arguments) + " </dev/null";
}

}  // namespace

GuestCommand shell_command(const ShellScript& script) {
  if (script.script.starts_with("#!"))
    return {.script = received_and_run(script, ""), .input = script.script};
  const std::string choice =
      "if command -v bash >/dev/null; then set -- bash -eo pipefail; else set -- sh -e; fi; ";
  if (script.script.size() > longest_argument)
    return {.script = choice + received_and_run(script, "\"$@\" "), .input = script.script};
  std::vector<std::string> words = {"-c", script.script, script.name};
  words.insert(words.end(), script.arguments.begin(), script.arguments.end());
  return {.script = choice + "exec \"$@\" " + quote_command(words)};
}

void register_shell_provisioner(ProvisionerRegistry& registry) {
  registry.add(std::make_unique<ShellProvisioner>());
}

}  // namespace envtool
