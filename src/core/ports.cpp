#include "core/ports.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <optional>

#include "base/files.h"
#include "base/sockets.h"
#include "base/text.h"
#include "config/port_text.h"
#include "core/forwarder.h"
#include "core/port_holder.h"

namespace envtool {

namespace fs = std::filesystem;

namespace {

/// Below the ports that Linux hands out to outgoing connections (32768 and above unless configured otherwise)
/// and those of Kubernetes' node ports (30000 and above).
constexpr PortRange free_choice = {20000, 29999};

/// What one machine has chosen, and the envtool process that did.
struct Reservation {
  std::string environment, machine, process;
  std::vector<Forward> forwards;
};

Value to_value(const Reservation& reservation) {
  return Value::map({{"environment", reservation.environment},
                     {"machine", reservation.machine},
                     {"process", reservation.process},
                     {"forwards", forwards_to_value(reservation.forwards)}});
}

/// "812:49231": the pid and when the process started, so that a later process of that pid is told apart.
/// Empty when there is no such process.
std::string process_identity(std::string_view pid) {
  const std::string text = read_file_if_there(fmt::format("/proc/{}/stat", pid)).value_or("");
  const std::size_t end_of_name = text.rfind(')');
  if (end_of_name == std::string::npos) return {};
  const std::vector<std::string> fields = split(text.substr(end_of_name), ' ');
  constexpr std::size_t start_time = 20;  // field 22 of proc(5), counted from the name
  return fields.size() > start_time ? fmt::format("{}:{}", pid, fields[start_time]) : std::string();
}

fs::path book_file(const Host& host) { return host.paths.state / "ports.json"; }

/// A damaged book is an empty one: it only helps to choose, the kernel has the last word.
std::vector<Reservation> read_book(const Host& host) try {
  std::vector<Reservation> book;
  const auto text = read_file_if_there(book_file(host));
  if (!text) return book;
  const Value document = parse_json(*text, "ports.json");
  for (const Value& entry : document["machines"].items()) {
    const std::string environment = entry["environment"].as_text();
    if (!environment.empty() && fs::exists(host.paths.state / environment))
      book.push_back({environment, entry["machine"].as_text(), entry["process"].as_text(),
                      forwards_from(entry["forwards"])});
  }
  return book;
} catch (const Error&) {
  return {};
}

void write_book(const Host& host, const std::vector<Reservation>& book) {
  Value machines = Value::list();
  for (const Reservation& reservation : book) machines.push_back(to_value(reservation));
  remove_half_written(book_file(host));
  write_file(book_file(host), to_json(Value::map({{"format", 1}, {"machines", machines}}), 2) + "\n", 0600);
}

bool collide(const Forward& left, const Forward& right) {
  if (left.host != right.host || left.protocol != right.protocol) return false;
  const auto a = SocketAddress::parse(left.bind, left.host), b = SocketAddress::parse(right.bind, right.host);
  return a && b && a->family() == b->family() && (*a == *b || a->is_any() || b->is_any());
}

bool collides_with_any(const Forward& forward, const std::vector<Forward>& others) {
  return std::any_of(others.begin(), others.end(),
                     [&](const Forward& other) { return collide(forward, other); });
}

/// 0 when the port can be bound now, else the errno.
int bind_error(const Forward& forward) {
  const auto address = SocketAddress::parse(forward.bind, forward.host);
  if (!address) return EINVAL;
  if (listen_on(*address, forward.protocol == Protocol::udp ? SOCK_DGRAM : SOCK_STREAM)) return 0;
  const int number = errno;
  // The forwarder will bind it as root.
  if (number == EACCES && can_regain_root())
    return find_port_holder(*address, forward.protocol) ? EADDRINUSE : 0;
  return number;
}

bool is_fixed(const PortConfig& wanted) { return wanted.host && wanted.host->first == wanted.host->last; }

Forward forward_for(const PortConfig& wanted, unsigned host) {
  return {wanted.bind, static_cast<std::uint16_t>(host), wanted.guest, wanted.protocol};
}

bool fits(const Forward& forward, const PortConfig& wanted) {
  return forward.bind == wanted.bind && forward.guest == wanted.guest &&
         forward.protocol == wanted.protocol &&
         (!wanted.host || (forward.host >= wanted.host->first && forward.host <= wanted.host->last));
}

std::string another_port(const Forward& forward) {
  const PortConfig port{.bind = forward.bind, .guest = forward.guest, .protocol = forward.protocol};
  return fmt::format("choose another host port, or a range: '{}'", with_range(port, forward.host));
}

/// The ports of one machine, chosen in the order that leaves most to choose from: fixed ones, those of the
/// last time, the others.
class Choice {
 public:
  Choice(Host& host, std::vector<Reservation> others, const std::vector<Forward>& mine)
      : host_(host), others_(std::move(others)), mine_(mine) {}

