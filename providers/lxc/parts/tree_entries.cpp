#include "providers/lxc/parts/tree_entries.h"

#include "base/error.h"

namespace envtool::lxc {

namespace {

void put_text(std::string& bytes, std::string_view text) {
  bytes += number_bytes(text.size(), 4);
  bytes += text;
}

[[noreturn]] void refuse() { throw Error(ErrorKind::usage, "the stream of the box holds what is no entry"); }

bool is_kind(TreeEntry::Kind kind) {
  using enum TreeEntry::Kind;
  for (const TreeEntry::Kind known : {file, directory, symlink, hard_link, device, fifo})
    if (kind == known) return true;
  return false;
}

bool is_plain(std::string_view path) {
  while (true) {
    const std::string_view part = path.substr(0, path.find('/'));
    if (part.empty() || part == "." || part == "..") return false;
    if (part.size() == path.size()) return true;
    path.remove_prefix(part.size() + 1);
  }
}

/// The kernel would take a text only up to there.
bool has_zero(std::string_view text) { return text.find('\0') != std::string_view::npos; }

void check(const EntryReader::Item& item) {
  const TreeEntry& entry = item.entry;
  const bool is_link = entry.kind == TreeEntry::Kind::symlink || entry.kind == TreeEntry::Kind::hard_link;
  if (!is_kind(entry.kind) || !is_plain(entry.path) || has_zero(entry.path) || has_zero(entry.target) ||
      entry.mode > 07777 || entry.nanoseconds >= 1'000'000'000 || entry.target.empty() == is_link ||
      (entry.kind == TreeEntry::Kind::hard_link && !is_plain(entry.target)) ||
      (entry.kind != TreeEntry::Kind::file && !item.content.empty()))
    refuse();
  for (const auto& [name, value] : entry.attributes)
    if (name.empty() || has_zero(name)) refuse();
}

}  // namespace

std::string number_bytes(std::uint64_t number, std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(number >> (8 * i) & 0xFF);
  return bytes;
}

std::uint64_t number_in(std::string_view bytes) {
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i)
    number |= std::uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
  return number;
}

std::string entry_bytes(const TreeEntry& entry) {
  std::string bytes;

  bytes += static_cast<char>(entry.kind);
  put_text(bytes, entry.path);
  bytes += number_bytes(entry.mode, 2);
  bytes += number_bytes(entry.uid, 4);
  bytes += number_bytes(entry.gid, 4);
  bytes += number_bytes(static_cast<std::uint64_t>(entry.modified), 8);
  bytes += number_bytes(entry.nanoseconds, 4);
  put_text(bytes, entry.target);
  bytes += number_bytes(entry.major, 4);
  bytes += number_bytes(entry.minor, 4);
  bytes += number_bytes(entry.attributes.size(), 4);
  for (const auto& [name, value] : entry.attributes) {
    put_text(bytes, name);
    put_text(bytes, value);
  }
  return bytes += number_bytes(0, content_size_length);
}

std::uint64_t EntryReader::number(std::size_t size) {
  if (entries_.size() < size) refuse();
  const std::uint64_t number = number_in(entries_.substr(0, size));
  entries_.remove_prefix(size);
  return number;
}

std::string_view EntryReader::text() {
  const std::uint64_t size = number(4);
  if (entries_.size() < size) refuse();
  const std::string_view text = entries_.substr(0, size);
  entries_.remove_prefix(size);
  return text;
}

std::optional<EntryReader::Item> EntryReader::next() {
  if (entries_.empty()) return std::nullopt;
  Item item;
  TreeEntry& entry = item.entry;
  entry.kind = static_cast<TreeEntry::Kind>(number(1));
  entry.path = text();
  entry.mode = static_cast<unsigned>(number(2));
  entry.uid = static_cast<std::uint32_t>(number(4));
  entry.gid = static_cast<std::uint32_t>(number(4));
  entry.modified = static_cast<std::int64_t>(number(8));
  entry.nanoseconds = static_cast<std::uint32_t>(number(4));
  entry.target = text();
  entry.major = static_cast<std::uint32_t>(number(4));
  entry.minor = static_cast<std::uint32_t>(number(4));
  for (std::uint64_t left = number(4); left > 0; --left) {
    const std::string_view name = text();
    entry.attributes.emplace_back(name, text());
  }
  const std::uint64_t size = number(content_size_length);
  if (size > contents_.size()) refuse();
  item.content = contents_.substr(0, size);
  contents_.remove_prefix(size);
  check(item);
  return item;
}

}  // namespace envtool::lxc
