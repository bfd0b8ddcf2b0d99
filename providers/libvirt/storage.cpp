#include "providers/libvirt/storage.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <fstream>

#include "base/files.h"
#include "providers/libvirt/file_copy.h"
#include "providers/libvirt/image.h"
#include "providers/libvirt/stream.h"
#include "providers/libvirt/volume_xml.h"
#include "providers/libvirt/xml.h"

namespace envtool::libvirt {

namespace {

using namespace std::chrono_literals;

virStorageVolInfo info_of(const Volume& volume) {
  virStorageVolInfo info{};
  if (api().virStorageVolGetInfo(volume.get(), &info) != 0) fail("ask for a volume's size");
  return info;
}

std::string name_of(const Volume& volume) {
  const char* const name = api().virStorageVolGetName(volume.get());
  return name == nullptr ? "" : name;
}

std::string path_of_volume(const Volume& volume) {
  const Text path(api().virStorageVolGetPath(volume.get()));
  if (!path) fail("ask for a volume's path");
  return path.get();
}

void delete_volume(const Volume& volume) {
  if (api().virStorageVolDelete(volume.get(), 0) != 0 && last_code() != VIR_ERR_NO_STORAGE_VOL)
    fail(fmt::format("remove the volume '{}'", name_of(volume)));
}

/// What fills it throws: a part of it is of no use.
void or_delete(const Volume& volume, const std::function<void()>& fill) {
  try {
    fill();
  } catch (...) {
    api().virStorageVolDelete(volume.get(), 0);
    throw;
  }
}

/// A file in chunks, with progress.
class FileChunks {
 public:
  FileChunks(const std::filesystem::path& path, Operation& operation)
      : path_(path),
        operation_(operation),
        file_(path, std::ios::binary),
        size_(std::filesystem::file_size(path)),
        buffer_(1 << 20, '\0') {}

  std::uint64_t size() const { return size_; }
  std::string_view next() {
    operation_.check_stop();
    file_.read(buffer_.data(), static_cast<std::streamsize>(buffer_.size()));
    const auto count = static_cast<std::size_t>(file_.gcount());
    if (file_.bad() || (count == 0 && done_ != size_))
      throw Error(ErrorKind::failed, fmt::format("cannot read '{}'", path_.string()));
    done_ += count;
    operation_.progress({.done = done_, .total = size_});
    return {buffer_.data(), count};
  }

