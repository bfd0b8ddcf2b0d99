#define CURL_DISABLE_TYPECHECK
#include "boxes/http_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/error.h"
#include "boxes/curl.h"

namespace envtool {

namespace {

constexpr std::size_t enough = 1 << 20;  ///< bytes held back until they are asked for
constexpr int most_failures = 5;         ///< in a row
constexpr int most_tries = 60;
constexpr std::chrono::seconds longest_wait{30};

bool is_passing(CURLcode code, bool reached) {
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
      return reached;  // at first, it is rather the address, or there is no network
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
      return true;
    default:
      return false;
  }
}

bool is_passing(long status) {
  return status == 408 || status == 429 || status == 500 || status == 502 || status == 503 || status == 504;
}

std::string meaning(long status) {
  switch (status) {
    case 401:
    case 403:
      return fmt::format("the server does not let you have it ({})", status);
    case 404:
    case 410:
      return fmt::format("the server has no such file ({})", status);
    case 429:
    case 503:
      return fmt::format("the server is too busy ({})", status);
    default:
      return fmt::format("the server answers {}", status);
  }
}

struct ContentRange {
  std::uint64_t first = 0, size = 0;
};

/// "bytes 100-199/200"; nothing for any other form. Source: RFC 9110, 14.4.
std::optional<ContentRange> parse_range(std::string_view text) {
  ContentRange range;
  std::uint64_t last = 0;
  if (!text.starts_with("bytes ")) return std::nullopt;
  const auto number = [&text](std::uint64_t& value, char before) {
    if (text.empty() || text.front() != before) return false;
    text.remove_prefix(1);
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return code == std::errc();
  };
  text.remove_prefix(5);
  if (!number(range.first, ' ') || !number(last, '-') || !number(range.size, '/')) return std::nullopt;
  return text.empty() && last + 1 == range.size ? std::optional(range) : std::nullopt;
}

}  // namespace

