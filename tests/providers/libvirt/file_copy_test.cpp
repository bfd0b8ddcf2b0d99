#include "providers/libvirt/file_copy.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/files.h"
#include "support/scripted_host.h"

using namespace envtool;
using namespace envtool::libvirt;

namespace {

constexpr std::uint64_t size = 40 << 20;

/// A file with a hole at both ends and in the middle, and a volume of its size as libvirt makes them.
struct TwoFiles {
  TemporaryDirectory directory;
  std::string source = (directory.path() / "box.img").string();
  std::string target = (directory.path() / "volume").string();
  ScriptedHost scripted;

  TwoFiles() {
    for (const std::string& path : {source, target}) {
      write_file(path, "");
      std::filesystem::resize_file(path, size);
    }
    put("begin", 1 << 20);
    put("the end of it", 33 << 20);
  }
  void put(std::string_view text, off_t offset) const {
    const UniqueFd file(::open(source.c_str(), O_WRONLY));
    REQUIRE(::pwrite(file.get(), text.data(), text.size(), offset) == static_cast<ssize_t>(text.size()));
  }
  void copy(Operation& operation) const {
    const UniqueFd from(::open(source.c_str(), O_RDONLY)), to(::open(target.c_str(), O_WRONLY));
    copy_into_zeros(from.get(), to.get(), size, operation);
  }
};

}  // namespace

TEST_CASE("a disk image is copied with its content at its places and its holes") {
  TwoFiles files;
  Operation operation{files.scripted.host, "web"};

  files.copy(operation);

  CHECK(read_file(files.target) == read_file(files.source));
  struct stat copied {};
  REQUIRE(::stat(files.target.c_str(), &copied) == 0);
  CHECK(copied.st_blocks * 512 < 4 << 20);
}

TEST_CASE("a copy of a disk image that is no longer wanted ends") {
  TwoFiles files;
  std::stop_source stop;
  stop.request_stop();
  Operation operation{files.scripted.host, "web", stop.get_token()};

  CHECK_THROWS_AS(files.copy(operation), Interrupted);
}
