#include "providers/libvirt/events.h"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace envtool::libvirt {

namespace {

void do_nothing(int, void*) {}

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
      while (!leaving_ && api().virEventRunDefaultImpl() == 0) continue;
    });
  }
  void stop() {
    leaving_ = true;
    api().virEventUpdateTimeout(wake_, 0);
    thread_.join();
    api().virEventUpdateTimeout(wake_, -1);
  }

 private:
  int wake_ = -1;
  std::atomic<bool> leaving_ = false;
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
