#include "boxes/offer.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace envtool {

namespace {

constexpr std::size_t most_shown = 5;

bool contains(const std::vector<std::string>& list, const std::string& item) {
  return std::find(list.begin(), list.end(), item) != list.end();
}

void add_once(std::vector<std::string>& list, const std::string& item) {
  if (!contains(list, item)) list.push_back(item);
}

bool is_wanted_format(const BoxWish& wish, const std::string& format) {
  return wish.formats.empty() || contains(wish.formats, format);
}

/// What of one version in one format fits the architecture.
const BoxOffer* fitting(const std::vector<const BoxOffer*>& offers, const BoxWish& wish) {
  const auto find = [&](const auto& fits) -> const BoxOffer* {
    const auto found = std::find_if(offers.begin(), offers.end(), fits);
    return found == offers.end() ? nullptr : *found;
  };
  const std::string& wanted = wish.architecture.empty() ? wish.host_architecture : wish.architecture;
  if (const auto* exact = find([&](const BoxOffer* offer) { return offer->architecture == wanted; }))
    return exact;
  if (!wish.architecture.empty()) return nullptr;
  if (const auto* fallback = find([](const BoxOffer* offer) {
        return offer->architecture == "unknown" && offer->default_architecture.value_or(false);
      }))
    return fallback;
  const bool is_old = offers.size() == 1 && !offers.front()->default_architecture &&
                      (offers.front()->architecture.empty() || offers.front()->architecture == "unknown");
  return is_old ? offers.front() : nullptr;
}

std::string list_of(const std::vector<std::string>& all) {
  const std::vector<std::string> shown(
      all.begin(), all.begin() + static_cast<std::ptrdiff_t>(std::min(all.size(), most_shown)));
  const std::string text = "'" + join(shown, "', '") + "'";
  return all.size() > most_shown ? fmt::format("{} and {} more", text, all.size() - most_shown) : text;
}

}  // namespace

const BoxOffer* choose_offer(const std::vector<BoxOffer>& offers, const BoxWish& wish) {
  for (auto begin = offers.begin(); begin != offers.end();) {
    const auto end = std::find_if(begin, offers.end(),
                                  [&](const BoxOffer& offer) { return offer.version != begin->version; });
    std::vector<std::string> formats = wish.formats;
    if (formats.empty())
      for (auto offer = begin; offer != end; ++offer) add_once(formats, offer->format);
    if (!wish.allows(begin->version)) formats.clear();
    for (const std::string& format : formats) {
      std::vector<const BoxOffer*> same;
      for (auto offer = begin; offer != end; ++offer)
        if (offer->format == format) same.push_back(&*offer);
      if (const BoxOffer* found = fitting(same, wish)) return found;
    }
    begin = end;
  }
  return nullptr;
}

std::string why_no_offer(const std::vector<BoxOffer>& offers, const BoxWish& wish,
                         const std::string& version) {
  std::vector<std::string> versions, formats, architectures;
  for (const BoxOffer& offer : offers) {
    add_once(versions, offer.version);
    if (!wish.allows(offer.version)) continue;
    add_once(formats, offer.format);
    if (is_wanted_format(wish, offer.format) && !offer.architecture.empty())
      add_once(architectures, offer.architecture);
  }
  if (offers.empty()) return "has no file that envtool can use";
  if (formats.empty())
    return version.empty() ? fmt::format("has only pre-releases: {}", list_of(versions))
                           : fmt::format("has no version '{}'; it has {}", version, list_of(versions));
  if (std::none_of(formats.begin(), formats.end(),
                   [&](const std::string& format) { return is_wanted_format(wish, format); }))
    return fmt::format("has boxes for provider {}, none for {}", list_of(formats), list_of(wish.formats));
  const std::string& wanted = wish.architecture.empty() ? wish.host_architecture : wish.architecture;
  if (architectures.empty()) return fmt::format("does not say that it is for architecture '{}'", wanted);
  return fmt::format("is for architecture {}, not for '{}'", list_of(architectures), wanted);
}

std::vector<BoxOffer> offers_to_keep(const std::vector<BoxOffer>& offers, const BoxWish& wish) {
  std::vector<BoxOffer> kept;
  for (const BoxOffer& offer : offers) {
    if (!is_wanted_format(wish, offer.format) || !wish.allows(offer.version)) continue;
    if (offer.architecture == "unknown" && !offer.default_architecture.value_or(true)) continue;
    const bool is_there = std::any_of(kept.begin(), kept.end(), [&](const BoxOffer& other) {
      return other.format == offer.format && other.architecture == offer.architecture;
    });
    if (!is_there) kept.push_back(offer);
  }
  const auto place = [&](const BoxOffer& offer) {
    return std::find(wish.formats.begin(), wish.formats.end(), offer.format) - wish.formats.begin();
  };
  std::stable_sort(kept.begin(), kept.end(), [&](const BoxOffer& left, const BoxOffer& right) {
    return std::pair(place(left), left.architecture) < std::pair(place(right), right.architecture);
  });
  return kept;
}

}  // namespace envtool
