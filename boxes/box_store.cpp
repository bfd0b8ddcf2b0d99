#include "boxes/box_store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <tuple>

#include "base/error.h"
#include "base/hash.h"
#include "base/text.h"
#include "boxes/archive.h"
#include "boxes/checksums.h"
#include "boxes/http_source.h"
#include "boxes/metadata.h"
#include "boxes/recipes/debian_disk.h"

namespace envtool {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view part_prefix = ".part-";

/// Removes a tree of ours, but never one in which something is mounted: as root that would go on into the
/// host's own /dev or /proc. Such a tree stays until it is unmounted.
void remove_unmounted(const fs::path& path) {
  const std::string below = replace_all(path.string(), " ", "\\040") + "/";  // as mountinfo writes a space
  std::ifstream mounts("/proc/self/mountinfo");
  if (!mounts) return;
  for (std::string line; std::getline(mounts, line);)
    if (line.find(" " + below) != std::string::npos) return;
  std::error_code ignored;
  fs::remove_all(path, ignored);
}

bool is_digest(const std::string& name) {
  return name.size() == 64 && name.find_first_not_of("0123456789abcdef") == std::string::npos;
}

ByteSize size_of(const fs::path& directory) {
  ByteSize size;
  for (const auto& entry : fs::recursive_directory_iterator(directory))
    if (entry.is_regular_file()) size.bytes += entry.file_size();
  return size;
}

/// What a box of the store is, whatever it is known by.
Box described(const fs::path& place, BoxFacts facts) {
  const Value recipe = facts.metadata["recipe-version"];
  return {.digest = place.filename(),
          .name = {},
          .version = recipe.is_null() ? "0" : fmt::format("{}", recipe.as_integer()),
          .format = facts.format,
          .directory = place,
          .metadata = std::move(facts.metadata),
          .defaults = std::move(facts.defaults)};
}

/// Where a box is made, under the lock of its work: what a killed process left there is removed, and so is
/// what is not published.
class PartDirectory {
 public:
  PartDirectory(const fs::path& store, const std::string& work)
      : path_(store / fmt::format("{}{}.{}", part_prefix, work, random_hex(4))) {
    make_directories(path_);
  }
  ~PartDirectory() { remove_unmounted(path_); }
  PartDirectory(const PartDirectory&) = delete;
  PartDirectory& operator=(const PartDirectory&) = delete;

  const fs::path& path() const { return path_; }
  /// Puts it in its place, safely on disk; where there is the same already, that stays.
  void publish(const fs::path& place) const {
    const UniqueFd fd(::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd || ::syncfs(fd.get()) != 0)
      throw Error(ErrorKind::failed, fmt::format("cannot write '{}': {}", path_.string(), errno_text(errno)));
    if (fs::exists(place)) return;
    if (::rename(path_.c_str(), place.c_str()) != 0)
      throw Error(ErrorKind::failed, fmt::format("cannot make '{}': {}", place.string(), errno_text(errno)));
  }

