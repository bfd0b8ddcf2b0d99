#include "config/tables.h"

#include "config/items.h"

namespace envtool {

Format machine_name_format() {
  return {"a machine's name (lower-case letters, digits and '-', at most 63)", "[a-z0-9][a-z0-9-]{0,62}"};
}

Format project_name_format() {
  return {"a project's name (lower-case letters, digits and '-', at most 63)", "[a-z0-9][a-z0-9-]{0,62}"};
}

namespace {

using Kind = Shape::Kind;

// RFC 1123, section 2.1: labels of letters, digits and inner hyphens.
constexpr std::string_view host_name_pattern =
    "(?=.{1,253}$)[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?([.][A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)"
    "*";
constexpr Format host_name{"a host name such as 'shop' or 'shop.test'", host_name_pattern};
constexpr Format guest_path{"an absolute path of the guest", "/.*"};
constexpr Format mac_address{"a MAC address such as '52:54:00:aa:bb:cc'",
                             "([0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}"};
constexpr Format ip_address{"an IP address", "[0-9]{1,3}([.][0-9]{1,3}){3}|[0-9a-fA-F:]*:[0-9a-fA-F:.]*"};
constexpr Format ip_or_number{"an address such as '10.30.0.11', or a host number such as 11",
                              "[0-9]{1,5}|[0-9]{1,3}([.][0-9]{1,3}){3}|[0-9a-fA-F:]*:[0-9a-fA-F:.]*"};
constexpr Format subnet{"a subnet such as '10.30.0.0/24'",
                        "[0-9]{1,3}([.][0-9]{1,3}){3}/[0-9]{1,2}|[0-9a-fA-F:]*:[0-9a-fA-F:.]*/[0-9]{1,3}"};
constexpr Format host_ports{"a port (1 to 65535) or a range such as '8080-8089'", "[0-9]{1,5}(-[0-9]{1,5})?"};
constexpr Format mount_path{"an absolute path of the guest below '/'", "(/[^/]+)+"};
constexpr Format disk_name{"a name of lower-case letters, digits and '-'", "[a-z0-9][a-z0-9-]{0,31}"};
// A Linux interface name; the project's networks become bridges whose names are made from these.
constexpr Format network_name{"a name of lower-case letters, digits and '-'", "[a-z0-9][a-z0-9-]{0,62}"};
constexpr Format bridge_name{"the name of a network interface", "[^/\\s]{1,15}"};
constexpr Format group_name{"an Ansible group's name (letters, digits and '_', not beginning with a digit)",
                            "[A-Za-z_][A-Za-z0-9_]*"};
constexpr Format server_name{"a host such as 'boxes.example.com' or 'localhost:8080'",
                             "[A-Za-z0-9.-]+(:[0-9]{1,5})?|\\[[0-9a-fA-F:.]+\\](:[0-9]{1,5})?"};
constexpr Format checksum{"a checksum such as 'sha256:0123...' of 64 digits", "sha256:[0-9a-fA-F]{64}"};
constexpr Format variable_name{"a name of letters, digits and '_'", "[A-Za-z_][A-Za-z0-9_.-]*"};
constexpr Format user_name{"a user's name", "[a-z_][a-z0-9_-]{0,31}[$]?"};
constexpr Format owner_name{"a user's name, or 'user:group'",
                            "[A-Za-z0-9_][A-Za-z0-9_.-]*(:[A-Za-z0-9_][A-Za-z0-9_.-]*)?"};

Shape boolean(std::string summary) { return {.kind = Kind::boolean, .summary = std::move(summary)}; }
Shape text(std::string summary, Format format = {}) {
  return {.summary = std::move(summary), .format = format};
}
Shape choice(std::string summary, std::vector<std::string> choices) {
  return {.summary = std::move(summary), .choices = std::move(choices)};
}
Shape path(std::string summary) { return {.kind = Kind::path, .summary = std::move(summary)}; }
Shape size(std::string summary) { return {.kind = Kind::size, .summary = std::move(summary)}; }
Shape duration(std::string summary) { return {.kind = Kind::duration, .summary = std::move(summary)}; }
Shape script(std::string summary) { return {.summary = std::move(summary), .script = true}; }
Shape port(std::string summary) {
  return {.kind = Kind::integer, .summary = std::move(summary), .minimum = 1, .maximum = 65535};
}
Shape list(std::string summary, Shape element) {
  return {.kind = Kind::list, .summary = std::move(summary), .element = {std::move(element)}};
}
Shape one_or_list(std::string summary, Shape element) {
  Shape shape = list(std::move(summary), std::move(element));
  shape.one_stands_for_list = true;
  return shape;
}
Shape merged(std::string summary, MergeBy by, Shape element) {
  Shape shape = list(std::move(summary), std::move(element));
  shape.merge_by = by;
  return shape;
}
Shape map(std::string summary, std::vector<Field> fields) {
  return {.kind = Kind::fixed_map, .summary = std::move(summary), .fields = std::move(fields)};
}
Shape free_map(std::string summary, Shape element, Format keys = {}) {
  return {.kind = Kind::free_map,
          .summary = std::move(summary),
          .element = {std::move(element)},
          .key_format = keys};
}
Shape data(std::string summary, Late late) {
  Shape shape = free_map(std::move(summary), {.kind = Kind::any, .late = late});
  return shape;
}

Shape port_shape() {
  Shape shape =
      map("a host port that leads to a guest port",
          {{"guest", port("the guest's port"), true},
           {"host", text("the host's port or a range of which the first free one is kept", host_ports)},
           {"bind", text("the host's address that is bound", ip_address), false, "127.0.0.1"},
           {"protocol", choice("tcp or udp", {"tcp", "udp"}), false, "tcp"}});
  shape.rewrite = rewrite_port;
  shape.shorthand_types = {"string", "integer"};
  return shape;
}

Shape folder_shape() {
  Shape shape = map("a folder of the host's in the guest",
                    {{"host", path("the host's directory"), true},
                     {"guest", text("where the guest has it", guest_path), true},
                     {"type", choice("how it is shared", {"auto", "bind", "virtiofs", "9p", "rsync", "sftp"}),
                      false, "auto"},
                     {"read_only", boolean("the guest cannot write to it")},
                     {"exclude", list("what stays the guest's own", text("a pattern, as rsync has them"))},
                     {"owner", text("the guest's owner of it", owner_name)},
                     {"watch", boolean("copy on every change")},
                     {"create", boolean("make the host's directory when it is missing")}});
  shape.rewrite = rewrite_folder;
  shape.shorthand_types = {"string"};
  return shape;
}

Shape network_shape() {
  Shape shape = map("a network beside the one that every machine has",
                    {{"name", text("its name in the project", network_name), true},
                     {"subnet", text("its addresses", subnet)},
                     {"ip", text("the machine's address, or its host number in the subnet", ip_or_number)},
                     {"bridge", text("a bridge of the host's", bridge_name)},
                     {"mac", text("the machine's MAC address in it", mac_address)},
                     {"isolated", boolean("no way out of it")}});
  shape.rewrite = rewrite_network;
  shape.shorthand_types = {"string"};
  return shape;
}

Shape disk_shape() {
  return map("a disk beside the root disk", {{"name", text("its name", disk_name), true},
                                             {"size", size("its size"), true},
                                             {"mount", text("where it is mounted", mount_path)},
                                             {"keep", boolean("survives destroy")}});
}

Shape box_shape() {
  Shape shape = map("what the machine is made of",
                    {{"name", text("an image, a catalog's box, a recipe, a path or a URL"), true},
                     {"version", text("a version or a constraint such as '~> 4.3'")},
                     {"url", text("where it is fetched from")},
                     {"checksum", text("its digest", checksum)},
                     {"architecture", text("amd64, arm64...")},
                     {"format", text("what kind of box it is")}});
  shape.shorthand = "name";
  shape.shorthand_types = {"string"};
  return shape;
}

/// What a provider's block may override, and the machine has itself.
std::vector<Field> resource_fields() {
  Shape cpus{.kind = Kind::integer,
             .summary = "processors, or a share of the host's",
             .of_host = true,
             .minimum = 1,
             .maximum = 4096};
  Shape memory = size("memory, or a share of the host's");
  memory.of_host = true;
  return {
      {"box", box_shape()},
      {"cpus", cpus},
      {"memory", memory},
      {"disk", size("the root disk's size")},
      {"networks", merged("networks beside the one that every machine has", MergeBy::name, network_shape())},
      {"folders",
       merged("folders of the host's; absent: the project at /vagrant", MergeBy::guest, folder_shape())}};
}

Shape provision_shape(const PluginSchemas& plugins) {
  Shape shape = map("a step that sets the machine up",
                    {{"name", text("its name, for messages, records and overriding")},
                     {"run", choice("when it runs", {"once", "always", "never", "changed"})}});
  for (const PluginSchema& plugin : plugins.provisioners) {
    shape.fields.push_back({plugin.name, shape_of(plugin)});
    shape.exactly_one_of.push_back(plugin.name);
  }
  shape.replaced_whole = true;
  return shape;
}

Shape ready_shape() {
  Shape shape =
      map("what must be true before the machine counts as up",
          {{"tcp", port("a port of the guest's that accepts connections")},
           {"http", port("a port of the guest's that answers HTTP with success")},
           {"run", script("a command that succeeds in the guest, as the ssh user")},
           {"path", text("the path asked for, with http", {"a path beginning with '/'", "/[^\\s]*"})},
           {"timeout", duration("how long to wait")},
           {"hint", text("what to do when it fails")}});
  shape.exactly_one_of = {"tcp", "http", "run"};
  return shape;
}

Shape proxy_shape() {
  Shape shape = map("the proxy of the guest and its package manager",
                    {{"mode", choice("none, or the host's own", {"none", "host"})},
                     {"http", text("for HTTP")},
                     {"https", text("for HTTPS")},
                     {"no", text("what is reached directly")}});
  shape.shorthand = "mode";
  shape.shorthand_types = {"string"};
  return shape;
}

Shape cloud_init_shape() {
  Shape shape = map("user data for cloud-init",
                    {{"file", path("a file of user data")}, {"inline", script("user data")}});
  shape.exactly_one_of = {"file", "inline"};
  return shape;
}

Shape providers_shape(const PluginSchemas& plugins) {
  Shape shape = map("options that only one provider understands", {});
  for (const PluginSchema& plugin : plugins.providers) {
    Shape block = shape_of(plugin);
    for (Field& field : resource_fields())
      if (!block.field(field.name)) block.fields.push_back(std::move(field));
    shape.fields.push_back({plugin.name, std::move(block)});
  }
  return shape;
}

std::vector<std::string> names_of(const std::vector<PluginSchema>& plugins) {
  std::vector<std::string> names;
  for (const PluginSchema& plugin : plugins) names.push_back(plugin.name);
  return names;
}

Shape defaults_shape(const PluginSchemas& plugins) {
  Shape shape = map("settings of a machine", resource_fields());
  Shape password = text("for boxes that know no key");
  password.late = Late::secrets;
  for (Field& field : std::vector<Field>{
           {"provider", one_or_list("one or several by preference; default: the first usable",
                                    choice("a provider", names_of(plugins.providers)))},
           {"disks", merged("disks beside the root disk", MergeBy::name, disk_shape())},
           {"ports", merged("host ports that lead to guest ports", MergeBy::port, port_shape())},
           {"aliases", list("more names of the machine", text("a host name", host_name))},
           {"groups", list("Ansible groups of the machine", text("a group", group_name))},
           {"vars", data("Ansible variables of the machine", Late::secrets)},
           {"provision",
            merged("steps that set the machine up, in order", MergeBy::name, provision_shape(plugins))},
           {"ready", list("what `up` and dependants wait for", ready_shape())},
           {"hostname", text("default: the machine's name", host_name)},
           {"ssh", map("how the machine is logged in to",
                       {{"user", text("default: what the box says", user_name)},
                        {"forward_agent", boolean("lend the ssh agent to the guest")},
                        {"password", password}})},
           {"timeouts",
            map("how long to wait", {{"boot", duration("for the guest to come up; default 5m")},
                                     {"shutdown", duration("for the guest to go down; default 60s")}})},
           {"proxy", proxy_shape()},
           {"ca_certs", list("certificates the guest trusts", path("a PEM file"))},
           {"cloud_init", cloud_init_shape()},
           {"providers", providers_shape(plugins)}})
    shape.fields.push_back(std::move(field));
  shape.ignores_x = true;
  return shape;
}

Shape message_shape() {
  Shape shape = text("printed after up");
  shape.late = Late::references;
  return shape;
}

Shape machine_shape(const Shape& defaults) {
  Shape shape = defaults;
  shape.summary = "a machine";
  for (Field& field : std::vector<Field>{
           {"count",
            {.kind = Kind::integer,
            .summary = "so many machines, NAME-1 and on",
            .minimum = 1,
            .maximum = 10'000}},
           {"depends_on",
            one_or_list("machines that are up, provisioned and ready before", text("a machine"))},
           {"primary", boolean("what a command means that names no machine")},
           {"autostart", boolean("false: comes up only when named")},
           {"message", message_shape()}})
    shape.fields.push_back(std::move(field));
  return shape;
}

Shape secret_shape() {
  Shape source = map("where a secret comes from",
                     {{"environment", text("a variable", variable_name)},
                      {"command", list("a program and its arguments; what it prints", text("a word"))},
                      {"file", path("a file; its content")}});
  source.exactly_one_of = {"environment", "command", "file"};
  return one_or_list("where the secret comes from; the first that has it wins", std::move(source));
}

Shape hook_shape() {
  const std::vector<std::string> commands = {"up", "provision", "halt", "reload", "destroy"};
  Shape shape = map("a command on the host, in the project's directory",
                    {{"before", choice("the command it comes before", commands)},
                     {"after", choice("the command it comes after", commands)},
                     {"run", script("for the host's shell"), true},
                     {"on_error", choice("what a failure does", {"stop", "continue"}), false, "stop"}});
  shape.exactly_one_of = {"before", "after"};
  return shape;
}

Shape ansible_shape() {
  Shape group = map("a group", {{"hosts", one_or_list("machines, or patterns of them", text("a pattern"))},
                                {"children", one_or_list("groups in it", text("a group", group_name))},
                                {"vars", data("variables", Late::secrets)}});
  return map("Ansible for the whole project",
             {{"config", path("ansible.cfg")},
              {"inventory", one_or_list("inventories beside the generated one", path("a file or directory"))},
              {"galaxy", path("a file of roles and collections to install")},
              {"groups", free_map("groups of machines", std::move(group), group_name)}});
}

Shape project_shape(const PluginSchemas& plugins) {
  Shape step = provision_shape(plugins);
  step.fields.push_back(
      {"machines", one_or_list("machines or counted blocks it is for; default: all", text("a machine"))});
  const Shape url = text("an address", {"a URL", "(https?|file)://[^\\s]+"});
  Shape shape =
      map("the project",
          {{"envtool", text("versions of envtool that read this file, such as '>= 0.1'")},
           {"name", text("default: the directory's name", project_name_format())},
           {"params", free_map("parameters, used as ${param.NAME}", text("its value"), variable_name)},
           {"ansible", ansible_shape()},
           {"provision_all", list("steps over all machines when they are up and ready", std::move(step))},
           {"secrets", free_map("secrets, used as ${secret.NAME}", secret_shape(), variable_name)},
           {"sources",
            map("replace the public defaults",
                {{"catalogs", one_or_list("catalogs of boxes", url)}, {"images", url}, {"debian", url}})},
           {"hooks", list("commands on the host around envtool's", hook_shape())},
           {"message", message_shape()}});
  shape.ignores_x = true;
  return shape;
}

}  // namespace

Tables make_tables(const PluginSchemas& plugins) {
  Tables tables{.machine = {}, .defaults = defaults_shape(plugins), .project = project_shape(plugins)};
  tables.machine = machine_shape(tables.defaults);
  tables.credentials = free_map("what servers are shown, by host",
                                map("of a host", {{"token", text("sent as 'Authorization: Bearer'")},
                                                  {"user", text("a user's name")},
                                                  {"password", text("the user's password")}}),
                                server_name);
  return tables;
}

}  // namespace envtool
