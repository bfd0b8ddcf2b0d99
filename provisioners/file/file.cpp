#include "provisioners/file/file.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <memory>
#include <optional>

#include "base/hash.h"
#include "base/shell.h"
#include "base/text.h"
#include "core/registry.h"
#include "core/tree_digest.h"

namespace envtool {

namespace {

namespace fs = std::filesystem;

/// An octal mode up to 7777, or nothing.
std::optional<unsigned> parse_mode(const std::string& text) {
  if (text.empty() || text.size() > 5 || text.find_first_not_of("01234567") != std::string::npos) return {};
  const unsigned long mode = std::stoul(text, nullptr, 8);
  return mode <= 07777 ? std::optional(static_cast<unsigned>(mode)) : std::nullopt;
}

unsigned mode_of(const fs::path& path) {
  struct stat found {};
  return ::stat(path.c_str(), &found) == 0 ? found.st_mode & 07777u : 0644u;
}

fs::path parent_of(const std::string& destination) {
  const fs::path parent = fs::path(destination).parent_path();
  return parent.empty() ? "." : parent;
}

/// One item with what is known only now filled in.
struct Copy {
  fs::path source;
  std::string destination;
  std::string owner;
  std::string mode;

  bool as_root() const { return !owner.empty(); }
  std::string user() const { return as_root() ? "root" : ""; }
};

Copy copy_of(const ProvisionConfig& item, const LateLookup& late) {
  Copy copy{item.options["source"].as_text(), expand_late_text(item.options["destination"], late),
            expand_late_text(item.options["owner"], late), item.options["mode"].as_text()};
  // "into that directory", as cp and rsync have it
  if (copy.destination.ends_with('/')) copy.destination += copy.source.filename().string();
  return copy;
}

class FileProvisioner : public Provisioner {
 public:
  const PluginSchema& schema() const override {
    static const PluginSchema table{
        .name = "file",
        .options = {{.name = "source",
                     .type = OptionType::path,
                     .summary = "a file or directory of the host",
                     .required = true},
                    {.name = "destination",
                     .summary = "its place in the guest; with a slash at its end, the directory it goes into",
                     .required = true,
                     .late = true},
                    {.name = "owner",
                     .summary = "\"user\" or \"user:group\"; default the ssh user",
                     .late = true},
                    {.name = "mode", .summary = "of a file, in octal; default that of the source"}},
        .default_run = "changed"};
    return table;
  }

  std::vector<Diagnostic> check(const ProvisionConfig& item) const override {
    std::vector<Diagnostic> problems;
    const Value& source = item.options["source"];
    const Value& mode = item.options["mode"];
    std::error_code ignored;
    if (!fs::exists(source.as_text(), ignored))
      problems.push_back({fmt::format("file: no file or directory {}", in_its_directory(source.as_text())),
                          source.position, ""});
    if (!mode.is_null() && !parse_mode(mode.as_text()))
      problems.push_back({fmt::format("file: expected an octal mode, found '{}'", mode.as_text()),
                          mode.position, "for example \"0644\""});
    if (!mode.is_null() && fs::is_directory(source.as_text(), ignored))
      problems.push_back(
          {fmt::format("file: '{}' is a directory, whose files keep their own modes", source.as_text()),
           mode.position, "leave 'mode' out"});
    return problems;
  }

  std::string fingerprint(const ProvisionConfig& item, const ProjectConfig&) const override {
    return sha256(to_json(item.options) + "\n" + tree_digest(item.options["source"].as_text()));
  }

  void run(const ProvisionConfig& item, const ProvisionContext& context, const ProvisionFlags&,
           Operation& operation) const override {
    const Copy copy = copy_of(item, context.late);
    try {
      if (fs::is_directory(copy.source))
        copy_directory(copy, *context.communicator, operation);
      else
        copy_file(copy, *context.communicator, operation);
    } catch (Error& error) {
      if (error.hint().empty() && !copy.as_root())
        error.with_hint("it is written as the ssh user; `owner: root` lets root write it");
      throw error.at(item.position);
    }
  }

 private:
  static void in_guest(const GuestCommand& command, const Copy& copy, Communicator& guest,
                       Operation& operation) {
    const ProcessResult result = guest.run(command, operation);
    if (!result.ok())
      throw Error(ErrorKind::failed, fmt::format("cannot write '{}' in the guest: {}", copy.destination,
                                                 last_lines(result.error, 3)));
  }

  static void copy_file(const Copy& copy, Communicator& guest, Operation& operation) {
    const std::string parent = quote_shell(parent_of(copy.destination).string());
    in_guest({.script = fmt::format("[ -d {0} ] || mkdir -p -- {0}", parent), .user = copy.user()}, copy,
             guest, operation);
    guest.upload({.source = copy.source,
                  .destination = copy.destination,
                  .mode = parse_mode(copy.mode).value_or(mode_of(copy.source)),
                  .owner = with_group(copy, guest, operation),
                  .as_root = copy.as_root()},
                 operation);
  }

  static void copy_directory(const Copy& copy, Communicator& guest, Operation& operation) {
    const std::string owner = with_group(copy, guest, operation);
    const ProcessSpec pack{.argv = pack_command(copy.source, owner)};
    ProcessResult packed = operation.run(pack);
    if (!packed.ok()) throw Error(ErrorKind::failed, describe_failure(pack, packed));
    in_guest({.script = unpack_script(copy.destination, owner),
              .user = copy.user(),
              .input = std::move(packed.output)},
             copy, guest, operation);
  }

  /// "www-data" with the guest's group of that user behind it; what has a group, or is empty, stays.
  static std::string with_group(const Copy& copy, Communicator& guest, Operation& operation) {
    if (copy.owner.empty() || copy.owner.find(':') != std::string::npos) return copy.owner;
    const ProcessResult result = guest.run({.argv = {"id", "-gn", "--", copy.owner}}, operation);
    if (!result.ok())
      throw Error(ErrorKind::failed, fmt::format("the guest has no user '{}'", copy.owner))
          .with_hint("a step before this one must make the user");
    return copy.owner + ":" + std::string(trim(result.output));
  }
};

}  // namespace

std::vector<std::string> pack_command(const fs::path& source, const std::string& owner) {
  std::vector<std::string> words = {"tar", "--create", "--file=-", "--directory=" + source.string()};
  if (!owner.empty()) {
    // Names count when root unpacks; the number is for this host, which need not know them.
    const std::size_t colon = owner.find(':');
    words.push_back("--owner=" + owner.substr(0, colon) + ":0");
    words.push_back("--group=" + owner.substr(colon + 1) + ":0");
  }
  words.push_back(".");
  return words;
}

std::string unpack_script(const std::string& destination, const std::string& owner) {
  const std::string place = quote_shell(destination);
  // A directory that is there, such as /etc, keeps its own owner and mode.
  std::string script = fmt::format("[ -d {0} ] || mkdir -p -- {0} || exit; ", place);
  if (!owner.empty())
    script = fmt::format("[ -d {0} ] || {{ mkdir -p -- {0} && chown -- {1} {0}; }} || exit; ", place,
                         quote_shell(owner));
  return script +
         "exec tar --extract --file=- --preserve-permissions --no-overwrite-dir --directory=" + place;
}

void register_file_provisioner(ProvisionerRegistry& registry) {
  registry.add(std::make_unique<FileProvisioner>());
}

}  // namespace envtool
