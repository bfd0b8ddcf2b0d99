#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "boxes/digest.h"

namespace envtool {

/// One file that a catalog or an image server has for a name.
struct BoxOffer {
  std::string version;
  std::string format;        ///< "lxc", "libvirt"...
  std::string architecture;  ///< "amd64"...; empty when the source does not say
  /// Whether it is meant for hosts that nothing else fits; nothing where the source does not say.
  std::optional<bool> default_architecture;
  std::string url;               ///< absolute
  std::optional<Digest> digest;  ///< nothing: the source does not know
  std::uint64_t size = 0;        ///< 0: the source does not know
  bool operator==(const BoxOffer&) const = default;
};

/// What is wanted of them.
struct BoxWish {
  std::function<bool(const std::string& version)> allows;
  std::vector<std::string> formats;  ///< by preference; empty: any
  std::string architecture;          ///< as the user named it; empty: whatever runs on the host
  std::string host_architecture;     ///< "amd64"...
};

/// Of offers that stand in order of preference (newest version first) the first of an allowed version in an
/// acceptable format for the architecture; of one version the format preferred most. An architecture that the
/// user named must be named by the offer. Otherwise the host's counts, then one for "unknown" that is a
/// default, then one of an old catalog that says nothing of architectures. Null when nothing fits.
const BoxOffer* choose_offer(const std::vector<BoxOffer>& offers, const BoxWish& wish);

/// Why nothing fits, as the second half of a sentence about the source: "has no version that ...".
std::string why_no_offer(const std::vector<BoxOffer>& offers, const BoxWish& wish,
                         const std::string& version);

/// Of each format of the list and each architecture the first allowed offer, in that order: what a lock file
/// keeps of a source.
std::vector<BoxOffer> offers_to_keep(const std::vector<BoxOffer>& offers, const BoxWish& wish);

}  // namespace envtool
