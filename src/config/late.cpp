#include "config/late.h"

#include <fmt/format.h>

#include "config/references.h"

namespace envtool {

namespace {

/// What goes wrong in looking it up is told where it is used.
std::optional<std::string> look_up(const std::string& reference, const SourcePosition& position,
                                   const LateLookup& lookup) {
  try {
    return lookup(reference);
  } catch (Error& error) {
    if (!error.diagnostics().front().position) error.at(position);
    throw;
  }
}

}  // namespace

std::string expand_late_text(const Value& value, const LateLookup& lookup) {
  if (!value.is_late()) return value.as_text();
  const auto parts = split_references(value.as_text());
  if (!parts) return value.as_text();
  std::string out;
  for (const TextPart& part : *parts) {
    if (!part.is_reference) {
      out += part.text;
      continue;
    }
    const std::optional<std::string> known = look_up(part.text, value.position, lookup);
    if (!known)
      throw Error(ErrorKind::failed, fmt::format("'${{{}}}' is not known now", part.text))
          .at(value.position)
          .with_hint("what belongs to a machine is known once that machine is up; let this one depend on it");
    out += *known;
  }
  return out;
}

Value expand_late(const Value& value, const LateLookup& lookup) {
  Value out = value;
  if (value.is_late()) {
    out = Value(expand_late_text(value, lookup));
  } else if (value.is_list()) {
    out = Value::list();
    for (const Value& item : value.items()) out.push_back(expand_late(item, lookup));
  } else if (value.is_map()) {
    Value::Map members;
    for (const auto& [key, member] : value.members()) members.emplace_back(key, expand_late(member, lookup));
    out = Value::map_of(std::move(members));
  }
  out.position = value.position;
  return out;
}

}  // namespace envtool
