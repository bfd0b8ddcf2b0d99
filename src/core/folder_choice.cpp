#include "core/folder_choice.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace envtool {

namespace {

constexpr std::int64_t first_user = 1000;

std::int64_t id_of(const std::string& owner, const GuestFacts& guest) {
  const auto known = guest.users.find(owner);
  if (known != guest.users.end()) return known->second;
  return owner == "root" ? 0 : first_user;
}

/// What speaks against it, as words that go on a sentence; empty: nothing.
std::string reason_against(FolderType type, const FolderQuestion& question, const GuestFacts& guest) {
  const auto obstacle = question.obstacles.find(type);
  if (obstacle != question.obstacles.end() && !obstacle->second.empty()) return obstacle->second;
  for (const std::string& excluded : question.exclude)
    if (excluded.find_first_of("*?[") != std::string::npos)
      return fmt::format("its 'exclude' has the pattern '{}'", excluded);
  const auto mountable = guest.file_systems.find(type);
  if (mountable != guest.file_systems.end() && !mountable->second)
    return fmt::format("the guest's kernel has no {}", to_string(type));
  if (const std::int64_t id = id_of(question.owner, guest); id != question.host_owner)
    return fmt::format("it belongs to user {} of this host, and '{}' is user {} in the guest",
                       question.host_owner, question.owner, id);
  return {};
}

}  // namespace

Value to_value(const GuestFacts& facts) {
  Value value = Value::map(), users = Value::map();
  for (const auto& [type, mountable] : facts.file_systems) value.set(std::string(to_string(type)), mountable);
  for (const auto& [name, id] : facts.users) users.set(name, id);
  value.set("users", users);
  return value;
}

GuestFacts guest_facts_from(const Value& value) {
  GuestFacts facts;
  for (const FolderType type : {FolderType::virtiofs, FolderType::ninep})
    if (value.has(to_string(type))) facts.file_systems[type] = value[to_string(type)].as_bool();
  for (const auto& [name, id] : value["users"].members()) facts.users[name] = id.as_integer();
  return facts;
}

FolderChoice choose_folder(const FolderQuestion& question, const GuestFacts& guest) {
  std::vector<FolderType> candidates = {question.wanted};
  if (question.wanted == FolderType::automatic) candidates = {FolderType::virtiofs, FolderType::ninep};
  std::vector<std::string> reasons;
  for (const FolderType type : candidates) {
    const std::string reason = reason_against(type, question, guest);
    if (reason.empty()) return {type, join(reasons, "; ")};
    if (std::ranges::find(reasons, reason) == reasons.end()) reasons.push_back(reason);
  }
  return {FolderType::rsync, join(reasons, "; ")};
}

}  // namespace envtool
