#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "boxes/offer.h"

namespace envtool {

/// What a Vagrant catalog says of one box.
struct Catalog {
  std::string name;              ///< "owner/name"
  std::vector<BoxOffer> offers;  ///< newest version first; of one version in the catalog's order
};

/// Reads a catalog's JSON, of Vagrant 2.3 or 2.4. `base` is its http(s) URL or the absolute path of its file:
/// what relative addresses in it are relative to. Throws Error(failed) naming the place of what is wrong.
/// Source: Vagrant's documentation, "Box Catalog Metadata".
Catalog parse_catalog(std::string_view text, const std::string& base);

}  // namespace envtool
