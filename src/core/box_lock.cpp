#include "core/box_lock.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <tuple>

#include "base/files.h"
#include "base/hash.h"

namespace envtool {

namespace fs = std::filesystem;

namespace {

constexpr int file_version = 1;
constexpr std::string_view about =
    "written by 'envtool up', moved by 'envtool box update'; belongs into version control";
constexpr std::chrono::milliseconds guard_poll{20};

using Field = std::pair<const char*, std::string BoxPin::*>;
constexpr Field fields[] = {{"format", &BoxPin::format},   {"architecture", &BoxPin::architecture},
                            {"version", &BoxPin::version}, {"url", &BoxPin::url},
                            {"sha256", &BoxPin::sha256},   {"checksum", &BoxPin::checksum}};

bool is_same_kind(const BoxPin& left, const BoxPin& right) {
  return left.format == right.format && left.architecture == right.architecture;
}

void sort(std::vector<BoxPin>& pins) {
  std::stable_sort(pins.begin(), pins.end(), [](const BoxPin& left, const BoxPin& right) {
    return std::tie(left.format, left.architecture) < std::tie(right.format, right.architecture);
  });
}

BoxPin pin_of(const Value& entry, const std::string& place) {
  if (!entry.is_map()) throw Error(ErrorKind::failed, fmt::format("{}: expected a map", place));
  BoxPin pin;
  for (const auto& [name, member] : fields) {
    const Value& value = entry[name];
    if (!value.is_null() && !value.is_text())
      throw Error(ErrorKind::failed,
                  fmt::format("{}.{}: expected text, found {}", place, name, value.kind_name()));
    pin.*member = value.as_text();
  }
  if (pin.format.empty()) throw Error(ErrorKind::failed, fmt::format("{}.format: is missing", place));
  const bool is_digest =
      pin.sha256.size() == 64 && pin.sha256.find_first_not_of("0123456789abcdef") == std::string::npos;
  if (!pin.sha256.empty() && !is_digest)
    throw Error(ErrorKind::failed,
                fmt::format("{}.sha256: expected 64 hexadecimal digits, found '{}'", place, pin.sha256));
  return pin;
}

}  // namespace

BoxLock BoxLock::parse(std::string_view text, const std::string& what) {
  const Value document = parse_json(text, what);
  const std::int64_t version = document["version"].as_integer();
  if (version > file_version)
    throw Error(ErrorKind::failed, fmt::format("{}: it was written by a newer envtool", what));
  if (version < 1 || !document["boxes"].is_map())
    throw Error(ErrorKind::failed, fmt::format("{}: it is no lock file", what));
  BoxLock lock;
  for (const auto& [address, pins] : document["boxes"].members()) {
    if (!pins.is_list())
      throw Error(ErrorKind::failed, fmt::format("{}: boxes.{}: expected a list", what, address));
    std::vector<BoxPin>& kept = lock.boxes_[address];
    for (const Value& entry : pins.items())
      kept.push_back(pin_of(entry, fmt::format("{}: boxes.{}[{}]", what, address, kept.size())));
    sort(kept);
  }
  return lock;
}

std::string BoxLock::to_text() const {
  Value boxes = Value::map();
  for (const auto& [address, pins] : boxes_) {
    Value list = Value::list();
    for (const BoxPin& pin : pins) {
      Value entry = Value::map();
      for (const auto& [name, member] : fields)
        if (!(pin.*member).empty()) entry.set(name, pin.*member);
      list.push_back(std::move(entry));
    }
    boxes.set(address, std::move(list));
  }
  return to_json(Value::map({{"about", about}, {"version", file_version}, {"boxes", std::move(boxes)}}), 2) +
         "\n";
}

const std::vector<BoxPin>& BoxLock::pins_of(const std::string& address) const {
  static const std::vector<BoxPin> none;
  const auto found = boxes_.find(address);
  return found == boxes_.end() ? none : found->second;
}

void BoxLock::merge(const std::string& address, const std::vector<BoxPin>& pins) {
  std::vector<BoxPin> all = pins_of(address);
  for (const BoxPin& pin : pins) {
    std::erase_if(all, [&](const BoxPin& other) { return is_same_kind(pin, other); });
    all.push_back(pin);
  }
  replace(address, std::move(all));
}

void BoxLock::replace(const std::string& address, std::vector<BoxPin> pins) {
  if (address.empty()) return;
  sort(pins);
  if (pins.empty())
    boxes_.erase(address);
  else
    boxes_[address] = std::move(pins);
}

void BoxLock::keep_only(const std::set<std::string>& addresses) {
  std::erase_if(boxes_, [&](const auto& box) { return !addresses.contains(box.first); });
}

std::string lock_address(const BoxConfig& box) {
  if (!box.url.empty()) return box.version.empty() ? box.url : fmt::format("{}@{}", box.url, box.version);
  const std::string& name = box.name;
  const bool is_file = name.starts_with('/') || name.starts_with("./") || name.starts_with("../") ||
                       name.starts_with("~/") || name.starts_with("file://");
  const bool is_web = name.starts_with("http://") || name.starts_with("https://");
  if (is_file || (name.ends_with(".box") && !is_web)) return {};
  if (name.find_first_of("/:") == std::string::npos) return {};  // what 'box add --name' called it
  return box.version.empty() ? name : fmt::format("{}@{}", name, box.version);
}

BoxLocks::BoxLocks(const fs::path& project, const HostPaths& paths)
    : shared_{project / "Envfile.lock", {}},
      personal_{paths.data / "box-locks" / (fnv1a(project.string()) + ".json"), {}},
      guards_(paths.data / "box-locks") {}

BoxLock& BoxLocks::read(File& file) const {
  if (file.content) return *file.content;
  try {
    const auto text = read_file_if_there(file.path);
    file.content = text ? BoxLock::parse(*text, fmt::format("'{}'", file.path.string())) : BoxLock();
  } catch (const Error& error) {
    throw Error(ErrorKind::bad_envfile, error.what())
        .with_hint("put it right, or remove it and lock the boxes anew by 'envtool box update'");
  }
  return *file.content;
}

std::vector<BoxPin> BoxLocks::pins_of(const BoxConfig& box) {
  const std::lock_guard lock(mutex_);
  return read(file_of(box.personal)).pins_of(lock_address(box));
}

bool BoxLocks::change(File& file, const std::function<void(BoxLock&)>& edit, Operation& operation) {
  const std::lock_guard lock(mutex_);
  make_directories(guards_, 0700);
  const fs::path guard = guards_ / (fnv1a(file.path.string()) + ".lock");
  std::optional<FileLock> alone;
  while (!(alone = FileLock::try_take(guard, fmt::format("pid {}", ::getpid())))) {
    operation.check_stop();
    operation.sleep_for(guard_poll);
  }
  file.content.reset();  // another process may have written meanwhile
  BoxLock changed = read(file);
  edit(changed);
  if (changed == *file.content) return false;
  write_file(file.path, changed.to_text());
  file.content = std::move(changed);
  return true;
}

bool BoxLocks::record(const BoxConfig& box, const std::vector<BoxPin>& pins, Operation& operation) {
  const std::string address = lock_address(box);
  if (address.empty() || pins.empty()) return false;
  return change(
      file_of(box.personal), [&](BoxLock& lock) { lock.merge(address, pins); }, operation);
}

void BoxLocks::move(const BoxConfig& box, const std::vector<BoxPin>& pins, Operation& operation) {
  change(
      file_of(box.personal), [&](BoxLock& lock) { lock.replace(lock_address(box), pins); }, operation);
}

void BoxLocks::keep_only(const std::vector<BoxConfig>& boxes, Operation& operation) {
  for (const bool personal : {false, true}) {
    std::set<std::string> addresses;
    for (const BoxConfig& box : boxes)
      if (box.personal == personal) addresses.insert(lock_address(box));
    change(
        file_of(personal), [&](BoxLock& lock) { lock.keep_only(addresses); }, operation);
  }
}

}  // namespace envtool
