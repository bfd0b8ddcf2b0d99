#include <fmt/format.h>

#include <algorithm>

#include "cli/commands/box_views.h"
#include "cli/commands/commands.h"
#include "cli/session.h"
#include "core/capabilities.h"
#include "core/rootfs.h"

namespace envtool {

namespace {

/// The provider that unpacks root file systems, of those that may have the box; null when none does.
std::unique_ptr<Provider> rootfs_provider(const Session& session, const std::string& name) {
  for (const ProviderInfo& info : session.services.providers.infos()) {
    if (!name.empty() && info.name != name) continue;
    auto provider = session.services.providers.make(info.name, session.host);
    if (power_of<RootfsStore>(*provider)) return provider;
  }
  return nullptr;
}

struct AddOptions {
  std::vector<std::string> addresses, catalogs;
  std::string name, version, architecture, checksum, provider;
  bool force = false;
};

/// Whether it is a file, here or on a server, and no name in a catalog.
bool is_file(const std::string& address) {
  const bool is_path = address.starts_with('/') || address.starts_with('.') || address.starts_with('~');
  return !address.ends_with(".json") &&
         (is_path || address.ends_with(".box") || address.find("://") != std::string::npos);
}

/// A name in a catalog takes the version as a constraint; for a file it is what the name stands for.
BoxRequest request_for(const Session& session, const AddOptions& options, const std::string& address) {
  BoxRequest request;
  request.box.name = address;
  request.box.checksum = options.checksum;
  request.box.architecture = options.architecture;
  request.box.base_directory = session.host.working_directory;
  // Of what a name has, what this program can use; a file may be for another one.
  if (!options.provider.empty() || !is_file(address))
    request.formats = formats_for(session, options.provider);
  request.sources = session.box_sources();
  if (!options.catalogs.empty()) request.sources.catalogs = options.catalogs;
  request.anew = options.force;
  request.remembered_as = options.name;
  if (options.version.empty()) return request;
  if (!is_file(address))
    request.box.version = options.version;
  else if (options.name.empty())
    throw Error(ErrorKind::usage, "'--version' of a box file needs a name").with_hint("add --name NAME");
  else
    request.remembered_as += "@" + options.version;
  return request;
}

bool is_damaged(BoxSource& source, const std::string& digest, Operation& operation) {
  try {
    source.verify(digest, operation);
    return false;
  } catch (const Error&) {
    return true;
  }
}

struct Added {
  std::string address, digest;
  bool was_there = false;
};

Added add_one(Session& session, const AddOptions& options, const std::string& address) {
  Operation operation{session.host, "", session.stop};
  BoxSource& source = session.services.boxes;
  try {
    BoxRequest request = request_for(session, options, address);
    const auto provider = rootfs_provider(session, options.provider);
    if (provider) request.rootfs_store = power_of<RootfsStore>(*provider);
    source.check(request);
    const bool was_there = source.find(request, operation).has_value();
    const std::string digest = source.resolve(request, operation).digest;
    if (options.force && is_damaged(source, digest, operation)) {
      source.remove(digest, operation);
      source.resolve(request, operation);
    }
    return {address, digest, was_there};
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::bad_envfile) throw;
    throw Error(ErrorKind::usage, error.what()).with_hint(error.hint());  // no Envfile said it
  }
}

/// The first address that has a box; what is wrong with the others is said.
Added add_first(Session& session, const AddOptions& options) {
  for (std::size_t i = 0; i + 1 < options.addresses.size(); ++i) {
    try {
      return add_one(session, options, options.addresses[i]);
    } catch (const Error& error) {
      session.host.reporter.error("", error);
    }
  }
  return add_one(session, options, options.addresses.back());
}

int add(Session& session, const AddOptions& options) {
  tidy_boxes(session);
  const auto [address, digest, was_there] = add_first(session, options);
  const std::vector<UsedBox> boxes = all_boxes(session);
  const UsedBox& box = find_box(session, boxes, digest);
  if (session.options.json)
    session.show("", to_value(box));
  else
    session.say(fmt::format("box '{}' is in the store{}: {}, sha256:{}", address, was_there ? " already" : "",
                            box.stored.size.to_string(), digest),
                Tone::success);
  const std::vector<std::string> usable = formats_for(session, "");
  const std::string& format = box.stored.box.format;
  if (std::find(usable.begin(), usable.end(), format) == usable.end())
    session.say(
        fmt::format("it is for provider '{}', which this envtool does not have: no machine can be made of it",
                    format),
        Tone::warning);
  return exit_code::done;
}

}  // namespace

Command box_add_command() {
  const auto options = std::make_shared<AddOptions>();
  const ArgumentRow address{
      .name = "ADDRESS",
      .help = "what an Envfile has under 'box': a name, a path, a URL; of several the first that works",
      .set = [options](const std::string& word) { options->addresses.push_back(word); },
      .required = true,
      .repeated = true,
      .completes = Completes::files};
  OptionRow provider = text_option(0, "provider", "NAME", options->provider, "take it only if NAME can");
  provider.completes = Completes::providers;
  return {
      .name = "box add",
      .group = group::boxes,
      .summary = "put a box into the store, before a machine wants it",
      .description = "'up' does the same when it is not there yet.",
      .examples = {"envtool box add ./my.box", "envtool box add https://boxes.example.com/my.box --name mine",
                   "envtool box add generic/debian12 --version '~> 4.3'", "envtool box add images:debian/12",
                   "envtool box add build:debian/bookworm"},
      .options = {text_option(0, "name", "NAME", options->name, "a name of your own for a box file"),
                  text_option(0, "version", "VERSION", options->version,
                              "which of a catalog ('~> 4.3'); of a box file, what it is"),
                  provider,
                  text_option(0, "architecture", "NAME", options->architecture,
                              "not the host's: amd64, arm64..."),
                  text_option(0, "checksum", "sha256:HEX", options->checksum,
                              "refuse a file of another content"),
                  list_option(0, "catalog", "URL", options->catalogs, "ask this server; again: one more"),
                  flag(0, "force", options->force, "fetch it even when it is in the store")},
      .arguments = {address},
      .run = [options](Session& session) { return add(session, *options); }};
}

Command box_build_command() {
  const auto options = std::make_shared<AddOptions>();
  return {.name = "box build",
          .group = group::boxes,
          .summary = "make the box of a recipe on this host",
          .description = "'up' does the same for 'box: build:NAME' when it is not there yet.",
          .examples = {"envtool box build debian/trixie", "envtool box build --force debian/bookworm"},
          .options = {flag(0, "force", options->force, "make it anew, with the packages of today")},
          .arguments = {{.name = "NAME",
                         .help = "what follows 'build:' in an Envfile",
                         .set =
                             [options](const std::string& word) {
                               options->addresses = {word.starts_with("build:") ? word : "build:" + word};
                             },
                         .required = true}},
          .run = [options](Session& session) { return add(session, *options); }};
}

}  // namespace envtool
