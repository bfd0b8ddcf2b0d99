#pragma once

#include <string>
#include <vector>

#include "config/model.h"
#include "core/host.h"
#include "core/services.h"

namespace envtool {

/// Forwards as they stand in envtool's own files.
Value forwards_to_value(const std::vector<Forward>& forwards);
/// The reverse; what is no list gives none.
std::vector<Forward> forwards_from(const Value& value);

/// "127.0.0.1:8080", "[::1]:53/udp": the host's side of a forward, in messages.
std::string describe_host_side(const Forward& forward);

/// The Error(failed) for a host port that cannot be had, by the errno of `bind`: names who holds it as far as
/// this user can see, and what to do instead.
Error port_refused(const Forward& forward, int error_number);

/// Chooses host ports for machines, and remembers them for all environments of this user in `ports.json`,
/// which is read and replaced under `ports.lock`. Safe for several threads and processes at once.
///
/// A port counts as another machine's while the process that chose it runs or the machine's forwarder does;
/// after that it is only left alone as long as another one will do, so that two projects that want the same
/// port can be up one after the other.
class PortBook {
 public:
  explicit PortBook(Host& host);

  /// A forward for each wanted port, in their order: the port in `kept` that still fits, else the single
  /// port, the first free one of the range, or any free one. `mine` are those that the machine's own running
  /// forwarder holds. Throws Error(failed) at the wanted port's position, naming the holder.
  std::vector<Forward> choose(const std::string& environment, const std::string& machine,
                              const std::vector<PortConfig>& wanted, const std::vector<Forward>& kept,
                              const std::vector<Forward>& mine);
  /// Forgets what was chosen for a machine that is gone; without a name, for all of an environment.
  void release(const std::string& environment, const std::string& machine = {});

 private:
  Host& host_;
};

}  // namespace envtool
