#include "boxes/catalog.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/error.h"

/// Any bytes as a catalog: an Error, or offers that hold what their header promises.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace envtool;
  try {
    const Catalog catalog =
        parse_catalog({reinterpret_cast<const char*>(data), size}, "https://boxes.test/owner/box");
    for (const BoxOffer& offer : catalog.offers) {
      if (offer.format.empty() || offer.version.empty()) std::abort();
      if (!offer.url.starts_with("http://") && !offer.url.starts_with("https://")) std::abort();
    }
    for (const char* named : {"", "arm64"}) {
      const BoxWish wish{.allows = [](const std::string& version) { return version != "1.0"; },
                         .formats = {"lxc", "libvirt"},
                         .architecture = named,
                         .host_architecture = "amd64"};
      const BoxOffer* offer = choose_offer(catalog.offers, wish);
      if (!offer && why_no_offer(catalog.offers, wish, "> 1").empty()) std::abort();
      if (offer && offers_to_keep(catalog.offers, wish).empty()) std::abort();
    }
  } catch (const Error& error) {
    if (error.render().find("catalog") == std::string::npos) std::abort();
  }
  return 0;
}
