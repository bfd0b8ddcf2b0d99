#include "providers/libvirt/running.h"

#include <fmt/format.h>

#include <charconv>

#include "base/text.h"
#include "providers/libvirt/machine.h"

namespace envtool::libvirt {

namespace {

using namespace std::chrono_literals;

constexpr unsigned live = VIR_DOMAIN_AFFECT_LIVE;

bool read_number(std::string_view text, unsigned& number) {
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  return code == std::errc() && end == text.data() + text.size();
}

bool is_set(std::string_view map, unsigned cpu) {
  return (static_cast<unsigned char>(map[cpu / 8]) >> (cpu % 8) & 1) != 0;
}

unsigned cpus_of_host(const Connection& connection) {
  virNodeInfo info{};
  if (api().virNodeGetInfo(connection.get(), &info) != 0) fail("ask for the host's CPUs");
  return VIR_NODEINFO_MAXCPUS(info);
}

int vcpus(const Domain& domain, unsigned flags) {
  const int count = api().virDomainGetVcpusFlags(domain.get(), live | flags);
  if (count < 1) fail("ask for the number of CPUs");
  return count;
}

unsigned long memory_now(const Domain& domain) {
  virDomainInfo info{};
  if (api().virDomainGetInfo(domain.get(), &info) != 0) fail("ask for the size of the memory");
  return info.memory;
}

/// A guest lets go of a CPU when it gets round to it, and libvirt waits for it 5 s. Of CPUs it then sends no
/// event, as it does of other devices (DEVICE_REMOVED).
bool lets_go(const Domain& domain, int count, Operation& operation) {
  for (auto waited = 0s; waited < 60s && vcpus(domain, 0) != count; ++waited) operation.sleep_for(1s);
  return vcpus(domain, 0) == count;
}

void set_cpus(const Domain& domain, int count, Operation& operation) {
  if (vcpus(domain, 0) == count ||
      api().virDomainSetVcpusFlags(domain.get(), static_cast<unsigned>(count), live) == 0)
    return;
  const bool is_slow = last_code() == VIR_ERR_OPERATION_TIMEOUT;
  const std::string why = last_message();
  if (is_slow && lets_go(domain, count, operation)) return;
  throw Error(ErrorKind::failed,
              fmt::format("cannot give it {}: {}", count == 1 ? "1 CPU" : fmt::format("{} CPUs", count), why))
      .with_hint("fewer than it was started with it can only have from its next start");
}

void pin(const Domain& domain, const std::string& map, int count) {
  std::string bits = map;
  for (int cpu = 0; cpu < count; ++cpu)
    if (api().virDomainPinVcpu(domain.get(), static_cast<unsigned>(cpu),
                               reinterpret_cast<unsigned char*>(bits.data()),
                               static_cast<int>(bits.size())) != 0)
      fail("bind it to CPUs of the host");
}

}  // namespace

void pause(const Domain& domain, const std::string& name) {
  const MachinePhase phase = phase_of(domain);
  if (phase == MachinePhase::paused) return;
  if (phase != MachinePhase::running)
    throw Error(ErrorKind::failed, fmt::format("the machine '{}' does not run", name));
  if (api().virDomainSuspend(domain.get()) != 0) fail(fmt::format("pause the domain '{}'", name));
}

void go_on(const Domain& domain, const std::string& name, Operation& operation) {
  const MachinePhase phase = phase_of(domain);
  if (phase == MachinePhase::running) return;
  if (phase != MachinePhase::paused)
    throw Error(ErrorKind::failed, fmt::format("the machine '{}' is not paused", name));
  if (api().virDomainResume(domain.get()) != 0) fail(fmt::format("resume the domain '{}'", name));
  set_clock(domain, operation);
}

void set_clock(const Domain& domain, Operation& operation) {
  for (auto waited = 0ms; waited < 10s; waited += 500ms) {
    const auto now = operation.host.clock.wall_time().time_since_epoch();
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now);
    const auto rest = std::chrono::duration_cast<std::chrono::nanoseconds>(now - seconds);
    if (api().virDomainSetTime(domain.get(), seconds.count(), static_cast<unsigned>(rest.count()), 0) == 0)
      return;
    const int code = last_code();
    // The agent comes back a moment after the guest. Its channel was open all the time: there is no event.
    if (code != VIR_ERR_AGENT_UNRESPONSIVE && code != VIR_ERR_AGENT_UNSYNCED) break;
    operation.sleep_for(500ms);
  }
  if (last_code() == VIR_ERR_NO_SUPPORT) return;
  operation.say("the guest has no agent that could set its clock, which may be behind", Tone::warning);
}

