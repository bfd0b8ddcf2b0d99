#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "base/error.h"
#include "providers/libvirt/api.h"
#include "providers/libvirt/uri.h"

namespace envtool::libvirt {

/// Frees what libvirt counts.
struct Release {
  void operator()(virConnect* connection) const { api().virConnectClose(connection); }
  void operator()(virDomain* domain) const { api().virDomainFree(domain); }
  void operator()(virNetwork* network) const { api().virNetworkFree(network); }
  void operator()(virStoragePool* pool) const { api().virStoragePoolFree(pool); }
  void operator()(virStorageVol* volume) const { api().virStorageVolFree(volume); }
  void operator()(virStream* stream) const { api().virStreamFree(stream); }
  void operator()(virDomainSnapshot* snapshot) const { api().virDomainSnapshotFree(snapshot); }
  void operator()(char* text) const { std::free(text); }
};
using Domain = std::unique_ptr<virDomain, Release>;
using Network = std::unique_ptr<virNetwork, Release>;
using Pool = std::unique_ptr<virStoragePool, Release>;
using Volume = std::unique_ptr<virStorageVol, Release>;
using Stream = std::unique_ptr<virStream, Release>;
using Snapshot = std::unique_ptr<virDomainSnapshot, Release>;
using Text = std::unique_ptr<char, Release>;

/// What this thread's last call reported. To be asked at once: the next call forgets it.
int last_code();
std::string last_message();
/// Throws what this thread's last call reported, as "cannot DO: why"; Error(host_not_ready) when the daemon
/// is gone.
[[noreturn]] void fail(const std::string& doing);

/// A connection to one libvirt. Safe from any thread. Throws Error(host_not_ready) when it cannot be opened,
/// with what mends it.
class Connection {
 public:
  explicit Connection(std::string uri);

  virConnectPtr get() const { return connection_.get(); }
  const std::string& uri() const { return uri_; }
  bool is_alive() const { return api().virConnectIsAlive(get()) == 1; }
  /// libvirt's own double, in memory: volumes have no content there, and nothing boots.
  bool is_double() const { return is_double_; }
  /// Whether its host is this one.
  bool is_local() const { return !facts_.is_remote(); }
  /// Whether guests have QEMU's user network alone, whose only way in is a port of this host.
  bool is_session() const { return facts_.is_session(); }
  const Uri& facts() const { return facts_; }
  /// The type of domains: "kvm" or "qemu" as `driver` wants it. Throws Error(host_not_ready) when this host
  /// lacks it.
  std::string domain_type(const std::string& driver) const;
  /// Whether its QEMU can give domains of that type, which it has, folders by virtiofs.
  bool has_virtiofs(const std::string& type) const;

  /// Null when there is none of that name.
  Domain find_domain(const std::string& name) const;
  Network find_network(const std::string& name) const;
  Pool find_pool(const std::string& name) const;

 private:
  std::optional<std::string> capabilities(const std::string& type) const;

  std::string uri_;
  Uri facts_;
  std::unique_ptr<virConnect, Release> connection_;
  bool is_double_ = false;
  mutable std::mutex mutex_;
  /// Types of domains, as far as they were asked for, and what libvirt says of them; nothing where it has
  /// none.
  mutable std::map<std::string, std::optional<std::string>> capabilities_;
};

}  // namespace envtool::libvirt
