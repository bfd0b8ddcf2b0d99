#include "providers/libvirt/live_copy.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <optional>

#include "providers/libvirt/domains.h"
#include "providers/libvirt/machine.h"
#include "providers/libvirt/xml.h"

namespace envtool::libvirt {

namespace {

using namespace std::chrono_literals;

struct Mirror {
  std::string target;
  bool is_ready = false;  ///< has all, and is told of every write
};
std::vector<Mirror> mirrors_of(const Domain& domain) {
  std::vector<Mirror> mirrors;
  std::optional<Mirror> mirror;
  for (const XmlTag& tag : xml_tags(description_of(domain))) {
    if (tag.name == "disk") mirror.reset();
    if (tag.name == "mirror") mirror = Mirror{.target = {}, .is_ready = tag["ready"] == "yes"};
    if (tag.name != "target" || !mirror) continue;
    mirror->target = tag["dev"];
    mirrors.push_back(std::move(*mirror));
    mirror.reset();
  }
  return mirrors;
}

int layers_below(const Storage& storage, const std::string& volume) {
  int layers = 0;
  for (auto below = storage.backing_of(volume); below;
       below = storage.backing_of(std::filesystem::path(below->path).filename()))
    ++layers;
  return layers;
}

void begin(const Domain& domain, const DiskCopy& disk) {
  // Written to both at once: however fast the guest writes, the copy gets to its end.
  const unsigned flags = VIR_DOMAIN_BLOCK_COPY_REUSE_EXT | VIR_DOMAIN_BLOCK_COPY_TRANSIENT_JOB |
                         VIR_DOMAIN_BLOCK_COPY_SYNCHRONOUS_WRITES |
                         (disk.shares_base ? VIR_DOMAIN_BLOCK_COPY_SHALLOW : 0);
  if (api().virDomainBlockCopy(domain.get(), disk.target.c_str(), copy_target_xml(disk.path).c_str(), nullptr,
                               0, flags) != 0)
    fail(fmt::format("copy its disk {} while it runs", disk.target));
}

void show_progress(const Domain& domain, const std::vector<DiskCopy>& disks, Operation& operation) {
  Progress progress{.done = 0, .total = 0, .unit = "B"};
  for (const DiskCopy& disk : disks) {
    virDomainBlockJobInfo job{};
    if (api().virDomainGetBlockJobInfo(domain.get(), disk.target.c_str(), &job, 0) != 1) continue;
    progress.done += job.cur;
    progress.total += job.end;
  }
  operation.progress(progress);
}

/// libvirt tells by events when one is ready, but not how far it is: asked for that, it says both.
void wait_until_ready(const Domain& domain, const std::vector<DiskCopy>& disks, Operation& operation) {
  for (;;) {
    const std::vector<Mirror> mirrors = mirrors_of(domain);
    if (mirrors.size() < disks.size())
      throw Error(ErrorKind::failed,
                  phase_of(domain) == MachinePhase::stopped
                      ? "it stopped while its disks were copied"
                      : "the copy of its disks broke off; is the host's file system full?");
    if (std::all_of(mirrors.begin(), mirrors.end(), [](const Mirror& mirror) { return mirror.is_ready; }))
      return;
    show_progress(domain, disks, operation);
    operation.sleep_for(50ms);
  }
}

/// Nobody writes to the disks as long as this is there.
class Stillness {
 public:
  explicit Stillness(const Domain& domain) : domain_(domain) {
    if (phase_of(domain) != MachinePhase::running) return;
    is_frozen_ = api().virDomainFSFreeze(domain.get(), nullptr, 0, 0) >= 0;
    if (is_frozen_) return;
    if (api().virDomainSuspend(domain.get()) != 0) fail("let it stand still for a moment");
    is_paused_ = true;
  }
  ~Stillness() {
    if (is_frozen_) api().virDomainFSThaw(domain_.get(), nullptr, 0, 0);
    if (is_paused_) api().virDomainResume(domain_.get());
  }
  Stillness(const Stillness&) = delete;
  Stillness& operator=(const Stillness&) = delete;

 private:
  const Domain& domain_;
  bool is_frozen_ = false, is_paused_ = false;
};

}  // namespace

std::string copy_target_xml(const std::string& path) {
  return fmt::format(
      "<disk type='file'>\n"
      "  <driver type='qcow2'/>\n"
      "  <source file='{}'/>\n"
      "</disk>\n",
      escape_xml(path));
}

DiskCopy make_target(const Storage& storage, const OwnDisk& disk, const std::string& name) {
  // Each snapshot that is restored makes a disk lie over one more.
  constexpr int most_layers = 16;
  const auto below = storage.backing_of(disk.volume);
  const std::uint64_t capacity = storage.capacity_of(disk.volume);
  if (below && layers_below(storage, disk.volume) < most_layers)
    return {disk.target, storage.make_overlay(name, *below, capacity), true};
  return {disk.target, storage.make_disk(name, capacity), false};
}

void copy_disks(const Domain& domain, const std::vector<DiskCopy>& disks, Operation& operation) {
  try {
    for (const DiskCopy& disk : disks) begin(domain, disk);
    wait_until_ready(domain, disks, operation);
    const Stillness stillness(domain);
    for (const DiskCopy& disk : disks)
      if (api().virDomainBlockJobAbort(domain.get(), disk.target.c_str(), 0) != 0)
        fail(fmt::format("end the copy of its disk {}", disk.target));
  } catch (...) {
    end_copying(domain);
    throw;
  }
}

void end_copying(const Domain& domain) {
  for (const Mirror& mirror : mirrors_of(domain))
    api().virDomainBlockJobAbort(domain.get(), mirror.target.c_str(), 0);
  if (phase_of(domain) == MachinePhase::running) api().virDomainFSThaw(domain.get(), nullptr, 0, 0);
}

}  // namespace envtool::libvirt
