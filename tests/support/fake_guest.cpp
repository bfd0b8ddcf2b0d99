#include "support/fake_guest.h"

#include <fmt/format.h>

#include "base/files.h"
#include "base/shell.h"

namespace envtool {

class FakeCommunicators::Guest : public Communicator {
 public:
  Guest(FakeCommunicators& world, std::string machine) : world_(world), machine_(std::move(machine)) {}

  ProcessResult run(const GuestCommand& command, Operation& operation) override {
    operation.check_stop();
    require_running();
    const std::string line = command.argv.empty() ? command.script : quote_command(command.argv);
    {
      const std::lock_guard lock(world_.mutex_);
      world_.commands_.push_back(machine_ + ": " + line);
    }
    ProcessResult result = world_.answer ? world_.answer(machine_, command) : ProcessResult{};
    if (command.on_output && !result.output.empty()) command.on_output(std::exchange(result.output, {}));
    if (command.on_error && !result.error.empty()) command.on_error(std::exchange(result.error, {}));
    return result;
  }

  void end_job(const std::string& job, Operation&) override {
    require_running();
    const std::lock_guard lock(world_.mutex_);
    world_.commands_.push_back(machine_ + ": end of job " + job);
  }

  void upload(const Upload& file, Operation&) override {
    require_running();
    std::string content = file.source.empty() ? file.content : read_file(file.source);
    const std::lock_guard lock(world_.mutex_);
    world_.files_[machine_][file.destination] = std::move(content);
  }

  std::string download(const std::string& path, Operation&) override {
    require_running();
    const std::lock_guard lock(world_.mutex_);
    const auto& files = world_.files_[machine_];
    const auto file = files.find(path);
    if (file == files.end()) throw Error(ErrorKind::failed, fmt::format("the guest has no file '{}'", path));
    return file->second;
  }

  std::unique_ptr<GuestFiles> open_files(const std::string& server, const std::string&, Operation&) override {
    throw Error(ErrorKind::failed, fmt::format("'{}' is no program of this guest's", server));
  }

 private:
  void require_running() const {
    const auto machines = world_.backend_.machines();
    const auto machine = machines.find(machine_);
    if (machine == machines.end() || machine->second.phase != MachinePhase::running)
      throw Error(ErrorKind::failed, fmt::format("the connection to '{}' is lost", machine_));
  }

  FakeCommunicators& world_;
  std::string machine_;
};

std::unique_ptr<Communicator> FakeCommunicators::connect(const SshEndpoint& endpoint,
                                                         std::chrono::milliseconds timeout,
                                                         const std::function<void()>& still_alive,
                                                         Operation& operation) {
  operation.check_stop();
  still_alive();
  if (!unreachable.empty())
    throw Error(ErrorKind::failed,
                fmt::format("no SSH port within {} s: {}", timeout.count() / 1000, unreachable));
  for (const auto& [name, machine] : backend_.machines()) {
    if (machine.phase != MachinePhase::running || machine.address != endpoint.host) continue;
    if (machine.user != endpoint.user)
      throw Error(ErrorKind::failed,
                  fmt::format("user '{}' may not log in, '{}' may", endpoint.user, machine.user));
    return std::make_unique<Guest>(*this, name);
  }
  throw Error(ErrorKind::failed, fmt::format("nobody answers at {}", endpoint.host));
}

std::vector<std::string> FakeCommunicators::commands() const {
  const std::lock_guard lock(mutex_);
  return commands_;
}

std::map<std::string, std::string> FakeCommunicators::files(const std::string& machine) const {
  const std::lock_guard lock(mutex_);
  const auto files = files_.find(machine);
  return files == files_.end() ? std::map<std::string, std::string>() : files->second;
}

}  // namespace envtool
