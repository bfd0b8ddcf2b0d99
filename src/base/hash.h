#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace envtool {

/// The hash of a stream of bytes, in lower-case hexadecimal digits.
class Hash {
 public:
  /// "md5", "sha1", "sha256", "sha384" or "sha512". Throws Error(failed) when libcrypto does not give it.
  explicit Hash(std::string_view algorithm);
  ~Hash();
  Hash(Hash&&) noexcept;
  void add(std::string_view bytes);
  /// The digest of all that was added since the last one.
  std::string finish();

 protected:
  struct Deleter {
    void operator()(void* context) const;
  };
  std::unique_ptr<void, Deleter> context_;
};

/// 64 digits.
class Sha256 : public Hash {
 public:
  Sha256() : Hash("sha256") {}
  /// Another that has seen the same bytes.
  Sha256 copy() const;
};

/// What shows that bytes were damaged, five times as fast as a hash: Poly1305 (RFC 8439) as 32 digits. The
/// key is no secret, so this is no proof against somebody who means to deceive.
class Checksum {
 public:
  /// Throws Error(failed) when libcrypto does not give it.
  Checksum();
  void add(std::string_view bytes);
  /// Of all that was added since the last one.
  std::string finish();

 private:
  void begin();

  struct Deleter {
    void operator()(void* context) const;
  };
  std::unique_ptr<void, Deleter> context_;
};

std::string sha256(std::string_view bytes);
/// Throws Error(failed) when the file cannot be read.
std::string sha256_of_file(const std::filesystem::path& path);
std::string checksum_of_file(const std::filesystem::path& path);

/// FNV-1a of 64 bits as 16 hexadecimal digits: for names that nobody tries to forge and to see what is torn,
/// for nothing secret. Unlike the others it needs no libcrypto.
std::string fnv1a(std::string_view bytes);

/// Bytes from the kernel's random source, as twice as many hexadecimal digits.
std::string random_hex(std::size_t bytes);

}  // namespace envtool
