#include <fmt/format.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "base/text.h"
#include "core/capabilities.h"
#include "core/registry.h"
#include "core/rootfs.h"
#include "providers/lxc/helper_client.h"
#include "providers/lxc/parts/container_config.h"
#include "providers/lxc/parts/processes.h"
#include "providers/lxc/parts/record.h"
#include "providers/lxc/parts/stack.h"
#include "providers/lxc/parts/usage.h"
#include "providers/lxc/requests.h"
#include "providers/lxc/rootfs_sink.h"
#include "providers/lxc/user_needs.h"

namespace envtool {

namespace fs = std::filesystem;

namespace {

ProviderInfo lxc_info() {
  return {
      .name = "lxc",
      .summary = "system containers through liblxc",
      .box_formats = {"lxc"},
      .features = {Feature::cpus, Feature::memory},
      .capabilities = {Capability::native_folders, Capability::lifetime, Capability::live_limits,
                       Capability::suspend, Capability::snapshots, Capability::usage, Capability::attach,
                       Capability::console, Capability::console_log},
      .schema = {
          .name = "lxc",
          .options = {
              {.name = "unprivileged",
               .type = OptionType::boolean,
               .summary = "whether the guest's root is nobody on the host",
               .fallback = true},
              {.name = "storage",
               .type = OptionType::text,
               .summary = "how a machine comes from its box: an overlay over it, or a copy; the first "
                          "where the kernel can",
               .choices = {"overlay", "dir"}},
              {.name = "config",
               .type = OptionType::map,
               .summary = "keys of LXC's own configuration, with a text or a list of texts"},
              {.name = "mode",
               .type = OptionType::text,
               .summary = "who runs a new machine: root's helper, or the user without root; auto: the user "
                          "where this host is ready for that, unless started by sudo",
               .choices = {"auto", "root", "user"}}}}};
}

/// Machines of root's helper, or of the user's.
struct Side {
  lxc::Layout layout;
  lxc::HelperClient helper;
};

/// Machines as LXC containers. What can be asked without root is read here; the rest does the helper. A
/// machine stays with whoever made it: its record lies there.
class LxcProvider final : public Provider,
                          public NativeFolders,
                          public Lifetime,
                          public LiveLimits,
                          public Suspend,
                          public Snapshots,
                          public Usage,
                          public Attach,
                          public ConsoleAccess,
                          public ConsoleLog,
                          public BoxCopies,
                          public RootfsStore,
                          public HostDiagnosis {
 public:
  explicit LxcProvider(Host& host)
      : host_(host),
        root_(side(host, lxc::Rights::root, host.paths.root)),
        user_(side(host, lxc::Rights::user, host.paths.data / "lxc")) {}

  const ProviderInfo& info() const override {
    static const ProviderInfo info = lxc_info();
    return info;
  }

  void check_host(Operation& operation) override;
  MachineState inspect(const std::string& name, Operation& operation) override;
  void create(const MachineSpec& spec, const Box& box, Operation& operation) override;
  void start(const MachineSpec& spec, Operation& operation) override;
  void stop(const std::string& name, StopMode mode, std::chrono::milliseconds timeout,
            Operation& operation) override;
  void destroy(const std::string& name, const std::string& environment_id, Operation& operation) override;
  SshEndpoint endpoint(const std::string& name, Operation& operation) override;
  void update_folders(const MachineSpec& spec, Operation& operation) override;
  UniqueFd run_ended(const std::string& name, Operation& operation) override;
  Limits limits(const std::string& name, Operation& operation) override;
  void apply_limits(const std::string& name, const Limits& limits, Operation& operation) override;
  void suspend(const std::string& name, Operation& operation) override;
  void resume(const std::string& name, Operation& operation) override;
  std::vector<SnapshotInfo> snapshots(const std::string& name, Operation& operation) override;
  std::vector<std::string> snapshot_names(const std::string& name, Operation& operation) override;
  void save_snapshot(const std::string& name, const std::string& snapshot, Operation& operation) override;
  void restore_snapshot(const std::string& name, const std::string& snapshot, Operation& operation) override;
  void delete_snapshot(const std::string& name, const std::string& snapshot, Operation& operation) override;
  MachineUsage usage(const std::string& name, Operation& operation) override;
  int attach(const std::string& name, const AttachCommand& command, Operation& operation) override;
  bool attaches_unasked() override { return can_regain_root(); }
  void open_console(const std::string& name, Operation& operation) override;
  std::string console_tail(const std::string& name, std::size_t lines, Operation& operation) override;
  void forget_box(const std::string& digest, Operation& operation) override;
  bool has_rootfs(const std::string& digest) override;
  std::unique_ptr<RootfsSink> take_rootfs(const RootfsOrigin& origin, Operation& operation) override;
  void verify_rootfs(const std::string& digest, const std::string& manifest, Operation& operation) override;
  std::vector<HostCheck> diagnose(Operation& operation) override;

 private:
  static Side side(Host& host, lxc::Rights rights, const fs::path& root) {
    lxc::Layout layout{fs::weakly_canonical(root)};
    lxc::HelperClient helper(host, rights, layout.root);
    return {std::move(layout), std::move(helper)};
  }
  /// Where that machine is; root's for one that is nowhere.
  const Side& side_of(const std::string& name) const {
    std::error_code code;
    return fs::exists(user_.layout.container(name), code) ? user_ : root_;
  }
  /// Whose boxes are unpacked, and whose machines are made where the Envfile does not say.
  const Side& usual_side() const { return can_regain_root() || !is_ready_without_root() ? root_ : user_; }
  const Side& side_for(const MachineSpec& spec) const;
  /// Machine names become paths: only good ones get so far.
  std::optional<lxc::Record> record_of(const std::string& name) const {
    return lxc::is_machine_name(name) ? lxc::find_record(side_of(name).layout, name) : std::nullopt;
  }
  /// What every request about a machine begins with. Throws Error(failed) when there is none.
  Value own_request(const std::string& name) const;
  lxc::Cgroups cgroups_of(const std::string& name) const {
    return lxc::Cgroups::of_machine(side_of(name).layout, name);
  }
  bool is_ready_without_root() const { return lxc::are_met(lxc::user_checks(lxc::user_needs(host_))); }
  bool is_cut_off(const lxc::Record& record, Operation& operation) const;
  void check(const Side& side, Operation& operation) const;
  HostCheck overlay_without_root(Operation& operation) const;

  Host& host_;
  Side root_, user_;
};

Value LxcProvider::own_request(const std::string& name) const {
  const std::optional<lxc::Record> record = record_of(name);
  if (!record) throw Error(ErrorKind::failed, fmt::format("there is no machine '{}'", name));
  return Value::map({{"name", name}, {"environment", record->environment}});
}

bool tried_under_this_kernel(const lxc::Layout& layout) {
  const auto text = read_file_if_there(layout.host_facts());
  if (!text) return false;
  const Value facts = parse_json(*text, layout.host_facts().string());
  utsname names{};
  ::uname(&names);
  return facts["kernel"].as_text() == names.release && facts["shifting"].as_bool();
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

void LxcProvider::check_host(Operation& operation) {
  if (can_regain_root()) return check(root_, operation);
  const std::vector<HostCheck> without_root = lxc::user_checks(lxc::user_needs(host_));
  if (lxc::are_met(without_root)) return check(user_, operation);
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
    throw Error(
        ErrorKind::host_not_ready,
        fmt::format("machine '{}' is to run without root ('mode: user'), and root runs envtool", spec.name))
        .with_hint("run envtool as the user");
  if (mode == "user" && privileged)
    throw Error(ErrorKind::unsupported,
                fmt::format("machine '{}': without root no guest is privileged", spec.name))
        .with_hint("leave out 'unprivileged: false' or 'mode: user' under 'providers: {lxc: ...}'");
  if (mode == "user") return user_;
  return mode == "root" || privileged ? root_ : usual_side();
}

/// Whether the machine's device is in no bridge any more: with a bridge that was deleted, made again or not.
bool LxcProvider::is_cut_off(const lxc::Record& record, Operation& operation) const {
  const fs::path port = fs::path("/sys/class/net") / record.bridge / "brif" / lxc::device_of(record);
  std::error_code code;
  if (fs::exists(port, code)) return false;
  // So it is for a moment while a guest starts or restarts.
  operation.sleep_for(std::chrono::milliseconds(100));
  return !fs::exists(port, code) && cgroups_of(record.name).is_running(record.name);
}

MachineState LxcProvider::inspect(const std::string& name, Operation& operation) {
  try {
    const std::optional<lxc::Record> record = record_of(name);
    if (!record) return {};
    MachineState state{.phase = MachinePhase::stopped,
                       .detail = {},
                       .environment_id = record->environment,
                       .addresses = {record->address}};
    if (const auto cgroups = cgroups_of(name); cgroups.is_running(name)) {
      state.phase = cgroups.is_frozen(name) ? MachinePhase::paused : MachinePhase::running;
      if (is_cut_off(*record, operation)) {
        state.phase = MachinePhase::broken;
        state.detail = fmt::format("it runs, but is no longer on the bridge '{}'", record->bridge);
      }
    } else if (!record->complete)
      state = {MachinePhase::broken, "its creation did not finish", record->environment, {}};
    return state;
  } catch (const Error& error) {
    return {MachinePhase::broken, error.what(), {}, {}};
  }
}

void LxcProvider::create(const MachineSpec& spec, const Box& box, Operation& operation) {
  lxc::raw_config_of(spec.options["config"]);
  Value request = lxc::machine_request(spec);
  lxc::add_identity(request, spec.identity);
  request.set("digest", box.digest);
  request.set("box", box.name);
  const Side& side = side_for(spec);
  if (!side.helper.call("create", request, operation)["needs_import"].as_bool()) return;
  if (&side != &usual_side())
    throw Error(
        ErrorKind::failed,
        fmt::format("machine '{}' is to be run {} root, and box '{}' is unpacked for the other kind only",
                    spec.name, &side == &root_ ? "with" : "without", box.name))
        .with_hint(&side == &root_
                       ? "run the same command as 'sudo envtool ...', which unpacks it for root's too"
                       : "run envtool as the user, on a host that is ready for it");
  throw Error(ErrorKind::failed,
              fmt::format("the root file system of box '{}' is not there any more", box.name))
      .with_hint(fmt::format("envtool box add {}", box.name));
}

void LxcProvider::start(const MachineSpec& spec, Operation& operation) {
  side_of(spec.backend_name).helper.call("start", lxc::machine_request(spec), operation);
}

void LxcProvider::stop(const std::string& name, StopMode mode, std::chrono::milliseconds timeout,
                       Operation& operation) {
  const std::optional<lxc::Record> record = record_of(name);
  if (!record) return;
  const lxc::Cgroups cgroups = cgroups_of(name);
  const lxc::HelperClient& helper = side_of(name).helper;
  Value request = Value::map({{"name", name}, {"environment", record->environment}});
  if (mode == StopMode::graceful && cgroups.is_running(name)) {
    request.set("graceful", true);
    helper.call("stop", request, operation);
    const auto deadline = host_.clock.now() + timeout;
    while (cgroups.is_running(name) && host_.clock.now() < deadline)
      operation.sleep_for(std::chrono::milliseconds(10));
    if (cgroups.is_running(name))
      operation.say(
          fmt::format("the guest did not shut down within {} s and is stopped hard", timeout.count() / 1000),
          Tone::warning);
  }
  request.set("graceful", false);
  helper.call("stop", request, operation);
}

void LxcProvider::destroy(const std::string& name, const std::string& environment_id, Operation& operation) {
  std::error_code code;
  if (!lxc::is_machine_name(name) || !fs::exists(side_of(name).layout.container(name), code)) return;
  side_of(name).helper.call("destroy", Value::map({{"name", name}, {"environment", environment_id}}),
                            operation);
}

SshEndpoint LxcProvider::endpoint(const std::string& name, Operation&) {
  const std::optional<lxc::Record> record = record_of(name);
  if (!record || !cgroups_of(name).is_running(name))
    throw Error(ErrorKind::failed, fmt::format("no machine '{}' runs that could have an address", name));
  SshEndpoint endpoint;
  endpoint.host = record->address;
  endpoint.device = record->bridge;
  return endpoint;
}

void LxcProvider::update_folders(const MachineSpec& spec, Operation& operation) {
  side_of(spec.backend_name).helper.call("folders", lxc::machine_request(spec), operation);
}

UniqueFd LxcProvider::run_ended(const std::string& name, Operation&) {
  const lxc::Cgroups cgroups = cgroups_of(name);
  if (!lxc::is_machine_name(name) || !cgroups.is_running(name)) return {};
  // Without its monitor a guest cannot be started anew after a reboot: then init's end is the end.
  std::optional<pid_t> process = cgroups.monitor(name);
  if (!process) process = cgroups.init(name);
  return process ? UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, *process, 0))) : UniqueFd();
}

