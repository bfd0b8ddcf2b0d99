#include "providers/libvirt/domain_xml.h"

#include <fmt/format.h>

#include <algorithm>

#include "providers/libvirt/xml.h"

namespace envtool::libvirt {

namespace {

std::string cpu_xml(const std::string& cpu) {
  if (cpu.empty()) return {};
  if (cpu == "max") return "  <cpu mode='maximum'/>\n";
  if (cpu == "host-passthrough" || cpu == "host-model") return fmt::format("  <cpu mode='{}'/>\n", cpu);
  return fmt::format("  <cpu mode='custom' match='exact'><model fallback='forbid'>{}</model></cpu>\n",
                     escape_xml(cpu));
}

std::string disk_xml(const DomainDisk& disk, int boot_order) {
  // `unmap`: what the guest frees, the volume gives back.
  return fmt::format(
      "    <disk type='file' device='{}'>\n"
      "      <driver name='qemu' type='{}' discard='unmap'/>\n"
      "      <source file='{}'/>\n"
      "      <target dev='{}' bus='{}'/>\n{}{}{}"
      "    </disk>\n",
      disk.is_cdrom ? "cdrom" : "disk", disk.format, escape_xml(disk.path), disk.target, disk.bus,
      disk.read_only ? "      <readonly/>\n" : "",
      disk.serial.empty() ? "" : fmt::format("      <serial>{}</serial>\n", escape_xml(disk.serial)),
      disk.boots ? fmt::format("      <boot order='{}'/>\n", boot_order) : "");
}

std::string console_xml(const DomainPlan& plan) {
  const std::string log = plan.console_log.empty() ? ""
                                                   : fmt::format("      <log file='{}' append='on'/>\n",
                                                                 escape_xml(plan.console_log));
  return fmt::format(
      "    <serial type='pty'>\n{}"
      "      <target port='0'/>\n"
      "    </serial>\n"
      "    <console type='pty'>\n"
      "      <target type='serial' port='0'/>\n"
      "    </console>\n",
      log);
}

/// Secure Boot would want another chipset, and a loader that is signed.
std::string firmware_xml() {
  return "    <firmware>\n"
         "      <feature enabled='no' name='enrolled-keys'/>\n"
         "      <feature enabled='no' name='secure-boot'/>\n"
         "    </firmware>\n";
}

/// Type and source, as libvirt has them.
std::pair<const char*, std::string> source_xml(const DomainInterface& interface) {
  using Kind = DomainInterface::Kind;
  const std::string source = escape_xml(interface.source);
  switch (interface.kind) {
    case Kind::bridge:
      return {"bridge", fmt::format("      <source bridge='{}'/>\n", source)};
    case Kind::direct:
      return {"direct", fmt::format("      <source dev='{}' mode='bridge'/>\n", source)};
    case Kind::user:
      return {"user", ""};
    default:
      return {"network", fmt::format("      <source network='{}'/>\n", source)};
  }
}

std::string interface_xml(const DomainInterface& interface) {
  const auto [type, source] = source_xml(interface);
  return fmt::format(
      "    <interface type='{}'>\n"
      "      <mac address='{}'/>\n{}"
      "      <model type='virtio'/>\n"
      "    </interface>\n",
      type, interface.mac, source);
}

/// libvirt would number folders before network devices, whose names in the guest depend on their addresses:
/// they get a place of their own, far behind, as functions of slots that nothing else takes.
std::string folder_xml(const DomainFolder& folder, std::size_t number) {
  constexpr std::size_t first_slot = 0x10, functions = 8;
  return fmt::format(
      "    <filesystem type='mount' accessmode='{}'>\n"
      "      <driver type='{}'/>\n"
      "      <source dir='{}'/>\n"
      "      <target dir='{}'/>\n{}"
      "      <address type='pci' domain='0' bus='0' slot='{:#x}' function='{:#x}'{}/>\n"
      "    </filesystem>\n",
      folder.access_mode, folder.is_virtiofs ? "virtiofs" : "path", escape_xml(folder.host), folder.tag,
      folder.read_only ? "      <readonly/>\n" : "", first_slot + number / functions, number % functions,
      number % functions == 0 ? " multifunction='on'" : "");
}

/// The daemon of virtiofs reads and writes the guest's memory.
std::string memory_xml(const DomainPlan& plan) {
  const bool is_shared = std::any_of(plan.folders.begin(), plan.folders.end(),
                                     [](const DomainFolder& folder) { return folder.is_virtiofs; });
  if (!is_shared || plan.more.find("<memoryBacking") != std::string::npos) return {};
  return "  <memoryBacking>\n"
         "    <source type='memfd'/>\n"
         "    <access mode='shared'/>\n"
         "  </memoryBacking>\n";
}

std::string devices_xml(const DomainPlan& plan) {
  std::string text = "  <devices>\n";
  // Unlike IDE and SATA every chipset and every kernel for virtual machines has it.
  if (std::any_of(plan.disks.begin(), plan.disks.end(),
                  [](const DomainDisk& disk) { return disk.bus == "scsi"; }))
    text += "    <controller type='scsi' index='0' model='virtio-scsi'/>\n";
  int boot_order = 0;
  for (const DomainDisk& disk : plan.disks) text += disk_xml(disk, disk.boots ? ++boot_order : 0);
  for (std::size_t i = 0; i < plan.folders.size(); ++i) text += folder_xml(plan.folders[i], i);
  for (const DomainInterface& interface : plan.interfaces) text += interface_xml(interface);
  text += console_xml(plan);
  text += fmt::format(
      "    <channel type='unix'>\n{}"
      "      <target type='virtio' name='org.qemu.guest_agent.0'/>\n",
      plan.agent_socket.empty()
          ? ""
          : fmt::format("      <source mode='bind' path='{}'/>\n", escape_xml(plan.agent_socket)));
  text +=
      "    </channel>\n"
      "    <video>\n"
      "      <model type='" +
      escape_xml(plan.video) +
      "'/>\n"
      "    </video>\n"
      "    <rng model='virtio'>\n"
      "      <backend model='random'>/dev/urandom</backend>\n"
      "    </rng>\n"
      "    <memballoon model='virtio'/>\n"
      "    <controller type='usb' model='none'/>\n";
  return text + plan.more_devices + "  </devices>\n";
}

}  // namespace

std::string hostname_string(const std::string& hostname) { return "envtool.hostname=" + hostname; }

std::string domain_xml(const DomainPlan& plan) {
  const std::string machine_type =
      plan.machine_type.empty() ? "" : fmt::format(" machine='{}'", escape_xml(plan.machine_type));
  std::string text = fmt::format(
      "<domain type='{}'{}>\n"
      "  <name>{}</name>\n"
      "  <uuid>{}</uuid>\n"
      "  <title>{}</title>\n"
      "  <metadata>\n    {}\n  </metadata>\n"
      "  <memory unit='b'>{}</memory>\n"
      "  <currentMemory unit='b'>{}</currentMemory>\n"
      "  <vcpu current='{}'>{}</vcpu>\n",
      plan.type,
      plan.more.find("qemu:") == std::string::npos
          ? ""
          : " xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'",
      plan.name, plan.uuid, escape_xml(fmt::format("envtool: {} of {}", plan.tag.machine, plan.tag.project)),
      tag_xml(plan.tag), plan.most_memory.bytes, plan.memory.bytes, plan.cpus, plan.most_cpus);
  text += memory_xml(plan);
  text += fmt::format(
      "  <sysinfo type='smbios'>\n"
      "    <oemStrings>\n"
      "      <entry>{}</entry>\n"
      "    </oemStrings>\n"
      "  </sysinfo>\n"
      "  <os{}>\n"
      "    <type{}>hvm</type>\n{}"
      "    <smbios mode='sysinfo'/>\n"
      "  </os>\n"
      "  <features>\n"
      "    <acpi/>\n"
      "    <apic/>\n"
      "  </features>\n",
      escape_xml(hostname_string(plan.hostname)), plan.uefi ? " firmware='efi'" : "", machine_type,
      plan.uefi ? firmware_xml() : "");
  text += cpu_xml(plan.cpu);
  text +=
      "  <clock offset='utc'/>\n"
      "  <on_poweroff>destroy</on_poweroff>\n"
      "  <on_reboot>restart</on_reboot>\n"
      "  <on_crash>destroy</on_crash>\n";
  return text + devices_xml(plan) + plan.more + "</domain>\n";
}

}  // namespace envtool::libvirt
