#include "sync/folder_tree.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <fstream>

#include "base/files.h"

using namespace envtool;

namespace {

using Kind = FolderEntry::Kind;
using Paths = std::vector<std::string>;

FolderEntry entry(Kind kind, unsigned mode = 0644) {
  return {.kind = kind, .mode = mode, .size = 3, .modified = 100, .user = 7, .group = 8};
}

FolderTree tree(std::initializer_list<FolderTree::value_type> entries) {
  FolderTree made = {{"", entry(Kind::directory, 0755)}};
  for (const auto& each : entries) made.insert(each);
  return made;
}

FolderPlan plan(const FolderTree& host, const FolderTree& guest) { return plan_folder(host, guest, 7, 8); }

}  // namespace

TEST_CASE("folders that are alike need nothing") {
  const FolderTree both = tree({{"a", entry(Kind::directory)}, {"a/f", entry(Kind::file)}});

  CHECK(plan(both, both) == FolderPlan{});
}

TEST_CASE("a file is copied when it is new, or has another size or time; another owner or mode is set") {
  const FolderTree host = tree({{"mode", entry(Kind::file, 0755)},
                                {"new", entry(Kind::file)},
                                {"size", entry(Kind::file)},
                                {"time", entry(Kind::file)},
                                {"whose", entry(Kind::file)}});
  FolderTree guest = host;
  guest["mode"].mode = 0600;
  guest.erase("new");
  guest["size"].size = 4;
  guest["time"].modified = 99;
  guest["whose"].user = 0;

  const FolderPlan found = plan(host, guest);

  CHECK(found.files == Paths{"new", "size", "time"});
  CHECK(found.attributes == Paths{"mode", "whose"});
  CHECK(found.directories == Paths{""});
}

TEST_CASE("what vanished goes from the inside out, and directories get their times back last") {
  const FolderTree host = tree({{"a", entry(Kind::directory)}, {"a/b", entry(Kind::directory)}});
  const FolderTree guest = tree({{"a", entry(Kind::directory)},
                                 {"a/b", entry(Kind::directory)},
                                 {"a/b/gone", entry(Kind::file)},
                                 {"old", entry(Kind::directory)},
                                 {"old/in", entry(Kind::directory)},
                                 {"old/in/f", entry(Kind::link)}});

  const FolderPlan found = plan(host, guest);

  CHECK(found.removed_files == Paths{"old/in/f", "a/b/gone"});
  CHECK(found.removed_directories == Paths{"old/in", "old"});
  CHECK(found.directories == Paths{"a/b", ""});
}

TEST_CASE("what is excluded stays, with the directories around it") {
  const FolderTree guest = tree({{"gone", entry(Kind::directory)},
                                 {"gone/f", entry(Kind::file)},
                                 {"gone/node_modules", entry(Kind::excluded)},
                                 {"run.log", entry(Kind::excluded)}});

  const FolderPlan found = plan(tree({}), guest);

  CHECK(found.removed_files == Paths{"gone/f"});
  CHECK(found.removed_directories.empty());
}

TEST_CASE("one kind takes another's place: by removing it where a directory is one of them") {
  const FolderTree host = tree({{"dir", entry(Kind::directory)},
                                {"dir/f", entry(Kind::file)},
                                {"file", entry(Kind::file)},
                                {"link", entry(Kind::link)}});
  const FolderTree guest = tree({{"dir", entry(Kind::file)},
                                 {"file", entry(Kind::directory)},
                                 {"file/f", entry(Kind::file)},
                                 {"link", entry(Kind::file)}});

  const FolderPlan found = plan(host, guest);

  CHECK(found.removed_files == Paths{"file/f", "dir"});
  CHECK(found.removed_directories == Paths{"file"});
  CHECK(found.new_directories == Paths{"dir"});
  CHECK(found.files == Paths{"dir/f", "file"});
  CHECK(found.links == Paths{"link"});
}

TEST_CASE("a directory that holds something excluded cannot become a file") {
  const FolderTree guest = tree({{"x", entry(Kind::directory)}, {"x/own", entry(Kind::excluded)}});

  const FolderPlan found = plan(tree({{"x", entry(Kind::file)}}), guest);

  CHECK(found.blocked == Paths{"x"});
  CHECK(found.files.empty());
}

TEST_CASE("a host's folder is read without what is excluded, and links are not followed") {
  const TemporaryDirectory place;
  std::filesystem::create_directories(place.path() / "src/node_modules");
  std::filesystem::create_directories(place.path() / ".envtool");
  std::ofstream(place.path() / "src/a file") << "one";
  std::filesystem::create_symlink("src", place.path() / "link");
  ::mkfifo((place.path() / "pipe").c_str(), 0600);

  const FolderTree found = read_folder(place.path(), ExcludePatterns({"node_modules/"}));

  CHECK(found.size() == 5);
  CHECK(found.at("").kind == Kind::directory);
  CHECK(found.at("src/a file").size == 3);
  CHECK(found.at("link").target == "src");
  CHECK(found.at("pipe").kind == Kind::other);
}