Limits LxcProvider::limits(const std::string& name, Operation&) {
  const lxc::Cgroups cgroups = cgroups_of(name);
  const lxc::LimitValues found = lxc::limits_in(
      [&](const std::string& file) { return cgroups.read_control(name, file); }, cgroups.all_cpus(name));
  Limits limits{.cpu_set = found.cpu_set};
  if (found.cpus) limits.cpus = static_cast<int>(*found.cpus);
  if (found.memory) limits.memory = ByteSize{static_cast<std::uint64_t>(*found.memory)};
  return limits;
}

void LxcProvider::apply_limits(const std::string& name, const Limits& limits, Operation& operation) {
  Value request = own_request(name);
  if (limits.cpus) request.set("cpus", *limits.cpus);
  if (limits.memory) request.set("memory", static_cast<std::int64_t>(limits.memory->bytes));
  request.set("cpu_set", limits.cpu_set);
  side_of(name).helper.call("limits", request, operation);
}

void LxcProvider::suspend(const std::string& name, Operation& operation) {
  side_of(name).helper.call("suspend", own_request(name), operation);
}

void LxcProvider::resume(const std::string& name, Operation& operation) {
  side_of(name).helper.call("resume", own_request(name), operation);
}

std::vector<SnapshotInfo> LxcProvider::snapshots(const std::string& name, Operation& operation) {
  const std::optional<lxc::Record> record = record_of(name);
  if (!record) return {};
  lxc::LayerStack stack = lxc::stack_of(side_of(name).layout, *record);
  if (std::any_of(stack.snapshots.begin(), stack.snapshots.end(),
                  [](const lxc::SavedStack& saved) { return saved.bytes < 0; })) {
    side_of(name).helper.call("measure_snapshots", own_request(name), operation);
    stack = lxc::stack_of(side_of(name).layout, *record);
  }
  std::vector<SnapshotInfo> infos;
  for (const lxc::SavedStack& saved : stack.snapshots)
    infos.push_back(
        {saved.name, saved.when, {static_cast<std::uint64_t>(std::max<std::int64_t>(0, saved.bytes))}});
  return infos;
}

