#include "boxes/vagrantfile.h"

#include <doctest/doctest.h>

using namespace envtool;

namespace {

/// Within the block that every Vagrantfile has.
Vagrantfile read(const std::string& lines) {
  return read_vagrantfile("Vagrant.configure(\"2\") do |config|\n" + lines + "\nend\n", "libvirt");
}

}  // namespace

TEST_CASE("of the ssh user only a plain assignment of a plain name counts") {
  const std::pair<std::string, std::string> cases[] = {
      {"config.ssh.username = \"ada\"", "ada"},
      {"  config.ssh.username='ada'  # who", "ada"},
      {"config.ssh.username = \"a\"\nconfig.ssh.username = \"b\"", "b"},
      {"# config.ssh.username = \"ada\"", ""},
      {"config.ssh.username = ENV['USER']", ""},
      {"config.ssh.username = \"a\" + \"b\"", ""},
      {"config.ssh.username = \"#{x}\"", ""},
      {"config.ssh.username = \"ada", ""},
      {"config.ssh.username == \"ada\"", ""},
      {"config.ssh.username = \"-oProxyCommand=x\"", ""},
      {"config.ssh.username_x = \"ada\"", ""},
      {"if ENV['X']\nconfig.ssh.username = \"ada\"\nend", ""},
      {"config.trigger.before :up do |x|\nconfig.ssh.username = \"ada\"\nend", ""},
      {"config.trigger.before :up do |x|\nend\nconfig.ssh.username = \"ada\"", "ada"},
      {"", ""},
  };
  for (const auto& [text, user] : cases) {
    CAPTURE(text);
    CHECK(read(text).defaults.ssh_user == user);
  }
  CHECK(read_vagrantfile("config.ssh.username = \"ada\"", "lxc").defaults.ssh_user == "ada");
}

TEST_CASE("the block's own name for the configuration counts") {
  CHECK(read_vagrantfile("Vagrant::Config.run do |c|\n c.ssh.username = 'ada'\nend", "x").defaults.ssh_user ==
        "ada");
}

TEST_CASE("a card's address is read in any usual way to write it") {
  for (const char* line :
       {"config.vm.base_mac = \"080027AABBCC\"", "config.vm.base_mac = '08:00:27:aa:bb:cc'"})
    CHECK(read(line).notes ==
          std::vector<std::string>{"it was made for the MAC address 080027aabbcc, which has "
                                   "no effect: machines have their own"});
  CHECK(read("config.vm.base_mac = 'nothing'").notes.at(0).starts_with("line 2 of its Vagrantfile"));
}

TEST_CASE("that the project's folder is switched off is noted, with the way to do so here") {
  for (const char* line : {"config.vm.synced_folder \".\", \"/vagrant\", disabled: true",
                           "config.vm.synced_folder('.', '/vagrant', :disabled => true)"})
    CHECK(read(line).notes.at(0).find("'folders: []'") != std::string::npos);
  CHECK(read("config.vm.synced_folder '.', '/vagrant'").notes.empty());
  CHECK(read("config.vm.synced_folder './x', '/vagrant', disabled: true").notes.at(0).starts_with("line"));
}

TEST_CASE("memory and cpus are read in the block of the box's own provider only") {
  const Vagrantfile found = read(
      "config.vm.provider :libvirt do |v|\n v.memory = 512\n v.cpus = '2'\n v.driver = 'kvm'\nend\n"
      "config.vm.provider \"virtualbox\" do |v|\n v.memory = 4096\nend\nconfig.ssh.username = 'ada'");

  CHECK(found.defaults.memory == ByteSize{512 << 20});
  CHECK(found.defaults.cpus == 2);
  CHECK(found.defaults.ssh_user == "ada");
  CHECK_FALSE(read("config.vm.provider :libvirt do |v|\n v.memory = -1\n v.cpus = 0\nend").defaults.cpus);
}

TEST_CASE("every line without effect is noted, to a limit") {
  const Vagrantfile found = read("config.vm.network 'x'\n# a comment\n\nload \"\x1b[1m\"");
  REQUIRE(found.notes.size() == 2);
  CHECK(found.notes[0] == "line 2 of its Vagrantfile has no effect: config.vm.network 'x'");
  CHECK(found.notes[1] == "line 5 of its Vagrantfile has no effect: load \"?[1m\"");

  std::string many;
  for (int i = 0; i < 1000; ++i) many += "do_something\n";
  CHECK(read(many).notes.size() == 21);
}
