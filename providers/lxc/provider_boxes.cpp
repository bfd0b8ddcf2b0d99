// Boxes unpacked, for machines to share.
#include "providers/lxc/parts/preparation.h"
#include "providers/lxc/provider.h"
#include "providers/lxc/rootfs_sink.h"

namespace envtool::lxc {

namespace fs = std::filesystem;

void LxcProvider::forget_box(const std::string& digest, Operation& operation) {
  for (const Side* side : {&root_, &user_}) {
    std::error_code code;
    // Where it cannot be seen root's helper has to look.
    if (fs::exists(side->layout.box(digest), code) || code)
      side->helper.call("forget_box", Value::map({{"digest", digest}}), operation);
  }
}

void LxcProvider::tidy(Operation& operation) {
  for (const Side* side : {&root_, &user_}) {
    std::error_code code;
    if (fs::exists(side->layout.container(preparation_name(side->layout.root)), code))
      side->helper.call("tidy", Value::map(), operation);
  }
}

bool LxcProvider::has_rootfs(const std::string& digest) {
  std::error_code code;
  return is_digest(digest) && fs::exists(usual_side().layout.box(digest), code);
}

std::unique_ptr<RootfsSink> LxcProvider::take_rootfs(const RootfsOrigin& origin, Operation& operation) {
  check_host({}, operation);
  Value request = Value::map({{"box", origin.box},
                              {"packed", static_cast<std::int64_t>(origin.packed)},
                              {"prepare", origin.is_bare},
                              {"user", "vagrant"}});
  return std::make_unique<HelperSink>(usual_side().helper, std::move(request), operation);
}

void LxcProvider::verify_rootfs(const std::string& digest, const std::string& manifest,
                                Operation& operation) {
  usual_side().helper.call("verify_box", Value::map({{"digest", digest}, {"manifest", manifest}}), operation);
}

}  // namespace envtool::lxc
