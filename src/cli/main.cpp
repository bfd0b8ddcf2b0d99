#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "base/error.h"
#include "boxes/box_store.h"
#include "boxes/package.h"
#include "cli/app.h"
#include "cli/exit_code.h"
#include "ssh/keys.h"
#include "ssh/openssh.h"
#include "ssh/ssh_communicator.h"
#include "sync/copied_folders.h"

namespace {

using namespace envtool;

/// Everything that works for the engine, and the table through which the engine sees it.
struct RealServices {
  explicit RealServices(Host& host)
      : boxes(host),
        services{providers,
                 provisioners,
                 boxes,
                 communicators,
                 folders,
                 make_ed25519_key,
                 [paths = host.paths](const SshEndpoint& endpoint, Operation& operation) {
                   end_control_master(control_path(control_directory(paths), endpoint), operation);
                 },
                 write_package} {
    register_all_providers(providers);
    register_all_provisioners(provisioners);
  }

  ProviderRegistry providers;
  ProvisionerRegistry provisioners;
  BoxStore boxes;
  SshCommunicatorFactory communicators;
  CopiedFolders folders{[](const SshEndpoint& endpoint) { return ssh_arguments(endpoint, {}); }};
  Services services;
};

std::shared_ptr<const Services> make_services(Host& host) {
  const auto real = std::make_shared<RealServices>(host);
  return {real, &real->services};
}

/// Blocked in every thread, since threads inherit it; the one below takes them.
sigset_t block_stop_signals() {
  ::signal(SIGPIPE, SIG_IGN);
  sigset_t stop_signals;
  ::sigemptyset(&stop_signals);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) ::sigaddset(&stop_signals, number);
  ::pthread_sigmask(SIG_BLOCK, &stop_signals, nullptr);
  return stop_signals;
}

/// The first signal asks everything to stop at a safe point, the second ends the program; the journal then
/// tells the next run what to put right.
void bridge_signals(const sigset_t& stop_signals, std::stop_source stop) {
  std::thread([stop_signals, stop]() mutable {
    for (int number = 0;;) {
      if (::sigwait(&stop_signals, &number) != 0) continue;
      if (!stop.request_stop()) ::_exit(exit_code::interrupted);
    }
  }).detach();
}

EnvironmentVariables environment_variables() {
  EnvironmentVariables variables;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const size_t equals = text.find('=');
    if (equals != std::string_view::npos) variables.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return variables;
}

/// The number of a standard stream that is closed would be that of the next file opened, and words would go
/// into it. What stands there instead refuses them.
void keep_stream_numbers() {
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (::fcntl(stream, F_GETFD) < 0) ::open("/dev/null", stream == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

std::filesystem::path working_directory() {
  std::error_code gone;
  std::filesystem::path directory = std::filesystem::current_path(gone);
  if (gone)
    throw Error(ErrorKind::usage, "the working directory is not there any more")
        .with_hint("change into a directory that is, as with 'cd'");
  return directory;
}

int run(const std::vector<std::string>& words) {
  keep_stream_numbers();
  SystemConsole console;
  try {
    drop_to_sudo_user();
    const sigset_t stop_signals = block_stop_signals();
    const std::stop_source stop;
    bridge_signals(stop_signals, stop);
    SystemProcessRunner processes;
    SystemClock clock;
    const EnvironmentVariables variables = environment_variables();
    const auto home = variables.find("HOME");
    const World world{.processes = processes,
                      .clock = clock,
                      .console = console,
                      .variables = variables,
                      .home = home == variables.end() ? "/" : home->second,
                      .program = std::filesystem::read_symlink("/proc/self/exe"),
                      .working_directory = working_directory(),
                      .stop = stop.get_token()};
    return console.finish(run_app(world, make_services, words));
  } catch (const Error& error) {
    console.write_error(error.render());
    return exit_code_of(error.kind());
  } catch (const std::exception& surprise) {
    console.write_error(Error(ErrorKind::failed, surprise.what()).render());
    return exit_code::failed;
  }
}

}  // namespace

int main(int argc, char** argv) { return run({argv + std::min(argc, 1), argv + argc}); }
