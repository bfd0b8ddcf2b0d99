#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "base/hash.h"
#include "boxes/byte_source.h"
#include "config/model.h"

namespace envtool {

/// Thrown when a download that broke off cannot go on, because the file is another one by now. What was read
/// of it is of no use; a new source may be made.
struct SourceChanged {};

/// How servers are reached besides what libcurl takes from the environment (proxies).
struct HttpSettings {
  std::filesystem::path netrc;             ///< credentials by host; may be missing
  std::string ca_bundle;                   ///< of trusted authorities; empty: the system's
  std::chrono::seconds stalled_after{20};  ///< without a byte
  Credential credential = {};              ///< for the address's own host; wins over netrc
  std::string accept = {};                 ///< media type that is wanted; empty: any
};

/// A file of an http(s) server. What breaks off for a passing reason is taken up again, after 1, 2, 4 and 8 s
/// without progress: by a range where the server names a validator and still has that file (RFC 9110, 13.1.5
/// If-Range), else from the start, comparing what came before. So it is one file's bytes, or an error.
class HttpSource : public BoxFile {
 public:
  HttpSource(std::string url, HttpSettings settings);
  ~HttpSource() override;

  /// Throws Error(failed) "the download fails: ...", SourceChanged, Interrupted.
  std::string_view read(Operation& operation) override;
  std::uint64_t size() const override { return size_; }
  std::string digest() override { return hash_.finish(); }
  WebStamp stamp() const override { return stamp_; }

 private:
  class Transfer;

  bool begin();
  std::string_view take(std::string& chunk);
  /// What the transfer's end means: true at the end of the file; otherwise it waited to try again, or throws.
  bool ended(Operation& operation);
  [[noreturn]] void fail(const std::string& why, const std::string& hint = {}) const;

  std::string url_;
  HttpSettings settings_;
  Sha256 hash_;
  std::uint64_t size_ = 0, offset_ = 0;
  WebStamp stamp_;
  std::string validator_;           ///< for If-Range; empty: none
  std::optional<Sha256> compared_;  ///< of what comes a second time
  std::uint64_t compare_left_ = 0;
  bool ranges_ = true;  ///< whether the server may be asked for a part
  int failures_ = 0;    ///< since bytes last came
  int tries_ = 0;
  std::unique_ptr<Transfer> transfer_;
  bool answered_ = false;  ///< whether its answer was looked at
  std::string chunk_;
};

}  // namespace envtool
