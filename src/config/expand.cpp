#include <fmt/format.h>

#include <algorithm>

#include "base/suggest.h"
#include "base/text.h"
#include "config/references.h"
#include "config/scope.h"

namespace envtool {

namespace {

constexpr std::string_view late_places =
    "it may stand in env, vars, extra_vars, args, vault, ssh.password and message, which are read after "
    "start";
constexpr std::string_view secret_places =
    "a secret may stand in env, vars, extra_vars, vault and ssh.password";

/// What a reference turned out to be.
struct Meaning {
  enum class Kind { text, late, wrong };
  Kind kind = Kind::wrong;
  std::string text = {};
};

bool is_variable_name(std::string_view name) {
  const auto is_start = [](char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_'; };
  return !name.empty() && is_start(name[0]) && std::all_of(name.begin(), name.end(), [&](char c) {
    return is_start(c) || std::isdigit(static_cast<unsigned char>(c)) != 0;
  });
}

/// Resolves the references of one scalar.
class Expansion {
 public:
  Expansion(Node& node, Late late, const Scope& scope) : node_(node), late_(late), scope_(scope) {}

  bool run() {
    const auto parts = split_references(node_.text);
    if (!parts) {
      wrong("'${' without '}'", "'$$' is a dollar sign");
      return false;
    }
    std::string plain, escaped;
    bool is_late = false;
    for (const TextPart& part : *parts) {
      if (!part.is_reference) {
        plain += part.text;
        escaped += escape_references(part.text);
        continue;
      }
      node_.substituted = true;
      const Meaning meaning = meaning_of(part.text, parts->size() == 1);
      if (meaning.kind == Meaning::Kind::wrong) return false;
      is_late = is_late || meaning.kind == Meaning::Kind::late;
      plain += meaning.text;
      escaped +=
          meaning.kind == Meaning::Kind::late ? "${" + part.text + "}" : escape_references(meaning.text);
    }
    node_.late = is_late;
    node_.text = is_late ? escaped : plain;
    return true;
  }

 private:
  Meaning wrong(std::string text, std::string hint = {}) {
    scope_.problems.add(node_.position, std::move(text), std::move(hint));
    return {};
  }
  static Meaning known(std::string text) { return {Meaning::Kind::text, std::move(text)}; }

  Meaning meaning_of(const std::string& reference, bool whole) {
    const Names& names = scope_.names;
    const auto rest_of = [&](std::string_view prefix) { return reference.substr(prefix.size()); };
    if (reference == "project" && !names.project.empty()) return known(names.project);
    if (reference == "host.user") return known(names.user);
    if (reference == "host.arch") return known(names.architecture);
    if (reference.starts_with("param.")) return param(rest_of("param."));
    if (reference.starts_with("secret.")) return secret(rest_of("secret."), whole);
    if (reference.starts_with("machine.")) return own(rest_of("machine."), reference);
    if (reference.starts_with("machines.")) return other(rest_of("machines."), reference);
    const std::size_t colon = reference.find(':');
    if (is_variable_name(reference.substr(0, colon)) && reference != "project") return variable(reference);
    return wrong(fmt::format("'${{{}}}' means nothing here", shortened(reference)),
                 "an environment variable, or one of ${param.K}, ${secret.K}, ${project}, ${machine.name}, "
                 "${host.user}, ${host.arch}; '$$' is a dollar sign");
  }

  Meaning variable(const std::string& reference) {
    const std::string name = reference.substr(0, reference.find(':'));
    const std::string rest = reference.substr(name.size());
    if (!rest.empty() && !rest.starts_with(":-") && !rest.starts_with(":?"))
      return wrong(fmt::format("'${{{}}}' is not understood", shortened(reference)),
                   fmt::format("'${{{0}:-default}}' or '${{{0}:?message}}'", name));
    const auto found = scope_.names.environment.find(name);
    const bool is_set = found != scope_.names.environment.end() && (rest.empty() || !found->second.empty());
    if (is_set) return known(found->second);
    if (rest.starts_with(":-")) return known(rest.substr(2));
    if (rest.starts_with(":?")) return wrong(fmt::format("'{}' is not set: {}", name, rest.substr(2)));
    return wrong(fmt::format("'{}' is not set in the environment or in .env", name),
                 scope_.names.under_sudo ? "sudo drops most of the environment: run envtool without sudo"
                                         : fmt::format("'${{{}:-default}}' gives it a default", name));
  }

  Meaning param(const std::string& name) {
    const auto found = scope_.names.params.find(name);
    if (found != scope_.names.params.end()) return known(found->second);
    std::vector<std::string> params;
    for (const auto& [each, value] : scope_.names.params) params.push_back(each);
    const std::string guess = did_you_mean(name, params);
    return wrong(fmt::format("unknown parameter '{}'", name),
                 !guess.empty()   ? guess
                 : params.empty() ? "'params:' declares them"
                                  : fmt::format("'params:' has: {}", join(params, ", ")));
  }

  Meaning secret(const std::string& name, bool whole) {
    if (late_ != Late::secrets)
      return wrong(fmt::format("'${{secret.{}}}' may not stand here", name), std::string(secret_places));
    if (!whole)
      return wrong(fmt::format("'${{secret.{}}}' must be the whole value", name),
                   "put the text around it into a secret of its own, or where the value is used");
    if (std::ranges::find(scope_.names.secrets, name) == scope_.names.secrets.end())
      return wrong(fmt::format("unknown secret '{}'", name), did_you_mean(name, scope_.names.secrets));
    return {Meaning::Kind::late};
  }

  Meaning own(const std::string& what, const std::string& reference) {
    if (!scope_.machine)
      return wrong(fmt::format("'${{{}}}' has no meaning outside of a machine", reference),
                   fmt::format("name the machine: '${{machines.NAME.{}}}'", what));
    node_.varies = true;
    return of_machine(*scope_.machine, what, reference);
  }

  Meaning other(const std::string& rest, const std::string& reference) {
    const std::size_t dot = rest.find('.');
    const std::string name = rest.substr(0, dot);
    if (std::ranges::find(scope_.names.machines, name) == scope_.names.machines.end())
      return wrong(fmt::format("unknown machine '{}'", name), did_you_mean(name, scope_.names.machines));
    return of_machine({name, name}, dot == std::string::npos ? "" : rest.substr(dot + 1), reference);
  }

  Meaning of_machine(const MachineIdentity& machine, const std::string& what, const std::string& reference) {
    if (what == "name") return known(machine.name);
    if (what == "index" && &machine == scope_.machine) return known(std::to_string(machine.index));
    const bool is_port =
        what.starts_with("port.") && what.size() > 5 && what.size() <= 10 &&
        std::all_of(what.begin() + 5, what.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (what != "id" && what != "ip" && !is_port && !(what.starts_with("ip.") && what.size() > 3))
      return wrong(fmt::format("'${{{}}}' means nothing", shortened(reference)),
                   "of a machine there are name, index, id, ip, ip.NETWORK and port.GUESTPORT");
    if (what.starts_with("ip.") && scope_.names.knows_networks &&
        !scope_.names.networks.contains(what.substr(3)))
      return unknown_network(what.substr(3));
    if (late_ == Late::never)
      return wrong(fmt::format("'${{{}}}' is known only after start, and this is read before", reference),
                   std::string(late_places));
    return {Meaning::Kind::late};
  }

  Meaning unknown_network(const std::string& name) {
    const std::vector<std::string> known(scope_.names.networks.begin(), scope_.names.networks.end());
    const std::string guess = did_you_mean(name, known);
    return wrong(fmt::format("unknown network '{}'", shortened(name)),
                 !guess.empty() || known.empty() ? guess : "the project has: " + join(known, ", "));
  }

  Node& node_;
  Late late_;
  const Scope& scope_;
};

}  // namespace

const std::filesystem::path& Names::directory_of(const SourcePosition& position) const {
  static const std::filesystem::path none;
  const auto found = directories.find(position.source.get());
  return found == directories.end() ? none : found->second;
}

bool expand(Node& node, Late late, const Scope& scope) {
  if (!node.is_scalar() || node.expanded || node.script) return !node.broken;
  node.expanded = true;
  node.broken = node.text.find('$') != std::string::npos && !Expansion(node, late, scope).run();
  return !node.broken;
}

}  // namespace envtool