std::vector<std::string> LxcProvider::snapshot_names(const std::string& name, Operation&) {
  std::vector<std::string> names;
  if (const std::optional<lxc::Record> record = record_of(name))
    for (const lxc::SavedStack& saved : lxc::stack_of(side_of(name).layout, *record).snapshots)
      names.push_back(saved.name);
  return names;
}

void LxcProvider::save_snapshot(const std::string& name, const std::string& snapshot, Operation& operation) {
  side_of(name).helper.call("save_snapshot", own_request(name).set("snapshot", snapshot), operation);
}

void LxcProvider::restore_snapshot(const std::string& name, const std::string& snapshot,
                                   Operation& operation) {
  side_of(name).helper.call("restore_snapshot", own_request(name).set("snapshot", snapshot), operation);
}

void LxcProvider::delete_snapshot(const std::string& name, const std::string& snapshot,
                                  Operation& operation) {
  if (record_of(name))
    side_of(name).helper.call("delete_snapshot", own_request(name).set("snapshot", snapshot), operation);
}

MachineUsage LxcProvider::usage(const std::string& name, Operation&) {
  const lxc::Cgroups cgroups = cgroups_of(name);
  const auto init = lxc::is_machine_name(name) ? cgroups.init(name) : std::nullopt;
  if (!init) return {};
  lxc::UsageValues found =
      lxc::usage_in([&](const std::string& file) { return cgroups.read_control(name, file); });
  if (const auto devices = read_file_if_there(fmt::format("/proc/{}/net/dev", *init)))
    lxc::add_network(found, *devices);
  const auto size = [](const std::optional<std::int64_t>& bytes) {
    return bytes ? std::optional(ByteSize{static_cast<std::uint64_t>(*bytes)}) : std::nullopt;
  };
  MachineUsage usage{.memory = size(found.memory),
                     .disk_read = size(found.disk_read),
                     .disk_written = size(found.disk_written),
                     .received = size(found.received),
                     .sent = size(found.sent)};
  if (found.cpu_nanoseconds) usage.cpu_time = std::chrono::milliseconds(*found.cpu_nanoseconds / 1'000'000);
  if (found.processes) usage.processes = static_cast<int>(*found.processes);
  return usage;
}

