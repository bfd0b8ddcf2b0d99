#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/error.h"
#include "core/rootfs.h"

namespace envtool {

/// Keeps root file systems as the tars that came.
class FakeRootfsStore : public RootfsStore {
 public:
  std::map<std::string, std::string> taken;  ///< tar by digest
  std::vector<RootfsFile> files;             ///< of all that came
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
    void write(std::string_view bytes, Operation&) override { tar_ += bytes; }
    void note_file(const RootfsFile& file) override { store_.files.push_back(file); }
    std::string publish(const std::string& digest, Operation&) override {
      published_ = true;
      store_.taken[digest] = tar_;
      return "manifest of " + digest;
    }

   private:
    FakeRootfsStore& store_;
    std::string tar_;
    bool published_ = false;
  };
};

}  // namespace envtool
