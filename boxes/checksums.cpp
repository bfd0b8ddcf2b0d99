#include "boxes/checksums.h"

#include <fmt/format.h>

#include <fstream>

#include "base/error.h"
#include "base/files.h"
#include "base/hash.h"
#include "base/text.h"

namespace envtool {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t digest_digits = 64;

using Checksums = std::map<std::string, std::string>;

Checksums checksums_of(const fs::path& directory, Operation& operation) {
  Checksums found;
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    const std::string name = entry.path().lexically_relative(directory);
    if (entry.is_regular_file() && name != checksums_file)
      found[name] = digest_of_file(entry.path(), operation);
  }
  return found;
}

/// `sha256sum`'s lines: the digest, two spaces, the name.
Checksums parse_checksums(std::string_view text) {
  Checksums known;
  for (const std::string& line : split(text, '\n'))
    if (line.size() > digest_digits + 2)
      known[line.substr(digest_digits + 2)] = line.substr(0, digest_digits);
  return known;
}

}  // namespace

std::string digest_of_file(const fs::path& path, Operation& operation) {
  const std::uint64_t size = fs::file_size(path);
  std::ifstream file(path, std::ios::binary);
  std::string block(1 << 20, '\0');
  Sha256 hash;
  std::uint64_t done = 0;
  while (file) {
    operation.check_stop();
    file.read(block.data(), static_cast<std::streamsize>(block.size()));
    const auto got = static_cast<std::size_t>(file.gcount());
    hash.add(std::string_view(block).substr(0, got));
    done += got;
    operation.progress({.done = done, .total = size, .unit = "B"});
  }
  if (!file.eof()) throw Error(ErrorKind::failed, fmt::format("cannot read '{}'", path.string()));
  return hash.finish();
}

std::map<std::string, std::string> write_checksums(const fs::path& directory, Operation& operation) {
  if (fs::exists(fs::symlink_status(directory / checksums_file)))
    throw Error(ErrorKind::failed,
                fmt::format("it brings a file '{}', which is envtool's own", checksums_file));
  const Checksums checksums = checksums_of(directory, operation);
  std::string text;
  for (const auto& [name, digest] : checksums) {
    if (name.find('\n') != std::string::npos)
      throw Error(ErrorKind::failed, "the name of one of its files has a line break");
    text += digest + "  " + name + "\n";
  }
  write_file(directory / checksums_file, text);
  return checksums;
}

void check_checksums(const fs::path& directory, Operation& operation) {
  const auto text = read_file_if_there(directory / checksums_file);
  if (!text) throw Error(ErrorKind::failed, fmt::format("its checksums, '{}', are missing", checksums_file));
  const Checksums known = parse_checksums(*text), found = checksums_of(directory, operation);
  for (const auto& [name, digest] : known) {
    const auto now = found.find(name);
    if (now == found.end()) throw Error(ErrorKind::failed, fmt::format("its file '{}' is missing", name));
    if (now->second != digest)
      throw Error(ErrorKind::failed,
                  fmt::format("its file '{}' is changed: it has sha256:{}, and had sha256:{}", name,
                              now->second, digest));
  }
  for (const auto& [name, digest] : found)
    if (!known.contains(name)) throw Error(ErrorKind::failed, fmt::format("its file '{}' is new", name));
}

}  // namespace envtool