 private:
  fs::path path_;
};

/// The wanted digest in lower case; empty when the Envfile names none.
std::string wanted_digest(const BoxConfig& box) {
  if (box.checksum.empty()) return {};
  std::string digest = box.checksum.starts_with("sha256:") ? box.checksum.substr(7) : std::string();
  for (char& c : digest)
    if (c >= 'A' && c <= 'F') c = static_cast<char>(c + 32);
  if (digest.size() != 64 || digest.find_first_not_of("0123456789abcdef") != std::string::npos) {
    Error error(ErrorKind::bad_envfile,
                fmt::format("box '{}': expected 'checksum' as 'sha256:' and 64 hexadecimal "
                            "digits, found '{}'",
                            box.name, box.checksum));
    error.at(box.position);
    throw error;
  }
  return digest;
}

void check_digest(const BoxConfig& box, const std::string& digest) {
  const std::string wanted = wanted_digest(box);
  if (wanted.empty() || wanted == digest) return;
  Error error(ErrorKind::failed, fmt::format("box '{}': the file's checksum is sha256:{}, expected sha256:{}",
                                             box.name, digest, wanted));
  error.at(box.position);
  throw error;
}

void check_format(const BoxRequest& request, const std::string& format) {
  const auto& wanted = request.formats;
  const bool asked = request.box.format.empty() || request.box.format == format;
  if (asked && (wanted.empty() || std::find(wanted.begin(), wanted.end(), format) != wanted.end())) return;
  Error error(ErrorKind::unsupported,
              fmt::format("box '{}' is for provider '{}', expected one for '{}'", request.box.name, format,
                          asked ? join(wanted, "' or '") : request.box.format));
  error.at(request.box.position);
  throw error;
}

/// Does it; an error names the box and its place.
void about(const BoxConfig& box, const std::function<void()>& work) {
  try {
    work();
  } catch (Error& error) {
    if (error.kind() != ErrorKind::unsupported)  // which does so itself
      error.with_frame(fmt::format("box '{}'", box.name)).at(box.position);
    throw;
  }
}

/// What there is to check of an unpacked box before it is published.
void check_content(const BoxRequest& request, const fs::path& directory, Operation& operation) {
  const BoxFacts facts = read_box_facts(directory);
  check_format(request, facts.format);
  check_box_content(directory, facts);
  write_checksums(directory, operation);
}

/// A recipe makes a box of each format. Of those, the one that the request likes best; none of them: what
/// check_format then refuses.
std::string recipe_format(const BoxRequest& request) {
  for (const std::string& format : request.formats)
    if ((format == "lxc" || format == "libvirt") &&
        (request.box.format.empty() || request.box.format == format))
      return format;
  return "lxc";
}

/// What a recipe's box of that format is, for the index.
struct RecipeWork {
  std::string key;
  int version;
};
RecipeWork recipe_work(const std::string& recipe, const std::string& format) {
  if (format == "libvirt") return {recipe + " " + format, debian_disk_version};
  return {recipe, debian_recipe_version};
}

FileStamp stamp_of(const BoxConfig& box, const fs::path& path) {
  try {
    return FileStamp::of(path);
  } catch (const Error& error) {
    Error placed(ErrorKind::bad_envfile, fmt::format("box '{}': {}", box.name, error.what()));
    placed.at(box.position).with_hint("a box's path is relative to the file that names it");
    throw placed;
  }
}

}  // namespace

BoxStore::BoxStore(Host& host, RecipeHost recipe_host)
    : host_(host),
      recipe_host_(std::move(recipe_host)),
      directory_(fs::weakly_canonical(host.paths.data / "boxes")),  // as the kernel names mounts
      index_(directory_ / "index.json") {}

void BoxStore::check(const BoxRequest& request) {
  const BoxAddress address = box_address(request.box, host_.paths.home);
  wanted_digest(request.box);
  if (const auto* local = std::get_if<LocalBoxAddress>(&address)) stamp_of(request.box, local->path);
  if (std::holds_alternative<RecipeAddress>(address)) check_format(request, recipe_format(request));
}

std::optional<Box> BoxStore::find(const BoxRequest& request, Operation&) {
  const BoxAddress address = box_address(request.box, host_.paths.home);
  if (const auto* local = std::get_if<LocalBoxAddress>(&address)) return find_local(request, *local);
  if (const auto* web = std::get_if<WebAddress>(&address)) return find_web(request, *web);
  return find_recipe(request, std::get<RecipeAddress>(address));
}

Box BoxStore::resolve(const BoxRequest& request, Operation& operation) {
  check(request);
  if (auto box = find(request, operation)) return std::move(*box);
  const BoxAddress address = box_address(request.box, host_.paths.home);
  sweep();
  if (const auto* local = std::get_if<LocalBoxAddress>(&address))
    return add_local(request, *local, operation);
  if (const auto* web = std::get_if<WebAddress>(&address)) return download(request, *web, operation);
  return build(request, std::get<RecipeAddress>(address), operation);
}

std::optional<Box> BoxStore::stored(const BoxRequest& request, const std::string& digest) const {
  const fs::path place = place_of(digest);
  if (!fs::exists(place)) return std::nullopt;
  BoxFacts facts = read_box_facts(place);
  check_format(request, facts.format);
  Box box = described(place, std::move(facts));
  box.name = request.box.name;
  return box;
}

