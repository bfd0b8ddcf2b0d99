#include "providers/lxc/helper/freezer.h"

#include <fmt/format.h>

#include <cerrno>
#include <thread>

#include "base/files.h"
#include "providers/lxc/parts/processes.h"

namespace envtool::lxc {

namespace {

bool set_frozen(const Cgroups& cgroups, const std::string& machine, bool frozen) {
  if (const auto control = cgroups.control(machine, "freezer.state"))
    return write_control(*control, frozen ? "FROZEN" : "THAWED");
  const auto control = cgroups.control(machine, "cgroup.freeze");
  return control && write_control(*control, frozen ? "1" : "0");
}

Record running_record(const Context& context) {
  const Record record = complete_record(context);
  if (!Cgroups::of_machine(context.layout, record.name).is_running(record.name))
    throw Error(ErrorKind::failed, "it does not run");
  return record;
}

}  // namespace

void freeze(const Layout& layout, const std::string& machine) {
  const Cgroups cgroups = Cgroups::of_machine(layout, machine);
  if (!set_frozen(cgroups, machine, true)) fail("suspend it", errno);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!cgroups.is_frozen(machine)) {
    if (std::chrono::steady_clock::now() > deadline) {
      set_frozen(cgroups, machine, false);
      throw Error(ErrorKind::failed, "its processes do not stand still")
          .with_hint("one may hang in the kernel; they all run on");
    }
    std::this_thread::sleep_for(std::chrono::microseconds(200));
    // Version 1 forgets processes that were forked meanwhile until it is told again.
    set_frozen(cgroups, machine, true);
  }
}

void thaw(const Layout& layout, const std::string& machine) {
  const Cgroups cgroups = Cgroups::of_machine(layout, machine);
  if (!set_frozen(cgroups, machine, false)) fail("resume it", errno);
}

StandStill::StandStill(const Layout& layout, const std::string& machine)
    : layout_(layout), machine_(machine), ours_(!Cgroups::of_machine(layout, machine).is_frozen(machine)) {
  if (ours_) freeze(layout_, machine_);
}

StandStill::~StandStill() {
  try {
    if (ours_) thaw(layout_, machine_);
  } catch (const Error&) {
    // It shows as paused, and resuming it is tried again then.
  }
}

Value suspend_machine(Context& context) {
  freeze(context.layout, running_record(context).name);
  return Value::map();
}

Value resume_machine(Context& context) {
  thaw(context.layout, running_record(context).name);
  return Value::map();
}

}  // namespace envtool::lxc
