#include "ssh/session.h"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/auxv.h>

#include <chrono>
#include <map>

#include "base/text.h"

namespace envtool {

namespace {

using namespace std::chrono_literals;
using SteadyClock = std::chrono::steady_clock;

constexpr int slice_milliseconds = 50;
constexpr auto handshake_limit = 120s;
/// How long output may still come from what a command left behind when it ended.
constexpr auto linger = 500ms;

using Key = std::unique_ptr<ssh_key_struct, Freed<ssh_key_struct, ssh_key_free>>;
using Text = std::unique_ptr<char, Freed<char, ssh_string_free_char>>;

bool has_aes_instructions() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("aes");
#elif defined(__aarch64__)
  constexpr unsigned long hwcap_aes = 1 << 3;
  return (getauxval(AT_HWCAP) & hwcap_aes) != 0;
#else
  return false;
#endif
}

std::string base64_of(ssh_key key) {
  char* text = nullptr;
  if (ssh_pki_export_pubkey_base64(key, &text) != SSH_OK) return {};
  return Text(text).get();
}

int signal_number(std::string_view name) {
  // RFC 4254, section 6.10.
  static const std::map<std::string_view, int> numbers = {
      {"ABRT", SIGABRT}, {"ALRM", SIGALRM}, {"FPE", SIGFPE},   {"HUP", SIGHUP},   {"ILL", SIGILL},
      {"INT", SIGINT},   {"KILL", SIGKILL}, {"PIPE", SIGPIPE}, {"QUIT", SIGQUIT}, {"SEGV", SIGSEGV},
      {"TERM", SIGTERM}, {"USR1", SIGUSR1}, {"USR2", SIGUSR2}};
  const auto found = numbers.find(name);
  return found == numbers.end() ? SIGTERM : found->second;
}

}  // namespace

/// An exec channel and what libssh reported about it.
struct SshSession::Channel {
  explicit Channel(ssh_session session) : handle(ssh_channel_new(session)) {
    if (handle == nullptr) throw Error(ErrorKind::failed, "out of memory for an SSH channel");
    callbacks.userdata = this;
    callbacks.channel_exit_status_function = [](ssh_session, ssh_channel, int number, void* self) {
      static_cast<Channel*>(self)->set_status(number);
    };
    callbacks.channel_exit_signal_function = [](ssh_session, ssh_channel, const char* signal, int,
                                                const char*, const char*, void* self) {
      static_cast<Channel*>(self)->set_status(128 + signal_number(signal));
    };
    ssh_callbacks_init(&callbacks);
    ssh_set_channel_callbacks(handle, &callbacks);
  }
  ~Channel() {
    ssh_remove_channel_callbacks(handle, &callbacks);
    ssh_channel_free(handle);  // closes it
  }
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  void set_status(int value) {
    status = value;
    last_sign = SteadyClock::now();
  }
  bool is_over() const {
    return ssh_channel_is_closed(handle) != 0 || (status >= 0 && SteadyClock::now() - last_sign > linger);
  }

  ssh_channel handle;
  ssh_channel_callbacks_struct callbacks{};
  int status = -1;
  SteadyClock::time_point last_sign;  ///< of the command's end, or of output after it
  std::string_view input;
  bool input_ended = false;
};

SshSession::SshSession(UniqueFd socket, const SshEndpoint& endpoint, const std::vector<PinnedKey>& pinned,
                       Patience& patience)
    : session_(ssh_new()) {
  if (session_ == nullptr) throw Error(ErrorKind::failed, "out of memory for an SSH session");
  try {
    configure(endpoint, pinned);
    const socket_t fd = socket.release();
    ssh_options_set(session_, SSH_OPTIONS_FD, &fd);
    exchange_keys(pinned, patience);
    log_in(endpoint, patience);
    event_.reset(ssh_event_new());
    if (!event_ || ssh_event_add_session(event_.get(), session_) != SSH_OK) fail("cannot wait for events");
  } catch (...) {
    event_.reset();
    ssh_free(session_);
    throw;
  }
}

SshSession::~SshSession() {
  ssh_event_remove_session(event_.get(), session_);
  event_.reset();
  ssh_disconnect(session_);
  ssh_free(session_);
}

