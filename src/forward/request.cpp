#include "forward/request.h"

#include <fmt/format.h>

namespace envtool::forward {

namespace {

Rule parse_rule(const Value& forward) {
  const auto listen = SocketAddress::parse(forward["bind"].as_text(),
                                           static_cast<std::uint16_t>(forward["host"].as_integer()));
  if (!listen)
    throw Error(ErrorKind::usage, fmt::format("'{}' is not a numeric address", forward["bind"].as_text()));
  return {*listen, static_cast<std::uint16_t>(forward["guest"].as_integer()),
          forward["protocol"].as_text() == "udp" ? SOCK_DGRAM : SOCK_STREAM};
}

}  // namespace

Request parse_request(std::string_view text) {
  Request request;
  request.document = parse_json(text, "the request");
  const Value& document = request.document;
  request.directory = document["directory"].as_text();
  for (const Value& forward : document["forwards"].items()) {
    const Rule rule = parse_rule(forward);
    for (const Rule& other : request.rules)
      if (other.type == rule.type && other.listen == rule.listen)
        throw Error(ErrorKind::usage, fmt::format("{} is forwarded twice", rule.listen.to_string()));
    request.rules.push_back(rule);
  }
  for (const Value& index : document["fresh"].items())
    request.fresh.push_back(static_cast<std::size_t>(index.as_integer()));
  request.guest = document["guest"].as_text();
  request.device = document["device"].as_text();
  request.command = document["command"].as_text();
  request.run = document["run"].as_text();
  request.uid = static_cast<uid_t>(document["uid"].as_integer());
  request.gid = static_cast<gid_t>(document["gid"].as_integer());
  request.report = static_cast<int>(document["report"].as_integer(-1));
  request.run_ended = static_cast<int>(document["run_ended"].as_integer(-1));
  if (!SocketAddress::parse(request.guest, 1))
    throw Error(ErrorKind::usage, fmt::format("'{}' is not a numeric address", request.guest));
  for (const std::size_t index : request.fresh)
    if (index >= request.rules.size())
      throw Error(ErrorKind::usage, "'fresh' names a forward that is not there");
  return request;
}

Value served(const Request& request) {
  return Value::map({{"forwards", request.document["forwards"]},
                     {"guest", request.guest},
                     {"device", request.device},
                     {"command", request.command},
                     {"run", request.run}});
}

}  // namespace envtool::forward
