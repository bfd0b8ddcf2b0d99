#include "boxes/box_wish.h"

#include <fmt/format.h>

#include "base/error.h"

namespace envtool {

std::string wanted_digest(const BoxConfig& box) {
  if (box.checksum.empty()) return {};
  std::string digest = box.checksum.starts_with("sha256:") ? box.checksum.substr(7) : std::string();
  for (char& c : digest)
    if (c >= 'A' && c <= 'F') c = static_cast<char>(c + 32);
  if (digest.size() != 64 || digest.find_first_not_of("0123456789abcdef") != std::string::npos) {
    Error error(ErrorKind::bad_envfile,
                fmt::format("box '{}': expected 'checksum' as 'sha256:' and 64 hexadecimal "
                            "digits, found '{}'",
                            box.name, box.checksum));
    error.at(box.position);
    throw error;
  }
  return digest;
}

void about(const BoxConfig& box, const std::function<void()>& work) {
  try {
    work();
  } catch (Error& error) {
    if (error.kind() != ErrorKind::unsupported)  // which does so itself
      error.with_frame(fmt::format("box '{}'", box.name)).at(box.position);
    throw;
  }
}

}  // namespace envtool
