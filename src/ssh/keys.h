#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/services.h"

namespace envtool {

/// A new ed25519 pair in OpenSSH's formats, unencrypted, in less than a millisecond. The comment is one line.
/// Source: PROTOCOL.key and RFC 8709. Throws Error(failed) when the random source fails.
KeyPair make_ed25519_key(const std::string& comment);

/// A host key as known_hosts has it.
struct PinnedKey {
  std::string type;    ///< "ssh-ed25519"
  std::string base64;  ///< the key's blob
  bool operator==(const PinnedKey&) const = default;
};

/// The line of known_hosts, with its line end, that pins the public key ("ssh-ed25519 AAAA... comment") to
/// the alias. The comment is left out.
std::string known_hosts_line(std::string_view alias, std::string_view public_key);

/// The keys that a known_hosts text has for exactly this name; hashed names and markers are passed over.
std::vector<PinnedKey> pinned_keys(std::string_view known_hosts, std::string_view alias);

/// "SHA256:..." of a key's blob in base64, as OpenSSH shows it.
std::string key_fingerprint(std::string_view base64);

}  // namespace envtool
