// Its macros check options at compile time where the functions are called by name, which here they are not.
#define CURL_DISABLE_TYPECHECK
#include "boxes/curl.h"

#include "base/error.h"
#include "base/library.h"

namespace envtool {

namespace {

constexpr Library library{"libcurl.so.4", "sudo apt-get install libcurl4"};

template <class Function>
void find(const char* name, Function& function) {
  function = reinterpret_cast<Function>(library.find(name));
}

Curl load() {
  decltype(&::curl_global_init) global_init = nullptr;
  find("curl_global_init", global_init);
  if (global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
    throw Error(ErrorKind::host_not_ready, "libcurl does not start");
  Curl curl{};
  find("curl_easy_init", curl.easy_init);
  find("curl_easy_setopt", curl.easy_setopt);
  find("curl_easy_getinfo", curl.easy_getinfo);
  find("curl_easy_cleanup", curl.easy_cleanup);
  find("curl_easy_pause", curl.easy_pause);
  find("curl_easy_header", curl.easy_header);
  find("curl_easy_strerror", curl.easy_strerror);
  find("curl_multi_init", curl.multi_init);
  find("curl_multi_add_handle", curl.multi_add_handle);
  find("curl_multi_remove_handle", curl.multi_remove_handle);
  find("curl_multi_perform", curl.multi_perform);
  find("curl_multi_poll", curl.multi_poll);
  find("curl_multi_info_read", curl.multi_info_read);
  find("curl_multi_cleanup", curl.multi_cleanup);
  find("curl_slist_append", curl.slist_append);
  find("curl_slist_free_all", curl.slist_free_all);
  return curl;
}

}  // namespace

const Curl& Curl::get() {
  static const Curl curl = load();
  return curl;
}

}  // namespace envtool