/// One request and its answer.
class HttpSource::Transfer {
 public:
  Transfer(const HttpSource& source, std::uint64_t from)
      : curl_(Curl::get()), easy_(curl_.easy_init()), multi_(curl_.multi_init()) {
    set(CURLOPT_URL, source.url_.c_str());
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    // What was asked for safely is not sent anywhere else in clear.
    set(CURLOPT_REDIR_PROTOCOLS_STR, source.url_.starts_with("https:") ? "https" : "http,https");
    set(CURLOPT_FOLLOWLOCATION, 1L);
    set(CURLOPT_MAXREDIRS, 10L);
    set(CURLOPT_USERAGENT, "envtool");
    set(CURLOPT_NETRC, static_cast<long>(CURL_NETRC_OPTIONAL));
    set(CURLOPT_NETRC_FILE, source.settings_.netrc.c_str());
    if (!source.settings_.ca_bundle.empty()) set(CURLOPT_CAINFO, source.settings_.ca_bundle.c_str());
    set(CURLOPT_CONNECTTIMEOUT, 30L);
    set(CURLOPT_LOW_SPEED_LIMIT, 1L);
    set(CURLOPT_LOW_SPEED_TIME, static_cast<long>(source.settings_.stalled_after.count()));
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_ERRORBUFFER, static_cast<char*>(problem_));
    set(CURLOPT_WRITEFUNCTION, &Transfer::on_bytes);
    set(CURLOPT_WRITEDATA, static_cast<void*>(this));
    show(source.settings_.credential);
    if (!source.settings_.accept.empty()) add_header("Accept: " + source.settings_.accept);
    if (from > 0) {
      set(CURLOPT_RANGE, fmt::format("{}-", from).c_str());
      add_header("If-Range: " + source.validator_);
    }
    if (headers_ != nullptr) set(CURLOPT_HTTPHEADER, headers_);
    curl_.multi_add_handle(multi_, easy_);
  }
  ~Transfer() {
    curl_.multi_remove_handle(multi_, easy_);
    curl_.easy_cleanup(easy_);
    curl_.multi_cleanup(multi_);
    curl_.slist_free_all(headers_);
  }
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  /// Waits for bytes, or for the end, a tenth of a second at most.
  void work() {
    if (paused_ && buffer_.size() < enough) {
      paused_ = false;
      curl_.easy_pause(easy_, CURLPAUSE_CONT);
    }
    int running = 0;
    curl_.multi_perform(multi_, &running);
    int left = 0;
    while (const CURLMsg* message = curl_.multi_info_read(multi_, &left))
      if (message->msg == CURLMSG_DONE) result_ = message->data.result;
    if (!result_ && buffer_.empty()) curl_.multi_poll(multi_, nullptr, 0, 100, nullptr);
  }
  std::string take() { return std::exchange(buffer_, {}); }
  bool is_empty() const { return buffer_.empty(); }
  /// How it ended; nothing while it goes on.
  std::optional<CURLcode> result() const { return result_; }
  std::string problem() const { return problem_[0] ? problem_ : curl_.easy_strerror(*result_); }

  long status() const {
    long status = 0;
    curl_.easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &status);
    return status;
  }
  /// Of the last answer; -1 when it does not say.
  curl_off_t length() const {
    curl_off_t length = -1;
    curl_.easy_getinfo(easy_, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    return length;
  }
  std::chrono::seconds retry_after() const {
    curl_off_t seconds = 0;
    curl_.easy_getinfo(easy_, CURLINFO_RETRY_AFTER, &seconds);
    return std::chrono::seconds(seconds);
  }
  std::string header(const char* name) const {
    curl_header* header = nullptr;
    return curl_.easy_header(easy_, name, 0, CURLH_HEADER, -1, &header) == CURLHE_OK ? header->value : "";
  }

 private:
  /// libcurl shows these to the first host only, not to where that one sends it.
  void show(const Credential& credential) {
    if (!credential.token.empty()) {
      set(CURLOPT_HTTPAUTH, static_cast<long>(CURLAUTH_BEARER));
      set(CURLOPT_XOAUTH2_BEARER, credential.token.c_str());
    } else if (!credential.user.empty()) {
      set(CURLOPT_HTTPAUTH, static_cast<long>(CURLAUTH_BASIC));
      set(CURLOPT_USERNAME, credential.user.c_str());
      set(CURLOPT_PASSWORD, credential.password.c_str());
    }
  }
  void add_header(const std::string& line) { headers_ = curl_.slist_append(headers_, line.c_str()); }
  template <class Value>
  void set(CURLoption option, Value value) {
    curl_.easy_setopt(easy_, option, value);
  }
  static std::size_t on_bytes(char* bytes, std::size_t, std::size_t count, void* self) {
    auto& transfer = *static_cast<Transfer*>(self);
    const long status = transfer.status();
    if (status != 200 && status != 206) return count;  // an error's page
    if (transfer.buffer_.size() >= enough) {
      transfer.paused_ = true;
      return CURL_WRITEFUNC_PAUSE;
    }
    transfer.buffer_.append(bytes, count);
    return count;
  }

  const Curl& curl_;
  CURL* easy_;
  CURLM* multi_;
  curl_slist* headers_ = nullptr;
  char problem_[CURL_ERROR_SIZE] = {};
  std::string buffer_;
  bool paused_ = false;
  std::optional<CURLcode> result_;
};

HttpSource::HttpSource(std::string url, HttpSettings settings)
    : url_(std::move(url)), settings_(std::move(settings)) {}

HttpSource::~HttpSource() = default;

void HttpSource::fail(const std::string& why, const std::string& hint) const {
  throw Error(ErrorKind::failed, fmt::format("the download fails: {}", why)).with_hint(hint);
}

