#include "config/files.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include "base/files.h"
#include "base/version.h"
#include "config/yaml.h"

namespace envtool {

namespace fs = std::filesystem;

namespace {

/// Nobody writes a larger one, and reading is not free.
constexpr std::size_t largest_file = 16 << 20;

/// How messages call the file: as the user would type it.
std::string display_name(const fs::path& file, const fs::path& working_directory) {
  const fs::path relative = file.lexically_relative(working_directory);
  return relative.empty() || *relative.begin() == ".." ? file.string() : relative.string();
}

/// The values of an Envfile run programs on this host, so it must be the user's own, or root's.
void check_owner(const fs::path& file, const LoadOptions& options) {
  struct stat status {};
  if (options.trust || stat(file.c_str(), &status) != 0) return;
  if (status.st_uid == options.user_id || status.st_uid == 0) return;
  throw Error(ErrorKind::bad_envfile,
              fmt::format("'{}' belongs to another user (uid {})",
                          display_name(file, options.working_directory), status.st_uid))
      .with_hint("it can run programs as you; read it, then use --trust");
}

/// Throws when the file is for another version, before its other keys are looked at.
void check_version(const Node& root, const std::string& tool_version) {
  const Node* wanted = root.find("envtool");
  if (!wanted || wanted->is_null()) return;
  const auto fail = [&](const std::string& text, const std::string& hint) {
    throw Error(ErrorKind::bad_envfile, std::vector{Diagnostic{text, wanted->position, hint}});
  };
  const auto constraint = wanted->is_scalar() ? VersionConstraint::parse(wanted->text) : std::nullopt;
  if (!constraint)
    fail(fmt::format("'envtool' must be a version constraint, found {}", wanted->describe()),
         "such as '>= 0.1'");
  const auto version = Version::parse(tool_version);
  if (version && !constraint->allows(*version))
    fail(fmt::format("this Envfile is for envtool {}, this is envtool {}", wanted->text, tool_version),
         "install a version that it is for");
}

/// Reads and parses; remembers nothing of a file that has no tree.
class FileReader {
 public:
  FileReader(const LoadOptions& options, Diagnostics& problems) : options_(options), problems_(problems) {}

  std::shared_ptr<const SourceText> source_of(const fs::path& file, std::string text) const {
    return std::make_shared<const SourceText>(SourceText{
        file.empty() ? "standard input" : display_name(file, options_.working_directory), std::move(text)});
  }

  void add(const fs::path& file, std::string text) {
    const auto source = source_of(file, std::move(text));
    auto root = parse_yaml(source, problems_);
    if (!root) {
      files.complete = false;
      return;
    }
    check_version(*root, options_.tool_version);
    if (!root->is_map() && !root->is_null()) {
      files.complete = false;
      problems_.add(root->position, fmt::format("the file must hold a map, found {}", root->describe()),
                    "'key: value' lines, such as 'box: build:debian/bookworm'");
      return;
    }
    files.layers.push_back({file, source, std::move(*root)});
  }

  void add_if_there(const fs::path& file) {
    if (auto text = read_file_if_there(file, largest_file)) add(file, std::move(*text));
  }

  /// A file that must hold something.
  void add_required(const fs::path& file, std::string text) {
    const std::size_t before = files.layers.size();
    add(file, std::move(text));
    if (files.layers.size() == before || files.layers.back().root.is_map()) return;
    files.complete = false;
    problems_.add({files.layers.back().source, 1, 1}, "the file is empty", "at least 'box:' is needed");
  }

  ProjectFiles files;

