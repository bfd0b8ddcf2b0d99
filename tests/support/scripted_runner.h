#pragma once

#include <doctest/doctest.h>

#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "base/process.h"
#include "base/shell.h"

namespace envtool {

/// Stands for one word of a command line that a test does not care about.
inline const std::string any_word = "\x01any";
/// As the last expected word: any further words.
inline const std::string more_words = "\x01more";

inline bool words_match(const std::vector<std::string>& expected, const std::vector<std::string>& found) {
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (expected[i] == more_words) return true;
    if (i >= found.size() || (expected[i] != any_word && expected[i] != found[i])) return false;
  }
  return expected.size() == found.size();
}

/// A host on which only the expected programs run, in the expected order. A call that was not expected fails
/// the test, and so does an expected one that never came. Safe from several threads.
class ScriptedRunner : public ProcessRunner {
 public:
  using Answer = std::function<ProcessResult(const ProcessSpec&)>;

  ~ScriptedRunner() override {
    for (const Call& call : script_) ADD_FAIL_CHECK_AT(__FILE__, __LINE__, "never ran: " << shown(call.argv));
  }

  void expect(std::vector<std::string> argv, ProcessResult result = {}) {
    expect(std::move(argv), [result](const ProcessSpec&) { return result; });
  }
  /// The answer sees the whole call, and may check it or write to its sinks.
  void expect(std::vector<std::string> argv, Answer answer) {
    script_.push_back({std::move(argv), std::move(answer)});
  }

  /// Every call so far, in order.
  const std::vector<ProcessSpec>& calls() const { return calls_; }

  ProcessResult run(const ProcessSpec& spec, const std::stop_token&) override {
    ProcessResult result = play(spec);
    if (spec.on_output && !result.output.empty()) spec.on_output(std::exchange(result.output, {}));
    if (spec.on_error && !result.error.empty()) spec.on_error(std::exchange(result.error, {}));
    return result;
  }
  int run_attached(const ProcessSpec& spec) override { return play(spec).status; }
  /// The scripted status is the pid.
  int start_detached(const ProcessSpec& spec, const std::filesystem::path&) override {
    return play(spec).status;
  }

 private:
  struct Call {
    std::vector<std::string> argv;
    Answer answer;
  };

  static std::string shown(std::vector<std::string> argv) {
    for (std::string& word : argv)
      if (word == any_word || word == more_words) word = word == any_word ? "<any>" : "<more>";
    return quote_command(argv);
  }

  ProcessResult play(const ProcessSpec& spec) {
    Answer answer;
    {
      const std::lock_guard lock(mutex_);
      calls_.push_back(spec);
      if (script_.empty() || !words_match(script_.front().argv, spec.argv)) {
        const std::string expected = script_.empty() ? "nothing" : shown(script_.front().argv);
        ADD_FAIL_CHECK_AT(__FILE__, __LINE__,
                          "expected " << expected << ", ran: " << quote_command(spec.argv));
        return {.status = 127, .output = {}, .error = "not in the test's script"};
      }
      answer = std::move(script_.front().answer);
      script_.pop_front();
    }
    return answer(spec);
  }

  std::mutex mutex_;
  std::deque<Call> script_;
  std::vector<ProcessSpec> calls_;
};

}  // namespace envtool