  std::vector<Forward> choose(const std::vector<PortConfig>& wanted, const std::vector<Forward>& kept) {
    std::vector<std::optional<Forward>> result(wanted.size());
    for (std::size_t i = 0; i < wanted.size(); ++i)
      if (is_fixed(wanted[i])) result[i] = take(fixed(wanted[i]));
    for (std::size_t i = 0; i < wanted.size(); ++i)
      if (!result[i]) result[i] = from_last_time(wanted[i], kept);
    for (std::size_t i = 0; i < wanted.size(); ++i)
      if (!result[i]) result[i] = take(free_one(wanted[i]));
    std::vector<Forward> chosen;
    for (const auto& forward : result) chosen.push_back(*forward);
    return chosen;
  }

 private:
  Forward take(Forward forward) {
    taken_.push_back(forward);
    return forward;
  }

  Forward fixed(const PortConfig& wanted) {
    const Forward forward = forward_for(wanted, wanted.host->first);
    if (collides_with_any(forward, taken_))
      throw Error(ErrorKind::failed, fmt::format("{} is forwarded twice", describe_host_side(forward)))
          .at(wanted.position);
    if (const Reservation* holder = reserved_by(forward); holder != nullptr && is_live(*holder))
      throw forwarded_by(forward, *holder).at(wanted.position);
    const int number = bind_number(forward);
    if (number != 0) throw port_refused(forward, number).at(wanted.position);
    return forward;
  }

  std::optional<Forward> from_last_time(const PortConfig& wanted, const std::vector<Forward>& kept) {
    for (const Forward& forward : kept) {
      if (!fits(forward, wanted) || collides_with_any(forward, taken_)) continue;
      const Reservation* holder = reserved_by(forward);
      if ((holder == nullptr || !is_live(*holder)) && bind_number(forward) == 0) return take(forward);
    }
    return std::nullopt;
  }

  /// The first that nobody has; else one that is only put by for a machine that does not run.
  Forward free_one(const PortConfig& wanted) {
    std::optional<Forward> put_by;
    const PortRange range = wanted.host.value_or(free_choice);
    const unsigned size = range.last - range.first + 1U;
    for (unsigned i = 0; i < size; ++i) {
      const Forward forward = forward_for(wanted, range.first + (i + offset(wanted)) % size);
      if (collides_with_any(forward, taken_)) continue;
      const Reservation* holder = reserved_by(forward);
      if (holder != nullptr && (put_by || is_live(*holder))) continue;
      const int number = bind_number(forward);
      if (number != 0 && number != EADDRINUSE) throw port_refused(forward, number).at(wanted.position);
      if (number != 0) continue;
      if (holder == nullptr) return forward;
      put_by = forward;
    }
    if (put_by) return *put_by;
    throw Error(ErrorKind::failed,
                fmt::format("none of the ports {} to {} of {} is free", range.first, range.last, wanted.bind))
        .with_hint("give a wider range, or the guest's port alone, which takes any free port")
        .at(wanted.position);
  }

  /// A range is tried from its first port. Free choices begin at a place of the guest's port, so that
  /// machines do not wait in one row.
  static unsigned offset(const PortConfig& wanted) { return wanted.host ? 0 : wanted.guest; }

  int bind_number(const Forward& forward) const {
    const bool held_by_us = std::any_of(mine_.begin(), mine_.end(), [&](const Forward& own) {
      return own.bind == forward.bind && own.host == forward.host && own.protocol == forward.protocol;
    });
    return held_by_us ? 0 : bind_error(forward);
  }

  const Reservation* reserved_by(const Forward& forward) const {
    for (const Reservation& reservation : others_)
      if (collides_with_any(forward, reservation.forwards)) return &reservation;
    return nullptr;
  }

  bool is_live(const Reservation& reservation) const {
    const std::string pid = reservation.process.substr(0, reservation.process.find(':'));
    if (!pid.empty() && process_identity(pid) == reservation.process) return true;
    const fs::path directory = host_.paths.state / reservation.environment / "machines" / reservation.machine;
    return !Forwarders(host_).active(directory).empty();
  }