 private:
  const LoadOptions& options_;
  Diagnostics& problems_;
};

void read_named(const LoadOptions& options, FileReader& reader) {
  for (const std::string& name : options.files) {
    if (name == "-") {
      if (reader.files.directory.empty()) reader.files.directory = options.working_directory;
      reader.add_required({}, options.standard_input);
      continue;
    }
    const fs::path file = (options.working_directory / name).lexically_normal();
    if (reader.files.directory.empty()) reader.files.directory = file.parent_path();
    if (!fs::exists(file)) throw Error(ErrorKind::usage, fmt::format("there is no file '{}'", name));
    if (fs::is_directory(file))
      throw Error(ErrorKind::usage, fmt::format("'{}' is a directory, expected a file", name))
          .with_hint(fmt::format("-f '{}', or -C '{}'", (fs::path(name) / "Envfile").string(), name));
    check_owner(file, options);
    reader.add_required(file, read_file(file, largest_file));
  }
}

void read_found(const LoadOptions& options, FileReader& reader) {
  const auto envfile = find_envfile(options.working_directory);
  if (!envfile)
    throw Error(ErrorKind::usage,
                fmt::format("there is no Envfile in '{}' or above it", options.working_directory.string()))
        .with_hint("'envtool init' writes one");
  reader.files.directory = envfile->parent_path();
  const fs::path local = reader.files.directory / "Envfile.local";
  check_owner(*envfile, options);
  check_owner(local, options);
  if (!options.user_config.empty()) reader.add_if_there(options.user_config);
  reader.add_required(*envfile, read_file(*envfile, largest_file));
  reader.add_if_there(local);
}

/// What stands where an Envfile would, in words; empty when nothing does.
std::string oddity_of(const fs::path& file) {
  std::error_code ignored;
  switch (fs::status(file, ignored).type()) {
    case fs::file_type::directory:
      return "a directory";
    case fs::file_type::fifo:
      return "a named pipe";
    case fs::file_type::socket:
      return "a socket";
    case fs::file_type::block:
    case fs::file_type::character:
      return "a device";
    default:
      break;
  }
  if (!fs::is_symlink(file, ignored)) return {};
  return fmt::format("a link to '{}', which cannot be reached", fs::read_symlink(file, ignored).string());
}

}  // namespace

std::optional<fs::path> find_envfile(const fs::path& directory) {
  static constexpr std::string_view names[] = {"Envfile", "Envfile.yaml", "Envfile.yml"};
  const fs::path start = fs::weakly_canonical(directory);
  std::optional<Error> odd;
  for (fs::path here = start;; here = here.parent_path()) {
    std::vector<fs::path> found;
    std::error_code ignored;
    for (const std::string_view name : names) {
      if (fs::is_regular_file(here / name, ignored))
        found.push_back(here / name);
      else if (const std::string what = here == start ? oddity_of(here / name) : ""; !what.empty())
        odd = Error(ErrorKind::bad_envfile,
                    fmt::format("'{}' is {}, expected a file", (here / name).string(), what));
    }
    if (found.size() > 1)
      throw Error(ErrorKind::bad_envfile,
                  fmt::format("'{}' and '{}' stand side by side in '{}'", found[0].filename().string(),
                              found[1].filename().string(), here.string()))
          .with_hint("keep one of them");
    if (!found.empty()) return found.front();
    if (here != here.root_path()) continue;
    if (odd) throw Error(*odd);
    return std::nullopt;
  }
}

std::optional<Layer> read_user_config(const LoadOptions& options, Diagnostics& problems) {
  FileReader reader(options, problems);
  if (!options.user_config.empty()) reader.add_if_there(options.user_config);
  if (reader.files.layers.empty()) return std::nullopt;
  return std::move(reader.files.layers.front());
}

ProjectFiles read_project_files(const LoadOptions& options, Diagnostics& problems) {
  FileReader reader(options, problems);
  if (options.files.empty())
    read_found(options, reader);
  else
    read_named(options, reader);
  ProjectFiles files = std::move(reader.files);
  files.directory = fs::weakly_canonical(files.directory);
  const fs::path dotenv = files.directory / ".env";
  if (auto text = read_file_if_there(dotenv, largest_file)) {
    check_owner(dotenv, options);
    files.dotenv = parse_dotenv(reader.source_of(dotenv, std::move(*text)), problems);
  }
  return files;
}

}  // namespace envtool
