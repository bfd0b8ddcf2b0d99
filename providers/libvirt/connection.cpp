#include "providers/libvirt/connection.h"

#include <fmt/format.h>

#include "base/text.h"
#include "providers/libvirt/events.h"

namespace envtool::libvirt {

int last_code() {
  const virErrorPtr error = api().virGetLastError();
  return error == nullptr ? VIR_ERR_OK : error->code;
}

std::string last_message() {
  const virErrorPtr error = api().virGetLastError();
  return error == nullptr || error->message == nullptr ? "no reason given"
                                                       : std::string(trim(error->message));
}

void fail(const std::string& doing) {
  const int code = last_code();
  const std::string message = last_message();
  const bool gone =
      code == VIR_ERR_NO_CONNECT || message.find("client socket is closed") != std::string::npos;
  Error error(gone ? ErrorKind::host_not_ready : ErrorKind::failed,
              fmt::format("cannot {}: {}", doing, message));
  if (gone) error.with_hint("libvirt's daemon went away; run the command again when it is back");
  throw error;
}

Connection::Connection(std::string uri) : uri_(std::move(uri)), facts_(parse_uri(uri_)) {
  const Api& library = api();
  run_event_loop();
  connection_.reset(library.virConnectOpenAuth(uri_.c_str(), nullptr, 0));
  if (!connection_) {
    const std::string why = last_message();
    throw Error(ErrorKind::host_not_ready, fmt::format("cannot connect to libvirt at '{}': {}", uri_, why))
        .with_hint(connection_hint(uri_, why));
  }
  // Another host that falls silent is given up after 20 s; without this a call waits for ever.
  if (facts_.is_remote()) library.virConnectSetKeepAlive(get(), 5, 3);
  const char* const type = library.virConnectGetType(get());
  is_double_ = type != nullptr && std::string_view(type) == "TEST";
}

std::optional<std::string> Connection::capabilities(const std::string& type) const {
  const std::lock_guard lock(mutex_);
  const auto known = capabilities_.find(type);
  if (known != capabilities_.end()) return known->second;
  // Of the host's own processor only: libvirt looks at each QEMU that it is asked for, which takes seconds.
  const Text text(api().virConnectGetDomainCapabilities(get(), nullptr, nullptr, nullptr, type.c_str(), 0));
  return capabilities_[type] = text ? std::optional<std::string>(text.get()) : std::nullopt;
}

bool Connection::has_virtiofs(const std::string& type) const {
  return capabilities(type).value_or("").find("<value>virtiofs</value>") != std::string::npos;
}

std::string Connection::domain_type(const std::string& driver) const {
  if (is_double_) return "test";
  const std::string wanted = driver != "auto" ? driver : capabilities("kvm") ? "kvm" : "qemu";
  if (capabilities(wanted)) return wanted;
  if (wanted == "kvm")
    throw Error(ErrorKind::host_not_ready, fmt::format("libvirt at '{}' has no KVM", uri_))
        .with_hint("enable virtualisation in the firmware, or use 'driver: qemu', which is slow");
  throw Error(ErrorKind::host_not_ready, fmt::format("libvirt at '{}' has no QEMU", uri_))
      .with_hint("sudo apt-get install qemu-system-x86 qemu-utils");
}

Domain Connection::find_domain(const std::string& name) const {
  Domain domain(api().virDomainLookupByName(get(), name.c_str()));
  if (!domain && last_code() != VIR_ERR_NO_DOMAIN) fail(fmt::format("look for the domain '{}'", name));
  return domain;
}

Network Connection::find_network(const std::string& name) const {
  Network network(api().virNetworkLookupByName(get(), name.c_str()));
  if (!network && last_code() != VIR_ERR_NO_NETWORK) fail(fmt::format("look for the network '{}'", name));
  return network;
}

Pool Connection::find_pool(const std::string& name) const {
  Pool pool(api().virStoragePoolLookupByName(get(), name.c_str()));
  if (!pool && last_code() != VIR_ERR_NO_STORAGE_POOL) fail(fmt::format("look for the pool '{}'", name));
  return pool;
}

}  // namespace envtool::libvirt
