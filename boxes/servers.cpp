#include "boxes/servers.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "base/error.h"
#include "base/files.h"
#include "base/suggest.h"
#include "base/text.h"
#include "boxes/catalog.h"
#include "boxes/public_servers.h"
#include "boxes/simplestreams.h"

namespace envtool {

namespace {

constexpr std::size_t largest_document = 64 << 20;
constexpr std::string_view file_scheme = "file://";

std::string without_slash(std::string url) {
  while (url.ends_with('/')) url.pop_back();
  return url;
}

/// "host", or "host:port" when it is not the usual one of the scheme, in lower case.
std::string host_of(std::string_view url) {
  const std::string_view usual = url.starts_with("https:") ? ":443" : ":80";
  url.remove_prefix(std::min(url.find("://") + 3, url.size()));
  std::string host(url.substr(0, url.find_first_of("/?#")));
  for (char& c : host)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  if (host.ends_with(usual)) host.resize(host.size() - usual.size());
  return host;
}

std::vector<std::string> words_of(const std::string& text) {
  std::vector<std::string> words;
  for (const std::string& word : split(replace_all(text, ",", " "), ' '))
    if (!word.empty()) words.push_back(word);
  return words;
}

/// Where a server may have the catalog of that box. Source: Vagrant's `box add`, 2.4 and 2.3.
std::vector<std::string> candidates(const std::string& server, const std::string& name) {
  if (server.starts_with(file_scheme)) return {fmt::format("{}/{}.json", server, name)};
  return {fmt::format("{}/api/v2/vagrant/{}", server, name), fmt::format("{}/{}", server, name)};
}

}  // namespace

HttpSettings http_settings(const Host& host, const SourcesConfig& sources, const std::string& url) {
  HttpSettings settings{.netrc = host.paths.home / ".netrc", .ca_bundle = host.variable("CURL_CA_BUNDLE")};
  const auto found = sources.credentials.find(host_of(url));
  if (found != sources.credentials.end()) settings.credential = found->second;
  return settings;
}

BoxServers::BoxServers(const Host& host, SourcesConfig sources) : host_(host), sources_(std::move(sources)) {
  if (sources_.catalogs.empty()) sources_.catalogs = words_of(host.variable("ENVTOOL_CATALOGS"));
  if (sources_.catalogs.empty()) sources_.catalogs = {std::string(public_servers::catalogs)};
  if (sources_.images.empty()) sources_.images = public_servers::images;
}

std::string BoxServers::fetch(const std::string& url, Operation& operation) const {
  if (url.starts_with(file_scheme)) return read_file(url.substr(file_scheme.size()), largest_document);
  HttpSettings settings = http_settings(host_, sources_, url);
  settings.accept = "application/json";
  HttpSource source(url, std::move(settings));
  std::string text;
  for (auto bytes = source.read(operation); !bytes.empty(); bytes = source.read(operation)) {
    text += bytes;
    if (text.size() > largest_document)
      throw Error(ErrorKind::failed, fmt::format("the answer is larger than {} MiB", largest_document >> 20));
  }
  return text;
}

std::vector<BoxOffer> BoxServers::catalog_at(const std::string& url, Operation& operation) const {
  const bool is_file = url.starts_with(file_scheme);
  return parse_catalog(fetch(url, operation), is_file ? url.substr(file_scheme.size()) : url).offers;
}

std::vector<BoxOffer> BoxServers::catalog(const std::string& name, Operation& operation) const {
  std::vector<std::string> reasons;
  std::string hint;
  for (const std::string& server : sources_.catalogs) {
    for (const std::string& url : candidates(without_slash(server), name)) {
      try {
        return catalog_at(url, operation);
      } catch (const SourceChanged&) {
        reasons.push_back(fmt::format("{}: it changes while it is read", url));
      } catch (const Error& error) {
        const std::string what = error.what();
        reasons.push_back(what.find(url) == std::string::npos ? fmt::format("{}: {}", url, what) : what);
        if (!error.hint().empty()) hint = error.hint();
      }
    }
  }
  throw Error(ErrorKind::failed, fmt::format("no catalog has it:\n{}", indent(join(reasons, "\n"), 4)))
      .with_hint(hint);
}

std::vector<BoxOffer> BoxServers::mirrors(const NamedAddress& address, Operation& operation) const {
  std::vector<BoxOffer> all;
  const auto add = [&](const auto& ask) {
    try {
      std::ranges::move(ask(), std::back_inserter(all));
      return true;
    } catch (const SourceChanged&) {
    } catch (const Error&) {
    }
    return false;
  };
  if (address.kind == NamedAddress::Kind::image)
    add([&] { return images(address.name.substr(std::string_view("images:").size()), operation); });
  if (address.kind == NamedAddress::Kind::document) add([&] { return catalog_at(address.name, operation); });
  if (address.kind != NamedAddress::Kind::catalog) return all;
  for (const std::string& server : sources_.catalogs)
    for (const std::string& url : candidates(without_slash(server), address.name))
      if (add([&] { return catalog_at(url, operation); })) break;
  return all;
}

std::vector<BoxOffer> BoxServers::images(const std::string& alias, Operation& operation) const {
  const std::string server = without_slash(sources_.images);
  const std::string index = fmt::format("{}/{}", server, streams_index);
  std::vector<std::string> known;
  try {
    for (const std::string& path : parse_streams_index(fetch(index, operation), fmt::format("'{}'", index))) {
      ImageOffers found =
          parse_image_products(fetch(fmt::format("{}/{}", server, path), operation), server, alias);
      if (!found.offers.empty()) return std::move(found.offers);
      known.insert(known.end(), found.aliases.begin(), found.aliases.end());
    }
  } catch (const SourceChanged&) {
    throw Error(ErrorKind::failed,
                fmt::format("the list of image server '{}' changes while it is read", server));
  } catch (Error& error) {
    throw error.with_frame(fmt::format("image server '{}'", server));
  }
  throw Error(ErrorKind::failed, fmt::format("image server '{}' has no image '{}'", server, alias))
      .with_hint(did_you_mean(alias, known));
}

}  // namespace envtool
