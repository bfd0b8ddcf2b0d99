#pragma once

#include <functional>
#include <string>
#include <vector>

#include "cli/session.h"
#include "core/capabilities.h"

/// What the commands about boxes share.
namespace envtool {

inline constexpr std::size_t short_digest = 12;

/// A box with the machines that were made of it.
struct UsedBox {
  StoredBox stored;
  std::vector<std::string> machines;
};

std::vector<UsedBox> all_boxes(Session& session);
/// Does it for every provider that makes something of boxes.
void for_each_copies(Session& session, const std::function<void(BoxCopies&)>& work);
/// Removes what killed commands left half made, in the store and with providers; where that fails, says so.
void tidy_boxes(Session& session);
/// What the user calls it: its name, else the file or server that it came from.
std::string name_of(const StoredBox& stored);
/// What boxes of this host can be taken: all formats of the program, or those of the provider. Throws Error
/// when there is no such provider.
std::vector<std::string> formats_for(const Session& session, const std::string& provider);
/// The box of that address, with or without a version, or of the digest that begins so; of several the one
/// for the provider, if one is named. Throws Error(usage).
const UsedBox& find_box(const Session& session, const std::vector<UsedBox>& boxes, const std::string& word,
                        const std::string& provider = {});
Value to_value(const UsedBox& box);

}  // namespace envtool
