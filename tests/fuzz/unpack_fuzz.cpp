// An archive as strangers make it: of a root file system on its way to root's helper, and of a box on its way
// to the disk.

#include <cstdint>
#include <cstdlib>
#include <string>

#include "base/error.h"
#include "base/files.h"
#include "boxes/archive.h"
#include "boxes/rootfs.h"
#include "core/host.h"
#include "tests/boxes/text_source.h"

using namespace envtool;

namespace {

class Silence : public Reporter {
 public:
  void product(std::string_view) override {}
  void document(const Value&) override {}
  void say(std::string_view, std::string_view, Tone) override {}
  void step_started(std::string_view, std::string_view) override {}
  void step_progress(std::string_view, const Progress&) override {}
  void step_finished(std::string_view, std::string_view, StepOutcome, std::chrono::milliseconds) override {}
  void output_line(std::string_view, std::string_view) override {}
  void error(std::string_view, const Error&) override {}
};

bool leads_outside(const std::string& path) {
  const std::string text = "/" + path + "/";
  return text.find("//") != std::string::npos || text.find("/../") != std::string::npos ||
         text.find("/./") != std::string::npos;
}

/// What root is given leads nowhere outside.
class CheckingSink : public RootfsSink {
 public:
  void add(const TreeEntry& entry) override {
    if (leads_outside(entry.path)) std::abort();
    if (entry.kind == TreeEntry::Kind::hard_link && leads_outside(entry.target)) std::abort();
    kind_ = entry.kind;
  }
  void write(std::string_view bytes) override { take(bytes.size()); }
  void skip(std::uint64_t size) override { take(size); }
  std::string publish(const std::string&, Operation&) override { return {}; }

 private:
  /// A bomb's megabytes say no more than its first.
  void take(std::uint64_t size) {
    if (kind_ != TreeEntry::Kind::file) std::abort();
    size_ += size;
    if (size_ > 16 << 20) throw Error(ErrorKind::failed, "it is large enough");
  }

  TreeEntry::Kind kind_ = TreeEntry::Kind::directory;
  std::uint64_t size_ = 0;
};

/// Of a box only files and directories are made, and nothing beside its directory.
void check_box(const std::string& bytes, Operation& operation) {
  namespace fs = std::filesystem;
  const TemporaryDirectory directory;
  make_directories(directory.path() / "box");
  TextSource source(bytes, 4096);
  try {
    unpack_archive(source, directory.path() / "box", {}, operation);
  } catch (const Error&) {
  }
  for (const auto& entry : fs::directory_iterator(directory.path()))
    if (entry.path().filename() != "box") std::abort();
  for (const auto& entry : fs::recursive_directory_iterator(directory.path()))
    if (!fs::is_regular_file(entry.symlink_status()) && !fs::is_directory(entry.symlink_status()))
      std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  SystemProcessRunner processes;
  SystemClock clock;
  Silence silence;
  Host host{processes, clock, silence, {}, {}, {}};
  Operation operation{host, ""};
  TextSource source(bytes, 4096);
  CheckingSink sink;
  try {
    relay_rootfs(source, sink, operation);
  } catch (const Error&) {
  }
  check_box(bytes, operation);
  first_entry(bytes, operation);
  return 0;
}
