#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/error.h"
#include "core/rootfs.h"

namespace envtool {

/// Keeps root file systems as the entries that came.
class FakeRootfsStore : public RootfsStore {
 public:
  struct Item {
    TreeEntry entry;
    std::string content = {};  ///< with its holes as zeros
    std::uint64_t holes = 0;   ///< bytes of them
  };
  std::map<std::string, std::vector<Item>> taken;  ///< by digest
  bool ready = true;
  int given_up = 0;
  int bare = 0;  ///< that nobody made for machines

  bool has_rootfs(const std::string& digest) override { return taken.contains(digest); }
  std::unique_ptr<RootfsSink> take_rootfs(const RootfsOrigin& origin, Operation&) override {
    bare += origin.is_bare ? 1 : 0;
    if (!ready) throw Error(ErrorKind::host_not_ready, "no root here");
    return std::make_unique<Sink>(*this);
  }
  void verify_rootfs(const std::string& digest, const std::string&, Operation&) override {
    if (!taken.contains(digest)) throw Error(ErrorKind::failed, "gone");
  }

 private:
  class Sink : public RootfsSink {
   public:
    explicit Sink(FakeRootfsStore& store) : store_(store) {}
    ~Sink() override {
      if (!published_) ++store_.given_up;
    }
    void add(const TreeEntry& entry) override { items_.push_back({.entry = entry}); }
    void write(std::string_view bytes) override { items_.back().content += bytes; }
    void skip(std::uint64_t size) override {
      items_.back().content.append(size, '\0');
      items_.back().holes += size;
    }
    std::string publish(const std::string& digest, Operation&) override {
      published_ = true;
      store_.taken[digest] = items_;
      return "manifest of " + digest;
    }

   private:
    FakeRootfsStore& store_;
    std::vector<Item> items_;
    bool published_ = false;
  };
};

}  // namespace envtool
