#pragma once

#include "base/files.h"
#include "base/hash.h"
#include "boxes/byte_source.h"

namespace envtool {

/// A file of this host.
class FileSource : public BoxFile {
 public:
  /// Throws Error(failed) when it cannot be read, as `read` does.
  explicit FileSource(std::filesystem::path path);

  std::string_view read(Operation& operation) override;
  std::uint64_t size() const override { return size_; }
  std::string digest() override { return hash_.finish(); }
  std::filesystem::path path() const override { return path_; }

 private:
  std::filesystem::path path_;
  UniqueFd fd_;
  std::uint64_t size_ = 0;
  std::string block_;
  Sha256 hash_;
};

}  // namespace envtool
