#include "providers/libvirt/console.h"

#include <fmt/format.h>
#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include <array>

#include "providers/libvirt/connection.h"
#include "providers/libvirt/events.h"

namespace envtool::libvirt {

namespace {

constexpr char ctrl_a = 1;
constexpr int stop_interval = 200;  ///< milliseconds

/// Every key as it is, also those that signal; as before in the end.
class RawTerminal {
 public:
  RawTerminal() : was_terminal_(::tcgetattr(STDIN_FILENO, &before_) == 0) {
    if (!was_terminal_) return;
    termios raw = before_;
    ::cfmakeraw(&raw);
    ::tcsetattr(STDIN_FILENO, TCSANOW, &raw);
  }
  ~RawTerminal() {
    if (was_terminal_) ::tcsetattr(STDIN_FILENO, TCSANOW, &before_);
  }
  RawTerminal(const RawTerminal&) = delete;
  RawTerminal& operator=(const RawTerminal&) = delete;

 private:
  termios before_{};
  bool was_terminal_;
};

/// A descriptor, a stream and a timer in libvirt's event loop, run by the thread that has it. libvirt calls
/// back through C, so nothing is thrown from there.
class ConsoleLoop {
 public:
  ConsoleLoop(const Connection& connection, const Domain& domain, const std::string& name);
  ~ConsoleLoop();
  ConsoleLoop(const ConsoleLoop&) = delete;
  ConsoleLoop& operator=(const ConsoleLoop&) = delete;

  void run(Operation& operation);

 private:
  static ConsoleLoop& self(void* pointer) { return *static_cast<ConsoleLoop*>(pointer); }
  static void on_typed(int, int, int, void* pointer) { self(pointer).read_keys(); }
  static void on_stream(virStreamPtr, int events, void* pointer) { self(pointer).move(events); }
  static void on_time(int, void*) {}

  void read_keys();
  void move(int events);
  void receive();
  void send();
  int stream_events() const {
    return VIR_STREAM_EVENT_READABLE | (for_guest_.empty() ? 0 : VIR_STREAM_EVENT_WRITABLE);
  }

  Stream stream_;
  ConsoleKeys keys_;
  std::string for_guest_;
  int keys_watch_ = -1, timer_ = -1;
  bool over_ = false;
};

ConsoleLoop::ConsoleLoop(const Connection& connection, const Domain& domain, const std::string& name)
    : stream_(api().virStreamNew(connection.get(), VIR_STREAM_NONBLOCK)) {
  if (!stream_) fail("open a stream to libvirt");
  if (api().virDomainOpenConsole(domain.get(), nullptr, stream_.get(), 0) != 0) {
    const bool is_taken = last_message().find("ctive console session") != std::string::npos;
    Error error(ErrorKind::failed, fmt::format("cannot open the console of '{}': {}", name, last_message()));
    if (is_taken) error.with_hint("one terminal at a time can have it");
    throw error;
  }
  keys_watch_ = api().virEventAddHandle(STDIN_FILENO, VIR_EVENT_HANDLE_READABLE, on_typed, this, nullptr);
  timer_ = api().virEventAddTimeout(stop_interval, on_time, this, nullptr);
  if (keys_watch_ < 0 || timer_ < 0 ||
      api().virStreamEventAddCallback(stream_.get(), stream_events(), on_stream, this, nullptr) != 0)
    fail(fmt::format("wait for the console of '{}'", name));
}

ConsoleLoop::~ConsoleLoop() {
  if (keys_watch_ >= 0) api().virEventRemoveHandle(keys_watch_);
  if (timer_ >= 0) api().virEventRemoveTimeout(timer_);
  api().virStreamEventRemoveCallback(stream_.get());
  api().virStreamAbort(stream_.get());
}

void ConsoleLoop::run(Operation& operation) {
  while (!over_) {
    operation.check_stop();
    if (api().virEventRunDefaultImpl() != 0) fail("wait for the console");
  }
}

void ConsoleLoop::read_keys() {
  std::array<char, 1024> typed;
  const ssize_t count = ::read(STDIN_FILENO, typed.data(), typed.size());
  if (count <= 0) {
    over_ = true;
    return;
  }
  for_guest_ += keys_.for_guest({typed.data(), static_cast<std::size_t>(count)});
  over_ = over_ || keys_.has_left();
  api().virStreamEventUpdateCallback(stream_.get(), stream_events());
}

void ConsoleLoop::move(int events) {
  if ((events & VIR_STREAM_EVENT_READABLE) != 0) receive();
  if ((events & VIR_STREAM_EVENT_WRITABLE) != 0) send();
  if ((events & (VIR_STREAM_EVENT_ERROR | VIR_STREAM_EVENT_HANGUP)) != 0) over_ = true;
}

void ConsoleLoop::receive() {
  constexpr int would_block = -2;
  std::array<char, 16384> bytes;
  const int count = api().virStreamRecv(stream_.get(), bytes.data(), bytes.size());
  if (count == would_block) return;
  over_ = over_ || count <= 0;
  for (ssize_t written = 0, done = 0; done < count; done += written) {
    written = ::write(STDOUT_FILENO, bytes.data() + done, static_cast<std::size_t>(count - done));
    if (written >= 0) continue;
    written = 0;
    pollfd terminal{STDOUT_FILENO, POLLOUT, 0};
    if (errno != EINTR && (errno != EAGAIN || ::poll(&terminal, 1, -1) < 0)) {
      over_ = true;
      return;
    }
  }
}

void ConsoleLoop::send() {
  const int count = api().virStreamSend(stream_.get(), for_guest_.data(), for_guest_.size());
  if (count > 0) for_guest_.erase(0, static_cast<std::size_t>(count));
  over_ = over_ || count == -1;
  api().virStreamEventUpdateCallback(stream_.get(), stream_events());
}

}  // namespace

std::string ConsoleKeys::for_guest(std::string_view typed) {
  std::string rest;
  for (const char key : typed) {
    if (left_) break;
    if (key == ctrl_a && !escaped_) {
      escaped_ = true;
      continue;
    }
    left_ = escaped_ && key == 'q';
    escaped_ = false;
    if (!left_) rest += key;
  }
  return rest;
}

void join_console(const std::string& uri, const std::string& name, Operation& operation) {
  const Connection connection(uri);
  const Domain domain = connection.find_domain(name);
  if (!domain) throw Error(ErrorKind::failed, fmt::format("there is no machine '{}'", name));
  const OwnEventLoop events;
  ConsoleLoop loop(connection, domain, name);
  const RawTerminal raw;
  loop.run(operation);
}

}  // namespace envtool::libvirt
