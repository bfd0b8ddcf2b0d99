// The part of the store that knows boxes by name.
#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "base/hash.h"
#include "boxes/box_store.h"
#include "boxes/servers.h"

namespace envtool {

namespace {

[[noreturn]] void fail(const BoxRequest& request, const std::string& text, const std::string& hint = {}) {
  throw Error(ErrorKind::failed, fmt::format("box '{}' {}", request.box.name, text))
      .at(request.box.position)
      .with_hint(hint);
}

std::vector<BoxOffer> ask(const Host& host, const BoxRequest& request, const NamedAddress& address,
                          Operation& operation) {
  const BoxServers servers(host, request.sources);
  switch (address.kind) {
    case NamedAddress::Kind::image:
      return servers.images(address.name.substr(std::string_view("images:").size()), operation);
    case NamedAddress::Kind::document:
      return servers.catalog_at(address.name, operation);
    case NamedAddress::Kind::catalog:
      return servers.catalog(address.name, operation);
    case NamedAddress::Kind::own:
      break;
  }
  throw Error(ErrorKind::failed, "it is not in the store, and no catalog has a box of such a name")
      .with_hint(fmt::format("'envtool box add ADDRESS --name {}' adds one", address.name));
}

/// What the source has now; an error names the box and its place.
std::vector<BoxOffer> asked(const Host& host, const BoxRequest& request, const NamedAddress& address,
                            Operation& operation) {
  try {
    return ask(host, request, address, operation);
  } catch (Error& error) {
    error.with_frame(fmt::format("box '{}'", request.box.name)).at(request.box.position);
    throw;
  }
}

std::string said_architecture(const BoxWish& wish) {
  return wish.architecture.empty() ? wish.host_architecture : wish.architecture;
}

/// Locked files are there for other providers or architectures; the same version is wanted for this one.
BoxWish as_locked(BoxWish wish, const std::vector<BoxPin>& pins) {
  wish.allows = [pins](const std::string& version) {
    return std::any_of(pins.begin(), pins.end(), [&](const BoxPin& pin) { return pin.version == version; });
  };
  return wish;
}

BoxPin pin_of(const BoxOffer& offer, const std::string& digest) {
  return with_digest(pins_of({offer}), offer, digest).front();
}

}  // namespace

std::vector<std::string> formats_to_keep(const BoxRequest& request) {
  std::vector<std::string> formats = request.kept_formats;
  for (const std::string& format : request.formats)
    if (std::find(formats.begin(), formats.end(), format) == formats.end()) formats.push_back(format);
  return formats;
}

std::optional<Box> BoxStore::find_named(const BoxRequest& request, const NamedAddress& address) const {
  if (request.anew) return std::nullopt;
  const BoxWish wish = wish_for(request, address);
  std::vector<NamedBox> known = index_.boxes_named(address.name);
  std::vector<BoxPin> pins = request.pins;
  if (pins.empty())
    for (const NamedBox& box : known) pins.push_back(box.pin);
  const std::vector<BoxOffer> offers = offers_of(pins);
  const BoxOffer* offer = choose_offer(offers, wish);
  if (!offer) return std::nullopt;
  const auto same = std::find_if(known.begin(), known.end(), [&](const NamedBox& box) {
    return box.pin.version == offer->version && box.pin.format == offer->format &&
           box.pin.architecture == offer->architecture;
  });
  std::string digest;
  if (offer->digest && offer->digest->kind == DigestKind::sha256)
    digest = offer->digest->digits;
  else if (same != known.end())
    digest = same->pin.sha256;
  auto box = digest.empty() ? std::nullopt : stored(request, digest);
  if (!box) return std::nullopt;
  box->version = offer->version;
  if (!request.pins.empty()) {
    box->pins = with_digest(request.pins, *offer, digest);
  } else {
    BoxWish kept = wish;
    kept.formats = formats_to_keep(request);
    box->pins = pins_of(offers_to_keep(offers_of(same->siblings), kept));
  }
  return box;
}

Box BoxStore::fetch_named(const BoxRequest& request, const NamedAddress& address, Operation& operation) {
  const Work work{.key = "get-" + sha256(address.name).substr(0, 16), .doing = "downloads", .find = [&] {
                    return find_named(request, address);
                  }};
  return once(request, work, operation, [&] {
    const auto [offer, all, is_locked] = choose(request, address, operation);
    const std::string digest = is_locked ? fetch_locked(request, address, offer, work.key, operation)
                                         : fetch(request, offer, work.key, operation).digest;
    if (!offer.digest)
      operation.say(fmt::format("box '{}' has sha256:{}; its source had not said what it must be",
                                request.box.name, digest));
    const std::vector<BoxPin> pins = with_digest(all, offer, digest);
    index_.remember_name(address.name, {pin_of(offer, digest), pins}, operation);
    Box box = stored(request, digest).value();
    box.version = offer.version;
    box.pins = pins;
    return box;
  });
}

BoxStore::Choice BoxStore::choose(const BoxRequest& request, const NamedAddress& address,
                                  Operation& operation) const {
  const BoxWish wish = wish_for(request, address);
  std::vector<BoxOffer> offers = offers_of(request.pins);
  if (const BoxOffer* locked = choose_offer(offers, wish)) return {*locked, request.pins, true};
  if (request.locked)
    fail(request, fmt::format("is not locked for architecture '{}'", said_architecture(wish)),
         "'envtool up' without --locked adds it");
  BoxWish kept = wish;
  kept.formats = formats_to_keep(request);
  offers = asked(host_, request, address, operation);
  const BoxOffer* offer = nullptr;
  if (!request.pins.empty()) offer = choose_offer(offers, as_locked(wish, request.pins));
  if (!offer) offer = choose_offer(offers, wish);
  if (!offer) fail(request, why_no_offer(offers, wish, address.version));
  if (!request.pins.empty()) kept = as_locked(kept, {pin_of(*offer, "")});
  return {*offer, pins_of(offers_to_keep(offers, kept)), false};
}

/// From where the lock says; where that does not give it, from any server that has the same bytes.
std::string BoxStore::fetch_locked(const BoxRequest& request, const NamedAddress& address,
                                   const BoxOffer& offer, const std::string& work, Operation& operation) {
  try {
    return fetch(request, offer, work, operation).digest;
  } catch (Error& error) {
    if (offer.digest)
      for (BoxOffer other : BoxServers(host_, request.sources).mirrors(address, operation)) {
        if (other.version != offer.version || other.format != offer.format ||
            other.architecture != offer.architecture || other.url == offer.url)
          continue;
        other.digest = offer.digest;
        operation.say(fmt::format("{}; trying '{}'", error.what(), other.url), Tone::warning);
        try {
          return fetch(request, other, work, operation).digest;
        } catch (const Error& again) {
          operation.say(again.what(), Tone::warning);
        }
      }
    throw error.with_hint(fmt::format(
        "Envfile.lock names that file; 'envtool box update {}' takes what there is now", request.box.name));
  }
}

std::vector<BoxPin> BoxStore::newest(const BoxRequest& request, Operation& operation) {
  check(request);
  const BoxAddress address = box_address(request.box, host_.paths.home);
  if (const auto* recipe = std::get_if<RecipeAddress>(&address)) return recipe_pins(request, *recipe);
  if (const auto* web = std::get_if<WebAddress>(&address)) return newest_web(request, *web, operation);
  const auto* named = std::get_if<NamedAddress>(&address);
  if (!named || named->kind == NamedAddress::Kind::own) return {};
  BoxWish wish = wish_for(request, *named);
  const std::vector<BoxOffer> offers = asked(host_, request, *named, operation);
  if (!choose_offer(offers, wish)) fail(request, why_no_offer(offers, wish, named->version));
  wish.formats = formats_to_keep(request);
  return pins_of(offers_to_keep(offers, wish));
}

}  // namespace envtool
