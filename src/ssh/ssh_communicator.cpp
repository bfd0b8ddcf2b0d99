#include "ssh/ssh_communicator.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/cancel.h"
#include "base/hash.h"
#include "base/text.h"
#include "ssh/dial.h"
#include "ssh/guest_command.h"
#include "ssh/session.h"
#include "ssh/sftp.h"

namespace envtool {

namespace {

using namespace std::chrono_literals;

constexpr int status_after_term = 128 + 15;
constexpr auto farewell_limit = 1s;

/// Thrown by a tick when the command's own time is over.
struct TimeIsUp {};

using NextInput = std::function<std::string_view()>;

/// The texts one after the other.
NextInput pieces(std::vector<std::string_view> texts) {
  return [texts = std::move(texts), at = std::size_t{0}]() mutable -> std::string_view {
    while (at < texts.size())
      if (const std::string_view text = texts[at++]; !text.empty()) return text;
    return {};
  };
}

/// A file of the host's, read as it is needed.
class FileInput {
 public:
  explicit FileInput(const std::filesystem::path& path)
      : path_(path), fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)), buffer_(256 << 10, '\0') {
    struct stat found {};
    if (!fd_ || ::fstat(fd_.get(), &found) != 0) fail();
    size_ = static_cast<std::uintmax_t>(found.st_size);
  }
  std::uintmax_t size() const { return size_; }
  std::string_view next() {
    ssize_t count;
    do count = ::read(fd_.get(), buffer_.data(), buffer_.size());
    while (count < 0 && errno == EINTR);
    if (count < 0) fail();
    return {buffer_.data(), static_cast<std::size_t>(count)};
  }

 private:
  [[noreturn]] void fail() const {
    throw Error(ErrorKind::failed, fmt::format("cannot read '{}': {}", path_.string(), errno_text(errno)));
  }

  std::filesystem::path path_;
  UniqueFd fd_;
  std::string buffer_;
  std::uintmax_t size_ = 0;
};

class SshCommunicator : public Communicator {
 public:
  SshCommunicator(std::unique_ptr<SshSession> session, std::string user)
      : session_(std::move(session)), user_(std::move(user)) {}

  ProcessResult run(const GuestCommand& command, Operation& operation) override {
    return run_with(command, pieces({command.input}), operation);
  }

  void upload(const Upload& file, Operation& operation) override {
    GuestCommand command{.user = file.as_root ? "root" : ""};
    std::optional<FileInput> source;
    if (!file.source.empty()) source.emplace(file.source);
    command.script = receive_script(file, source ? source->size() : file.content.size());
    const ProcessResult result = source ? run_with(
                                              command, [&] { return source->next(); }, operation)
                                        : run_with(command, pieces({file.content}), operation);
    if (!result.ok()) fail("write", file.destination, result);
  }

  void end_job(const std::string& job, Operation& operation) override {
    const ProcessResult result = run({.script = await_job_end_script(job), .user = "root"}, operation);
    if (result.ok()) return;
    throw Error(ErrorKind::failed, fmt::format("cannot end what an earlier run left in the guest: {}",
                                               last_lines(result.error, 1)))
        .with_hint("'envtool reload' ends it with the guest");
  }

  std::string download(const std::string& path, Operation& operation) override {
    ProcessResult result = run({.argv = {"cat", "--", path}}, operation);
    if (!result.ok()) fail("read", path, result);
    return std::move(result.output);
  }

  std::unique_ptr<GuestFiles> open_files(const std::string& server, const std::string& user,
                                         Operation& operation) override {
    operation.check_stop();
    const GuestCommand command{.argv = {server}, .user = user};
    return std::make_unique<SftpFiles>(session_->handle(), remote_command(command, user_, random_hex(8)).line,
                                       operation.stop);
  }

