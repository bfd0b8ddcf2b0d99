// The part of the store that fetches boxes from servers.
#include <fmt/format.h>

#include <utility>

#include "base/error.h"
#include "base/hash.h"
#include "boxes/box_store.h"
#include "boxes/box_wish.h"
#include "boxes/http_source.h"
#include "boxes/offer_file.h"

namespace envtool {

namespace {

/// What a file of a server must hash to: as the Envfile says, else as it is locked.
std::optional<Digest> wanted_of(const BoxRequest& request) {
  const std::string written = wanted_digest(request.box);
  const std::string locked = request.pins.empty() ? std::string() : request.pins.front().sha256;
  if (!written.empty() && !locked.empty() && written != locked) {
    Error error(ErrorKind::failed,
                fmt::format("box '{}': 'checksum' is sha256:{}, but it is locked to sha256:{}",
                            request.box.name, written, locked));
    error.at(request.box.position).with_hint(fmt::format("envtool box update {}", request.box.name));
    throw error;
  }
  return Digest::parse("sha256", written.empty() ? locked : written);
}

BoxOffer offer_at(const std::string& url, std::optional<Digest> digest) {
  BoxOffer offer;
  offer.url = url;
  offer.digest = std::move(digest);
  return offer;
}

BoxPin web_pin(const Box& box, const std::string& url) {
  return {.format = box.format,
          .architecture = {},
          .version = {},
          .url = url,
          .sha256 = box.digest,
          .checksum = {}};
}

}  // namespace

std::optional<Box> BoxStore::find_web(const BoxRequest& request, const WebAddress& address) const {
  const auto wanted = wanted_of(request);
  const auto known = request.anew ? std::nullopt : index_.fetched_from(address.url);
  const std::string digest = wanted ? wanted->digits : known ? known->digest : std::string();
  auto box = digest.empty() ? std::nullopt : stored(request, digest);
  if (box) box->pins = {web_pin(*box, address.url)};
  return box;
}

Box BoxStore::download(const BoxRequest& request, const WebAddress& address, Operation& operation) {
  const Work work{.key = "get-" + sha256(address.url).substr(0, 16), .doing = "downloads", .find = [&] {
                    return find_web(request, address);
                  }};
  return once(request, work, operation, [&] {
    const BoxOffer offer = offer_at(address.url, wanted_of(request));
    const FetchedBox fetched = fetch(request, offer, work.key, operation);
    if (!offer.digest)
      operation.say(fmt::format("box '{}' has sha256:{}; nobody had said what it must be", request.box.name,
                                fetched.digest));
    index_.remember_url(address.url, fetched, operation);
    Box box = stored(request, fetched.digest).value();
    box.pins = {web_pin(box, address.url)};
    return box;
  });
}

std::vector<BoxPin> BoxStore::newest_web(const BoxRequest& request, const WebAddress& address,
                                         Operation& operation) const {
  const auto known = index_.fetched_from(address.url);
  if (!known || request.formats.empty()) return {};
  WebStamp now;
  about(request.box, [&] {
    const auto file = open_offer(host_, request.sources, offer_at(address.url, {}));
    file->read(operation);
    now = file->stamp();
  });
  const auto same = known->stamp.is_same(now);
  const BoxPin locked = request.pins.empty() ? BoxPin{} : request.pins.front();
  // A server that has not what came from there may well have what somebody else has locked.
  if (!same || (!*same && locked.sha256 != known->digest && !locked.sha256.empty())) return {};
  return {{.format = locked.format.empty() ? request.formats.front() : locked.format,
           .architecture = {},
           .version = {},
           .url = address.url,
           .sha256 = *same ? known->digest : std::string(),
           .checksum = {}}};
}

FetchedBox BoxStore::fetch(const BoxRequest& request, const BoxOffer& offer, const std::string& work,
                           Operation& operation) {
  constexpr int most_changes = 3;
  operation.say(fmt::format("downloading box '{}'{}", request.box.name,
                            offer.version.empty() ? "" : " version " + offer.version));
  for (int changes = 0; changes < most_changes; ++changes) {
    try {
      std::unique_ptr<BoxFile> file;
      about(request.box, [&] { file = open_offer(host_, request.sources, offer); });
      std::string digest = take(request, *file, work, operation);
      return {std::move(digest), file->stamp()};
    } catch (const SourceChanged&) {
      operation.say("the server has another file by now: the download begins anew", Tone::warning);
    }
  }
  Error error(ErrorKind::failed,
              fmt::format("box '{}': its file changes each time while it is downloaded", request.box.name));
  error.at(request.box.position);
  throw error;
}

}  // namespace envtool
