#include "core/environment.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>

#include "base/files.h"
#include "base/hash.h"
#include "base/text.h"
#include "base/value.h"

namespace envtool {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t id_digits = 16;

/// What tells one directory from another on this host: "device:inode", empty when there is none.
std::string identity_of(const fs::path& directory) {
  struct stat status = {};
  if (::stat(directory.c_str(), &status) != 0) return {};
  return fmt::format("{}:{}", status.st_dev, status.st_ino);
}

fs::path id_file(const fs::path& directory) { return directory / ".envtool" / "id"; }

struct IdFile {
  std::string id, machine, inode;
};

bool is_id(std::string_view text) {
  return text.size() == id_digits && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

/// A damaged id file is as good as none: the record finds the project by its path.
std::optional<IdFile> read_id_file(const fs::path& directory) try {
  const auto text = read_file_if_there(id_file(directory), 65536);
  if (!text) return std::nullopt;
  const Value document = parse_json(*text, "id");
  IdFile file{document["id"].as_text(), document["machine"].as_text(), document["inode"].as_text()};
  return is_id(file.id) ? std::optional(file) : std::nullopt;
} catch (const Error&) {
  return std::nullopt;
}

std::string recorded_inode(const fs::path& state) try {
  const auto text = read_file_if_there(state / "project.json", 65536);
  return text ? parse_json(*text, "project.json")["inode"].as_text() : std::string();
} catch (const Error&) {
  return {};
}

enum class Relation { same, moved, copy };

/// What a directory with this id file is to the environment of that id, whose record names another path.
Relation relation(const Environment& recorded, const fs::path& directory) {
  std::error_code ignored;
  const std::string here = identity_of(directory);
  if (identity_of(recorded.directory) == here) return Relation::same;
  const auto there = read_id_file(recorded.directory);
  if (there && there->id == recorded.id) return Relation::copy;
  const bool gone = !fs::exists(recorded.directory, ignored);
  if (gone && fs::exists(recorded.directory.parent_path(), ignored)) return Relation::moved;
  return recorded_inode(recorded.state) == here ? Relation::moved : Relation::copy;
}

}  // namespace

std::string host_machine_id() {
  for (const char* path : {"/etc/machine-id", "/var/lib/dbus/machine-id"}) {
    std::error_code ignored;
    if (!fs::exists(path, ignored)) continue;
    const std::string id(trim(read_file(path, 4096)));
    if (!id.empty()) return sha256("envtool " + id).substr(0, 32);  // the id itself is not to be given away
  }
  return "unknown";
}

EnvironmentStore::EnvironmentStore(Host& host, std::string machine_id)
    : host_(host), machine_id_(std::move(machine_id)) {}

const std::string& EnvironmentStore::machine_id() const {
  if (machine_id_.empty()) machine_id_ = host_machine_id();
  return machine_id_;
}

std::optional<Environment> EnvironmentStore::load(const std::string& id) const {
  const fs::path state = host_.paths.state / id;
  const auto text = read_file_if_there(state / "project.json", 65536);
  if (!text) return std::nullopt;
  Environment environment{id, "?", {}, state};
  try {
    const Value document = parse_json(*text, "project.json");
    environment.name = document["name"].as_text();
    environment.directory = document["path"].as_text();
  } catch (const Error&) {
    // A damaged record still names an environment that can be listed and destroyed.
  }
  return environment;
}

std::vector<Environment> EnvironmentStore::all() const {
  std::vector<Environment> found;
  std::error_code code;
  for (const auto& entry : fs::directory_iterator(host_.paths.state, code)) {
    const std::string id = entry.path().filename();
    if (!is_id(id)) continue;
    if (auto environment = load(id)) found.push_back(std::move(*environment));
  }
  std::sort(found.begin(), found.end(),
            [](const auto& a, const auto& b) { return std::tie(a.name, a.id) < std::tie(b.name, b.id); });
  return found;
}

std::optional<Environment> EnvironmentStore::recorded_at(const fs::path& directory) const {
  for (Environment& environment : all())
    if (environment.directory == directory) return std::move(environment);
  return std::nullopt;
}

void EnvironmentStore::record(const Environment& environment) const {
  const Value document = Value::map({{"id", environment.id},
                                     {"name", environment.name},
                                     {"path", environment.directory.string()},
                                     {"inode", identity_of(environment.directory)},
                                     {"machine", machine_id()}});
  make_directories(environment.state, 0700);
  write_file(environment.state / "project.json", to_json(document, 2) + "\n", 0600, Durability::synced);
}

void EnvironmentStore::write_id_file(const Environment& environment) const {
  const fs::path directory = environment.directory / ".envtool";
  make_directories(directory, 0755);
  if (!fs::exists(directory / ".gitignore")) write_file(directory / ".gitignore", "*\n");
  const Value document = Value::map({{"id", environment.id},
                                     {"machine", machine_id()},
                                     {"path", environment.directory.string()},
                                     {"inode", identity_of(environment.directory)}});
  write_file(id_file(environment.directory), to_json(document, 2) + "\n");
}

FoundEnvironment EnvironmentStore::find(const fs::path& directory, const std::string& project_name) {
  const auto file = read_id_file(directory);
  auto named = file ? load(file->id) : std::nullopt;
  if (named && named->directory == directory) {
    if (named->name != project_name) {
      named->name = project_name;
      record(*named);
    }
    return {std::move(named), {}};
  }

  if (auto here = recorded_at(directory)) {
    // The path wins over an id file that is gone or belongs to another directory.
    if (!file && here->name != project_name) return {std::nullopt, {}, std::move(here)};
    write_id_file(*here);
    return {std::move(here), file ? "the project's id file named another environment and was corrected" : ""};
  }
  if (!file) return {};
  if (file->machine != machine_id())
    return {std::nullopt, "this project was copied from another host; it gets machines of its own here"};
  if (!named) return {};
  switch (relation(*named, directory)) {
    case Relation::same:
      return {std::move(named), {}};
    case Relation::copy:
      return {std::nullopt,
              fmt::format(
                  "this is a copy of '{}', whose machines are its own; 'envtool up' gives this one others",
                  named->directory.string())};
    case Relation::moved:
      break;
  }
  const std::string before = named->directory;
  named->directory = directory;
  named->name = project_name;
  record(*named);
  write_id_file(*named);
  return {std::move(named), fmt::format("the project moved here from '{}'", before)};
}

Environment EnvironmentStore::ensure(const fs::path& directory, const std::string& project_name, bool adopt) {
  // Of two that want one at once, the second finds what the first has made.
  const FileLock lock = lock_state(host_, "environments.lock");
  FoundEnvironment found = find(directory, project_name);
  if (found.foreign && !adopt)
    throw Error(ErrorKind::usage, fmt::format("'{}' held the environment of project '{}', and this is '{}'",
                                              directory.string(), found.foreign->name, project_name))
        .with_hint(
            fmt::format("remove the old one's machines with 'envtool destroy @{}', or take them over with "
                        "'envtool up --adopt'",
                        found.foreign->id.substr(0, 8)));
  if (found.foreign) found.environment = std::move(found.foreign);
  if (found.environment) {
    if (found.environment->name != project_name || !read_id_file(directory)) {
      found.environment->name = project_name;
      record(*found.environment);
      write_id_file(*found.environment);
    }
    return std::move(*found.environment);
  }
  // An id file of this host without a record: the state was lost, and machines of that id may still exist.
  const auto file = read_id_file(directory);
  const bool lost_state = file && file->machine == machine_id() && !load(file->id);
  const std::string id = lost_state ? file->id : random_hex(id_digits / 2);
  Environment made{id, project_name, directory, host_.paths.state / id};
  // The id first: by it, whatever a kill leaves of the record is found again.
  write_id_file(made);
  record(made);
  return made;
}

Environment EnvironmentStore::by_reference(const std::string& reference) const {
  std::vector<Environment> matches;
  for (const Environment& environment : all()) {
    const bool by_id = reference.size() >= 4 && environment.id.starts_with(reference);
    if (by_id || environment.name == reference) matches.push_back(environment);
  }
  if (matches.size() == 1) return matches.front();
  if (matches.empty())
    throw Error(ErrorKind::usage, fmt::format("no environment '@{}'", reference))
        .with_hint("'envtool list' shows all of them");
  std::string candidates;
  for (const Environment& environment : matches)
    candidates += fmt::format("\n    @{}  {}  {}", environment.id.substr(0, 8), environment.name,
                              environment.directory.string());
  throw Error(ErrorKind::usage, fmt::format("'@{}' could be any of these:{}", reference, candidates))
      .with_hint("name it by its id");
}

void EnvironmentStore::forget_half_made(const fs::path& directory) const {
  const auto file = read_id_file(directory);
  if (!file || file->machine != machine_id()) return;
  const Environment environment{file->id, {}, directory, host_.paths.state / file->id};
  // Where there is more, or nothing at all, the state was lost in another way, and the id still finds
  // machines.
  if (!fs::exists(environment.state) || fs::exists(environment.state / "project.json") ||
      fs::exists(environment.state / "machines"))
    return;
  forget(environment);
}

void EnvironmentStore::forget(const Environment& environment) const {
  remove_tree(environment.state);
  const auto file = read_id_file(environment.directory);
  if (!file || file->id != environment.id) return;
  std::error_code ignored;
  fs::remove_all(environment.directory / ".envtool", ignored);
}

}  // namespace envtool
