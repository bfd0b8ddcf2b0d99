#include "base/hash.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/random.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

#include "base/error.h"
#include "base/files.h"
#include "base/libcrypto.h"

namespace envtool {

namespace {

std::string to_hex(std::string_view bytes) {
  std::string hex;
  hex.reserve(bytes.size() * 2);
  for (const char byte : bytes) {
    constexpr char digits[] = "0123456789abcdef";
    hex += digits[static_cast<unsigned char>(byte) >> 4];
    hex += digits[static_cast<unsigned char>(byte) & 15];
  }
  return hex;
}

EVP_MD_CTX* of(const auto& pointer) { return static_cast<EVP_MD_CTX*>(pointer.get()); }

constexpr unsigned char checksum_key[] = "the key of envtool's checksums..";
constexpr std::size_t checksum_key_size = 32, checksum_size = 16;
static_assert(sizeof checksum_key == checksum_key_size + 1);

/// Reads the whole file into a hash or checksum.
std::string result_for_file(auto hash, const std::filesystem::path& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::string buffer(1 << 20, '\0');
  for (;;) {
    const ssize_t count = fd ? ::read(fd.get(), buffer.data(), buffer.size()) : -1;
    if (count < 0 && errno == EINTR) continue;
    if (count < 0)
      throw Error(ErrorKind::failed, fmt::format("cannot read '{}': {}", path.string(), errno_text(errno)));
    if (count == 0) return hash.finish();
    hash.add({buffer.data(), static_cast<size_t>(count)});
  }
}

}  // namespace

void Hash::Deleter::operator()(void* context) const { EVP_MD_CTX_free(static_cast<EVP_MD_CTX*>(context)); }

Hash::Hash(std::string_view algorithm) : context_(EVP_MD_CTX_new()) {
  const EVP_MD* kind = EVP_get_digestbyname(std::string(algorithm).c_str());
  if (!context_ || kind == nullptr || EVP_DigestInit_ex(of(context_), kind, nullptr) != 1)
    throw Error(ErrorKind::failed, fmt::format("libcrypto gives no {}", algorithm));
}

Hash::~Hash() = default;
Hash::Hash(Hash&&) noexcept = default;

void Hash::add(std::string_view bytes) { EVP_DigestUpdate(of(context_), bytes.data(), bytes.size()); }

Sha256 Sha256::copy() const {
  Sha256 other;
  if (EVP_MD_CTX_copy_ex(of(other.context_), of(context_)) != 1)
    throw Error(ErrorKind::failed, "libcrypto cannot copy a SHA-256");
  return other;
}

std::string Hash::finish() {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  EVP_DigestFinal_ex(of(context_), digest, &size);
  EVP_DigestInit_ex(of(context_), nullptr, nullptr);
  return to_hex({reinterpret_cast<const char*>(digest), size});
}

void Checksum::Deleter::operator()(void* context) const {
  EVP_MAC_CTX_free(static_cast<EVP_MAC_CTX*>(context));
}

Checksum::Checksum() {
  EVP_MAC* kind = EVP_MAC_fetch(nullptr, "POLY1305", nullptr);
  context_.reset(kind == nullptr ? nullptr : EVP_MAC_CTX_new(kind));
  EVP_MAC_free(kind);
  if (!context_) throw Error(ErrorKind::failed, "libcrypto gives no Poly1305");
  begin();
}

void Checksum::begin() {
  if (EVP_MAC_init(static_cast<EVP_MAC_CTX*>(context_.get()), checksum_key, checksum_key_size, nullptr) != 1)
    throw Error(ErrorKind::failed, "libcrypto does not begin a Poly1305");
}

void Checksum::add(std::string_view bytes) {
  EVP_MAC_update(static_cast<EVP_MAC_CTX*>(context_.get()),
                 reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
}

std::string Checksum::finish() {
  unsigned char result[checksum_size];
  std::size_t size = 0;
  if (EVP_MAC_final(static_cast<EVP_MAC_CTX*>(context_.get()), result, &size, sizeof result) != 1)
    throw Error(ErrorKind::failed, "libcrypto does not end a Poly1305");
  begin();
  return to_hex({reinterpret_cast<const char*>(result), size});
}

std::string sha256(std::string_view bytes) {
  // EVP begins with its configuration and providers: 2 ms.
  SHA256_CTX context;
  unsigned char digest[SHA256_DIGEST_LENGTH];
  if (SHA256_Init(&context) != 1 || SHA256_Update(&context, bytes.data(), bytes.size()) != 1 ||
      SHA256_Final(digest, &context) != 1)
    throw Error(ErrorKind::failed, "libcrypto gives no SHA-256");
  return to_hex({reinterpret_cast<const char*>(digest), sizeof digest});
}

std::string sha256_of_file(const std::filesystem::path& path) { return result_for_file(Sha256(), path); }
std::string checksum_of_file(const std::filesystem::path& path) { return result_for_file(Checksum(), path); }

std::string fnv1a(std::string_view bytes) {
  // The numbers of Fowler, Noll and Vo.
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char byte : bytes) hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
  return fmt::format("{:016x}", hash);
}

std::string random_hex(std::size_t bytes) {
  std::string random(bytes, '\0');
  if (::getrandom(random.data(), bytes, 0) != static_cast<ssize_t>(bytes))
    throw Error(ErrorKind::failed, fmt::format("no random bytes from the kernel: {}", errno_text(errno)));
  return to_hex(random);
}

}  // namespace envtool
