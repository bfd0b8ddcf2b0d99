#pragma once

#include <string>
#include <vector>

#include "boxes/offer.h"
#include "core/box.h"

namespace envtool {

/// A box that is asked for by its name in a catalog ("owner/name"), on an image server ("debian/12"), or as
/// `box add --name` called it.
struct NamedAddress {
  enum class Kind { catalog, document, image, own } kind = Kind::catalog;
  std::string name;     ///< "owner/name", a catalog's own address, "images:debian/12", "mine"
  std::string version;  ///< a constraint, for an image its serial; empty: any
};

/// What a request wants of offers under that name, for this host. Throws Error(bad_envfile) at the box for a
/// version that is none.
BoxWish wish_for(const BoxRequest& request, const NamedAddress& address);

/// What a lock keeps of offers.
std::vector<BoxPin> pins_of(const std::vector<BoxOffer>& offers);
/// Offers that stand for what is locked, newest version first.
std::vector<BoxOffer> offers_of(const std::vector<BoxPin>& pins);
/// The pins with the digest of the one that the offer stands for.
std::vector<BoxPin> with_digest(std::vector<BoxPin> pins, const BoxOffer& offer, const std::string& sha256);

}  // namespace envtool