int LxcProvider::attach(const std::string& name, const AttachCommand& command, Operation&) {
  Value environment = Value::map();
  for (const auto& [variable, value] : command.environment) environment.set(variable, value);
  Value request = own_request(name);
  request.set("user", command.user)
      .set("script", command.script)
      .set("directory", command.directory)
      .set("terminal", command.terminal)
      .set("variables", environment);
  return side_of(name).helper.run_attached("attach", request, command.argv);
}

void LxcProvider::open_console(const std::string& name, Operation&) {
  if (side_of(name).helper.run_attached("console", own_request(name), {}) != 0)
    throw Error(ErrorKind::failed, "the console could not be opened");
}

std::string LxcProvider::console_tail(const std::string& name, std::size_t lines, Operation&) {
  constexpr std::streamoff enough = 65536;
  if (!lxc::is_machine_name(name)) return {};
  std::ifstream file(side_of(name).layout.console(name), std::ios::binary | std::ios::ate);
  if (!file) return {};
  const std::streamoff size = file.tellg();
  file.seekg(std::max<std::streamoff>(0, size - enough));
  const std::string text(std::istreambuf_iterator<char>(file), {});
  return last_lines(replace_all(text, "\r", ""), lines);
}

void LxcProvider::forget_box(const std::string& digest, Operation& operation) {
  for (const Side* side : {&root_, &user_}) {
    std::error_code code;
    // Where it cannot be seen root's helper has to look.
    if (fs::exists(side->layout.box(digest), code) || code)
      side->helper.call("forget_box", Value::map({{"digest", digest}}), operation);
  }
}

