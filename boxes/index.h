#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/files.h"
#include "boxes/byte_source.h"
#include "core/box.h"

namespace envtool {

/// What of a file tells that its content is still the same, without reading it.
struct FileStamp {
  std::uint64_t size = 0, inode = 0;
  std::int64_t modified = 0;  ///< nanoseconds since the epoch

  /// Throws Error(failed) when the file is missing or no regular file.
  static FileStamp of(const std::filesystem::path& path);
  bool operator==(const FileStamp&) const = default;
};

/// A box as it was fetched from an address, and what the server said of its file.
struct FetchedBox {
  std::string digest;
  WebStamp stamp;
};

/// A box as it was fetched under a name.
struct NamedBox {
  BoxPin pin;                    ///< with its sha256, which is its digest in the store
  std::vector<BoxPin> siblings;  ///< what the source had of it then, itself included
};

/// The store's memory: which box a file's or a recipe's was. Only a shortcut: when it is lost, files are
/// hashed and recipes run again. Replaced atomically; safe for several processes at once.
class BoxIndex {
 public:
  /// `file` is the index; its lock lies beside it.
  explicit BoxIndex(std::filesystem::path file) : file_(std::move(file)) {}

  /// The digest of the box file as it was when it had this stamp.
  std::optional<std::string> digest_of_file(const std::filesystem::path& path, const FileStamp& stamp) const;
  std::optional<std::string> digest_of_recipe(const std::string& recipe, int version) const;
  std::optional<FetchedBox> fetched_from(const std::string& url) const;
  /// What else the box was known by goes, where that file is not there any more; of other boxes it may be the
  /// only name.
  void remember_file(const std::filesystem::path& path, const FileStamp& stamp, const std::string& digest,
                     Operation& operation);
  void remember_recipe(const std::string& recipe, int version, const std::string& digest,
                       Operation& operation);
  void remember_url(const std::string& url, const FetchedBox& box, Operation& operation);
  /// Boxes that were fetched or added under that name.
  std::vector<NamedBox> boxes_named(const std::string& name) const;
  /// In the place of one of the same version, format and architecture.
  void remember_name(const std::string& name, const NamedBox& box, Operation& operation);
  /// What the digests are known by, sorted: "/srv/my.box", "build:debian/bookworm".
  std::map<std::string, std::vector<std::string>> addresses() const;
  void forget(const std::string& digest, Operation& operation);

 private:
  Value read() const;
  void change(const std::function<void(Value& index)>& edit, Operation& operation);

  std::filesystem::path file_;
};

/// Takes the lock, waiting as long as another holds it; says `waiting` once if it has to and there is
/// something to say.
FileLock wait_for_lock(const std::filesystem::path& path, std::string_view waiting, Operation& operation);

}  // namespace envtool
