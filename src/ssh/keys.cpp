#include "ssh/keys.h"

#include <algorithm>
#include <array>
#include <memory>

#include "base/libcrypto.h"
#include "base/text.h"

namespace envtool {

namespace {

constexpr std::size_t raw_key_size = 32;
constexpr std::string_view key_type = "ssh-ed25519";
using RawKey = std::array<unsigned char, raw_key_size>;

std::string_view bytes_of(const RawKey& key) {
  return {reinterpret_cast<const char*>(key.data()), key.size()};
}

/// Builds SSH's wire encoding (RFC 4251, section 5).
class Wire {
 public:
  Wire& number(std::uint32_t value) {
    for (int shift = 24; shift >= 0; shift -= 8) bytes_ += static_cast<char>(value >> shift & 0xff);
    return *this;
  }
  Wire& text(std::string_view value) { return number(static_cast<std::uint32_t>(value.size())).raw(value); }
  Wire& raw(std::string_view value) {
    bytes_ += value;
    return *this;
  }
  /// Padding 1, 2, 3... to a whole number of blocks.
  Wire& pad(std::size_t block) {
    for (char next = 1; bytes_.size() % block != 0; ++next) bytes_ += next;
    return *this;
  }
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

std::string to_base64(std::string_view bytes) {
  std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0');
  const int length =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                      reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(length));
  return text;
}

/// The bytes, or nothing where the text is not base64.
std::string from_base64(std::string_view text) {
  std::string bytes(text.size() / 4 * 3 + 3, '\0');
  const int length =
      EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                      reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
  if (length < 0) return {};
  const auto padding = text.size() - text.find_last_not_of('=') - 1;
  bytes.resize(static_cast<std::size_t>(length) - std::min<std::size_t>(padding, 2));
  return bytes;
}

struct RawPair {
  RawKey seed;
  RawKey public_key;
};

RawPair make_raw_pair() {
  const std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)> key(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"),
                                                           EVP_PKEY_free);
  RawPair pair;
  std::size_t seed_size = raw_key_size;
  std::size_t public_size = raw_key_size;
  if (!key || EVP_PKEY_get_raw_private_key(key.get(), pair.seed.data(), &seed_size) != 1 ||
      EVP_PKEY_get_raw_public_key(key.get(), pair.public_key.data(), &public_size) != 1)
    throw Error(ErrorKind::failed, "cannot make an ed25519 key: libcrypto has no random numbers");
  return pair;
}

std::string private_section(const RawPair& pair, std::string_view comment) {
  std::uint32_t check = 0;
  if (RAND_bytes(reinterpret_cast<unsigned char*>(&check), sizeof check) != 1)
    throw Error(ErrorKind::failed, "cannot make an ed25519 key: libcrypto has no random numbers");
  const std::string_view public_key = bytes_of(pair.public_key);
  constexpr std::size_t block_without_cipher = 8;
  return Wire()
      .number(check)
      .number(check)
      .text(key_type)
      .text(public_key)
      .text(std::string(bytes_of(pair.seed)).append(public_key))
      .text(comment)
      .pad(block_without_cipher)
      .bytes();
}

std::string armoured(std::string_view bytes) {
  constexpr std::size_t width = 70;
  const std::string text = to_base64(bytes);
  std::string out = "-----BEGIN OPENSSH PRIVATE KEY-----\n";
  for (std::size_t at = 0; at < text.size(); at += width) out += text.substr(at, width) + "\n";
  return out + "-----END OPENSSH PRIVATE KEY-----\n";
}

std::vector<std::string> words_of(std::string_view line) {
  std::vector<std::string> words;
  for (std::string& word : split(replace_all(std::string(trim(line)), "\t", " "), ' '))
    if (!word.empty()) words.push_back(std::move(word));
  return words;
}

}  // namespace

KeyPair make_ed25519_key(const std::string& comment) {
  const RawPair pair = make_raw_pair();
  const std::string blob = Wire().text(key_type).text(bytes_of(pair.public_key)).bytes();
  Wire file;
  file.raw(std::string_view("openssh-key-v1\0", 15)).text("none").text("none").text("").number(1);
  file.text(blob).text(private_section(pair, comment));
  return {armoured(file.bytes()), std::string(key_type) + " " + to_base64(blob) + " " + comment};
}

std::string known_hosts_line(std::string_view alias, std::string_view public_key) {
  const std::vector<std::string> words = words_of(public_key);
  if (words.size() < 2) throw Error(ErrorKind::failed, "a public key needs a type and a blob");
  return std::string(alias) + " " + words[0] + " " + words[1] + "\n";
}

std::vector<PinnedKey> pinned_keys(std::string_view known_hosts, std::string_view alias) {
  std::vector<PinnedKey> keys;
  for (const std::string& line : split(known_hosts, '\n')) {
    const std::vector<std::string> words = words_of(line);
    if (words.size() < 3 || words[0].starts_with('#') || words[0].starts_with('@')) continue;
    const std::vector<std::string> names = split(words[0], ',');
    if (std::find(names.begin(), names.end(), alias) != names.end()) keys.push_back({words[1], words[2]});
  }
  return keys;
}

std::string key_fingerprint(std::string_view base64) {
  const std::string blob = from_base64(base64);
  std::string digest(SHA256_DIGEST_LENGTH, '\0');
  SHA256(reinterpret_cast<const unsigned char*>(blob.data()), blob.size(),
         reinterpret_cast<unsigned char*>(digest.data()));
  std::string text = to_base64(digest);
  text.erase(text.find_last_not_of('=') + 1);
  return "SHA256:" + text;
}

}  // namespace envtool
