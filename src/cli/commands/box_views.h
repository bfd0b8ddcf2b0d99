#pragma once

#include <string>
#include <vector>

#include "cli/session.h"

/// What the commands about boxes share.
namespace envtool {

inline constexpr std::size_t short_digest = 12;

/// A box with the machines that were made of it.
struct UsedBox {
  StoredBox stored;
  std::vector<std::string> machines;
};

std::vector<UsedBox> all_boxes(Session& session);
/// What the user calls it.
std::string name_of(const StoredBox& stored);
/// The box of that address, with or without a version, or of the digest that begins so. Throws Error(usage).
const UsedBox& find_box(const Session& session, const std::vector<UsedBox>& boxes, const std::string& word);
Value to_value(const UsedBox& box);

}  // namespace envtool
