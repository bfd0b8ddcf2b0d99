#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cctype>

#include "base/hash.h"
#include "core/engine_parts.h"

namespace envtool {

namespace {

/// LXC's names end up in socket addresses of 107 bytes together with a path, so they are kept short.
std::string backend_name(const std::string& project, const std::string& machine, const std::string& id) {
  std::string name;
  for (const char c : project + "-" + machine) {
    const auto byte = static_cast<unsigned char>(c);
    name += std::isalnum(byte) && byte < 0x80 ? static_cast<char>(std::tolower(byte)) : '-';
  }
  constexpr size_t longest = 40;
  if (name.size() > longest) name = name.substr(0, longest - 9) + "-" + sha256(name).substr(0, 8);
  return name + "-" + id.substr(0, 8);
}

/// Who has the lock. Who just takes it has not written yet who it is.
std::string holder_of(const std::filesystem::path& lock, Operation& operation) {
  std::string holder = FileLock::holder_of(lock);
  for (int tries = 0; holder.empty() && tries < 20; ++tries) {
    operation.sleep_for(std::chrono::milliseconds(5));
    holder = FileLock::holder_of(lock);
  }
  return holder.empty() ? "it does not say which" : holder;
}

/// `waited` is for how long the command was to wait; zero: not at all.
Error busy(const std::string& holder, std::chrono::milliseconds waited) {
  if (waited.count() == 0)
    return Error(ErrorKind::busy, fmt::format("another envtool is working on it ({})", holder))
        .with_hint("wait for it with --wait");
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(waited).count();
  return Error(ErrorKind::busy,
               fmt::format("another envtool still works on it after {} s ({})", seconds, holder))
      .with_hint("'--wait' without a number waits until it is done");
}

}  // namespace

MachineJob::MachineJob(ProjectRun& run, const MachineConfig& machine, const Engine::Setup& setup,
                       const std::string& wanted_provider, const ProvisionSelection& selection)
    : store_(*run.environment, machine.name),
      log_(run.host.reporter, run.host.clock, store_.log()),
      host_{run.host.processes, run.host.clock, log_,
            run.host.variables, run.host.paths, run.host.working_directory},
      operation_{host_, machine.name, run.stop},
      lock_(take_lock(setup)),
      journal_(store_.journal(), run.host.clock) {
  MachineRecord record = store_.load().value_or(MachineRecord{});
  if (!wanted_provider.empty() && !record.created.empty() && record.provider != wanted_provider)
    throw Error(ErrorKind::usage, fmt::format("it was created by provider '{}'", record.provider))
        .with_hint(fmt::format("destroy it first to make it with '{}'", wanted_provider));
  record.name = machine.name;
  if (record.backend_name.empty())
    record.backend_name = backend_name(run.project.name, machine.name, run.environment->id);
  if (record.provider.empty()) record.provider = run.choose_provider(machine, wanted_provider, operation_);
  Provider& provider = run.provider(record.provider);
  config_ = effective_for(machine, record.provider);
  context_.emplace(MachineContext{.run = run,
                                  .config = config_,
                                  .operation = operation_,
                                  .provider = provider,
                                  .store = store_,
                                  .record = std::move(record),
                                  .selection = selection});
  context_->state = provider.inspect(context_->record.backend_name, operation_);
  const std::string& tag = context_->state.environment_id;
  if (!tag.empty() && tag != run.environment->id)
    throw Error(ErrorKind::failed, fmt::format("provider '{}' has a machine '{}' of another environment ({})",
                                               provider.info().name, context_->record.backend_name, tag));
}

FileLock MachineJob::take_lock(const Engine::Setup& setup) {
  const Clock& clock = operation_.host.clock;
  const auto deadline = clock.now() + setup.lock_wait;
  const std::string holder =
      fmt::format("pid {}, '{}', since {:%H:%M:%S}", ::getpid(), setup.command,
                  fmt::localtime(std::chrono::system_clock::to_time_t(clock.wall_time())));
  for (bool told = false;; told = true) {
    if (auto lock = FileLock::try_take(store_.lock(), holder)) return std::move(*lock);
    const std::string other = holder_of(store_.lock(), operation_);
    if (clock.now() >= deadline) throw busy(other, setup.lock_wait);
    if (!told) operation_.say(fmt::format("waiting for another envtool ({})", other));
    operation_.sleep_for(std::chrono::milliseconds(100));
  }
}

}  // namespace envtool
