#include "base/files.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "base/error.h"

using namespace envtool;
namespace fs = std::filesystem;

namespace {
unsigned mode_of(const fs::path& path) {
  struct stat status {};
  ::stat(path.c_str(), &status);
  return status.st_mode & 07777;
}
}  // namespace

TEST_CASE("a file comes back as it was written, with its mode whatever the umask") {
  const TemporaryDirectory directory;
  const fs::path path = directory.path() / "deep" / "er" / "file";
  const std::string content("a\0b\n", 4);
  const mode_t old = ::umask(077);

  write_file(path, content, 0644, Durability::synced);

  ::umask(old);
  CHECK(read_file(path) == content);
  CHECK(mode_of(path) == 0644);
  CHECK(mode_of(path.parent_path()) == 0700);
}

TEST_CASE("a replaced file is never seen half") {
  const TemporaryDirectory directory;
  const fs::path path = directory.path() / "file";
  write_file(path, std::string(100'000, 'a'));

  std::jthread writer([&](std::stop_token stop) {
    for (char c = 'b'; !stop.stop_requested(); c = c == 'z' ? 'a' : static_cast<char>(c + 1))
      write_file(path, std::string(100'000, c));
  });
  for (int i = 0; i < 200; ++i) {
    const std::string content = read_file(path);
    REQUIRE(content.size() == 100'000);
    REQUIRE(content.front() == content.back());
  }
}

TEST_CASE("a write that fails leaves the old file and no rest") {
  const TemporaryDirectory directory;
  fs::create_directory(directory.path() / "taken");

  CHECK_THROWS_WITH_AS(write_file(directory.path() / "taken", "x"), doctest::Contains("cannot replace"),
                       Error);

  CHECK(std::distance(fs::directory_iterator(directory.path()), fs::directory_iterator()) == 1);
}

TEST_CASE("a missing file is told from an unreadable one") {
  const TemporaryDirectory directory;

  CHECK_FALSE(read_file_if_there(directory.path() / "none").has_value());
  CHECK_FALSE(read_file_if_there(directory.path() / "none" / "deeper").has_value());
  CHECK_THROWS_WITH_AS(read_file(directory.path() / "none"), doctest::Contains("No such file"), Error);
  CHECK_THROWS_AS(read_file_if_there(directory.path()), Error);
}

TEST_CASE("a file larger than the limit is refused") {
  const TemporaryDirectory directory;
  write_file(directory.path() / "f", std::string(1001, 'x'));

  CHECK_THROWS_WITH_AS(read_file(directory.path() / "f", 1000), doctest::Contains("larger than 1000 bytes"),
                       Error);
  CHECK(read_file(directory.path() / "f", 1001).size() == 1001);
}

TEST_CASE("directories are made with their parents, and a file in the way is named") {
  const TemporaryDirectory directory;
  make_directories(directory.path() / "a/b/c", 0711);
  make_directories(directory.path() / "a/b/c/", 0700);
  write_file(directory.path() / "file", "");

  CHECK(mode_of(directory.path() / "a/b/c") == 0711);
  CHECK_THROWS_WITH_AS(make_directories(directory.path() / "file"), doctest::Contains("file"), Error);
  CHECK_THROWS_AS(make_directories(directory.path() / "file/below"), Error);
}

TEST_CASE("a temporary directory goes with its object") {
  fs::path path;
  {
    const TemporaryDirectory directory;
    path = directory.path();
    write_file(path / "sub" / "file", "x");
    CHECK(mode_of(path) == 0700);
  }

  CHECK_FALSE(fs::exists(path));
}

TEST_CASE("removing what is not there is fine") {
  const TemporaryDirectory directory;

  CHECK_NOTHROW(remove_tree(directory.path() / "none"));
}

TEST_CASE("a lock is held by one, says by whom, and is free again afterwards") {
  const TemporaryDirectory directory;
  const fs::path path = directory.path() / "sub" / "lock";
  {
    const auto mine = FileLock::try_take(path, "pid 1, envtool up");

    REQUIRE(mine.has_value());
    CHECK_FALSE(FileLock::try_take(path, "other").has_value());
    CHECK(FileLock::holder_of(path) == "pid 1, envtool up");
  }

  CHECK(FileLock::try_take(path, "x").has_value());
  CHECK(FileLock::holder_of(path) == "x");
}

TEST_CASE("whether a lock is held is seen without taking it") {
  const TemporaryDirectory directory;
  const fs::path path = directory.path() / "lock";
  CHECK_FALSE(FileLock::is_held(path));

  auto lock = FileLock::try_take(path, fmt::format("pid {}, envtool up", ::getpid()));
  CHECK(FileLock::is_held(path));
  lock.reset();
  CHECK_FALSE(FileLock::is_held(path));

  // What an earlier holder wrote says nothing about the present one.
  lock = FileLock::try_take(path, "pid 1, envtool up");
  CHECK_FALSE(FileLock::is_held(path));
}

TEST_CASE("a lock of a killed process is free") {
  const TemporaryDirectory directory;
  const fs::path path = directory.path() / "lock";
  int ready[2];
  REQUIRE(::pipe(ready) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const auto lock = FileLock::try_take(path, "child");
    [[maybe_unused]] const ssize_t written = ::write(ready[1], lock ? "y" : "n", 1);
    ::pause();
    ::_exit(0);
  }
  char answer = 0;
  REQUIRE(::read(ready[0], &answer, 1) == 1);
  CHECK(answer == 'y');
  CHECK_FALSE(FileLock::try_take(path, "parent").has_value());

  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);

  CHECK(FileLock::try_take(path, "parent").has_value());
  ::close(ready[0]);
  ::close(ready[1]);
}

TEST_CASE("a lock is not inherited by programs that are started") {
  const TemporaryDirectory directory;
  const fs::path path = directory.path() / "lock";
  auto lock = FileLock::try_take(path, "x");
  const pid_t child = ::fork();
  if (child == 0) {
    ::execlp("sleep", "sleep", "5", static_cast<char*>(nullptr));
    ::_exit(1);
  }
  lock.reset();

  bool free = false;
  for (int i = 0; i < 200 && !free; ++i) {
    free = FileLock::try_take(path, "y").has_value();
    if (!free) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }

  CHECK(free);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
}

TEST_CASE("a descriptor has one owner") {
  UniqueFd first(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const int number = first.get();

  UniqueFd second(std::move(first));

  CHECK_FALSE(first);
  CHECK(second.get() == number);
  second.reset();
  CHECK(::fcntl(number, F_GETFD) == -1);
}

TEST_CASE("what tells of a process that has ended is not there") {
  const pid_t child = ::fork();
  if (child == 0) {
    ::pause();
    ::_exit(0);
  }
  const UniqueFd comm(::open(fmt::format("/proc/{}/comm", child).c_str(), O_RDONLY | O_CLOEXEC));
  REQUIRE(comm);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  const std::string path = fmt::format("/proc/self/fd/{}", comm.get());

  CHECK_FALSE(read_file_if_there(path));
  CHECK_THROWS_AS(read_file(path), Error);
}
