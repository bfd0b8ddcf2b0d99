#include "boxes/pins.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/architecture.h"
#include "base/error.h"
#include "base/version.h"

namespace envtool {

namespace {

/// Newer versions first; what is no version, such as an image's serial, compares as text.
bool is_newer(const std::string& left, const std::string& right) {
  const auto a = Version::parse(left), b = Version::parse(right);
  return a && b ? a->compare(*b) > 0 : left > right;
}

}  // namespace

BoxWish wish_for(const BoxRequest& request, const NamedAddress& address) {
  BoxWish wish{.allows = {},
               .formats = request.formats,
               .architecture = request.box.architecture,
               .host_architecture = host_architecture()};
  if (!request.box.format.empty()) wish.formats = {request.box.format};
  if (address.kind == NamedAddress::Kind::image) {
    wish.allows = [serial = address.version](const std::string& version) {
      return serial.empty() || version == serial;
    };
    return wish;
  }
  const auto constraint = VersionConstraint::parse(address.version);
  if (!constraint)
    throw Error(ErrorKind::bad_envfile,
                fmt::format("box '{}': '{}' is no version", request.box.name, address.version))
        .at(request.box.position)
        .with_hint("such as '4.3.12', '~> 4.3' or '>= 4, < 5'");
  wish.allows = [constraint](const std::string& text) {
    const auto version = Version::parse(text);
    return version && constraint->allows(*version);
  };
  return wish;
}

std::vector<BoxPin> pins_of(const std::vector<BoxOffer>& offers) {
  std::vector<BoxPin> pins;
  for (const BoxOffer& offer : offers) {
    BoxPin pin{.format = offer.format,
               .architecture = offer.architecture,
               .version = offer.version,
               .url = offer.url,
               .sha256 = {},
               .checksum = {}};
    if (offer.digest && offer.digest->kind == DigestKind::sha256)
      pin.sha256 = offer.digest->digits;
    else if (offer.digest)
      pin.checksum = offer.digest->to_string();
    pins.push_back(std::move(pin));
  }
  return pins;
}

std::vector<BoxOffer> offers_of(const std::vector<BoxPin>& pins) {
  std::vector<BoxOffer> offers;
  for (const BoxPin& pin : pins) {
    BoxOffer offer{.version = pin.version,
                   .format = pin.format,
                   .architecture = pin.architecture,
                   .default_architecture = std::nullopt,
                   .url = pin.url,
                   .digest = Digest::parse("sha256", pin.sha256)};
    // Only one that is the default was worth locking.
    if (pin.architecture == "unknown") offer.default_architecture = true;
    if (const auto colon = pin.checksum.find(':'); !offer.digest && colon != std::string::npos)
      offer.digest = Digest::parse(pin.checksum.substr(0, colon), pin.checksum.substr(colon + 1));
    offers.push_back(std::move(offer));
  }
  std::stable_sort(offers.begin(), offers.end(), [](const BoxOffer& left, const BoxOffer& right) {
    return is_newer(left.version, right.version);
  });
  return offers;
}

std::vector<BoxPin> with_digest(std::vector<BoxPin> pins, const BoxOffer& offer, const std::string& sha256) {
  for (BoxPin& pin : pins) {
    if (pin.format != offer.format || pin.architecture != offer.architecture || pin.version != offer.version)
      continue;
    pin.sha256 = sha256;
    pin.checksum.clear();
  }
  return pins;
}

}  // namespace envtool
