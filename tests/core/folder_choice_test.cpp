#include "core/folder_choice.h"

#include <doctest/doctest.h>

using namespace envtool;

namespace {

constexpr auto automatic = FolderType::automatic, virtiofs = FolderType::virtiofs, ninep = FolderType::ninep,
               rsync = FolderType::rsync;

/// A user's folder, of a guest whose user has the same id.
FolderQuestion question(FolderType wanted = automatic) {
  return {.wanted = wanted, .exclude = {}, .owner = "vagrant", .host_owner = 1000};
}

struct Row {
  const char* what;
  FolderQuestion question;
  GuestFacts guest;
  FolderType type;
  const char* why;
};

}  // namespace

TEST_CASE(
    "a folder takes the first way that host and guest allow, and says what is against the better ones") {
  const GuestFacts both{{{virtiofs, true}, {ninep, true}}, {{"vagrant", 1000}}};
  const GuestFacts old{{{virtiofs, false}, {ninep, true}}, {{"vagrant", 1000}}};
  const GuestFacts cloud{{{virtiofs, true}, {ninep, false}}, {{"vagrant", 1000}}};
  const GuestFacts none{{{virtiofs, false}, {ninep, false}}, {{"vagrant", 1000}}};
  FolderQuestion no_daemon = question(), remote = question(), pattern = question(), others = question();
  no_daemon.obstacles = {{virtiofs, "virtiofsd is not installed"}};
  remote.obstacles = {{virtiofs, "the machine is on another host"},
                      {ninep, "the machine is on another host"}};
  pattern.exclude = {"build", "*.o"};
  others.host_owner = 1001;
  FolderQuestion of_root = question(), www = question(), explicit_remote = remote;
  of_root.host_owner = 0;
  of_root.owner = "root";
  www.owner = "www-data";
  explicit_remote.wanted = ninep;
  const Row rows[] = {
      {"all goes, and nobody was asked yet", question(), {}, virtiofs, ""},
      {"all goes", question(), both, virtiofs, ""},
      {"an old kernel", question(), old, ninep, "the guest's kernel has no virtiofs"},
      {"a kernel with neither", question(), none, rsync,
       "the guest's kernel has no virtiofs; the guest's kernel has no 9p"},
      {"no daemon", no_daemon, both, ninep, "virtiofsd is not installed"},
      {"no daemon, and no 9p", no_daemon, cloud, rsync,
       "virtiofsd is not installed; the guest's kernel has no 9p"},
      {"the same against both is said once", remote, both, rsync, "the machine is on another host"},
      {"patterns need a copy", pattern, both, rsync, "its 'exclude' has the pattern '*.o'"},
      {"another user's",
       others,
       {},
       rsync,
       "it belongs to user 1001 of this host, and 'vagrant' is user 1000 in the guest"},
      {"another user's, and the guest's is that, too", others, {{}, {{"vagrant", 1001}}}, virtiofs, ""},
      {"root's", of_root, {}, virtiofs, ""},
      {"a user of the guest's that turned out to be another",
       www,
       {{}, {{"www-data", 33}}},
       rsync,
       "it belongs to user 1000 of this host, and 'www-data' is user 33 in the guest"},
      {"wanted, and it goes", question(ninep), both, ninep, ""},
      {"wanted, and it does not", question(virtiofs), old, rsync, "the guest's kernel has no virtiofs"},
      {"wanted, and the host cannot", explicit_remote, both, rsync, "the machine is on another host"},
  };

  for (const Row& row : rows) {
    CAPTURE(row.what);
    const FolderChoice choice = choose_folder(row.question, row.guest);
    CHECK(choice.type == row.type);
    CHECK(choice.why == row.why);
  }
}

TEST_CASE("what a guest said comes back from its record") {
  const GuestFacts facts{{{virtiofs, true}, {ninep, false}}, {{"vagrant", 1000}, {"www-data", 33}}};

  const GuestFacts read = guest_facts_from(to_value(facts));

  CHECK(read.file_systems == facts.file_systems);
  CHECK(read.users == facts.users);
  CHECK(guest_facts_from(Value()).file_systems.empty());
}