bool LxcProvider::has_rootfs(const std::string& digest) {
  std::error_code code;
  return lxc::is_digest(digest) && fs::exists(usual_side().layout.box(digest), code);
}

std::unique_ptr<RootfsSink> LxcProvider::take_rootfs(const RootfsOrigin& origin, Operation& operation) {
  check_host(operation);
  Value request = Value::map({{"box", origin.box},
                              {"packed", static_cast<std::int64_t>(origin.packed)},
                              {"prepare", origin.is_bare},
                              {"user", "vagrant"}});
  return std::make_unique<lxc::HelperSink>(usual_side().helper, std::move(request), operation);
}

void LxcProvider::verify_rootfs(const std::string& digest, const std::string& manifest,
                                Operation& operation) {
  usual_side().helper.call("verify_box", Value::map({{"digest", digest}, {"manifest", manifest}}), operation);
}

/// What the helper found out by trying.
void add_findings(std::vector<HostCheck>& checks, const Value& found, const fs::path& root) {
  const std::string refusal = found["refusal"].as_text();
  checks.push_back({"kernel: idmapped mounts, for unprivileged guests", found["shifting"].as_bool(), true,
                    found["shifting"].as_bool() ? "yes" : refusal,
                    "a kernel of 5.12 or newer, and ext4, xfs or btrfs below " + root.string()});
  checks.push_back({"kernel: overlay on idmapped layers", found["overlay"].as_bool(), false,
                    found["overlay"].as_bool() ? "yes" : refusal,
                    "a kernel of 5.19 or newer; until then boxes are copied"});
  const std::vector<std::string> missing = found["missing"].as_texts();
  checks.push_back({.name = "programs: ip, nft, tar",
                    .ok = missing.empty(),
                    .found = missing.empty() ? "all there" : "missing: " + join(missing, ", "),
                    .fix = {{{"apt-get", "install", "--yes", "iproute2", "nftables", "tar"}}}});
  checks.push_back(
      {.name = "DNS for guests: dnsmasq",
       .ok = found["dnsmasq"].as_bool(),
       .required = false,
       .found = found["dnsmasq"].as_bool() ? "yes" : "missing: guests ask the host's name servers themselves",
       .fix = {{{"apt-get", "install", "--yes", "dnsmasq-base"}}}});
}