 private:
  const std::filesystem::path& path_;
  Operation& operation_;
  std::ifstream file_;
  std::uint64_t size_;
  std::string buffer_;
  std::uint64_t done_ = 0;
};

}  // namespace

Storage Storage::ensure(const Connection& connection, const std::filesystem::path& directory) {
  Pool pool = connection.find_pool(pool_name);
  if (!pool) {
    pool.reset(api().virStoragePoolDefineXML(connection.get(), pool_xml(pool_name, directory).c_str(), 0));
    if (!pool) pool = connection.find_pool(pool_name);  // another process was faster
    // One that somebody else has started meanwhile is built.
    if (!pool ||
        (api().virStoragePoolBuild(pool.get(), 0) != 0 && api().virStoragePoolIsActive(pool.get()) != 1))
      fail("make a pool of volumes");
    api().virStoragePoolSetAutostart(pool.get(), 1);
  }
  if (api().virStoragePoolIsActive(pool.get()) != 1 && api().virStoragePoolCreate(pool.get(), 0) != 0 &&
      api().virStoragePoolIsActive(pool.get()) != 1)
    fail(fmt::format("start the pool '{}'", pool_name));
  return {connection, std::move(pool)};
}

std::optional<Storage> Storage::find(const Connection& connection) {
  Pool pool = connection.find_pool(pool_name);
  if (!pool) return std::nullopt;
  if (api().virStoragePoolIsActive(pool.get()) != 1) api().virStoragePoolCreate(pool.get(), 0);
  return Storage(connection, std::move(pool));
}

Volume Storage::find_volume(const std::string& name) const {
  Volume volume(api().virStorageVolLookupByName(pool_.get(), name.c_str()));
  if (!volume && last_code() != VIR_ERR_NO_STORAGE_VOL) fail(fmt::format("look for the volume '{}'", name));
  return volume;
}

Volume Storage::volume(const std::string& name) const {
  Volume found = find_volume(name);
  if (!found) throw Error(ErrorKind::failed, fmt::format("the volume '{}' is gone", name));
  return found;
}

Volume Storage::make_volume(const std::string& xml, const std::string& name) const {
  Volume volume(api().virStorageVolCreateXML(pool_.get(), xml.c_str(), 0));
  if (!volume) fail(fmt::format("make the volume '{}'", name));
  return volume;
}

std::vector<Volume> Storage::volumes() const {
  virStorageVolPtr* list = nullptr;
  const int count = api().virStoragePoolListAllVolumes(pool_.get(), &list, 0);
  if (count < 0) fail(fmt::format("list the volumes of the pool '{}'", pool_name));
  std::vector<Volume> volumes;
  for (int i = 0; i < count; ++i) volumes.emplace_back(list[i]);
  std::free(list);
  return volumes;
}

/// Whether somebody writes them now: of what a killed upload left, nothing grows. libvirt's events of storage
/// are of pools, not of volumes.
bool Storage::is_being_uploaded(const std::string& prefix, Operation& operation) const {
  std::uint64_t before = 0;
  for (auto idle = 0ms; idle < 5s; idle += 500ms) {
    std::uint64_t now = 0, count = 0;
    for (const Volume& volume : volumes())
      if (name_of(volume).starts_with(prefix)) now += info_of(volume).allocation + ++count;
    if (count == 0) return false;
    if (idle != 0ms && now != before) return true;
    before = now;
    operation.sleep_for(500ms);
  }
  return false;
}

void Storage::upload_file(const Volume& volume, const std::filesystem::path& file,
                          Operation& operation) const {
  if (connection_.is_double()) return;
  or_delete(volume, [&] {
    FileChunks chunks(file, operation);
    upload(connection_, volume, chunks.size(), [&] { return chunks.next(); });
  });
}

bool Storage::copy_here(const Volume& volume, const std::filesystem::path& file, Operation& operation) const {
  if (!connection_.is_local() || connection_.is_double()) return false;
  const UniqueFd from(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  const std::string path = path_of_volume(volume);
  const UniqueFd to(::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOFOLLOW));
  struct stat source {
  }, target{};
  if (!from || !to || ::fstat(from.get(), &source) != 0 || ::fstat(to.get(), &target) != 0) return false;
  if (!S_ISREG(target.st_mode) || target.st_size != source.st_size || target.st_blocks != 0) return false;
  or_delete(volume, [&] {
    try {
      copy_into_zeros(from.get(), to.get(), static_cast<std::uint64_t>(source.st_size), operation);
    } catch (Error& error) {
      throw error.with_frame(fmt::format("volume '{}'", path));
    }
  });
  // A libvirt that sees other file systems than we do has another file at that path.
  return ::fstat(to.get(), &target) == 0 &&
         info_of(volume).allocation == static_cast<std::uint64_t>(target.st_blocks) * 512;
}

void Storage::upload_box(const Box& box, Operation& operation) const {
  const std::vector<BoxImage> images = box_images(box);
  operation.say(fmt::format("copying the disk of box '{}' to libvirt: once", box.name));
  for (std::size_t i = 0; i < images.size(); ++i) {
    const std::string name = box_volume(box.digest, i);
    const Volume volume = make_volume(volume_xml({.name = name, .capacity = images[i].size}), name);
    if (!copy_here(volume, images[i].path, operation)) upload_file(volume, images[i].path, operation);
  }
}

std::vector<Backing> Storage::box(const Box& box, Operation& operation) const {
  // Of this user's machines that come up at once, one copies it; other users' are seen by the volumes.
  const std::filesystem::path lock_file = operation.host.paths.data / "libvirt.lock";
  std::optional<FileLock> lock;
  while (!(lock = FileLock::try_take(lock_file, "a copy of a box to libvirt"))) operation.sleep_for(100ms);
  const std::string prefix = box_volume_prefix(box.digest), mark = complete_volume(box.digest);
  bool told = false;
  while (!find_volume(mark)) {
    if (find_volume(box_volume(box.digest, 0))) {
      if (!told) operation.say(fmt::format("waiting for another envtool that copies box '{}'", box.name));
      told = true;
      if (is_being_uploaded(prefix, operation) || find_volume(mark)) continue;
    }
    remove(list(prefix));
    upload_box(box, operation);
    make_volume(volume_xml({.name = mark}), mark);
  }
  std::vector<Backing> volumes;
  for (const BoxImage& image : box_images(box)) {
    const std::string name = box_volume(box.digest, volumes.size());
    const auto path = path_of(name);
    if (!path) {
      // Somebody removed it by hand: nothing can lie over what is not there.
      remove({mark});
      throw Error(ErrorKind::failed, fmt::format("the volume '{}' of box '{}' is gone", name, box.name))
          .with_hint("run the command again to copy it anew");
    }
    volumes.push_back({*path, image.format, image.capacity});
  }
  return volumes;
}

std::string Storage::make_overlay(const std::string& name, const Backing& backing,
                                  std::uint64_t capacity) const {
  return path_of_volume(make_volume(
      volume_xml({.name = name, .capacity = capacity, .format = "qcow2", .backing = backing}), name));
}

std::string Storage::make_disk(const std::string& name, std::uint64_t capacity) const {
  return path_of_volume(
      make_volume(volume_xml({.name = name, .capacity = capacity, .format = "qcow2"}), name));
}

std::string Storage::make_file(const std::string& name, std::string_view content) const {
  const Volume volume = make_volume(volume_xml({.name = name, .capacity = content.size()}), name);
  if (!content.empty() && !connection_.is_double())
    upload(connection_, volume, content.size(),
           [rest = content]() mutable { return std::exchange(rest, std::string_view()); });
  return path_of_volume(volume);
}

std::string Storage::copy_file(const std::string& name, const std::filesystem::path& file,
                               Operation& operation) const {
  const Volume volume =
      make_volume(volume_xml({.name = name, .capacity = std::filesystem::file_size(file)}), name);
  upload_file(volume, file, operation);
  return path_of_volume(volume);
}

void Storage::grow(const std::string& name, std::uint64_t capacity) const {
  const Volume found = volume(name);
  if (info_of(found).capacity >= capacity) return;
  if (api().virStorageVolResize(found.get(), capacity, 0) != 0) fail(fmt::format("grow '{}'", name));
}

void Storage::flatten(const std::string& from, const std::string& name) const {
  const std::string xml = volume_xml({.name = name, .capacity = capacity_of(from), .format = "qcow2"});
  if (!Volume(api().virStorageVolCreateXMLFrom(pool_.get(), xml.c_str(), volume(from).get(), 0)))
    fail(fmt::format("make an image of '{}'", from));
}

std::optional<Backing> Storage::backing_of(const std::string& name) const {
  const Text xml(api().virStorageVolGetXMLDesc(volume(name).get(), 0));
  if (!xml) fail(fmt::format("ask what '{}' lies over", name));
  const std::string_view backing = xml_element(xml.get(), "backingStore");
  std::string path = xml_text(backing, "path");
  if (path.empty()) return std::nullopt;
  return Backing{std::move(path), find_xml_tag(backing, "format")["type"]};
}

std::uint64_t Storage::capacity_of(const std::string& name) const { return info_of(volume(name)).capacity; }

std::uint64_t Storage::file_size_of(const std::string& name) const {
  const Volume found = volume(name);
  if (connection_.is_double()) return 0;
  virStorageVolInfo info{};
  if (api().virStorageVolGetInfoFlags(found.get(), &info, VIR_STORAGE_VOL_GET_PHYSICAL) != 0)
    fail("ask for a volume's size");
  return info.allocation;
}

void Storage::read(const std::string& name, const std::function<void(std::string_view)>& take,
                   Operation& operation) const {
  const Volume found = volume(name);
  if (connection_.is_double()) return;
  download(connection_, found, 0, [&](std::string_view bytes) {
    operation.check_stop();
    take(bytes);
  });
}

bool Storage::has_whole(const std::string& name) const {
  const Volume volume = find_volume(name);
  if (!volume || connection_.is_double()) return volume != nullptr;
  const virStorageVolInfo info = info_of(volume);
  return info.allocation >= info.capacity;
}

std::optional<std::string> Storage::path_of(const std::string& name) const {
  const Volume volume = find_volume(name);
  if (!volume) return std::nullopt;
  return path_of_volume(volume);
}

std::string Storage::tail(const std::string& name, std::uint64_t bytes) const {
  const Volume volume = find_volume(name);
  if (!volume || connection_.is_double()) return {};
  const std::uint64_t size = info_of(volume).capacity;
  return size == 0 ? "" : download(connection_, volume, size > bytes ? size - bytes : 0);
}

std::vector<std::string> Storage::list(const std::string& prefix) const {
  std::vector<std::string> names;
  for (const Volume& volume : volumes())
    if (const std::string name = name_of(volume); name.starts_with(prefix)) names.push_back(name);
  return names;
}

void Storage::remove(const std::vector<std::string>& names) const {
  for (const std::string& name : names)
    if (const Volume volume = find_volume(name)) delete_volume(volume);
}

void Storage::remove_box(const std::string& digest, const std::filesystem::path& directory) const {
  const std::string prefix = box_volume_prefix(digest);
  for (const Volume& volume : volumes()) {
    const Text xml(api().virStorageVolGetXMLDesc(volume.get(), 0));
    if (!name_of(volume).starts_with(prefix) && xml &&
        std::string_view(xml.get()).find(prefix) != std::string_view::npos)
      return;
  }
  remove({complete_volume(digest)});  // first: without it the others count as incomplete
  remove(list(prefix));
  const Text xml(api().virStoragePoolGetXMLDesc(pool_.get(), 0));
  if (!volumes().empty() || !xml || xml_text(xml.get(), "path") != directory) return;
  api().virStoragePoolDestroy(pool_.get());
  api().virStoragePoolUndefine(pool_.get());
}

}  // namespace envtool::libvirt
