#pragma once

#include <memory>

#include "boxes/byte_source.h"
#include "boxes/offer.h"
#include "config/model.h"

namespace envtool {

/// The file that an offer is about, at an http(s) or file URL. Its `digest` throws Error(failed) when it
/// hashes to something else than the offer says, of whatever kind that is. Reads as HttpSource or FileSource
/// do.
std::unique_ptr<BoxFile> open_offer(const Host& host, const SourcesConfig& sources, const BoxOffer& offer);

}  // namespace envtool