std::vector<HostCheck> LxcProvider::diagnose(Operation& operation) {
  std::vector<HostCheck> checks;
  const bool installed = ::access(root_.helper.program().c_str(), X_OK) == 0;
  checks.push_back({"the helper 'envtool-lxc'", installed, true, root_.helper.program().string(),
                    "install envtool again"});
  if (!installed) return checks;
  std::vector<HostCheck> without_root;
  if (!can_regain_root()) without_root = lxc::user_checks(lxc::user_needs(host_));
  const bool ready = !without_root.empty() && lxc::are_met(without_root);
  try {
    const Value found = root_.helper.call("check", Value::map(), operation);
    checks.push_back({"root for the helper", true, true, can_regain_root() ? "yes" : "by sudo", ""});
    add_findings(checks, found, root_.layout.root);
  } catch (const Error& error) {
    checks.push_back({"root for the helper", false, !ready, error.what(), error.hint()});
  }
  if (ready) without_root.push_back(overlay_without_root(operation));
  // One of the two ways is enough.
  for (HostCheck& check : without_root) {
    check.required = check.required && !checks[1].ok;
    checks.push_back(std::move(check));
  }
  return checks;
}

HostCheck LxcProvider::overlay_without_root(Operation& operation) const {
  HostCheck check{.name = "without root: overlay",
                  .required = false,
                  .remedy = "a kernel of 5.11 or newer, and ext4, xfs or btrfs below " +
                            user_.layout.root.string() + "; until then boxes are copied"};
  try {
    const Value found = user_.helper.call("check", Value::map(), operation);
    check.ok = found["overlay"].as_bool();
    check.found = check.ok ? "yes" : found["refusal"].as_text();
  } catch (const Error& error) {
    check.required = true;
    check.found = error.what();
    check.remedy = error.hint();
  }
  return check;
}

}  // namespace

void register_lxc_provider(ProviderRegistry& registry) {
  registry.add(lxc_info(), [](Host& host) { return std::make_unique<LxcProvider>(host); });
}

}  // namespace envtool