std::optional<Box> BoxStore::find_local(const BoxRequest& request, const LocalBoxAddress& address) const {
  const auto digest = index_.digest_of_file(address.path, stamp_of(request.box, address.path));
  if (!digest) return std::nullopt;
  check_digest(request.box, *digest);
  return stored(request, *digest);
}

std::optional<Box> BoxStore::find_recipe(const BoxRequest& request, const RecipeAddress& address) const {
  const RecipeWork work = recipe_work(address.recipe, recipe_format(request));
  const auto digest = index_.digest_of_recipe(work.key, work.version);
  return digest ? stored(request, *digest) : std::nullopt;
}

std::optional<Box> BoxStore::find_web(const BoxRequest& request, const WebAddress& address) const {
  const auto digest = index_.digest_of_url(address.url);
  const std::string wanted = wanted_digest(request.box);
  if (!wanted.empty() && digest != wanted) return stored(request, wanted);
  return digest ? stored(request, *digest) : std::nullopt;
}

Box BoxStore::download(const BoxRequest& request, const WebAddress& address, Operation& operation) {
  constexpr int most_changes = 3;
  const std::string work = "get-" + sha256(address.url).substr(0, 16);
  const FileLock lock = wait_for_lock(
      lock_of(work), fmt::format("waiting for another envtool that downloads box '{}'", request.box.name),
      operation);
  if (auto box = find_web(request, address)) return std::move(*box);
  operation.say(fmt::format("downloading box '{}'", request.box.name));
  for (int changes = 0; changes < most_changes; ++changes) {
    try {
      const std::string digest = download_once(request, address, work, operation);
      if (request.box.checksum.empty())
        operation.say(fmt::format("box '{}' has sha256:{}; write that under 'checksum' to have no other",
                                  request.box.name, digest));
      index_.remember_url(address.url, digest, operation);
      return stored(request, digest).value();
    } catch (const SourceChanged&) {
      operation.say("the server has another file by now: the download begins anew", Tone::warning);
    }
  }
  Error error(ErrorKind::failed,
              fmt::format("box '{}': its file changes each time while it is downloaded", request.box.name));
  error.at(request.box.position);
  throw error;
}

std::string BoxStore::download_once(const BoxRequest& request, const WebAddress& address,
                                    const std::string& work, Operation& operation) {
  const PartDirectory part(directory_, work);
  HttpSource source(address.url,
                    {.netrc = host_.paths.home / ".netrc", .ca_bundle = host_.variable("CURL_CA_BUNDLE")});
  about(request.box, [&] { unpack_archive(source, part.path(), operation); });
  const std::string digest = source.digest();
  check_digest(request.box, digest);
  about(request.box, [&] { check_content(request, part.path(), operation); });
  part.publish(place_of(digest));
  return digest;
}

Box BoxStore::add_local(const BoxRequest& request, const LocalBoxAddress& address, Operation& operation) {
  const FileStamp stamp = stamp_of(request.box, address.path);
  const std::string digest = digest_of_file(address.path, operation);
  check_digest(request.box, digest);
  const FileLock lock = wait_for_lock(
      lock_of(digest), fmt::format("waiting for another envtool that unpacks box '{}'", request.box.name),
      operation);
  if (!fs::exists(place_of(digest))) unpack_into_store(request, address, {digest, stamp}, operation);
  index_.remember_file(address.path, stamp, digest, operation);
  return stored(request, digest).value();
}

void BoxStore::unpack_into_store(const BoxRequest& request, const LocalBoxAddress& address,
                                 const Identity& identity, Operation& operation) {
  const PartDirectory part(directory_, identity.digest);
  about(request.box, [&] {
    unpack_archive(address.path, part.path(), operation);
    if (FileStamp::of(address.path) != identity.stamp)
      throw Error(ErrorKind::failed, "the file was changed while it was read");
    check_content(request, part.path(), operation);
  });
  part.publish(place_of(identity.digest));
}