void SshSession::configure(const SshEndpoint& endpoint, const std::vector<PinnedKey>& pinned) {
  const auto set = [&](ssh_options_e option, const std::string& value) {
    if (ssh_options_set(session_, option, value.c_str()) != SSH_OK) fail("libssh refuses an option");
  };
  const bool no = false;
  ssh_options_set(session_, SSH_OPTIONS_PROCESS_CONFIG, &no);
  ssh_set_blocking(session_, 0);
  set(SSH_OPTIONS_SSH_DIR, endpoint.private_key.parent_path().string());
  set(SSH_OPTIONS_HOST, endpoint.host);
  set(SSH_OPTIONS_PORT_STR, std::to_string(endpoint.port));
  set(SSH_OPTIONS_USER, endpoint.user);
  set(SSH_OPTIONS_KNOWNHOSTS, "/dev/null");
  set(SSH_OPTIONS_GLOBAL_KNOWNHOSTS, "/dev/null");
  std::vector<std::string> types;
  for (const PinnedKey& key : pinned)
    types.push_back(key.type == "ssh-rsa" ? "rsa-sha2-512,rsa-sha2-256" : key.type);
  if (!types.empty()) set(SSH_OPTIONS_HOSTKEYS, join(types, ","));
  set(SSH_OPTIONS_KEY_EXCHANGE, "curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp256");
  const std::string aes = "aes128-gcm@openssh.com,aes256-gcm@openssh.com,aes128-ctr";
  const std::string chacha = "chacha20-poly1305@openssh.com";
  const std::string ciphers = has_aes_instructions() ? aes + "," + chacha : chacha + "," + aes;
  set(SSH_OPTIONS_CIPHERS_C_S, ciphers);
  set(SSH_OPTIONS_CIPHERS_S_C, ciphers);
  set(SSH_OPTIONS_COMPRESSION, "no");
}

void SshSession::exchange_keys(const std::vector<PinnedKey>& pinned, Patience& patience) {
  const auto end = patience.now() + handshake_limit;
  const auto tick = [&] {
    patience.tick();
    if (patience.now() >= end || patience.left() <= 0ms)
      throw NotReady{Stage::key_exchange, "the guest does not go on with it"};
  };
  if (complete([&] { return ssh_connect(session_); }, tick) != SSH_OK)
    throw NotReady{Stage::key_exchange, last_error()};
  if (pinned.empty()) return;
  ssh_key raw = nullptr;
  if (ssh_get_server_publickey(session_, &raw) != SSH_OK) throw NotReady{Stage::key_exchange, last_error()};
  const Key key(raw);
  const std::string found = base64_of(key.get());
  std::vector<std::string> expected;
  for (const PinnedKey& known : pinned) {
    if (known.base64 == found) return;
    expected.push_back(key_fingerprint(known.base64));
  }
  throw NotReady{
      Stage::key_exchange,
      fmt::format("the host key is {}, expected {}", key_fingerprint(found), join(expected, " or ")),
      Verdict::hopeless, "another machine answers at this address, or the guest's host key was replaced"};
}

void SshSession::log_in(const SshEndpoint& endpoint, Patience& patience) {
  ssh_key raw = nullptr;
  const int imported =
      endpoint.first_key.empty()
          ? ssh_pki_import_privkey_file(endpoint.private_key.c_str(), nullptr, nullptr, nullptr, &raw)
          : ssh_pki_import_privkey_base64(endpoint.first_key.c_str(), nullptr, nullptr, nullptr, &raw);
  if (imported != SSH_OK)
    throw NotReady{Stage::login,
                   fmt::format("cannot read the private key '{}'", endpoint.private_key.string()),
                   Verdict::hopeless, "`envtool up --recreate` makes the machine and its key anew"};
  const Key key(raw);
  const auto end = patience.now() + handshake_limit;
  const int answer =
      complete([&] { return ssh_userauth_publickey(session_, nullptr, key.get()); },
               [&] {
                 patience.tick();
                 if (patience.now() >= end || patience.left() <= 0ms)
                   throw NotReady{Stage::login, "the guest does not answer the request to log in"};
               });
  if (answer == SSH_AUTH_SUCCESS) return;
  // pam_nologin speaks through the banner ("System is booting up...") and sshd then closes the connection.
  const Text banner(ssh_get_issue_banner(session_));
  const std::string said = banner ? last_lines(banner.get(), 3) : "";
  if (answer == SSH_AUTH_DENIED || answer == SSH_AUTH_PARTIAL)
    throw NotReady{
        Stage::login,
        fmt::format("the guest refuses the key {} for user '{}'{}{}", key_fingerprint(base64_of(key.get())),
                    endpoint.user, said.empty() ? "" : ": ", said),
        Verdict::refused, "the user does not exist in the guest, or the key is not in its authorized_keys"};
  throw NotReady{Stage::login, said.empty() ? last_error() : said};
}

