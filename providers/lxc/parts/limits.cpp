#include "providers/lxc/parts/limits.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/text.h"

namespace envtool::lxc {

namespace {

constexpr std::int64_t cpu_period = 100'000;
/// What version 1 says of memory without a limit: the largest multiple of a page in a signed number.
constexpr std::int64_t unlimited_memory = std::int64_t{1} << 62;

std::optional<std::int64_t> number_of(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  return code == std::errc() && end == text.data() + text.size() ? std::optional(number) : std::nullopt;
}

std::optional<std::int64_t> number_in(const ControlReader& read, const std::string& file) {
  const auto text = read(file);
  return text ? number_of(trim(*text)) : std::nullopt;
}

std::optional<std::int64_t> cpus_for(std::optional<std::int64_t> quota, std::int64_t period) {
  if (!quota || *quota <= 0 || period <= 0) return std::nullopt;
  return (*quota + period - 1) / period;
}

}  // namespace

CgroupLayout parse_cgroup_layout(std::string_view mounts) {
  CgroupLayout layout;
  for (const std::string& line : split(mounts, '\n')) {
    const std::vector<std::string> fields = split(line, ' ');
    if (fields.size() < 4 || fields[2] != "cgroup") continue;
    for (const std::string& option : split(fields[3], ',')) {
      layout.memory_v1 |= option == "memory";
      layout.cpu_v1 |= option == "cpu";
      layout.devices_v1 |= option == "devices";
      layout.cpuset_v1 |= option == "cpuset";
    }
  }
  return layout;
}

std::vector<ControlFile> limit_files(const LimitValues& limits, const CgroupLayout& cgroups,
                                     const std::string& all_cpus) {
  std::vector<ControlFile> files;
  const auto& [cpus, memory, cpu_set] = limits;
  if (cgroups.cpu_v1) {
    files.push_back({"cpu.cfs_period_us", std::to_string(cpu_period), true});
    files.push_back({"cpu.cfs_quota_us", std::to_string(cpus ? *cpus * cpu_period : -1), true});
  } else {
    files.push_back(
        {"cpu.max", fmt::format("{} {}", cpus ? std::to_string(*cpus * cpu_period) : "max", cpu_period)});
  }
  if (cgroups.memory_v1)
    files.push_back({"memory.limit_in_bytes", std::to_string(memory.value_or(-1)), true});
  else
    files.push_back({"memory.max", memory ? std::to_string(*memory) : "max"});
  if (!cpu_set.empty() || !all_cpus.empty())
    files.push_back(
        {"cpuset.cpus", cpu_set.empty() && cgroups.cpuset_v1 ? all_cpus : cpu_set, cgroups.cpuset_v1});
  return files;
}

bool is_cpu_set(const std::string& text) {
  const std::vector<std::string> parts = split(text, ',');
  return !text.empty() && std::all_of(parts.begin(), parts.end(), [](const std::string& part) {
    const std::size_t dash = part.find('-');
    const auto first = number_of(part.substr(0, dash));
    const auto last = dash == std::string::npos ? first : number_of(part.substr(dash + 1));
    return first && last && *first >= 0 && *first <= *last;
  });
}

LimitValues limits_in(const ControlReader& read, const std::string& all_cpus) {
  LimitValues limits;
  if (const auto quota = number_in(read, "cpu.cfs_quota_us")) {
    limits.cpus = cpus_for(quota, number_in(read, "cpu.cfs_period_us").value_or(cpu_period));
  } else if (const auto text = read("cpu.max")) {
    const std::vector<std::string> fields = split(trim(*text), ' ');
    limits.cpus = cpus_for(number_of(fields[0]),
                           fields.size() > 1 ? number_of(fields[1]).value_or(cpu_period) : cpu_period);
  }
  limits.memory = number_in(read, "memory.limit_in_bytes");
  if (!limits.memory) limits.memory = number_in(read, "memory.max");
  if (limits.memory && *limits.memory >= unlimited_memory) limits.memory.reset();
  limits.cpu_set = std::string(trim(read("cpuset.cpus").value_or("")));
  if (limits.cpu_set == all_cpus) limits.cpu_set.clear();
  return limits;
}

}  // namespace envtool::lxc
