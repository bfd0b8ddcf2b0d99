#pragma once

#include "support/fake_provider.h"

namespace envtool {

/// Called "bare": works on the same backend as the fake provider, and has no power at all.
class BareProvider : public Provider {
 public:
  static ProviderInfo make_info() {
    ProviderInfo info = FakeProvider::make_info();
    info.name = info.schema.name = "bare";
    info.capabilities.clear();
    info.features.clear();
    return info;
  }
  explicit BareProvider(FakeBackend& backend) : fake_(backend), info_(make_info()) {}

  const ProviderInfo& info() const override { return info_; }
  void check_host(const Value& options, Operation& operation) override {
    fake_.check_host(options, operation);
  }
  MachineState inspect(const std::string& name, Operation& operation) override {
    return fake_.inspect(name, operation);
  }
  void create(const MachineSpec& spec, const Box& box, Operation& operation) override {
    fake_.create(spec, box, operation);
  }
  void start(const MachineSpec& spec, Operation& operation) override { fake_.start(spec, operation); }
  void stop(const std::string& name, StopMode mode, std::chrono::milliseconds timeout,
            Operation& operation) override {
    fake_.stop(name, mode, timeout, operation);
  }
  void destroy(const std::string& name, const std::string& environment_id, Operation& operation) override {
    fake_.destroy(name, environment_id, operation);
  }
  SshEndpoint endpoint(const std::string& name, Operation& operation) override {
    return fake_.endpoint(name, operation);
  }

 private:
  FakeProvider fake_;
  ProviderInfo info_;
};

}  // namespace envtool
