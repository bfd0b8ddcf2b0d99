#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/value.h"
#include "config/model.h"

/// Which way a folder takes into a guest that does not see the host's files by itself: values to values.
namespace envtool {

/// What a guest has said of itself, as far as folders depend on it. What is missing has not been asked.
struct GuestFacts {
  std::map<FolderType, bool> file_systems;    ///< what its kernel can mount
  std::map<std::string, std::int64_t> users;  ///< ids by name
};
Value to_value(const GuestFacts& facts);
/// The reverse; what is no map gives none.
GuestFacts guest_facts_from(const Value& value);

struct FolderQuestion {
  FolderType wanted = FolderType::automatic;  ///< or virtiofs, 9p
  std::vector<std::string> exclude;
  std::string owner;                                 ///< the guest's user
  std::int64_t host_owner = 0;                       ///< the id of the host's user
  std::map<FolderType, std::string> obstacles = {};  ///< what the provider says against a type, where it does
};

struct FolderChoice {
  FolderType type = FolderType::rsync;
  std::string why = {};  ///< not a better one, or not the one that is wanted; empty: it is that
};

/// The first of virtiofs, 9p and rsync that can be; of a wanted one, that or rsync, which stands for any
/// copy: that sftp has to do it shows when it is made. Devices leave ids as they are on both sides, so the
/// owner must have the same on both: one that has not been asked for is taken to be 0 for root and 1000,
/// which the first user of most systems has, for any other.
FolderChoice choose_folder(const FolderQuestion& question, const GuestFacts& guest);

}  // namespace envtool
