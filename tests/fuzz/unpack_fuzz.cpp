// An archive as strangers make it: of a root file system on its way to root's tar, and of a box on its way to
// the disk.

#include <archive.h>
#include <archive_entry.h>

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

constexpr std::size_t enough = 16 << 20;

/// Keeps what comes, up to a limit: a bomb's megabytes say no more than its first.
class KeepingSink : public RootfsSink {
 public:
  void write(std::string_view bytes, Operation&) override {
    if (tar.size() + bytes.size() > enough) throw Error(ErrorKind::failed, "it is large enough");
    tar += bytes;
  }
  void note_file(const RootfsFile&) override {}
  std::string publish(const std::string&, Operation&) override { return {}; }

  std::string tar;
};

bool leads_outside(const char* name) {
  const std::string text = std::string("/") + (name == nullptr ? "" : name) + "/";
  return text.starts_with("//") || text.find("/../") != std::string::npos;
}

/// What root's tar is given holds nothing that leads outside.
void check_tar(const std::string& tar) {
  archive* reader = archive_read_new();
  archive_read_support_format_tar(reader);
  archive_read_open_memory(reader, tar.data(), tar.size());
  archive_entry* entry = nullptr;
  while (archive_read_next_header(reader, &entry) == ARCHIVE_OK) {
    if (leads_outside(archive_entry_pathname(entry))) std::abort();
    if (archive_entry_hardlink(entry) != nullptr && leads_outside(archive_entry_hardlink(entry)))
      std::abort();
    if (archive_entry_filetype(entry) == AE_IFBLK) std::abort();
  }
  archive_read_free(reader);
}

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
  KeepingSink sink;
  try {
    relay_rootfs(source, sink, operation);
    check_tar(sink.tar);
  } catch (const Error&) {
  }
  check_box(bytes, operation);
  first_entry(bytes, operation);
  return 0;
}
