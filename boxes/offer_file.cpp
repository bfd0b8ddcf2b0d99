#include "boxes/offer_file.h"

#include <fmt/format.h>

#include <utility>

#include "base/error.h"
#include "base/hash.h"
#include "boxes/file_source.h"
#include "boxes/servers.h"

namespace envtool {

namespace {

constexpr std::string_view file_scheme = "file://";

std::unique_ptr<BoxFile> open_url(const Host& host, const SourcesConfig& sources, const std::string& url) {
  if (url.starts_with(file_scheme)) return std::make_unique<FileSource>(url.substr(file_scheme.size()));
  return std::make_unique<HttpSource>(url, http_settings(host, sources, url));
}

/// A file of which something is expected.
class CheckedFile : public BoxFile {
 public:
  CheckedFile(std::unique_ptr<BoxFile> file, Digest wanted)
      : file_(std::move(file)), wanted_(std::move(wanted)) {
    if (wanted_.kind != DigestKind::sha256) other_.emplace(to_string(wanted_.kind));
  }
  std::string_view read(Operation& operation) override {
    const auto bytes = file_->read(operation);
    if (other_) other_->add(bytes);
    return bytes;
  }
  std::uint64_t size() const override { return file_->size(); }
  std::filesystem::path path() const override { return file_->path(); }
  WebStamp stamp() const override { return file_->stamp(); }
  std::string digest() override {
    std::string digest = file_->digest();
    const std::string found = other_ ? other_->finish() : digest;
    if (found != wanted_.digits)
      throw Error(ErrorKind::failed, fmt::format("the file's checksum is {}:{}, expected {}",
                                                 to_string(wanted_.kind), found, wanted_.to_string()));
    return digest;
  }

 private:
  std::unique_ptr<BoxFile> file_;
  Digest wanted_;
  std::optional<Hash> other_;
};

}  // namespace

std::unique_ptr<BoxFile> open_offer(const Host& host, const SourcesConfig& sources, const BoxOffer& offer) {
  auto file = open_url(host, sources, offer.url);
  if (!offer.digest) return file;
  return std::make_unique<CheckedFile>(std::move(file), *offer.digest);
}

}  // namespace envtool
