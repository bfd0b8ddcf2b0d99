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

std::string sha256(std::string_view bytes) {
  // EVP begins with its configuration and providers: 2 ms.
  SHA256_CTX context;
  unsigned char digest[SHA256_DIGEST_LENGTH];
  if (SHA256_Init(&context) != 1 || SHA256_Update(&context, bytes.data(), bytes.size()) != 1 ||
      SHA256_Final(digest, &context) != 1)
    throw Error(ErrorKind::failed, "libcrypto gives no SHA-256");
  return to_hex({reinterpret_cast<const char*>(digest), sizeof digest});
}

std::string sha256_of_file(const std::filesystem::path& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd)
    throw Error(ErrorKind::failed, fmt::format("cannot read '{}': {}", path.string(), errno_text(errno)));
  Sha256 hash;
  std::string buffer(1 << 20, '\0');
  for (;;) {
    const ssize_t count = ::read(fd.get(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0)
      throw Error(ErrorKind::failed, fmt::format("cannot read '{}': {}", path.string(), errno_text(errno)));
    if (count == 0) return hash.finish();
    hash.add({buffer.data(), static_cast<size_t>(count)});
  }
}

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
