#pragma once

#include "base/text.h"
#include "core/provisioner.h"

namespace envtool {

/// `note: TEXT` runs `note TEXT` in the guest; its output is shown, and a status other than 0 is a failure.
class NoteProvisioner : public Provisioner {
 public:
  const PluginSchema& schema() const override { return schema_; }
  std::vector<Diagnostic> check(const ProvisionConfig&) const override { return {}; }
  std::string fingerprint(const ProvisionConfig& item, const ProjectConfig&) const override {
    return to_json(item.options);
  }
  void run(const ProvisionConfig& item, const ProvisionContext& context, const ProvisionFlags&,
           Operation& operation) const override {
    if (context.communicator == nullptr) return;
    LineSplitter lines(
        [&](std::string_view line) { operation.host.reporter.output_line(operation.machine, line); });
    GuestCommand command;
    command.argv = {"note", item.options["text"].as_text()};
    command.on_output = [&](std::string_view chunk) { lines.add(chunk); };
    const ProcessResult result = context.communicator->run(command, operation);
    lines.finish();
    if (!result.ok())
      throw Error(ErrorKind::failed,
                  "provisioner '" + item.name + "' exited with status " + std::to_string(result.status))
          .at(item.position);
  }

 private:
  PluginSchema schema_{
      .name = "note",
      .options = {{.name = "text", .type = OptionType::text, .summary = "what to note", .required = true}},
      .shorthand = "text"};
};

}  // namespace envtool
