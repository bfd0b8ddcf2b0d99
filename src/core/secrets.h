#pragma once

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "config/model.h"
#include "core/operation.h"

namespace envtool {

/// Reads the Envfile's secrets when they are used, keeps them in memory only, and hides them in what is
/// shown. Safe from any thread.
class SecretStore {
 public:
  SecretStore(const ProjectConfig& project, Host& host) : project_(project), host_(host) {}

  /// Throws Error(failed) naming the secret and every source that was tried.
  std::string read(const std::string& name, const std::stop_token& stop);
  /// The text with every secret read so far replaced by `***`, as it is and as JSON has it.
  std::string mask(std::string text) const;

 private:
  const ProjectConfig& project_;
  Host& host_;
  mutable std::mutex mutex_;
  std::map<std::string, std::string> known_;
};

}  // namespace envtool
