#include "boxes/box_store.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <tuple>

#include "base/error.h"
#include "base/hash.h"
#include "base/text.h"
#include "boxes/box_wish.h"
#include "boxes/checksums.h"
#include "boxes/file_source.h"
#include "boxes/intake.h"
#include "boxes/metadata.h"
#include "boxes/part_directory.h"
#include "boxes/recipe_work.h"
#include "boxes/rootfs.h"

namespace envtool {

namespace fs = std::filesystem;

namespace {

bool is_digest(const std::string& name) {
  return name.size() == 64 && name.find_first_not_of("0123456789abcdef") == std::string::npos;
}

ByteSize size_of(const fs::path& directory) {
  ByteSize size;
  for (const auto& entry : fs::recursive_directory_iterator(directory))
    if (entry.is_regular_file()) size.bytes += entry.file_size();
  return size;
}

/// What a box of the store is, whatever it is known by. Throws Error(failed) when it is not as it should be.
Box described(const fs::path& place) {
  BoxFacts facts = read_box_facts(place);
  check_box_content(place, facts);
  const Value recipe = facts.metadata["recipe-version"];
  const auto rootfs = read_rootfs_record(place);
  return {.digest = place.filename(),
          .name = {},
          .version = recipe.is_null() ? "0" : fmt::format("{}", recipe.as_integer()),
          .format = facts.format,
          .directory = place,
          .metadata = std::move(facts.metadata),
          .info = std::move(facts.info),
          .defaults = std::move(facts.defaults),
          .disks = std::move(facts.disks),
          .rootfs_manifest = rootfs ? rootfs->manifest : std::string(),
          .notes = std::move(facts.notes)};
}

/// The root file system that the box still has in its archive; empty when it has none.
fs::path packed_rootfs(const fs::path& place) {
  for (const auto& entry : fs::directory_iterator(place))
    if (is_rootfs_name(entry.path().filename().string())) return entry.path();
  return {};
}

/// The digest of the box that is in the making there, once a provider may have its root file system.
std::string given_away(const fs::path& part) {
  try {
    const auto record = read_rootfs_record(part);
    return record ? record->digest : std::string();
  } catch (const Error&) {  // cut off while it was written, so before anybody was given it
    return {};
  }
}

void check_digest(const BoxConfig& box, const std::string& digest) {
  const std::string wanted = wanted_digest(box);
  if (wanted.empty() || wanted == digest) return;
  Error error(ErrorKind::failed, fmt::format("box '{}': the file's checksum is sha256:{}, expected sha256:{}",
                                             box.name, digest, wanted));
  error.at(box.position);
  throw error;
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
  if (const auto* named = std::get_if<NamedAddress>(&address)) wish_for(request, *named);
  if (const auto* local = std::get_if<LocalBoxAddress>(&address)) stamp_of(request.box, local->path);
  if (std::holds_alternative<RecipeAddress>(address)) check_format(request, recipe_format(request));
}

std::optional<Box> BoxStore::find(const BoxRequest& request, Operation&) {
  const BoxAddress address = box_address(request.box, host_.paths.home);
  if (const auto* local = std::get_if<LocalBoxAddress>(&address)) return find_local(request, *local);
  if (const auto* web = std::get_if<WebAddress>(&address)) return find_web(request, *web);
  if (const auto* named = std::get_if<NamedAddress>(&address)) return find_named(request, *named);
  return find_recipe(request, std::get<RecipeAddress>(address));
}

Box BoxStore::resolve(const BoxRequest& request, Operation& operation) {
  check(request);
  std::optional<Box> box = find(request, operation);
  if (!box) box = add(request, operation);
  if (!request.remembered_as.empty()) remember(request.remembered_as, *box, operation);
  hand_over(request, *box, operation);
  return std::move(*box);
}

Box BoxStore::add(const BoxRequest& request, Operation& operation) {
  const BoxAddress address = box_address(request.box, host_.paths.home);
  sweep({});
  if (const auto* local = std::get_if<LocalBoxAddress>(&address))
    return add_local(request, *local, operation);
  if (const auto* web = std::get_if<WebAddress>(&address)) return download(request, *web, operation);
  if (const auto* named = std::get_if<NamedAddress>(&address)) return fetch_named(request, *named, operation);
  return build(request, std::get<RecipeAddress>(address), operation);
}

void BoxStore::remember(const std::string& name, const Box& box, Operation& operation) {
  const auto at = name.find('@');
  const BoxPin pin{.format = box.format,
                   .architecture = box.metadata["architecture"].as_text(),
                   .version = at == std::string::npos ? "0" : name.substr(at + 1),
                   .url = {},
                   .sha256 = box.digest,
                   .checksum = {}};
  index_.remember_name(name.substr(0, at), {pin, {}}, operation);
}

std::optional<Box> BoxStore::stored(const BoxRequest& request, const std::string& digest) const {
  const fs::path place = place_of(digest);
  if (!fs::exists(place)) return std::nullopt;
  check_format(request, read_box_facts(place).format);
  Box box = described(place);
  box.name = request.box.name;
  // What a provider had taken and has no more must come again.
  if (request.rootfs_store != nullptr && read_rootfs_record(place) &&
      !request.rootfs_store->has_rootfs(digest))
    return std::nullopt;
  return box;
}

/// Gives a root file system that the store has packed to where machines want it.
void BoxStore::hand_over(const BoxRequest& request, const Box& box, Operation& operation) {
  RootfsStore* rootfs_store = request.rootfs_store;
  if (rootfs_store == nullptr || rootfs_store->has_rootfs(box.digest)) return;
  const fs::path packed = packed_rootfs(box.directory);
  if (packed.empty()) return;
  const FileLock lock =
      wait_for_lock(lock_of(box.digest),
                    fmt::format("waiting for another envtool that unpacks box '{}'", box.name), operation);
  if (rootfs_store->has_rootfs(box.digest)) return;
  about(request.box, [&] {
    FileSource file(packed);
    const auto sink =
        rootfs_store->take_rootfs({box.name, file.size(), box.metadata["bare"].as_bool()}, operation);
    operation.say(fmt::format("unpacking box '{}'", box.name));
    relay_rootfs(file, *sink, operation);
    sink->publish(box.digest, operation);
  });
}

std::optional<Box> BoxStore::find_local(const BoxRequest& request, const LocalBoxAddress& address) const {
  const auto digest = index_.digest_of_file(address.path, stamp_of(request.box, address.path));
  if (!digest) return std::nullopt;
  check_digest(request.box, *digest);
  return stored(request, *digest);
}

std::string BoxStore::take(const BoxRequest& request, BoxFile& file, const std::string& work,
                           Operation& operation) {
  const PartDirectory part(directory_, work);
  std::optional<FileStamp> stamp;
  if (!file.path().empty()) stamp = FileStamp::of(file.path());
  const auto accept = [&](const std::string& digest) {
    if (stamp && FileStamp::of(file.path()) != *stamp)
      throw Error(ErrorKind::failed, "the file was changed while it was read");
    check_digest(request.box, digest);
  };
  std::string digest;
  const Intake intake{.request = request, .directory = part.path(), .accept = accept};
  about(request.box, [&] { digest = take_in(file, intake, operation); });
  part.publish(place_of(digest));
  return digest;
}

Box BoxStore::once(const BoxRequest& request, const Work& work, Operation& operation,
                   const std::function<Box()>& make) {
  const FileLock lock = wait_for_lock(
      lock_of(work.key),
      fmt::format("waiting for another envtool that {} box '{}'", work.doing, request.box.name), operation);
  if (auto box = work.find()) return std::move(*box);
  return make();
}

Box BoxStore::add_local(const BoxRequest& request, const LocalBoxAddress& address, Operation& operation) {
  const FileStamp stamp = stamp_of(request.box, address.path);
  const Work work{.key = "add-" + sha256(address.path.string()).substr(0, 16),
                  .doing = "unpacks",
                  .find = [&] { return find_local(request, address); }};
  return once(request, work, operation, [&] {
    std::string digest = wanted_digest(request.box);
    if (!digest.empty() && stored(request, digest)) {
      check_digest(request.box, digest_of_file(address.path, operation));
    } else {
      FileSource file(address.path);
      digest = take(request, file, work.key, operation);
    }
    index_.remember_file(address.path, stamp, digest, operation);
    return stored(request, digest).value();
  });
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
      stored.box = described(entry.path());
      if (const auto rootfs = read_rootfs_record(entry.path())) stored.size.bytes += rootfs->bytes;
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
  described(place);
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

/// Parts whose lock nobody holds were left by killed processes.
void BoxStore::sweep(const std::function<void(const std::string& digest)>& forget) {
  std::error_code failure;
  for (const auto& entry : fs::directory_iterator(directory_, failure)) {
    const std::string name = entry.path().filename();
    if (!name.starts_with(part_prefix)) continue;
    const std::string work = name.substr(part_prefix.size(), name.rfind('.') - part_prefix.size());
    const auto lock = FileLock::try_take(lock_of(work), fmt::format("pid {}", ::getpid()));
    if (!lock) continue;
    if (const std::string digest = given_away(entry.path());
        !digest.empty() && !fs::exists(place_of(digest))) {
      if (!forget) continue;
      forget(digest);
    }
    remove_unmounted(entry.path());
  }
}

}  // namespace envtool