Box BoxStore::build(const BoxRequest& request, const RecipeAddress& address, Operation& operation) {
  const std::string format = recipe_format(request);
  const RecipeWork made = recipe_work(address.recipe, format);
  const std::string work = "build-" + replace_all(replace_all(made.key, "/", "-"), " ", "-");
  const FileLock lock = wait_for_lock(
      lock_of(work), fmt::format("waiting for another envtool that builds box '{}'", request.box.name),
      operation);
  if (auto box = find_recipe(request, address)) return std::move(*box);
  operation.say(fmt::format("building box '{}': once, about half a minute", request.box.name));
  std::string digest;
  try {
    const PartDirectory part(directory_, work);
    const DebianBuild recipe{
        .release = address.recipe.substr(address.recipe.find('/') + 1),
        .mirrors = choose_debian_mirrors(request.sources.debian, host_.variable("ENVTOOL_DEBIAN_MIRROR"),
                                         recipe_host_),
        .keyring = recipe_host_.keyring,
        .own_mounts = ::geteuid() == 0 || can_regain_root()};
    const bool disk = format == "libvirt";
    (disk ? build_debian_disk_box : build_debian_box)(recipe, part.path(), directory_ / (work + ".log"),
                                                      operation);
    digest = write_checksums(part.path(), operation).at(disk ? "box.img" : "rootfs.tar.zst");
    part.publish(place_of(digest));
  } catch (Error& error) {
    error.with_frame(fmt::format("box '{}'", request.box.name));
    throw;
  }
  index_.remember_recipe(made.key, made.version, digest, operation);
  return stored(request, digest).value();
}

std::vector<StoredBox> BoxStore::list() {
  std::vector<StoredBox> boxes;
  const auto addresses = index_.addresses();
  std::error_code failure;
  for (const auto& entry : fs::directory_iterator(directory_, failure)) {
    const std::string digest = entry.path().filename();
    if (!is_digest(digest)) continue;
    StoredBox stored;
    stored.box.digest = digest;
    stored.box.directory = entry.path();
    try {
      stored.size = size_of(entry.path());
      stored.box = described(entry.path(), read_box_facts(entry.path()));
      check_box_content(entry.path(), {stored.box.format, stored.box.metadata, {}});
    } catch (const std::exception& error) {  // fs::filesystem_error too
      stored.damage = error.what();
    }
    if (const auto known = addresses.find(digest); known != addresses.end()) {
      stored.addresses = known->second;
      stored.box.name = known->second.front();
    }
    boxes.push_back(std::move(stored));
  }
  std::sort(boxes.begin(), boxes.end(), [](const StoredBox& left, const StoredBox& right) {
    return std::tie(left.box.name, left.box.digest) < std::tie(right.box.name, right.box.digest);
  });
  return boxes;
}

void BoxStore::verify(const std::string& digest, Operation& operation) {
  const fs::path place = place_of(digest);
  check_checksums(place, operation);
  check_box_content(place, read_box_facts(place));
}

void BoxStore::remove(const std::string& digest, Operation& operation) {
  const fs::path place = place_of(digest);
  if (!is_digest(digest) || !fs::exists(place)) return;
  const FileLock lock = wait_for_lock(
      lock_of(digest), fmt::format("waiting for another envtool that works on box {}", digest.substr(0, 12)),
      operation);
  // Out of its place at once; whatever is left of it after a kill, sweep() removes.
  const fs::path part = directory_ / fmt::format("{}{}.{}", part_prefix, digest, random_hex(4));
  if (::rename(place.c_str(), part.c_str()) != 0 && errno != ENOENT)
    throw Error(ErrorKind::failed, fmt::format("cannot remove '{}': {}", place.string(), errno_text(errno)));
  index_.forget(digest, operation);
  remove_unmounted(part);
}

/// Removes what killed processes left: parts whose lock nobody holds.
void BoxStore::sweep() const {
  std::error_code failure;
  for (const auto& entry : fs::directory_iterator(directory_, failure)) {
    const std::string name = entry.path().filename();
    if (!name.starts_with(part_prefix)) continue;
    const std::string work = name.substr(part_prefix.size(), name.rfind('.') - part_prefix.size());
    const auto lock = FileLock::try_take(lock_of(work), fmt::format("pid {}", ::getpid()));
    if (lock) remove_unmounted(entry.path());
  }
}

}  // namespace envtool
