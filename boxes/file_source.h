#pragma once

#include <array>

#include "base/files.h"
#include "base/hash.h"
#include "boxes/byte_source.h"
#include "boxes/conveyor.h"

namespace envtool {

/// A file of this host.
class FileSource : public BoxFile {
 public:
  /// Throws Error(failed) when it cannot be read, as `read` does.
  explicit FileSource(std::filesystem::path path);

  std::string_view read(Operation& operation) override;
  std::uint64_t size() const override { return size_; }
  std::string digest() override;
  std::filesystem::path path() const override { return path_; }

 private:
  std::filesystem::path path_;
  UniqueFd fd_;
  std::uint64_t size_ = 0;
  std::array<std::string, 4> blocks_;
  std::size_t next_ = 0;  ///< of the blocks
  Sha256 hash_;
  Conveyor<std::string_view> hashing_;  ///< holds fewer of the blocks than there are
};

}  // namespace envtool
