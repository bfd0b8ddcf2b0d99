#pragma once

#include "providers/lxc/helper/guest_tree.h"

namespace envtool::lxc {

/// Makes an unpacked box fit to be shared by machines: what would let strangers in (its host keys, authorized
/// keys, passwords) goes, and so does what asks for an address or holds up the boot of a container.
void seal_box(const GuestTree& box);

/// The list that `hand_over` wants, beside an unpacked box.
inline constexpr const char* owned_file = "owned";
/// Files of the tree that belong to others than root, a path a line.
std::string files_of_people(const std::filesystem::path& tree);
/// Makes those of the listed files that belong to the account belong to the host's user, as `own_id`.
void hand_over(const std::filesystem::path& tree, const std::string& list, const Account& account);

}  // namespace envtool::lxc
