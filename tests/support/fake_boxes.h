#pragma once

#include <fmt/format.h>

#include <map>
#include <mutex>
#include <set>

#include "base/hash.h"
#include "core/box.h"
#include "core/services.h"

namespace envtool {

/// Knows every box whose name begins with "fake/"; "fake/missing" means something and cannot be had.
class FakeBoxes : public BoxSource {
 public:
  void check(const BoxRequest& request) override {
    if (!takes_any && !request.box.name.starts_with("fake/"))
      throw Error(ErrorKind::bad_envfile, fmt::format("no box '{}'", request.box.name))
          .at(request.box.position);
  }
  std::optional<Box> find(const BoxRequest& request, Operation&) override {
    const std::lock_guard lock(mutex_);
    if (!store_.contains(request.box.name)) return std::nullopt;
    Box box = box_of(request);
    box.pins = request.pins.empty() ? std::vector{pin_of(request)} : request.pins;
    return box;
  }
  Box resolve(const BoxRequest& request, Operation& operation) override {
    check(request);
    if (request.box.name == "fake/missing")
      throw Error(ErrorKind::failed, "box 'fake/missing': the server has no such file");
    operation.progress({.done = 1, .total = 2, .unit = "B"});
    const std::lock_guard lock(mutex_);
    store_.insert(request.box.name);
    Box box = box_of(request);
    if (request.locked && request.pins.empty())
      throw Error(ErrorKind::failed, fmt::format("box '{}' is not locked", request.box.name));
    box.pins = request.pins.empty() ? std::vector{pin_of(request)} : request.pins;
    box.version = box.pins.front().version;
    return box;
  }
  std::vector<BoxPin> newest(const BoxRequest& request, Operation&) override {
    check(request);
    const std::lock_guard lock(mutex_);
    if (is_another_file) return {{.format = "fake", .version = {}, .url = request.box.name, .sha256 = {}}};
    return {pin_of(request)};
  }
  std::string newest_version = "1";
  bool is_another_file = false;  ///< what the source has now has no version, and has changed
  bool takes_any = false;        ///< of any name

  std::vector<StoredBox> list() override {
    const std::lock_guard lock(mutex_);
    std::vector<StoredBox> boxes;
    for (const std::string& name : store_) boxes.push_back({box_of(name), {name}, {3 << 20}, {}});
    boxes.insert(boxes.end(), others.begin(), others.end());
    return boxes;
  }
  std::vector<StoredBox> others;  ///< are in the store besides
  /// By name: why it is not as it was stored.
  std::map<std::string, std::string> damages;

  void verify(const std::string& digest, Operation&) override {
    for (const auto& [name, damage] : damages)
      if (sha256(name) == digest) throw Error(ErrorKind::failed, damage);
  }
  void sweep(const std::function<void(const std::string& digest)>& forget) override {
    for (const std::string& digest : std::exchange(given_away, {})) forget(digest);
  }
  std::vector<std::string> given_away;  ///< root file systems whose box never got into the store

  void remove(const std::string& digest, Operation&) override {
    const std::lock_guard lock(mutex_);
    std::erase_if(store_, [&](const std::string& name) { return sha256(name) == digest; });
  }

 private:
  BoxPin pin_of(const BoxRequest& request) const {
    return {.format = "fake", .version = newest_version, .sha256 = sha256(request.box.name)};
  }
  static Box box_of(const BoxRequest& request) { return box_of(request.box.name); }
  static Box box_of(const std::string& name) {
    return {.digest = sha256(name),
            .name = name,
            .version = "1",
            .format = "fake",
            .directory = "/boxes",
            .metadata = {},
            .defaults = {}};
  }

  std::mutex mutex_;
  std::set<std::string> store_;
};

/// Remembers what was pushed where.
class FakeFolderSync : public FolderSync {
 public:
  std::vector<std::string> pushes;   ///< "/srv/app to 10.99.0.3"
  std::vector<std::string> watched;  ///< guests' folders of which changes were waited for
  int changes = 0;                   ///< that many come, then the user stops waiting
  Copied copied;                     ///< what every push says

  Copied push(const FolderConfig& folder, const SshEndpoint& endpoint, Communicator&, Operation&) override {
    const std::lock_guard lock(mutex_);
    pushes.push_back(folder.guest + " to " + endpoint.host);
    return copied;
  }

  std::unique_ptr<FolderWatch> watch(const std::vector<FolderConfig>& folders) override {
    struct Changes : FolderWatch {
      explicit Changes(int& given) : left(given) {}
      void wait(const std::stop_token&) override {
        if (left-- == 0) throw Interrupted{};
      }
      int& left;
    };
    for (const FolderConfig& folder : folders) watched.push_back(folder.guest);
    return std::make_unique<Changes>(changes);
  }

 private:
  std::mutex mutex_;
};

}  // namespace envtool
