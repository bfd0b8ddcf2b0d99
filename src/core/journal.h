#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/clock.h"

namespace envtool {

/// What a machine's commands have begun and done, a line a step, each with a checksum. Written before and
/// after each step, so that the next command knows where a killed one stood. The world wins over the journal:
/// it only says what to look at. Used under the machine's lock.
class Journal {
 public:
  explicit Journal(std::filesystem::path path, const Clock& clock);

  void begin(const std::string& step);
  void done(const std::string& step);

  /// Steps begun and not done by a run that ended without a word, oldest first. A torn or damaged line ends
  /// the reading there.
  std::vector<std::string> unfinished() const;
  /// Starts anew: nothing is unfinished.
  void clear();

 private:
  void append(const std::string& event, const std::string& step);

  std::filesystem::path path_;
  const Clock& clock_;
};

}  // namespace envtool
