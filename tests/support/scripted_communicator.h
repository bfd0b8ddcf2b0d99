#pragma once

#include <doctest/doctest.h>

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/files.h"
#include "base/shell.h"
#include "core/communicator.h"

namespace envtool {

/// A guest that takes only the expected calls, in the expected order. A call that was not expected fails the
/// test, and so does an expected one that never came.
class ScriptedCommunicator : public Communicator {
 public:
  using Answer = std::function<ProcessResult(const GuestCommand&)>;

  ~ScriptedCommunicator() override {
    for (const Call& call : script_) ADD_FAIL_CHECK_AT(__FILE__, __LINE__, "never came: " << call.what);
  }

  /// A command whose script, or quoted argument list, contains the text; an empty text stands for any
  /// command.
  void expect_run(const std::string& containing, ProcessResult result = {}) {
    expect_run(containing, [result](const GuestCommand&) { return result; });
  }
  /// The answer sees the whole command, and may check it.
  void expect_run(const std::string& containing, Answer answer) {
    script_.push_back({Kind::run, containing, std::move(answer), {}});
  }
  /// An upload to that place; an empty text stands for any. What came is in `uploads`.
  void expect_upload(const std::string& destination) {
    script_.push_back({Kind::upload, destination, {}, {}});
  }
  void expect_download(const std::string& path, std::string content) {
    script_.push_back({Kind::download, path, {}, std::move(content)});
  }

  /// That server's files by that user ("root:/usr/lib/..."); they are what `files` gives.
  void expect_files(const std::string& user_and_server) {
    script_.push_back({Kind::files, user_and_server, {}, {}});
  }
  std::function<std::unique_ptr<GuestFiles>()> files;

  /// Every call so far. An upload's `content` is filled from its `source`.
  std::vector<GuestCommand> commands;
  std::vector<Upload> uploads;

  ProcessResult run(const GuestCommand& command, Operation&) override {
    commands.push_back(command);
    const std::string text = command.argv.empty() ? command.script : quote_command(command.argv);
    Call call = next(Kind::run, text);
    if (!call.answer) return {.status = 127, .output = {}, .error = "not in the test's script"};
    ProcessResult result = call.answer(command);
    if (command.on_output && !result.output.empty()) command.on_output(std::exchange(result.output, {}));
    if (command.on_error && !result.error.empty()) command.on_error(std::exchange(result.error, {}));
    return result;
  }
  void end_job(const std::string& job, Operation&) override { next(Kind::run, "end of job " + job); }
  void upload(const Upload& file, Operation&) override {
    uploads.push_back(file);
    if (!file.source.empty()) uploads.back().content = read_file(file.source);
    next(Kind::upload, file.destination);
  }
  std::string download(const std::string& path, Operation&) override {
    return next(Kind::download, path).content;
  }
  std::unique_ptr<GuestFiles> open_files(const std::string& server, const std::string& user,
                                         Operation&) override {
    next(Kind::files, user + ":" + server);
    return files ? files() : nullptr;
  }

 private:
  enum class Kind { run, upload, download, files };
  struct Call {
    Kind kind;
    std::string what;
    Answer answer;
    std::string content;
  };

  Call next(Kind kind, const std::string& found) {
    const bool fits = !script_.empty() && script_.front().kind == kind &&
                      (script_.front().what.empty() ||
                       (kind == Kind::run ? found.find(script_.front().what) != std::string::npos
                                          : found == script_.front().what));
    if (!fits) {
      const std::string expected = script_.empty() ? "nothing" : "'" + script_.front().what + "'";
      ADD_FAIL_CHECK_AT(__FILE__, __LINE__, "expected " << expected << ", came: " << found);
      return {};
    }
    Call call = std::move(script_.front());
    script_.pop_front();
    return call;
  }

  std::deque<Call> script_;
};

}  // namespace envtool
