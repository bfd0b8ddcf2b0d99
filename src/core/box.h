#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/model.h"
#include "core/operation.h"

namespace envtool {

/// What a box may say about machines made of it; anything the Envfile says wins.
struct BoxDefaults {
  std::string ssh_user;
  std::optional<int> cpus;
  std::optional<ByteSize> memory;
};

/// A disk image of a box. It refers to no other file, or to those of the box only.
struct BoxDisk {
  std::string file;       ///< below the box's directory
  std::string format;     ///< "qcow2", "vmdk" or "raw", by what the file is
  ByteSize virtual_size;  ///< what a guest sees
};

class RootfsStore;

/// A file that a box is made of, for one format and architecture: what a lock file keeps.
struct BoxPin {
  std::string format;
  std::string architecture;  ///< "amd64"...; empty when the source does not say
  std::string version;       ///< empty when there is none
  std::string url;           ///< empty for what is made on this host
  std::string sha256;        ///< empty until the file was fetched, where the source does not know it
  std::string checksum;      ///< "sha512:...", what the source knows instead
  bool operator==(const BoxPin&) const = default;
};

/// A box in the store: complete, read-only, named by the digest of the bytes it came from.
struct Box {
  std::string digest;   ///< SHA-256, 64 hexadecimal digits
  std::string name;     ///< as the user knows it
  std::string version;  ///< "0" when it has none
  std::string format;   ///< "lxc", "libvirt"...: what a provider lists in ProviderInfo::box_formats
  std::filesystem::path directory;  ///< holds metadata.json and what the format prescribes
  Value metadata;                   ///< metadata.json
  Value info;                       ///< info.json; null when there is none
  BoxDefaults defaults;
  std::vector<BoxDisk> disks;      ///< in the order in which a machine has them
  std::string rootfs_manifest;     ///< of a root file system that a RootfsStore keeps; else empty
  std::vector<std::string> notes;  ///< what of it has no effect, a sentence each
  /// All that its source has of it in the formats that were to be kept; none for a file of this host.
  std::vector<BoxPin> pins = {};
};

/// A box as it lies in the store.
struct StoredBox {
  Box box;                             ///< `name`: the first address, empty when none is known
  std::vector<std::string> addresses;  ///< what means it now: recipes and files of this host
  ByteSize size;                       ///< of all its files
  std::string damage;                  ///< why it cannot be used; empty: it can
};

/// A disk image for a box.
struct NewBoxDisk {
  ByteSize virtual_size;   ///< what a guest sees
  std::uint64_t size = 0;  ///< bytes of the image, a qcow2
  /// Gives the image piece by piece. Throws what `take` throws.
  std::function<void(const std::function<void(std::string_view)>& take, Operation& operation)> read;
};
struct NewBoxDisks {
  std::vector<NewBoxDisk> disks;  ///< in the order in which a machine has them
  Value metadata;                 ///< a map of what the box's metadata is to say besides
};

/// A box to be made of a machine, as Vagrant's are.
struct NewBox {
  std::filesystem::path file;              ///< nothing may be there yet
  std::filesystem::path vagrantfile = {};  ///< of this host; Vagrant reads it when it uses the box
  std::filesystem::path info = {};         ///< of this host: the box's `info.json`
  /// Files and directories of this host, relative to `directory` or absolute, for the box's `include`.
  std::vector<std::filesystem::path> included = {};
  std::filesystem::path directory = {};
  std::string format = {};    ///< "lxc"
  std::string ssh_user = {};  ///< who is logged in as
  /// Gives the root file system as Package::export_rootfs does; or
  std::function<void(const std::function<void(std::string_view)>& take, Operation& operation)> rootfs = {};
  /// the disks that the box is made of.
  std::function<NewBoxDisks(Operation& operation)> disks = {};
};

struct BoxRequest {
  BoxConfig box;
  std::vector<std::string> formats;  ///< acceptable ones, by preference; empty: any
  SourcesConfig sources;
  RootfsStore* rootfs_store = nullptr;         ///< where its root file system is unpacked; null: nowhere yet
  std::vector<BoxPin> pins = {};               ///< what it is locked to; none: it is not
  std::vector<std::string> kept_formats = {};  ///< for `Box::pins`; none: those of `formats`
  bool locked = false;                         ///< nothing but the pins will do
  std::string remembered_as = {};              ///< a name by which the store is to know it too
  bool anew = false;                           ///< the source is asked even when the store has the box
};

/// Finds, makes or fetches boxes.
class BoxSource {
 public:
  virtual ~BoxSource() = default;
  /// Throws Error(bad_envfile) at the box's position for an address that means nothing, before anything is
  /// fetched. Does not touch the network or the store.
  virtual void check(const BoxRequest& request) = 0;
  /// The box if it is in the store already, without any work.
  virtual std::optional<Box> find(const BoxRequest& request, Operation& operation) = 0;
  /// The box, made or fetched when it is not in the store. Safe from several threads and processes at once:
  /// one works, the others wait.
  virtual Box resolve(const BoxRequest& request, Operation& operation) = 0;
  /// What the source has now, whatever is in the store; fetches no box. A file whose content is known only
  /// when it is fetched has no digest; of a server's file without a version that says that it is another one
  /// than what came from there. Nothing where only fetching could tell. Throws Error(failed) when the source
  /// cannot be asked.
  virtual std::vector<BoxPin> newest(const BoxRequest& request, Operation& operation) = 0;
  /// Every complete box of the store, by address and digest.
  virtual std::vector<StoredBox> list() = 0;
  /// Reads the whole box of that digest once more. Throws Error(failed) saying what of it is not as it was
  /// stored.
  virtual void verify(const std::string& digest, Operation& operation) = 0;
  /// Removes the box of that digest, whoever uses it. Nothing there: nothing to do. Interrupted at any moment
  /// it is there or gone.
  virtual void remove(const std::string& digest, Operation& operation) = 0;
  /// Removes what killed processes left half made. Where one may have given a root file system to a provider
  /// and the box never got into the store, `forget` is called with its digest first.
  virtual void sweep(const std::function<void(const std::string& digest)>& forget) = 0;
};

}  // namespace envtool
