#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/box.h"
#include "core/operation.h"
#include "providers/libvirt/connection.h"
#include "providers/libvirt/names.h"
#include "providers/libvirt/volume_xml.h"

namespace envtool::libvirt {

/// Our pool of volumes: boxes, each once, and what machines write. Everything goes through libvirt's streams,
/// so that it may be on another host; a box's disk is copied by the kernel where we may write into the pool.
class Storage {
 public:
  /// The pool, made and started when it is not there. Throws Error(failed).
  static Storage ensure(const Connection& connection, const std::filesystem::path& directory);
  /// Nothing when there is no pool.
  static std::optional<Storage> find(const Connection& connection);

  /// The box's volumes, qcow2 or raw images as the box has them, uploaded when they are not there yet. Safe
  /// from several processes at once: one uploads, the others wait.
  std::vector<Backing> box(const Box& box, Operation& operation) const;
  /// A new qcow2 volume over `backing`. Gives its path.
  std::string make_overlay(const std::string& name, const Backing& backing, std::uint64_t capacity) const;
  /// A new empty qcow2 volume. Gives its path.
  std::string make_disk(const std::string& name, std::uint64_t capacity) const;
  /// A new raw volume with this content. Gives its path.
  std::string make_file(const std::string& name, std::string_view content) const;
  /// A new raw volume with the content of this file of the host's. Gives its path.
  std::string copy_file(const std::string& name, const std::filesystem::path& file,
                        Operation& operation) const;
  /// Makes it larger; smaller or equal: nothing to do.
  void grow(const std::string& name, std::uint64_t capacity) const;
  /// A new qcow2 volume with all that a guest sees of `from`, over no other.
  void flatten(const std::string& from, const std::string& name) const;
  /// What it lies over; nothing for one that has all of its own. Throws Error(failed) when it is not there.
  std::optional<Backing> backing_of(const std::string& name) const;
  /// Bytes that a guest sees of it, and those of its file. Throws Error(failed) when it is not there.
  std::uint64_t capacity_of(const std::string& name) const;
  std::uint64_t file_size_of(const std::string& name) const;
  /// Gives its file in chunks. Throws Error(failed), and what `take` throws.
  void read(const std::string& name, const std::function<void(std::string_view)>& take,
            Operation& operation) const;
  /// Whether it is there with all of its content: a killed copy leaves a part.
  bool has_whole(const std::string& name) const;
  /// The path; nothing when there is no such volume.
  std::optional<std::string> path_of(const std::string& name) const;
  /// The volume's last bytes; empty when there is none.
  std::string tail(const std::string& name, std::uint64_t bytes) const;
  /// The names of all volumes that begin so.
  std::vector<std::string> list(const std::string& prefix) const;
  /// Removes these volumes in their order. Not there: nothing to do.
  void remove(const std::vector<std::string>& names) const;
  /// Removes a box's volumes unless a machine's disk lies over one, and with its last volume the pool, if it
  /// is in that directory: one elsewhere is somebody else's.
  void remove_box(const std::string& digest, const std::filesystem::path& directory) const;

 private:
  Storage(const Connection& connection, Pool pool) : connection_(connection), pool_(std::move(pool)) {}

  Volume find_volume(const std::string& name) const;
  /// Throws Error(failed) when it is not there.
  Volume volume(const std::string& name) const;
  Volume make_volume(const std::string& xml, const std::string& name) const;
  void upload_file(const Volume& volume, const std::filesystem::path& file, Operation& operation) const;
  /// False, with the volume as it was, unless its file is one of this host's that we may write.
  bool copy_here(const Volume& volume, const std::filesystem::path& file, Operation& operation) const;
  void upload_box(const Box& box, Operation& operation) const;
  bool is_being_uploaded(const std::string& prefix, Operation& operation) const;
  std::vector<Volume> volumes() const;

  const Connection& connection_;
  std::shared_ptr<virStoragePool> pool_;
};

}  // namespace envtool::libvirt
