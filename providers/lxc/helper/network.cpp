#include "providers/lxc/helper/network.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <future>

#include "base/files.h"
#include "base/text.h"
#include "providers/lxc/helper/bridge.h"
#include "providers/lxc/helper/firewall.h"
#include "providers/lxc/parts/guest_files.h"
#include "providers/lxc/parts/project_networks.h"

namespace envtool::lxc {

namespace fs = std::filesystem;

namespace {

/// What this host has routes for, and what machines have or want besides.
std::vector<IpSubnet> used_subnets(const Context& context) {
  std::vector<IpSubnet> used = routed_networks(
      parse_json(run_checked({"ip", "-json", "-4", "route", "show", "table", "all"}), "ip route"));
  for (const KnownNetwork& known : recorded_networks(all_records(context.layout), ""))
    used.push_back(known.subnet);
  for (const WantedNetwork& wanted : wanted_networks(context.request))
    if (wanted.subnet) used.push_back(*wanted.subnet);
  return used;
}

}  // namespace

Network::Network(Context& context)
    : context_(context), lock_(wait_for_lock(context.layout.network_lock(), std::chrono::seconds(60))) {
  const std::optional<std::string> text = read_file_if_there(context.layout.network());
  const Value state = text ? parse_json(*text, context.layout.network().string()) : Value();
  const std::optional<IpSubnet> known = IpSubnet::parse(state["subnet"].as_text());
  bridge_ = bridge_name(context.layout.root.string());
  dns_ = state["dns"].as_bool();
  ready_ = known && state["ready"].as_bool();
  subnet_ = known ? *known : choose_subnet(used_subnets(context));
  if (!known) save();
}

void Network::save() const {
  remove_half_written(context_.layout.network());
  write_file(
      context_.layout.network(),
      to_json(Value::map(
                  {{"bridge", bridge_}, {"subnet", subnet_.to_string()}, {"dns", dns_}, {"ready", ready_}}),
              2) +
          "\n");
}

bool Network::bridge_is_there() const {
  const auto found = device_alias(bridge_);
  if (found && *found != shared_alias) refuse_device(bridge_);
  return found.has_value();
}

void Network::ensure_bridge() {
  if (bridge_is_there()) {
    if (dns_ && !dns_process()) start_dns();
    return;
  }
  // Its own routes went with it: whatever overlaps now is somebody else's.
  const std::vector<IpSubnet> used = used_subnets(context_);
  for (const IpSubnet& other : used)
    if (other.overlaps(subnet_)) subnet_ = choose_subnet(used);
  ready_ = false;
  stop_dns();  // it listens on a bridge that somebody deleted
  dns_ = has_program("dnsmasq");
  save();
  keep_unmanaged(bridge_);
  run_checked({"ip", "-batch", "-"}, fmt::format("link add {0} type bridge\n"
                                                 "address add {2}/24 broadcast + dev {0}\n"
                                                 "link set {0} up\n"
                                                 "link set {0} alias {1}\n",
                                                 bridge_, shared_alias, gateway()));
  if (dns_) start_dns();
}

void Network::ensure_services() {
  if (ready_) return;
  if (!write_control("/proc/sys/net/ipv4/ip_forward", "1")) fail("let this host forward packets", errno);
  set_firewall(bridge_, subnet_, Passage::shared);
  ready_ = true;
  save();
}

UniqueFd Network::dns_process() const {
  const std::string pid(trim(read_file_if_there(pid_file()).value_or("")));
  if (pid.empty() || pid.find_first_not_of("0123456789") != std::string::npos) return {};
  UniqueFd process(static_cast<int>(::syscall(SYS_pidfd_open, std::stoi(pid), 0)));
  const auto command = read_file_if_there("/proc/" + pid + "/cmdline");
  if (!command || command->find(pid_file()) == std::string::npos) return {};
  return process;
}

void Network::start_dns() {
  const ProcessResult result =
      run_program({"dnsmasq", "--conf-file=", "--pid-file=" + pid_file(), "--interface=" + bridge_,
                   "--except-interface=lo", "--bind-interfaces", "--listen-address=" + gateway(),
                   "--no-hosts", "--cache-size=1000", "--resolv-file=/etc/resolv.conf"});
  if (result.ok()) return;
  context_.warnings.push_back(
      fmt::format("dnsmasq does not start on '{}', so guests ask the host's name servers "
                  "themselves: {}",
                  bridge_, last_lines(result.error, 1)));
  dns_ = false;
  save();
}

void Network::stop_dns() const {
  const UniqueFd process = dns_process();
  if (!process) return;
  // Its pid file goes before it does: not to wait for its end would let it remove the next one's.
  ::syscall(SYS_pidfd_send_signal, process.get(), SIGTERM, nullptr, 0);
  if (wait_for_end(process.get(), std::chrono::seconds(10))) return;
  ::syscall(SYS_pidfd_send_signal, process.get(), SIGKILL, nullptr, 0);
  wait_for_end(process.get(), std::chrono::seconds(5));
}

std::string Network::resolv_conf() const {
  return dns_ ? resolv_conf_text({gateway()}, {}) : host_resolv_conf(context_);
}

std::string host_resolv_conf(Context& context) {
  ResolverSettings settings;
  for (const char* path :
       {"/etc/resolv.conf", "/run/systemd/resolve/resolv.conf", "/run/NetworkManager/no-stub-resolv.conf"}) {
    settings = parse_resolv_conf(read_file_if_there(path).value_or(""));
    std::erase_if(settings.servers, [](const std::string& server) { return is_loopback_server(server); });
    if (!settings.servers.empty()) return resolv_conf_text(settings.servers, settings.search);
  }
  context.warnings.push_back(
      "guests have no name server: dnsmasq is missing, and the host's own listens on loopback only");
  return resolv_conf_text({}, settings.search);
}

void Network::remove() {
  auto rules = std::async(std::launch::async, [this] { remove_firewall(bridge_); });
  stop_dns();
  std::error_code ignored;
  fs::remove(pid_file(), ignored);
  if (bridge_is_there()) run_checked({"ip", "link", "delete", bridge_});
  rules.get();
  manage_again(bridge_);
  fs::remove(context_.layout.network(), ignored);
}

}  // namespace envtool::lxc
