#include <doctest/doctest.h>

#include "base/files.h"
#include "config/sample.h"

namespace envtool::test {

namespace {

/// A project on disk, with a directory of its own for the user's configuration.
class Project {
 public:
  void write(const std::string& name, const std::string& text) { write_file(directory_.path() / name, text); }
  std::filesystem::path path(const std::string& name) const { return directory_.path() / name; }

  LoadOptions options() const {
    LoadOptions options = options_for("");
    options.working_directory = directory_.path();
    options.files = {};
    options.standard_input = {};
    options.user_config = path("user.yaml");
    options.trust = true;
    return options;
  }
  LoadedProject load() const { return load_project(options()); }
  MachineConfig machine() const { return load().project.machines.at(0); }

 private:
  TemporaryDirectory directory_;
};

std::vector<std::string> names(const std::vector<ProvisionConfig>& steps) {
  std::vector<std::string> all;
  for (const ProvisionConfig& step : steps) all.push_back(step.name);
  return all;
}

}  // namespace

TEST_CASE("later layers win key by key, and null restores the default") {
  Project project;
  project.write("user.yaml", "memory: 1GiB\nssh: {user: ada, forward_agent: true}\n");
  project.write("Envfile", "box: a\nmemory: 2GiB\ncpus: 2\nssh: {user: bob}\n");
  project.write("Envfile.local", "memory: 3GiB\ncpus: null\n");

  const MachineConfig machine = project.machine();

  CHECK(machine.memory == ByteSize{3ull << 30});
  CHECK_FALSE(machine.cpus.has_value());
  CHECK(machine.ssh.user == "bob");
  CHECK(machine.ssh.forward_agent);
}

TEST_CASE("credentials come from the user's own configuration, by host, and are shown nowhere") {
  Project project;
  project.write("user.yaml",
                "credentials:\n  boxes.test: {token: abc}\n  'localhost:8080': {user: ada, password: '12'}\n"
                "sources: {catalogs: https://boxes.test}\n");
  project.write("Envfile", "box: a\n");

  const LoadedProject loaded = project.load();

  CHECK(loaded.project.sources.catalogs == std::vector<std::string>{"https://boxes.test"});
  CHECK(loaded.project.sources.credentials.at("boxes.test").token == "abc");
  CHECK(loaded.project.sources.credentials.at("localhost:8080").password == "12");
  CHECK(render_document(loaded.document, true).find("abc") == std::string::npos);
  CHECK(load_user_sources(project.options()).credentials.size() == 2);
}

TEST_CASE("a project has no credentials") {
  Project project;
  project.write("Envfile", "box: a\ncredentials: {boxes.test: {token: abc}}\n");

  CHECK_THROWS_WITH(project.load(), "'credentials' belong into your own configuration, not into a project");
}

TEST_CASE("a box that only the user's own files name is personal") {
  Project project;
  project.write("user.yaml", "box: mine\n");
  project.write("Envfile", "machines: {a: {box: ours}, b: {}, c: {}}\n");
  project.write("Envfile.local", "machines: {c: {box: local}}\n");

  const ProjectConfig loaded = project.load().project;

  CHECK_FALSE(loaded.find("a")->box->personal);
  CHECK(loaded.find("b")->box->personal);
  CHECK(loaded.find("c")->box->personal);
}

TEST_CASE("a machine's block wins over the top level of every file") {
  Project project;
  project.write("Envfile", "memory: 2GiB\nmachines: {web: {memory: 4GiB}, db: {}}\n");
  project.write("Envfile.local", "memory: 1GiB\nmachines: {db: {cpus: 3}}\n");

  const ProjectConfig loaded = project.load().project;

  CHECK(loaded.find("web")->memory == ByteSize{4ull << 30});
  CHECK(loaded.find("db")->memory == ByteSize{1ull << 30});
  CHECK(loaded.find("db")->cpus == 3);
}

TEST_CASE("ports merge by bind address, guest port and protocol") {
  Project project;
  project.write("Envfile", "ports: ['8080:80', '0.0.0.0:53:53/udp', 22, '[::1]:22:22']\n");
  project.write("Envfile.local",
                "ports: ['8081:80', {guest: 53, protocol: udp, disabled: true}, '[::1]:23:22', 9000]\n");

  const std::vector<PortConfig> ports = project.machine().ports;

  REQUIRE(ports.size() == 4);
  CHECK(ports[0].guest == 80);
  CHECK(ports[0].host == PortRange{8081, 8081});
  CHECK(ports[1].guest == 22);
  CHECK_FALSE(ports[1].host.has_value());
  CHECK(ports[2].bind == "::1");
  CHECK(ports[2].host == PortRange{23, 23});
  CHECK(ports[3].guest == 9000);
}

TEST_CASE("an override without a bind address keeps the one there is") {
  Project project;
  project.write("Envfile", "ports: ['0.0.0.0:8080:80']\n");
  project.write("Envfile.local", "ports: ['9090:80']\n");

  const std::vector<PortConfig> ports = project.machine().ports;

  REQUIRE(ports.size() == 1);
  CHECK(ports[0].bind == "0.0.0.0");
  CHECK(ports[0].host == PortRange{9090, 9090});
}

TEST_CASE("folders merge by guest path, networks and disks by name") {
  Project project;
  project.write("Envfile",
                "folders: ['./a:/a:ro', './b:/b']\nnetworks: [back, {name: lan, ip: 7}]\n"
                "disks: [{name: data, size: 1GiB, keep: true}]\n");
  project.write("Envfile.local",
                "folders: [{guest: /a/, type: rsync}, {guest: /b, disabled: true}, './c:/c']\n"
                "networks: [{name: lan, isolated: true}]\ndisks: [{name: data, size: 2GiB}]\n");

  const MachineConfig machine = project.machine();

  REQUIRE(machine.folders.size() == 2);
  CHECK(machine.folders[0].host == project.path("a"));
  CHECK(machine.folders[0].type == FolderType::rsync);
  CHECK(machine.folders[0].read_only);
  CHECK(machine.folders[1].guest == "/c");
  REQUIRE(machine.networks.size() == 2);
  CHECK(machine.networks[1].host_number == 7);
  CHECK(machine.networks[1].isolated);
  CHECK(machine.disks.at(0).size == ByteSize{2ull << 30});
  CHECK(machine.disks.at(0).keep);
}

TEST_CASE("a step of the same name is replaced whole and keeps its place") {
  Project project;
  project.write("Envfile",
                "provision: [{name: a, shell: {inline: x, user: ada}}, {name: b, shell: y}, {shell: z}]\n");
  project.write("Envfile.local",
                "provision: [{name: a, file: {source: s, destination: /d}}, {name: c, shell: w}]\n");

  const std::vector<ProvisionConfig> steps = project.machine().provision;

  CHECK(names(steps) == std::vector<std::string>{"a", "b", "shell-3", "c"});
  CHECK(steps[0].kind == "file");
}

TEST_CASE("an empty list drops all that is inherited, and other lists are replaced whole") {
  Project project;
  project.write("Envfile", "ports: [80]\naliases: [a.test, b.test]\nready: [{tcp: 80}]\n");
  project.write("Envfile.local", "ports: []\naliases: [c.test]\n");

  const MachineConfig machine = project.machine();

  CHECK(machine.ports.empty());
  CHECK(machine.aliases == std::vector<std::string>{"c.test"});
  CHECK(machine.ready.size() == 1);
}

TEST_CASE("a provider's block wins for that provider") {
  Project project;
  project.write("Envfile",
                "box: a\nmemory: 1GiB\nfolders: ['.:/vagrant', './a:/a']\n"
                "providers: {lxc: {box: b, memory: 2GiB, folders: [{guest: /a, type: rsync}]}}\n");

  const MachineConfig machine = project.machine();
  const MachineConfig effective = effective_for(machine, "lxc");

  CHECK(machine.memory == ByteSize{1ull << 30});
  CHECK(effective.memory == ByteSize{2ull << 30});
  CHECK(effective.box->name == "b");
  REQUIRE(effective.folders.size() == 2);
  CHECK(effective.folders[1].type == FolderType::rsync);
  CHECK(effective_for(machine, "libvirt").box->name == "a");
}

TEST_CASE("a path is relative to the file that holds it") {
  Project project;
  project.write("user.yaml", "ca_certs: [root.pem]\n");
  project.write("sub/Envfile", "provision: [{shell: {path: setup.sh}}]\n");
  LoadOptions options = project.options();
  options.working_directory = project.path("sub");

  const MachineConfig machine = load_project(options).project.machines.at(0);

  CHECK(machine.ca_certs.at(0) == project.path("root.pem"));
  CHECK(machine.provision.at(0).options["path"] == Value(project.path("sub/setup.sh").string()));
  CHECK(machine.folders.at(0).host == std::filesystem::canonical(project.path("sub")));
}

TEST_CASE("the Envfile is looked for upwards, and two side by side are refused") {
  Project project;
  project.write("Envfile.yaml", "box: a\n");
  make_directories(project.path("deep/er"));

  CHECK(find_envfile(project.path("deep/er")) == std::filesystem::canonical(project.path("Envfile.yaml")));

  project.write("Envfile", "box: a\n");
  CHECK_THROWS_WITH_AS(find_envfile(project.path("deep")), doctest::Contains("side by side"), Error);
}

TEST_CASE("a directory that is named as the file is told from one") {
  Project project;
  project.write("sub/Envfile", "box: a\n");
  LoadOptions options = project.options();
  options.files = {"sub"};

  try {
    load_project(options);
    FAIL("it was read");
  } catch (const Error& error) {
    CHECK(std::string(error.what()).find("'sub' is a directory, expected a file") != std::string::npos);
    CHECK(error.hint() == "-f 'sub/Envfile', or -C 'sub'");
  }
}

TEST_CASE("an Envfile that is no file is told by what it is") {
  Project project;
  make_directories(project.path("project/Envfile"));
  std::filesystem::create_symlink("gone", project.path("Envfile"));
  make_directories(project.path("below"));

  CHECK_THROWS_WITH_AS(find_envfile(project.path("project")),
                       doctest::Contains("project/Envfile' is a directory, expected a file"), Error);
  CHECK_THROWS_WITH_AS(find_envfile(project.path("")),
                       doctest::Contains("Envfile' is a link to 'gone', which cannot be reached"), Error);
  CHECK_FALSE(find_envfile(project.path("below")));
  project.write("Envfile.yml", "box: a\n");
  CHECK(find_envfile(project.path("project")) == std::filesystem::canonical(project.path("Envfile.yml")));
}

TEST_CASE("files that are named are the only ones read") {
  Project project;
  project.write("user.yaml", "cpus: 7\n");
  project.write("Envfile", "cpus: 6\n");
  project.write("Envfile.local", "cpus: 5\n");
  project.write("sub/one.yaml", "memory: 1GiB\n");
  project.write("two.yaml", "memory: 2GiB\n");
  LoadOptions options = project.options();
  options.files = {"sub/one.yaml", "two.yaml"};

  const ProjectConfig loaded = load_project(options).project;

  CHECK_FALSE(loaded.machines[0].cpus.has_value());
  CHECK(loaded.machines[0].memory == ByteSize{2ull << 30});
  CHECK(loaded.directory == std::filesystem::canonical(project.path("sub")));
  CHECK(loaded.files.size() == 2);
}

TEST_CASE("without an Envfile the error says how to get one") {
  Project project;

  try {
    project.load();
    FAIL("nothing was thrown");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::usage);
    CHECK(error.hint().find("envtool init") != std::string::npos);
  }
}

