#pragma once

#include "core/communicator.h"

namespace envtool {

/// Makes connections over libssh, one session each. Stateless; safe from any thread.
class SshCommunicatorFactory : public CommunicatorFactory {
 public:
  std::unique_ptr<Communicator> connect(const SshEndpoint& endpoint, std::chrono::milliseconds timeout,
                                        const std::function<void()>& still_alive,
                                        Operation& operation) override;
};

}  // namespace envtool
