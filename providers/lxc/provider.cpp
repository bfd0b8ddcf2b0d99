#include "providers/lxc/provider.h"

#include <fmt/format.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/text.h"
#include "core/registry.h"
#include "providers/lxc/parts/guest_options.h"
#include "providers/lxc/parts/raw_config.h"
#include "providers/lxc/requests.h"

namespace envtool {
namespace lxc {

namespace fs = std::filesystem;

namespace {

std::vector<Diagnostic> wrong_options(const Value& options) {
  std::vector<Diagnostic> found = raw_config_problems(options["config"]);
  for (Diagnostic& problem : guest_option_problems(options)) found.push_back(std::move(problem));
  for (Diagnostic& problem : store_problems(options["storage"])) found.push_back(std::move(problem));
  return found;
}

/// Directories of the host's have no size of their own.
std::string wanting(Feature feature, const Value& options) {
  if (feature != Feature::disk || options["storage"].is_map()) return {};
  return "'providers: {lxc: {storage: {lxc: loop}}}' gives the machine a file system of that size, as do "
         "'lvm' and "
         "'zfs'";
}

/// Which keys of the raw configuration there are, the host's liblxc says before it does anything.
void require_known_keys(const MachineSpec& spec, const Value& answer) {
  const std::vector<std::string> keys = answer["unknown_keys"].as_texts();
  if (!keys.empty()) throw Error(ErrorKind::bad_envfile, unknown_keys(spec.options["config"], keys));
}

OptionSpec storage_option() {
  return {.name = "storage",
          .type = OptionType::map,
          .summary =
              "how a machine comes from its box: an overlay over it, a copy, or a subvolume of btrfs; the "
              "first where the kernel can. Or a copy in a file system of its own, as large as 'disk' says "
              "(or 10GiB), by a backing store of liblxc's: {lxc: loop}",
          .choices = {"overlay", "dir", "btrfs"},
          .create_only = true,
          .members = {
              {.name = "lxc",
               .summary = "a file that is mounted, a logical volume, or a dataset: root's machines only, "
                          "without snapshots",
               .required = true,
               .choices = store_types()},
              {.name = "fstype", .summary = "its file system; of a dataset none", .choices = {"ext4", "xfs"}},
              {.name = "vgname", .summary = "of 'lvm': the volume group; 'lxc' if not said"},
              {.name = "thinpool", .summary = "of 'lvm': the pool in the group that volumes come from"},
              {.name = "zfsroot",
               .summary = "of 'zfs': the dataset below which each machine has one; 'lxc' if not said"}}};
}

ProviderInfo lxc_info() {
  return {
      .name = "lxc",
      .summary = "system containers through liblxc",
      .box_formats = {"lxc"},
      .features = {Feature::cpus, Feature::memory, Feature::disk, Feature::disks, Feature::networks,
                   Feature::host_bridges, Feature::mac},
      .wanting = wanting,
      .capabilities = {Capability::native_folders, Capability::lifetime, Capability::live_limits,
                       Capability::suspend, Capability::snapshots, Capability::usage, Capability::attach,
                       Capability::console, Capability::console_log, Capability::kept_disks,
                       Capability::package},
      .schema =
          {.name = "lxc",
           .options = {{.name = "unprivileged",
                        .type = OptionType::boolean,
                        .summary = "whether the guest's root is nobody on the host",
                        .fallback = true,
                        .create_only = true},
                       storage_option(),
                       {.name = "config",
                        .type = OptionType::map,
                        .summary = "keys of LXC's own configuration, with a text or a list of texts"},
                       {.name = "nesting",
                        .type = OptionType::boolean,
                        .summary = "whether containers in the guest may have a /proc and a /sys of their own",
                        .fallback = false},
                       {.name = "devices",
                        .type = OptionType::text_list,
                        .summary = "devices of the host's that the guest has too, as '/dev/fuse'"},
                       {.name = "tmpfs",
                        .type = OptionType::size,
                        .summary = "gives the guest a /tmp of that size in memory"},
                       {.name = "drop_capabilities",
                        .type = OptionType::text_list,
                        .summary = "what not even the guest's root may do, as 'net_raw' or 'sys_ptrace'"},
                       {.name = "cpu_set",
                        .type = OptionType::text,
                        .summary = "the host's CPUs that it may run on, as '0-1' or '0,2'"},
                       {.name = "start_on_boot",
                        .type = OptionType::boolean,
                        .summary =
                            "whether it starts with the host: root's machines only, without provisioners",
                        .fallback = false},
                       {.name = "mode",
                        .type = OptionType::text,
                        .summary =
                            "who runs a new machine: root's helper, or the user without root; auto: the user "
                            "where this host is ready for that, unless started by sudo",
                        .choices = {"auto", "root", "user"},
                        .create_only = true}}},
      .wrong_options = wrong_options};
}

bool tried_under_this_kernel(const Layout& layout) {
  const auto text = read_file_if_there(layout.host_facts());
  if (!text) return false;
  const Value facts = parse_json(*text, layout.host_facts().string());
  utsname names{};
  ::uname(&names);
  return facts["kernel"].as_text() == names.release && facts["shifting"].as_bool();
}

}  // namespace

const ProviderInfo& LxcProvider::info() const {
  static const ProviderInfo info = lxc_info();
  return info;
}

Value LxcProvider::own_request(const std::string& name) const {
  const std::optional<Record> record = record_of(name);
  if (!record) throw Error(ErrorKind::failed, fmt::format("its container '{}' is not there", name));
  return Value::map({{"name", name}, {"environment", record->environment}});
}

void LxcProvider::check(const Side& side, Operation& operation) const {
  if (tried_under_this_kernel(side.layout) && ::access(side.helper.program().c_str(), X_OK) == 0) return;
  const Value found = side.helper.call("check", Value::map(), operation);
  const std::vector<std::string> missing = found["missing"].as_texts();
  if (missing.empty()) return;
  throw Error(ErrorKind::host_not_ready,
              fmt::format("LXC machines need programs that are missing here: {}", join(missing, ", ")))
      .with_hint("sudo apt-get install iproute2 nftables tar");
}

void LxcProvider::check_host(const Value&, Operation& operation) {
  if (can_regain_root()) return check(root_, operation);
  const std::vector<HostCheck> without_root = user_checks(user_needs(host_));
  if (are_met(without_root)) return check(user_, operation);
  try {
    // Whether sudo lets the helper run is known only by running it.
    const Value found = root_.helper.call("check", Value::map(), operation);
    if (!found["missing"].as_texts().empty()) check(root_, operation);
  } catch (const Error& error) {
    std::string hint =
        error.hint() +
        "\nor make this host ready for machines without root, as 'envtool doctor' shows; it lacks:";
    for (const HostCheck& need : without_root)
      if (need.required && !need.ok) hint += fmt::format("\n  {}: {}", need.name, need.found);
    throw Error(error.kind(), error.what()).with_hint(hint);
  }
}

const Side& LxcProvider::side_for(const MachineSpec& spec) const {
  const std::string& mode = spec.options["mode"].as_text();
  const bool privileged = !spec.options["unprivileged"].as_bool(true);
  if (mode == "user" && can_regain_root() && ::geteuid() == 0)
    throw Error(ErrorKind::host_not_ready, "it is to run without root ('mode: user'), and root runs envtool")
        .with_hint("run envtool as the user");
  if (mode == "user" && privileged)
    throw Error(ErrorKind::unsupported, "without root no guest is privileged")
        .with_hint("leave out 'unprivileged: false' or 'mode: user' under 'providers: {lxc: ...}'");
  const Side* const keeper = keeper_of(spec.backend_name);
  const Side* const asked = mode == "user" ? &user_ : mode == "root" || privileged ? &root_ : nullptr;
  if (keeper && asked && asked != keeper)
    throw Error(ErrorKind::failed,
                fmt::format("it is to be run {} root, and its kept disks are those of a machine {}",
                            asked == &root_ ? "with" : "without", keeper == &root_ ? "with" : "without"))
        .with_hint(
            fmt::format("let it run as before, or remove them by 'envtool destroy --volumes {}'", spec.name));
  return asked ? *asked : keeper ? *keeper : usual_side();
}

MachineState LxcProvider::inspect(const std::string& name, Operation& operation) {
  try {
    const std::optional<Record> record = record_of(name);
    if (!record) return {};
    MachineState state{.phase = MachinePhase::stopped,
                       .detail = {},
                       .environment_id = record->environment,
                       .addresses = {record->address},
                       .networks = network_places(*record)};
    if (const auto cgroups = cgroups_of(name); cgroups.is_running(name)) {
      state.phase = cgroups.is_frozen(name) ? MachinePhase::paused : MachinePhase::running;
      if (const std::string bridge = lost_bridge(*record, operation); !bridge.empty()) {
        state.phase = MachinePhase::broken;
        state.detail = fmt::format("it runs, but is no longer on the bridge '{}'", bridge);
      }
    } else if (!record->complete)
      state = {MachinePhase::broken, "its creation did not finish", record->environment, {}};
    return state;
  } catch (const Error& error) {
    return {MachinePhase::broken, error.what(), {}, {}};
  }
}

void LxcProvider::create(const MachineSpec& spec, const Box& box, Operation& operation) {
  require_possible(spec);
  Value request = machine_request(spec);
  add_identity(request, spec.identity);
  request.set("digest", box.digest);
  request.set("box", box.name);
  const Side& side = side_for(spec);
  const Value answer = side.helper.call("create", request, operation);
  require_known_keys(spec, answer);
  if (!answer["needs_import"].as_bool()) return;
  if (&side != &usual_side())
    throw Error(ErrorKind::failed,
                fmt::format("it is to be run {} root, and box '{}' is unpacked for the other kind only",
                            &side == &root_ ? "with" : "without", box.name))
        .with_hint(&side == &root_
                       ? "run the same command as 'sudo envtool ...', which unpacks it for root's too"
                       : "run envtool as the user, on a host that is ready for it");
  throw Error(ErrorKind::failed,
              fmt::format("the root file system of box '{}' is not there any more", box.name))
      .with_hint(fmt::format("envtool box add {}", box.name));
}

void LxcProvider::start(const MachineSpec& spec, Operation& operation) {
  require_possible(spec);
  require_known_keys(spec, side_of(spec.backend_name).helper.call("start", machine_request(spec), operation));
}

void LxcProvider::stop(const std::string& name, StopMode mode, std::chrono::milliseconds timeout,
                       Operation& operation) {
  const std::optional<Record> record = record_of(name);
  if (!record) return;
  Value request = own_request(name);
  const HelperClient& helper = side_of(name).helper;
  if (mode == StopMode::hard || !cgroups_of(name).is_running(name)) {
    helper.call("stop", request, operation);
    return;
  }
  request.set("timeout", static_cast<std::int64_t>(timeout.count()));
  helper.call_and_wait("stop", request, operation);
}

void LxcProvider::destroy(const std::string& name, const std::string& environment_id, Operation& operation) {
  std::error_code code;
  if (!is_machine_name(name) || !fs::exists(side_of(name).layout.container(name), code)) return;
  side_of(name).helper.call("destroy", Value::map({{"name", name}, {"environment", environment_id}}),
                            operation);
}

SshEndpoint LxcProvider::endpoint(const std::string& name, Operation&) {
  const std::optional<Record> record = record_of(name);
  if (!record || !cgroups_of(name).is_running(name))
    throw Error(ErrorKind::failed, fmt::format("its container '{}' does not run, and has no address", name));
  SshEndpoint endpoint;
  endpoint.host = record->address;
  endpoint.device = record->bridge;
  return endpoint;
}

void LxcProvider::update_folders(const MachineSpec& spec, Operation& operation) {
  side_of(spec.backend_name).helper.call("folders", machine_request(spec), operation);
}

}  // namespace lxc

void register_lxc_provider(ProviderRegistry& registry) {
  registry.add(lxc::lxc_info(), [](Host& host) { return std::make_unique<lxc::LxcProvider>(host); });
}

}  // namespace envtool
