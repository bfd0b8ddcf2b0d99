#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "core/communicator.h"
#include "support/fake_provider.h"

namespace envtool {

/// All guests of a FakeBackend, reached by their addresses: each with a map for a file system, and one answer
/// to commands for all. Safe from any thread.
class FakeCommunicators : public CommunicatorFactory {
 public:
  explicit FakeCommunicators(FakeBackend& backend) : backend_(backend) {}

  /// Answers a command on the machine of that backend name. Without it every command succeeds and says
  /// nothing.
  std::function<ProcessResult(const std::string& machine, const GuestCommand&)> answer;
  /// When set, no guest can be reached, and this is what was seen.
  std::string unreachable;

  std::unique_ptr<Communicator> connect(const SshEndpoint& endpoint, std::chrono::milliseconds timeout,
                                        const std::function<void()>& still_alive,
                                        Operation& operation) override;

  /// "shop-web-1a2b3c4d: systemctl restart nginx", in the order in which they came.
  std::vector<std::string> commands() const;
  /// Files of a guest, by backend name and path.
  std::map<std::string, std::string> files(const std::string& machine) const;

 private:
  class Guest;

  FakeBackend& backend_;
  mutable std::mutex mutex_;
  std::vector<std::string> commands_;
  std::map<std::string, std::map<std::string, std::string>> files_;
};

}  // namespace envtool
