#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "boxes/offer.h"

namespace envtool {

/// Where an image server's index is, below its address.
inline constexpr std::string_view streams_index = "streams/v1/index.json";

/// The paths, below the server's address, of the product files that list images. Throws Error(failed) naming
/// the place of what is wrong; `what` names the document in it.
std::vector<std::string> parse_streams_index(std::string_view text, const std::string& what);

/// Images of one alias.
struct ImageOffers {
  std::vector<BoxOffer> offers;      ///< newest version first; of one version root.tar.xz before squashfs
  std::vector<std::string> aliases;  ///< all that the file has, for "did you mean"
};

/// What a product file has for an alias ("debian/12") or a product's name. For format "lxc" a root file
/// system, for "libvirt" a disk image; `server` is the address that paths are below. Throws Error(failed)
/// naming the place of what is wrong.
/// Source: the documents that image servers of LXD and Incus serve ("products:1.0").
ImageOffers parse_image_products(std::string_view text, const std::string& server, const std::string& alias);

}  // namespace envtool
