#include <fmt/format.h>

#include "base/size.h"
#include "cli/commands/commands.h"
#include "cli/session.h"
#include "core/powers.h"

namespace envtool {

namespace fs = std::filesystem;

namespace {

struct Options {
  std::string machine;
  std::string output = "package.box";
  std::string vagrantfile, info;
  std::vector<std::string> included;
};

int package(Session& session, const Options& options) {
  const Session::Target target =
      session.open(options.machine.empty() ? std::vector<std::string>{} : std::vector{options.machine},
                   Session::Config::if_there);
  const std::string machine =
      target.engine.select_one(target.machines.empty() ? "" : target.machines.front());
  const auto path_of = [&](const std::string& text) {
    return text.empty() ? fs::path() : (session.host.working_directory / text).lexically_normal();
  };
  NewBox box{.file = path_of(options.output),
             .vagrantfile = path_of(options.vagrantfile),
             .info = path_of(options.info),
             .included = {options.included.begin(), options.included.end()},
             .directory = session.host.working_directory};
  const Outcome outcome = Powers(target.engine).package(machine, box);
  std::error_code code;
  const ByteSize size{outcome.failed() ? 0 : fs::file_size(box.file, code)};
  return session.finish(outcome, fmt::format("is packaged as '{}', {}", options.output, size.to_string()),
                        "");
}

}  // namespace

Command package_command() {
  const auto options = std::make_shared<Options>();
  OptionRow output = text_option('o', "output", "FILE", options->output,
                                 "where the box goes (default: package.box); a file that is there stays");
  OptionRow vagrantfile = text_option(0, "vagrantfile", "FILE", options->vagrantfile,
                                      "a Vagrantfile that Vagrant is to load with the box");
  OptionRow info = text_option(0, "info", "FILE", options->info, "a JSON object that 'box info' shows");
  OptionRow include = list_option(0, "include", "FILE", options->included,
                                  "a file or directory for the box's directory 'include'");
  for (OptionRow* option : {&output, &vagrantfile, &info, &include}) option->completes = Completes::files;
  return {
      .name = "package",
      .group = group::boxes,
      .summary = "make a box out of a machine",
      .description =
          "A box in Vagrant's format of the machine's disk as it is now, for Vagrant and envtool alike. A\n"
          "machine that runs stands still for a moment, and runs on; of a virtual one, a copy is started, "
          "to\n"
          "be cleaned. Its host keys, login key, name, addresses and machine id stay behind, and so do /tmp\n"
          "and the journal; everything else is in the box: passwords and keys of your own are yours to\n"
          "remove first. Vagrant's public key opens the box, as Vagrant expects, and is taken away by who\n"
          "makes a machine of it.",
      .examples = {"envtool package", "envtool package web --output web.box --info info.json"},
      .options = {output, vagrantfile, info, include},
      .arguments = {machine_argument(options->machine)},
      .event_stream = true,
      .run = [options](Session& session) { return package(session, *options); }};
}

}  // namespace envtool
