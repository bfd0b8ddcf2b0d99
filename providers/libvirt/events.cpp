#include "providers/libvirt/events.h"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace envtool::libvirt {

namespace {

using namespace std::chrono_literals;

void do_nothing(int, void*) {}

/// While the loop runs, every call tells it that it waits for its answer itself, and wakes it for that twice:
/// a command that only asks is over before this.
constexpr auto head_start = 1s;

/// Lives as long as the program, whose end the thread does not survive.
class EventThread {
 public:
  EventThread() {
    if (api().virEventRegisterDefaultImpl() != 0) fail("wait for libvirt's events");
    // Off, but for the moment when the loop is to be left.
    wake_ = api().virEventAddTimeout(-1, do_nothing, nullptr, nullptr);
    start();
  }

  void start() {
    leaving_ = false;
    thread_ = std::thread([this] {
      wait_until_wanted();
      while (!leaving_ && api().virEventRunDefaultImpl() == 0) continue;
    });
  }
  void stop() {
    leaving_ = true;
    hurry();
    api().virEventUpdateTimeout(wake_, 0);
    thread_.join();
    api().virEventUpdateTimeout(wake_, -1);
  }
  /// Somebody waits for events.
  void hurry() {
    const std::lock_guard lock(mutex_);
    is_wanted_ = true;
    wanted_.notify_all();
  }

 private:
  void wait_until_wanted() {
    std::unique_lock lock(mutex_);
    wanted_.wait_for(lock, head_start, [this] { return is_wanted_; });
  }

  int wake_ = -1;
  std::atomic<bool> leaving_ = false;
  std::mutex mutex_;
  std::condition_variable wanted_;
  bool is_wanted_ = false;
  std::thread thread_;
};

EventThread& event_thread() {
  // Never destroyed: at the program's end calls of other threads may still need it.
  static EventThread& thread = *new EventThread;
  return thread;
}

}  // namespace

void run_event_loop() { event_thread(); }

OwnEventLoop::OwnEventLoop() { event_thread().stop(); }

OwnEventLoop::~OwnEventLoop() { event_thread().start(); }

struct DomainWatch::State {
  std::mutex mutex;
  std::condition_variable changed;
  bool has_changed = false;

  static int hear(virConnectPtr, virDomainPtr, int, int, void* pointer) {
    State& state = **static_cast<std::shared_ptr<State>*>(pointer);
    const std::lock_guard lock(state.mutex);
    state.has_changed = true;
    state.changed.notify_all();
    return 0;
  }
  /// libvirt's share of it: an event may be on its way when the watch ends.
  static void let_go(void* pointer) { delete static_cast<std::shared_ptr<State>*>(pointer); }
};

DomainWatch::DomainWatch(const Connection& connection, const Domain& domain)
    : connection_(connection), state_(std::make_shared<State>()) {
  event_thread().hurry();
  auto* const share = new std::shared_ptr<State>(state_);
  callback_ =
      api().virConnectDomainEventRegisterAny(connection.get(), domain.get(), VIR_DOMAIN_EVENT_ID_LIFECYCLE,
                                             VIR_DOMAIN_EVENT_CALLBACK(&State::hear), share, &State::let_go);
  if (callback_ >= 0) return;
  delete share;
  fail("wait for events of a domain");
}

DomainWatch::~DomainWatch() { api().virConnectDomainEventDeregisterAny(connection_.get(), callback_); }

void DomainWatch::wait(std::chrono::milliseconds limit) {
  std::unique_lock lock(state_->mutex);
  state_->changed.wait_for(lock, limit, [&] { return state_->has_changed; });
  state_->has_changed = false;
}

}  // namespace envtool::libvirt