std::string cpu_map(std::string_view text, unsigned cpus) {
  std::string map((cpus + 7) / 8, '\0');
  for (const std::string& part : split(text, ',')) {
    const auto dash = part.find('-');
    unsigned first = 0, last = 0;
    if (!read_number(std::string_view(part).substr(0, dash), first)) return {};
    last = first;
    if (dash != std::string::npos && !read_number(std::string_view(part).substr(dash + 1), last)) return {};
    if (last < first || last >= cpus) return {};
    for (unsigned cpu = first; cpu <= last; ++cpu)
      map[cpu / 8] = static_cast<char>(static_cast<unsigned char>(map[cpu / 8]) | 1u << (cpu % 8));
  }
  return map;
}

std::string cpu_set_text(std::string_view map, unsigned cpus) {
  std::vector<std::string> parts;
  for (unsigned cpu = 0; cpu < cpus; ++cpu) {
    if (!is_set(map, cpu)) continue;
    unsigned last = cpu;
    while (last + 1 < cpus && is_set(map, last + 1)) ++last;
    if (cpu == 0 && last + 1 == cpus) return {};
    parts.push_back(last == cpu ? fmt::format("{}", cpu) : fmt::format("{}-{}", cpu, last));
    cpu = last;
  }
  return join(parts, ",");
}

Limits limits_of(const Connection& connection, const Domain& domain) {
  Limits limits;
  const int count = vcpus(domain, 0);
  if (count < vcpus(domain, VIR_DOMAIN_VCPU_MAXIMUM)) limits.cpus = count;
  const unsigned long memory = memory_now(domain), most = api().virDomainGetMaxMemory(domain.get());
  if (memory < most) limits.memory = ByteSize{std::uint64_t{memory} * 1024};
  const unsigned cpus = cpus_of_host(connection);
  std::string map((cpus + 7) / 8, '\0');
  if (api().virDomainGetVcpuPinInfo(domain.get(), 1, reinterpret_cast<unsigned char*>(map.data()),
                                    static_cast<int>(map.size()), live) == 1)
    limits.cpu_set = cpu_set_text(map, cpus);
  return limits;
}

void set_limits(const Connection& connection, const Domain& domain, const Limits& limits,
                Operation& operation) {
  const unsigned cpus = cpus_of_host(connection);
  const int most_cpus = vcpus(domain, VIR_DOMAIN_VCPU_MAXIMUM);
  const unsigned long most_memory = api().virDomainGetMaxMemory(domain.get());
  const int count = limits.cpus.value_or(most_cpus);
  const unsigned long memory =
      limits.memory ? static_cast<unsigned long>(limits.memory->bytes / 1024) : most_memory;
  const std::string map =
      cpu_map(limits.cpu_set.empty() ? fmt::format("0-{}", cpus - 1) : limits.cpu_set, cpus);
  if (count > most_cpus || memory > most_memory)
    throw Error(ErrorKind::failed,
                fmt::format("while it runs, the machine can have up to {} CPUs and {}", most_cpus,
                            ByteSize{std::uint64_t{most_memory} * 1024}.to_string()))
        .with_hint("write it into the Envfile and restart the machine");
  if (map.empty())
    throw Error(ErrorKind::failed,
                fmt::format("the CPUs '{}' are not all there: the host has {}", limits.cpu_set, cpus));
  set_cpus(domain, count, operation);
  if (memory_now(domain) != memory && api().virDomainSetMemoryFlags(domain.get(), memory, live) != 0)
    fail("change the size of the memory");
  pin(domain, map, count);
}

MachineUsage usage_of(const Domain& domain, const std::string& mac) {
  MachineUsage usage;
  const MachinePhase phase = phase_of(domain);
  virDomainInfo info{};
  if ((phase != MachinePhase::running && phase != MachinePhase::paused) ||
      api().virDomainGetInfo(domain.get(), &info) != 0)
    return usage;
  usage.cpu_time =
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::nanoseconds(info.cpuTime));
  virDomainMemoryStatStruct memory[VIR_DOMAIN_MEMORY_STAT_NR];
  const int count = api().virDomainMemoryStats(domain.get(), memory, VIR_DOMAIN_MEMORY_STAT_NR, 0);
  for (int i = 0; i < count; ++i)
    if (memory[i].tag == VIR_DOMAIN_MEMORY_STAT_RSS)
      usage.memory = ByteSize{static_cast<std::uint64_t>(memory[i].val) * 1024};
  const auto known = [](long long number) {
    return number < 0 ? std::optional<ByteSize>() : ByteSize{static_cast<std::uint64_t>(number)};
  };
  if (virDomainBlockStatsStruct disk{};
      api().virDomainBlockStats(domain.get(), "vda", &disk, sizeof disk) == 0) {
    usage.disk_read = known(disk.rd_bytes);
    usage.disk_written = known(disk.wr_bytes);
  }
  virDomainInterfaceStatsStruct network{};
  if (api().virDomainInterfaceStats(domain.get(), mac.c_str(), &network, sizeof network) == 0) {
    usage.received = known(network.rx_bytes);
    usage.sent = known(network.tx_bytes);
  }
  return usage;
}

}  // namespace envtool::libvirt