int SshSession::complete(const std::function<int()>& call, const std::function<void()>& tick) {
  // SSH_AUTH_AGAIN and SSH_AGAIN differ.
  int answer = call();
  while (answer == SSH_AGAIN || answer == SSH_AUTH_AGAIN) {
    wait_for_traffic();
    tick();
    answer = call();
  }
  return answer;
}

void SshSession::wait_for_traffic() {
  // Reading from a channel handles no packets once its end came, but the exit status comes after that.
  if (event_) {
    ssh_event_dopoll(event_.get(), slice_milliseconds);
    return;
  }
  const bool has_output = (ssh_get_poll_flags(session_) & SSH_WRITE_PENDING) != 0;
  pollfd entry{ssh_get_fd(session_), static_cast<short>(POLLIN | (has_output ? POLLOUT : 0)), 0};
  ::poll(&entry, 1, slice_milliseconds);
}

int SshSession::exec(const ExecRequest& request) {
  Channel channel(session_);
  if (complete([&] { return ssh_channel_open_session(channel.handle); }, request.tick) != SSH_OK)
    fail("cannot open a channel");
  if (complete([&] { return ssh_channel_request_exec(channel.handle, request.line.c_str()); },
               request.tick) != SSH_OK)
    fail("cannot start a command");
  while (true) {
    feed(channel, request);
    const bool moved = drain(channel, request);
    if (!moved && channel.is_over()) break;
    request.tick();
    if (!moved) wait_for_traffic();
  }
  if (channel.status < 0) fail("the guest closed the channel without a status");
  return channel.status;
}

void SshSession::feed(Channel& channel, const ExecRequest& request) {
  constexpr std::size_t piece = 128 << 10;
  while (!channel.input_ended) {
    if (channel.input.empty()) channel.input = request.next_input();
    if (channel.input.empty()) {
      ssh_channel_send_eof(channel.handle);
      channel.input_ended = true;
      return;
    }
    const auto size = static_cast<std::uint32_t>(std::min(piece, channel.input.size()));
    const int written = ssh_channel_write(channel.handle, channel.input.data(), size);
    // A command that does not read its input to the end is no failure; a lost connection shows in drain.
    if (written < 0 && written != SSH_AGAIN) channel.input_ended = true;
    if (written <= 0) return;
    channel.input.remove_prefix(static_cast<std::size_t>(written));
  }
}

bool SshSession::drain(Channel& channel, const ExecRequest& request) {
  char buffer[32768];
  bool moved = false;
  for (const int is_stderr : {0, 1}) {
    const int count = ssh_channel_read_nonblocking(channel.handle, buffer, sizeof buffer, is_stderr);
    if (count > 0) {
      (is_stderr ? request.on_error : request.on_output)({buffer, static_cast<std::size_t>(count)});
      channel.last_sign = SteadyClock::now();
      moved = true;
    } else if (count == SSH_ERROR && ssh_is_connected(session_) == 0) {
      fail("the connection was lost");
    }
  }
  if (!moved && ssh_is_connected(session_) == 0 && channel.status < 0) fail("the connection was lost");
  return moved;
}

void SshSession::fail(const std::string& what) {
  const std::string why = last_error();
  throw Error(ErrorKind::failed, "ssh: " + what + (why.empty() ? "" : ": " + why));
}

std::string SshSession::last_error() const {
  const char* text = ssh_get_error(session_);
  return text == nullptr ? "" : std::string(trim(text));
}

}  // namespace envtool