 private:
  [[noreturn]] static void fail(const char* verb, const std::string& path, const ProcessResult& result) {
    const std::string why = last_lines(result.error, 2);
    throw Error(ErrorKind::failed, fmt::format("cannot {} '{}' in the guest: {}", verb, path,
                                               why.empty() ? fmt::format("status {}", result.status) : why));
  }

  ProcessResult run_with(const GuestCommand& command, NextInput input, Operation& operation) {
    operation.check_stop();
    const std::string job = command.job.empty() ? random_hex(8) : command.job;
    const RemoteCommand remote = remote_command(command, user_, job);
    const auto begin = operation.host.clock.now();
    ProcessResult result;
    ExecRequest request;
    request.line = remote.line;
    request.next_input = [preamble = std::string_view(remote.preamble), &input]() mutable {
      return preamble.empty() ? input() : std::exchange(preamble, {});
    };
    request.on_output = sink(command.on_output, result.output);
    request.on_error = sink(command.on_error, result.error);
    request.tick = [&] {
      operation.check_stop();
      if (command.timeout.count() > 0 && operation.host.clock.now() - begin >= command.timeout)
        throw TimeIsUp{};
    };
    try {
      result.status = session_->exec(request);
    } catch (const TimeIsUp&) {
      break_off(command.user, job);
      result.timed_out = true;
      result.status = status_after_term;
    } catch (const Interrupted&) {
      break_off(command.user, job);
      throw;
    }
    return result;
  }

  static std::function<void(std::string_view)> sink(const std::function<void(std::string_view)>& given,
                                                    std::string& collected) {
    if (given) return given;
    return [&collected](std::string_view chunk) { collected.append(chunk); };
  }

  /// Closing a channel ends nothing in the guest. Best effort, since the guest may be what hangs.
  void break_off(const std::string& user, const std::string& job) noexcept {
    try {
      const auto end = std::chrono::steady_clock::now() + farewell_limit;
      const GuestCommand command{.script = end_job_script(job), .user = user};
      const auto nothing = [](std::string_view) {};
      session_->exec({remote_command(command, user_, "end").line, pieces({}), nothing, nothing, [&] {
                        if (std::chrono::steady_clock::now() > end) throw TimeIsUp{};
                      }});
    } catch (...) {
    }
  }

  std::unique_ptr<SshSession> session_;
  std::string user_;
};

/// With the key of its box; null where the guest has the machine's own already, or no such key was given.
std::unique_ptr<SshSession> first_login(const SshEndpoint& endpoint, Patience& patience) {
  if (endpoint.first_key.empty()) return nullptr;
  try {
    return std::make_unique<SshSession>(dial(endpoint, patience), endpoint, std::vector<PinnedKey>(),
                                        patience);
  } catch (const NotReady& reason) {
    if (reason.verdict != Verdict::refused) throw;
    return nullptr;
  }
}

}  // namespace

std::unique_ptr<Communicator> SshCommunicatorFactory::connect(const SshEndpoint& endpoint,
                                                              std::chrono::milliseconds timeout,
                                                              const std::function<void()>& still_alive,
                                                              Operation& operation) {
  const std::vector<PinnedKey> pinned = pinned_keys(read_file(endpoint.known_hosts), endpoint.host_key_alias);
  if (pinned.empty())
    throw Error(ErrorKind::failed, fmt::format("'{}' has no host key for '{}'", endpoint.known_hosts.string(),
                                               endpoint.host_key_alias))
        .with_hint("`envtool up --recreate` makes the machine and its keys anew");
  Patience patience(timeout, still_alive, operation);
  SshEndpoint own = endpoint;
  own.first_key.clear();
  std::unique_ptr<SshSession> session;
  connect_patiently(
      endpoint,
      [&] {
        if (!(session = first_login(endpoint, patience)))
          session = std::make_unique<SshSession>(dial(own, patience), own, pinned, patience);
      },
      patience);
  return std::make_unique<SshCommunicator>(std::move(session), endpoint.user);
}

}  // namespace envtool
