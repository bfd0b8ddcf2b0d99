// What root's helper is told to make, as somebody might who lies.

#include <cstdint>
#include <cstdlib>
#include <string>

#include "base/error.h"
#include "providers/lxc/parts/tree_entries.h"

using namespace envtool;
using namespace envtool::lxc;

namespace {

bool leads_outside(const std::string& path) {
  const std::string text = "/" + path + "/";
  return text.find("//") != std::string::npos || text.find("/../") != std::string::npos ||
         text.find("/./") != std::string::npos || text.find('\0') != std::string::npos;
}

/// What is taken leads nowhere outside, and is the same when it is sent on.
void check(const EntryReader::Item& item) {
  if (leads_outside(item.entry.path)) std::abort();
  if (item.entry.kind == TreeEntry::Kind::hard_link && leads_outside(item.entry.target)) std::abort();
  if (item.entry.kind != TreeEntry::Kind::file && !item.content.empty()) std::abort();
  const std::string bytes = entry_bytes(item.entry);
  if (entry_bytes(EntryReader(bytes, {}).next()->entry) != bytes) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::string contents(4096, 'x');
  EntryReader entries(bytes, contents);
  try {
    while (const auto item = entries.next()) check(*item);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::usage) std::abort();
  }
  return 0;
}
