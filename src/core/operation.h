#pragma once

#include <stop_token>
#include <string>
#include <string_view>

#include "base/cancel.h"
#include "core/host.h"

namespace envtool {

/// What a call into a plugin runs under: the host, the machine it is about, and the wish to stop.
/// Lives as long as the command; one per machine and thread.
struct Operation {
  Host& host;
  std::string machine;
  std::stop_token stop = {};

  void check_stop() const { throw_if_stopped(stop); }
  void say(std::string_view sentence, Tone tone = Tone::plain) const {
    host.reporter.say(machine, sentence, tone);
  }
  void progress(const Progress& progress) const { host.reporter.step_progress(machine, progress); }
  ProcessResult run(const ProcessSpec& spec) const { return host.processes.run(spec, stop); }
  void sleep_for(std::chrono::milliseconds duration) const { host.clock.sleep_for(duration, stop); }
};

}  // namespace envtool
