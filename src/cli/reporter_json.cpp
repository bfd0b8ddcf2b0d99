#include "cli/reporter_json.h"

#include "base/text.h"

namespace envtool {

Value to_value(const std::vector<Diagnostic>& diagnostics) {
  Value list = Value::list();
  for (const Diagnostic& diagnostic : diagnostics) {
    Value entry = Value::map({{"text", diagnostic.text}});
    if (!diagnostic.hint.empty()) entry.set("hint", diagnostic.hint);
    if (diagnostic.position)
      entry.set("file", diagnostic.position.source->name)
          .set("line", diagnostic.position.line)
          .set("column", diagnostic.position.column);
    list.push_back(std::move(entry));
  }
  return list;
}

std::string_view to_string(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::failed:
      return "failed";
    case ErrorKind::usage:
      return "usage";
    case ErrorKind::bad_envfile:
      return "bad_envfile";
    case ErrorKind::host_not_ready:
      return "host_not_ready";
    case ErrorKind::busy:
      return "busy";
    case ErrorKind::unsupported:
      return "unsupported";
  }
  return "failed";
}

void JsonReporter::event(std::string_view kind, std::string_view machine, Value::Map members) {
  Value value = Value::map({{"event", kind}});
  if (!machine.empty()) value.set("machine", machine);
  for (auto& [key, member] : members) value.set(std::move(key), std::move(member));
  const std::lock_guard lock(mutex_);
  has_ended_ = false;
  console_.write_output(to_json(value) + "\n");
}

void JsonReporter::product(std::string_view) {}

void JsonReporter::document(const Value& value) {
  const std::lock_guard lock(mutex_);
  has_ended_ = true;
  console_.write_output(to_json(value, stream_ ? -1 : 2) + "\n");
}

void JsonReporter::end(int exit_code) {
  if (!stream_ || has_ended_) return;
  document(Value::map({{"event", "result"}, {"exit_code", exit_code}, {"machines", Value::list()}}));
}

void JsonReporter::say(std::string_view machine, std::string_view sentence, Tone tone) {
  static constexpr std::string_view tones[] = {"plain", "success", "warning"};
  if (stream_)
    return event("message", machine, {{"text", sentence}, {"tone", tones[static_cast<int>(tone)]}});
  if (tone != Tone::warning) return;
  const std::lock_guard lock(mutex_);
  console_.write_error("warning: " + std::string(sentence) + "\n");
}

void JsonReporter::step_started(std::string_view machine, std::string_view step) {
  if (stream_) event("step", machine, {{"step", step}, {"state", "started"}});
}

void JsonReporter::step_progress(std::string_view machine, const Progress& progress) {
  if (!stream_) return;
  Value::Map members = {{"done", static_cast<std::int64_t>(progress.done)}};
  if (progress.total > 0) members.emplace_back("total", static_cast<std::int64_t>(progress.total));
  if (!progress.unit.empty()) members.emplace_back("unit", progress.unit);
  event("progress", machine, std::move(members));
}

void JsonReporter::step_finished(std::string_view machine, std::string_view step, StepOutcome outcome,
                                 std::chrono::milliseconds elapsed) {
  static constexpr std::string_view states[] = {"done", "unchanged", "failed", "interrupted"};
  if (stream_)
    event("step", machine,
          {{"step", step},
           {"state", states[static_cast<int>(outcome)]},
           {"seconds", static_cast<double>(elapsed.count()) / 1000}});
}

void JsonReporter::output_line(std::string_view machine, std::string_view line) {
  if (stream_) event("output", machine, {{"line", line}});
}

void JsonReporter::error(std::string_view machine, const Error& error) {
  if (stream_)
    return event("error", machine,
                 {{"kind", to_string(error.kind())},
                  {"text", error.what()},
                  {"problems", to_value(error.diagnostics())}});
  const std::lock_guard lock(mutex_);
  console_.write_error(error.render());
}

}  // namespace envtool