std::string_view HttpSource::read(Operation& operation) {
  while (true) {
    operation.check_stop();
    if (!transfer_) {
      if (++tries_ > most_tries) fail("the connection broke off too often");
      compared_.reset();
      transfer_ = std::make_unique<Transfer>(*this, ranges_ && !validator_.empty() ? offset_ : 0);
      answered_ = false;
    }
    transfer_->work();
    if (!transfer_->is_empty()) {
      if (!answered_ && !begin()) continue;
      chunk_ = transfer_->take();
      const std::string_view bytes = take(chunk_);
      if (!bytes.empty()) return bytes;
    } else if (transfer_->result() && ended(operation)) {
      return {};
    }
  }
}

/// Looks at the answer when its first bytes are there. False: it is of no use, and another is asked for.
bool HttpSource::begin() {
  answered_ = true;
  const bool is_part = transfer_->status() == 206;
  const auto length = transfer_->length();
  if (is_part) {
    const auto range = parse_range(transfer_->header("Content-Range"));
    if (!range || offset_ == 0 || range->first != offset_ || (size_ > 0 && range->size != size_)) {
      ranges_ = false;
      transfer_.reset();
      return false;
    }
  } else {
    const auto now = length < 0 ? 0 : static_cast<std::uint64_t>(length);
    if (offset_ > 0) {
      if (now != size_) throw SourceChanged{};
      compared_.emplace();
      compare_left_ = offset_;
    }
    size_ = now;
    stamp_ = {transfer_->header("ETag"), transfer_->header("Last-Modified"), size_};
    const bool is_weak = stamp_.etag.starts_with("W/");
    if (is_weak) stamp_.etag.erase(0, 2);
    validator_ = is_weak ? std::string() : stamp_.etag;
    // A date has the precision of a second, so the size must be the same too.
    if (validator_.empty() && size_ > 0) validator_ = stamp_.modified;
  }
  return true;
}

/// The part of the bytes that is new.
std::string_view HttpSource::take(std::string& chunk) {
  std::string_view bytes = chunk;
  if (compared_) {
    const auto again = bytes.substr(0, std::min<std::uint64_t>(bytes.size(), compare_left_));
    compared_->add(again);
    compare_left_ -= again.size();
    bytes.remove_prefix(again.size());
    if (compare_left_ > 0) return {};
    if (compared_->finish() != hash_.copy().finish()) throw SourceChanged{};
    compared_.reset();
  }
  if (bytes.empty()) return {};
  hash_.add(bytes);
  offset_ += bytes.size();
  failures_ = 0;
  return bytes;
}

bool HttpSource::ended(Operation& operation) {
  const CURLcode result = *transfer_->result();
  const long status = transfer_->status();
  const bool whole = result == CURLE_OK && (status == 200 || status == 206);
  if (whole && !answered_ && !begin()) return false;  // an answer without a byte says something too
  if (whole && !compared_ && (size_ == 0 || offset_ == size_)) return true;
  if (whole && compared_) throw SourceChanged{};             // it is shorter than what came of it before
  if (result == CURLE_OK && status == 416) ranges_ = false;  // whatever it has, it is not the rest
  const bool again =
      result != CURLE_OK ? is_passing(result, offset_ > 0) : whole || status == 416 || is_passing(status);
  const std::string why = result != CURLE_OK ? transfer_->problem()
                          : whole            ? "the server sends too little"
                                             : meaning(status);
  if (!again || ++failures_ >= most_failures) {
    if (status == 401 || status == 403)
      fail(why, "put its 'machine', 'login' and 'password' into ~/.netrc, if you have some");
    if (result == CURLE_PEER_FAILED_VERIFICATION || result == CURLE_SSL_CACERT_BADFILE)
      fail(why, "name a file with the right authorities in CURL_CA_BUNDLE");
    fail(why);
  }
  const auto wait =
      std::min(std::max(transfer_->retry_after(), std::chrono::seconds(1 << (failures_ - 1))), longest_wait);
  operation.say(fmt::format("the download breaks off: {}; it goes on in {} s", why, wait.count()),
                Tone::warning);
  transfer_.reset();
  operation.sleep_for(wait);
  return false;
}

}  // namespace envtool