TEST_CASE("an Envfile of another user is refused until trusted") {
  Project project;
  project.write("Envfile", "box: a\n");
  LoadOptions options = project.options();
  options.trust = false;
  options.user_id = 4242;
  const auto status = std::filesystem::status(project.path("Envfile"));
  REQUIRE(std::filesystem::exists(status));
  if (chown(project.path("Envfile").c_str(), 4343, 4343) != 0) return;  // needs root

  CHECK_THROWS_WITH_AS(load_project(options), doctest::Contains("belongs to another user"), Error);
  options.trust = true;
  CHECK_NOTHROW(load_project(options));
}

TEST_CASE("the environment wins over .env") {
  Project project;
  project.write("Envfile", "vars: {a: \"${FROM_FILE}\", b: \"${USER_NAME}\", c: \"${QUOTED}\"}\n");
  project.write(".env", "# comment\nexport FROM_FILE=one # two\nUSER_NAME=bob\nQUOTED=\"a\\nb # c\"\n");

  const Value vars = project.machine().vars;

  CHECK(vars["a"] == Value("one"));
  CHECK(vars["b"] == Value("ada"));
  CHECK(vars["c"] == Value("a\nb # c"));
}

TEST_CASE("the project is called after its directory, as far as a name allows") {
  Project project;
  project.write("My_Shop (2)/Envfile", "box: a\n");
  LoadOptions options = project.options();
  options.working_directory = project.path("My_Shop (2)");

  CHECK(load_project(options).project.name == "my-shop-2");
}

}  // namespace envtool::test
