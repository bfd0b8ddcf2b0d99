#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace envtool {

/// SHA-256 of a stream of bytes, as 64 lower-case hexadecimal digits.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  void add(std::string_view bytes);
  /// Another that has seen the same bytes.
  Sha256 copy() const;
  /// The digest of all that was added; the object is of no further use.
  std::string finish();

 private:
  struct Deleter {
    void operator()(void* context) const;
  };
  std::unique_ptr<void, Deleter> context_;
};

std::string sha256(std::string_view bytes);
/// Throws Error(failed) when the file cannot be read.
std::string sha256_of_file(const std::filesystem::path& path);

/// Bytes from the kernel's random source, as twice as many hexadecimal digits.
std::string random_hex(std::size_t bytes);

}  // namespace envtool
