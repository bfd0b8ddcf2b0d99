#include "boxes/index.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "base/error.h"

namespace envtool {

namespace fs = std::filesystem;

namespace {

constexpr std::chrono::milliseconds lock_poll{50};

std::optional<std::string> digest_in(const Value& entry) {
  const std::string& digest = entry["digest"].as_text();
  return digest.size() == 64 ? std::optional(digest) : std::nullopt;
}

using PinField = std::pair<const char*, std::string BoxPin::*>;
constexpr PinField pin_fields[] = {{"format", &BoxPin::format},   {"architecture", &BoxPin::architecture},
                                   {"version", &BoxPin::version}, {"url", &BoxPin::url},
                                   {"sha256", &BoxPin::sha256},   {"checksum", &BoxPin::checksum}};

BoxPin pin_in(const Value& entry) {
  BoxPin pin;
  for (const auto& [name, member] : pin_fields) pin.*member = entry[name].as_text();
  return pin;
}

Value entry_of(const BoxPin& pin) {
  Value entry = Value::map();
  for (const auto& [name, member] : pin_fields)
    if (!(pin.*member).empty()) entry.set(name, pin.*member);
  return entry;
}

void set_entry(Value& index, const std::string& section, const std::string& key, Value entry) {
  Value entries = index[section].is_map() ? index[section] : Value::map();
  entries.set(key, std::move(entry));
  index.set(section, std::move(entries));
}

}  // namespace

FileStamp FileStamp::of(const fs::path& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0)
    throw Error(ErrorKind::failed, fmt::format("cannot read '{}': {}", path.string(), errno_text(errno)));
  if (!S_ISREG(info.st_mode))
    throw Error(ErrorKind::failed, fmt::format("'{}' is not a file", path.string()));
  return {.size = static_cast<std::uint64_t>(info.st_size),
          .inode = info.st_ino,
          .modified = std::int64_t{info.st_mtim.tv_sec} * 1'000'000'000 + info.st_mtim.tv_nsec};
}

Value BoxIndex::read() const {
  try {
    if (const auto text = read_file_if_there(file_)) return parse_json(*text, file_.string());
  } catch (const Error&) {  // a damaged index costs a second look at files, no more
  }
  return Value::map();
}

std::optional<std::string> BoxIndex::digest_of_file(const fs::path& path, const FileStamp& stamp) const {
  const Value index = read();
  const Value& entry = index["files"][path.string()];
  const FileStamp known{.size = static_cast<std::uint64_t>(entry["size"].as_integer()),
                        .inode = static_cast<std::uint64_t>(entry["inode"].as_integer()),
                        .modified = entry["modified"].as_integer()};
  return known == stamp ? digest_in(entry) : std::nullopt;
}

std::optional<std::string> BoxIndex::digest_of_recipe(const std::string& recipe, int version) const {
  const Value index = read();
  const Value& entry = index["recipes"][recipe];
  return entry["version"].as_integer() == version ? digest_in(entry) : std::nullopt;
}

std::optional<FetchedBox> BoxIndex::fetched_from(const std::string& url) const {
  const Value index = read();
  const Value& entry = index["urls"][url];
  const auto digest = digest_in(entry);
  if (!digest) return std::nullopt;
  return FetchedBox{*digest,
                    {.etag = entry["etag"].as_text(),
                     .modified = entry["modified"].as_text(),
                     .size = static_cast<std::uint64_t>(entry["size"].as_integer())}};
}

void BoxIndex::change(const std::function<void(Value& index)>& edit, Operation& operation) {
  const FileLock lock = wait_for_lock(fs::path(file_) += ".lock", "", operation);
  Value index = read();
  edit(index);
  write_file(file_, to_json(index, 1) + "\n", 0644);
}

void BoxIndex::remember_file(const fs::path& path, const FileStamp& stamp, const std::string& digest,
                             Operation& operation) {
  Value entry = Value::map({{"digest", digest},
                            {"size", static_cast<std::int64_t>(stamp.size)},
                            {"inode", static_cast<std::int64_t>(stamp.inode)},
                            {"modified", stamp.modified}});
  const auto edit = [&](Value& index) {
    Value kept = Value::map();
    for (const auto& [other, known] : index["files"].members()) {
      std::error_code unknown;
      if (known["digest"].as_text() != digest || fs::exists(other, unknown) || unknown)
        kept.set(other, known);
    }
    index.set("files", std::move(kept));
    set_entry(index, "files", path.string(), std::move(entry));
  };
  change(edit, operation);
}

void BoxIndex::remember_recipe(const std::string& recipe, int version, const std::string& digest,
                               Operation& operation) {
  Value entry = Value::map({{"digest", digest}, {"version", version}});
  change([&](Value& index) { set_entry(index, "recipes", recipe, std::move(entry)); }, operation);
}

void BoxIndex::remember_url(const std::string& url, const FetchedBox& box, Operation& operation) {
  Value entry = Value::map({{"digest", box.digest},
                            {"etag", box.stamp.etag},
                            {"modified", box.stamp.modified},
                            {"size", static_cast<std::int64_t>(box.stamp.size)}});
  change([&](Value& index) { set_entry(index, "urls", url, std::move(entry)); }, operation);
}

std::vector<NamedBox> BoxIndex::boxes_named(const std::string& name) const {
  std::vector<NamedBox> boxes;
  const Value index = read();
  for (const Value& entry : index["names"][name].items()) {
    NamedBox box{pin_in(entry), {}};
    for (const Value& sibling : entry["siblings"].items()) box.siblings.push_back(pin_in(sibling));
    if (box.pin.sha256.size() == 64) boxes.push_back(std::move(box));
  }
  return boxes;
}

void BoxIndex::remember_name(const std::string& name, const NamedBox& box, Operation& operation) {
  Value entry = entry_of(box.pin);
  Value siblings = Value::list();
  for (const BoxPin& sibling : box.siblings) siblings.push_back(entry_of(sibling));
  entry.set("digest", box.pin.sha256).set("siblings", std::move(siblings));
  const auto edit = [&](Value& index) {
    Value kept = Value::list();
    for (const Value& other : index["names"][name].items()) {
      const BoxPin pin = pin_in(other);
      if (pin.version != box.pin.version || pin.format != box.pin.format ||
          pin.architecture != box.pin.architecture)
        kept.push_back(other);
    }
    kept.push_back(std::move(entry));
    set_entry(index, "names", name, std::move(kept));
  };
  change(edit, operation);
}

std::map<std::string, std::vector<std::string>> BoxIndex::addresses() const {
  std::map<std::string, std::vector<std::string>> found;
  const Value index = read();
  for (const auto& [recipe, entry] : index["recipes"].members())
    // Boxes of further formats have theirs behind a blank.
    found[entry["digest"].as_text()].push_back("build:" + recipe.substr(0, recipe.find(' ')));
  for (const char* section : {"files", "urls"})
    for (const auto& [address, entry] : index[section].members())
      found[entry["digest"].as_text()].push_back(address);
  for (const auto& [name, entries] : index["names"].members())
    for (const Value& entry : entries.items())
      found[entry["digest"].as_text()].push_back(
          entry["version"].as_text().empty() ? name : name + "@" + entry["version"].as_text());
  for (auto& [digest, addresses] : found) std::sort(addresses.begin(), addresses.end());
  return found;
}

void BoxIndex::forget(const std::string& digest, Operation& operation) {
  const auto edit = [&](Value& index) {
    for (const char* section : {"recipes", "files", "urls"}) {
      Value kept = Value::map();
      for (const auto& [key, entry] : index[section].members())
        if (entry["digest"].as_text() != digest) kept.set(key, entry);
      index.set(section, std::move(kept));
    }
    Value names = Value::map();
    for (const auto& [name, entries] : index["names"].members()) {
      Value kept = Value::list();
      for (const Value& entry : entries.items())
        if (entry["digest"].as_text() != digest) kept.push_back(entry);
      if (!kept.items().empty()) names.set(name, std::move(kept));
    }
    index.set("names", std::move(names));
  };
  change(edit, operation);
}

FileLock wait_for_lock(const fs::path& path, std::string_view waiting, Operation& operation) {
  bool said = false;
  while (true) {
    operation.check_stop();
    if (auto lock = FileLock::try_take(path, fmt::format("pid {}", ::getpid()))) return std::move(*lock);
    if (!said && !waiting.empty()) operation.say(waiting);
    said = true;
    operation.sleep_for(lock_poll);
  }
}

}  // namespace envtool
