#include "providers/libvirt/schema.h"

namespace envtool::libvirt {

PluginSchema options_schema() {
  return {.name = "libvirt",
          .options = {
              {.name = "uri",
               .type = OptionType::text,
               .summary =
                   "the libvirt that holds the machine: qemu:///system, qemu:///session without "
                   "any right, qemu+ssh://USER@HOST/system, qemu+tls://...; else LIBVIRT_DEFAULT_URI, else "
                   "qemu:///system",
               .create_only = true},
              {.name = "driver",
               .type = OptionType::text,
               .summary = "what runs the guest: KVM, QEMU's own emulation, or the first "
                          "that the host has",
               .fallback = "auto",
               .choices = {"auto", "kvm", "qemu"}},
              {.name = "cpu",
               .type = OptionType::text,
               .summary = "host-passthrough, host-model, max, or a model of libvirt's"},
              {.name = "machine", .type = OptionType::text, .summary = "QEMU's machine type: pc, q35..."},
              {.name = "firmware",
               .type = OptionType::text,
               .summary = "what starts the guest's boot loader",
               .fallback = "bios",
               .choices = {"bios", "uefi"}},
              {.name = "video",
               .type = OptionType::text,
               .summary = "the model of the graphics card",
               .fallback = "vga",
               .choices = {"vga", "virtio", "qxl", "bochs", "cirrus", "none"}},
              {.name = "cdroms",
               .type = OptionType::list,
               .summary = "ISO images of this host, put into CD-ROM drives",
               .members = {{.name = "path", .type = OptionType::path}}},
              {.name = "xml",
               .type = OptionType::map,
               .summary = "what this table lacks, as libvirt's own XML",
               .members = {{.name = "domain",
                            .type = OptionType::text,
                            .summary = "elements of the domain",
                            .script = true},
                           {.name = "devices",
                            .type = OptionType::text,
                            .summary = "elements of its devices",
                            .script = true}}}}};
}

}  // namespace envtool::libvirt