  Error forwarded_by(const Forward& forward, const Reservation& holder) const {
    std::string project = holder.environment, directory;
    try {
      const Value record =
          parse_json(read_file(host_.paths.state / holder.environment / "project.json"), "project.json");
      project = record["name"].as_text();
      directory = record["path"].as_text();
    } catch (const Error&) {
      // The environment's id still says whose it is.
    }
    return Error(ErrorKind::failed, fmt::format("{} is forwarded by machine '{}' of project '{}'{}",
                                                describe_host_side(forward), holder.machine, project,
                                                directory.empty() ? "" : fmt::format(" ({})", directory)))
        .with_hint(another_port(forward));
  }

  Host& host_;
  std::vector<Reservation> others_;
  const std::vector<Forward>& mine_;
  std::vector<Forward> taken_;
};

}  // namespace

Value forwards_to_value(const std::vector<Forward>& forwards) {
  Value list = Value::list();
  for (const Forward& forward : forwards)
    list.push_back(Value::map({{"bind", forward.bind},
                               {"host", static_cast<int>(forward.host)},
                               {"guest", static_cast<int>(forward.guest)},
                               {"protocol", to_string(forward.protocol)}}));
  return list;
}

std::vector<Forward> forwards_from(const Value& value) {
  std::vector<Forward> forwards;
  for (const Value& entry : value.items())
    forwards.push_back({entry["bind"].as_text(), static_cast<std::uint16_t>(entry["host"].as_integer()),
                        static_cast<std::uint16_t>(entry["guest"].as_integer()),
                        entry["protocol"].as_text() == "udp" ? Protocol::udp : Protocol::tcp});
  return forwards;
}

std::string describe_host_side(const Forward& forward) {
  const auto address = SocketAddress::parse(forward.bind, forward.host);
  const std::string text = address ? address->to_string() : fmt::format("{}:{}", forward.bind, forward.host);
  return forward.protocol == Protocol::udp ? text + "/udp" : text;
}

Error port_refused(const Forward& forward, int error_number) {
  const std::string port = describe_host_side(forward);
  if (error_number == EADDRINUSE) {
    const auto holder = find_port_holder(*SocketAddress::parse(forward.bind, forward.host), forward.protocol);
    return Error(ErrorKind::failed,
                 fmt::format("{} is used by {}", port, holder ? holder->to_string() : "another program"))
        .with_hint(another_port(forward));
  }
  if (error_number == EACCES)
    return Error(ErrorKind::failed, fmt::format("only root may listen on {}", port))
        .with_hint(fmt::format("choose a host port of 1024 or above, or allow this one with "
                               "'sudo sysctl net.ipv4.ip_unprivileged_port_start={}'",
                               forward.host));
  if (error_number == EADDRNOTAVAIL)
    return Error(ErrorKind::failed, fmt::format("cannot listen on {}: this host has no such address", port))
        .with_hint("127.0.0.1 takes connections from this host only, 0.0.0.0 from everywhere");
  return Error(ErrorKind::failed, fmt::format("cannot listen on {}: {}", port, errno_text(error_number)));
}

PortBook::PortBook(Host& host) : host_(host) {}

std::vector<Forward> PortBook::choose(const std::string& environment, const std::string& machine,
                                      const std::vector<PortConfig>& wanted, const std::vector<Forward>& kept,
                                      const std::vector<Forward>& mine) {
  const FileLock lock = lock_state(host_, "ports.lock");
  std::vector<Reservation> book = read_book(host_);
  std::erase_if(
      book, [&](const auto& entry) { return entry.environment == environment && entry.machine == machine; });
  std::vector<Forward> chosen = Choice(host_, book, mine).choose(wanted, kept);
  if (!chosen.empty())
    book.push_back({environment, machine, process_identity(std::to_string(::getpid())), chosen});
  write_book(host_, book);
  return chosen;
}

void PortBook::release(const std::string& environment, const std::string& machine) {
  if (!fs::exists(book_file(host_))) return;
  const FileLock lock = lock_state(host_, "ports.lock");
  std::vector<Reservation> book = read_book(host_);
  const auto erased = std::erase_if(book, [&](const auto& entry) {
    return entry.environment == environment && (machine.empty() || entry.machine == machine);
  });
  if (erased > 0) write_book(host_, book);
}

}  // namespace envtool
