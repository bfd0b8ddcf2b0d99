#pragma once

#include <string>
#include <vector>

#include "boxes/http_source.h"
#include "boxes/pins.h"
#include "config/model.h"
#include "core/host.h"

namespace envtool {

/// How that address is asked: with the credentials that the user has for its host, and for no other.
HttpSettings http_settings(const Host& host, const SourcesConfig& sources, const std::string& url);

/// Catalogs and image servers. Mirrors are asked in order; the first that knows the box is believed.
class BoxServers {
 public:
  /// The servers of the Envfile's `sources`, else ENVTOOL_CATALOGS (addresses between blanks or commas), else
  /// the public ones.
  BoxServers(const Host& host, SourcesConfig sources);

  /// What catalogs have for "owner/name". Throws Error(failed) that says of every address asked why it was
  /// of no use.
  std::vector<BoxOffer> catalog(const std::string& name, Operation& operation) const;
  /// What the catalog at that address has: an http(s) or file URL.
  std::vector<BoxOffer> catalog_at(const std::string& url, Operation& operation) const;
  /// What every server says that it has for that name, for a file that is not where it was. Never throws
  /// Error: a server that does not answer is no mirror.
  std::vector<BoxOffer> mirrors(const NamedAddress& address, Operation& operation) const;
  /// What the image server has for "debian/12". Throws Error(failed), with a near name if there is one.
  std::vector<BoxOffer> images(const std::string& alias, Operation& operation) const;

 private:
  std::string fetch(const std::string& url, Operation& operation) const;

  const Host& host_;
  SourcesConfig sources_;
};

}  // namespace envtool
