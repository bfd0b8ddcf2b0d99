#include "boxes/simplestreams.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/error.h"

/// Any bytes as an image server's index and as its list of products: an Error, or addresses below the server.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace envtool;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    for (const std::string& path : parse_streams_index(text, "'https://i.test'"))
      if (path.empty() || path.starts_with('/') || path.find("/../") != std::string::npos) std::abort();
  } catch (const Error& error) {
    if (error.render().find("https://i.test") == std::string::npos) std::abort();
  }
  try {
    const ImageOffers images = parse_image_products(text, "https://i.test", "debian/12");
    for (std::size_t i = 0; i < images.offers.size(); ++i) {
      if (!images.offers[i].url.starts_with("https://i.test/")) std::abort();
      if (i > 0 && images.offers[i - 1].version < images.offers[i].version) std::abort();
    }
  } catch (const Error& error) {
    if (error.render().find("https://i.test") == std::string::npos) std::abort();
  }
  return 0;
}
