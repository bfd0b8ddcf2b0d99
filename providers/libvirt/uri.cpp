#include "providers/libvirt/uri.h"

#include <fmt/format.h>

#include <charconv>
#include <functional>

#include "base/error.h"
#include "base/shell.h"
#include "base/text.h"

namespace envtool::libvirt {

namespace {

void read_host(std::string_view text, Uri& uri) {
  if (const auto at = text.rfind('@'); at != std::string_view::npos) {
    uri.user = text.substr(0, at);
    text.remove_prefix(at + 1);
  }
  // An IPv6 address stands in brackets.
  const auto bracket = text.starts_with('[') ? text.find(']') : std::string_view::npos;
  const auto colon = text.find(':', bracket == std::string_view::npos ? 0 : bracket);
  if (colon != std::string_view::npos) {
    const std::string_view digits = text.substr(colon + 1);
    std::from_chars(digits.data(), digits.data() + digits.size(), uri.port);
  }
  uri.host = bracket == std::string_view::npos ? text.substr(0, colon) : text.substr(1, bracket - 1);
}

/// "%2F" is "/"; what is no such code stays.
std::string decoded(std::string_view text) {
  std::string plain;
  for (std::size_t at = 0; at < text.size(); ++at) {
    unsigned char code = 0;
    const std::string_view digits = text.substr(std::min(at + 1, text.size()), 2);
    const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), code, 16);
    const bool is_code = text[at] == '%' && digits.size() == 2 && failure == std::errc() &&
                         end == digits.data() + digits.size();
    plain += is_code ? static_cast<char>(code) : text[at];
    if (is_code) at += 2;
  }
  return plain;
}

void read_parameters(std::string_view text, Uri& uri) {
  for (const std::string& parameter : split(text, '&')) {
    const auto equals = parameter.find('=');
    if (equals != std::string::npos)
      uri.parameters[parameter.substr(0, equals)] = decoded(std::string_view(parameter).substr(equals + 1));
  }
}

/// What machines need of a libvirt, and others than QEMU's do not have.
[[noreturn]] void refuse_driver(const Uri& uri, const std::string& text) {
  const std::string lacks =
      uri.driver == "test"
          ? "nothing boots in it, so there is no SSH, no folder, no port and no provisioner; volumes have no "
            "content"
          : "machines need qcow2 volumes over those of a box, which it does not make; a network of QEMU's "
            "with "
            "addresses by MAC; a logged serial console; internal snapshots; and for live limits a balloon";
  throw Error(
      ErrorKind::unsupported,
      fmt::format("libvirt at '{}' is not supported: its driver is '{}', and {}", text, uri.driver, lacks))
      .with_hint("leave out 'uri' and LIBVIRT_DEFAULT_URI, or name one like 'qemu:///system'");
}

std::string ssh_to_host(const Uri& uri) {
  const auto parameter = [&](const char* name) {
    const auto found = uri.parameters.find(name);
    return found == uri.parameters.end() ? std::string() : found->second;
  };
  const bool by_ssh = uri.transport == "ssh";
  const std::string program = by_ssh ? parameter("command") : "";
  std::string words = program.empty() ? "ssh" : quote_shell(program);
  words += " -o BatchMode=yes";
  if (by_ssh && uri.port != 0) words += fmt::format(" -p {}", uri.port);
  if (by_ssh && !parameter("keyfile").empty()) words += " -i " + quote_shell(parameter("keyfile"));
  if (by_ssh && parameter("no_verify") == "1") words += " -o StrictHostKeyChecking=no";
  if (!uri.user.empty()) words += " -l " + quote_shell(uri.user);
  return words + " " + quote_shell(uri.host);
}

/// Of libvirt's TLS; empty when nothing is known. Source: libvirt.org/kbase/tlscerts.html.
std::string tls_hint(const Uri& uri, const std::function<bool(std::string_view)>& has) {
  if (has("peer's certificate"))
    return fmt::format(
        "its certificate must name '{}', and an authority of this user's cacert.pem must have "
        "issued it",
        uri.host);
  if (has("TLS confirmation") || has("TLS handshake"))
    return "it does not take this user's clientcert.pem: an authority that it trusts must have issued it";
  if (has("certificate") || has("private key"))
    return "cacert.pem, clientcert.pem and clientkey.pem are looked for in ~/.pki/libvirt, or where "
           "'pkipath' in "
           "the URI says,\n  or below /etc/pki: https://libvirt.org/kbase/tlscerts.html";
  if (has("refused"))
    return "its libvirtd must listen for TLS, which the unit libvirtd-tls.socket does there";
  return {};
}

}  // namespace

void check_uri(const std::string& text, bool is_root) {
  const Uri uri = parse_uri(text);
  if (uri.driver != "qemu") refuse_driver(uri, text);
  if (!uri.is_session() || (!uri.is_remote() && !is_root)) return;
  throw Error(ErrorKind::unsupported,
              fmt::format("libvirt at '{}' is not supported: {}", text,
                          uri.is_remote() ? "machines of another host's session have no address"
                                          : "root has no session but that of the system"))
      .with_hint(uri.is_remote() ? "name its system: '.../system'" : "use 'qemu:///system', or another user");
}

std::string connection_hint(const std::string& text, std::string_view why) {
  const Uri uri = parse_uri(text);
  const auto has = [&](std::string_view words) { return why.find(words) != std::string_view::npos; };
  const std::string more = fmt::format("this tells more: virsh --connect {} list", quote_shell(text));
  if (uri.is_remote()) {
    if (uri.transport == "ssh") return "SSH must get there without a question\n  " + more;
    const std::string by_tls = uri.transport.empty() || uri.transport == "tls" ? tls_hint(uri, has) : "";
    return by_tls.empty() ? more : by_tls;
  }
  if (has("Permission denied") || has("uthentication"))
    return "let this user use libvirt, then log in again: sudo usermod --append --groups libvirt \"$USER\"";
  if (has("No such file") || has("refused"))
    return "sudo apt-get install libvirt-daemon-system qemu-system-x86 qemu-utils\n"
           "  and if it is installed: sudo systemctl start libvirtd";
  return more;
}

std::string way_to_guests(const Uri& uri) {
  return uri.is_remote() ? replace_all(ssh_to_host(uri), "%", "%%") + " -W %h:%p" : "";
}

std::string knock_at_host(const Uri& uri) { return ssh_to_host(uri) + " -n -o ConnectTimeout=10 true"; }

Uri parse_uri(std::string_view text) {
  Uri uri;
  text = text.substr(0, text.find('#'));
  if (const auto query = text.find('?'); query != std::string_view::npos) {
    read_parameters(text.substr(query + 1), uri);
    text = text.substr(0, query);
  }
  const auto scheme_end = text.find(':');
  const std::string_view scheme = text.substr(0, scheme_end);
  const auto plus = scheme.find('+');
  uri.driver = scheme.substr(0, plus);
  if (plus != std::string_view::npos) uri.transport = scheme.substr(plus + 1);
  if (scheme_end == std::string_view::npos) return uri;
  std::string_view rest = text.substr(scheme_end + 1);
  if (rest.starts_with("//")) {
    rest.remove_prefix(2);
    const auto slash = rest.find('/');
    read_host(rest.substr(0, slash), uri);
    rest = slash == std::string_view::npos ? std::string_view() : rest.substr(slash);
  }
  uri.path = rest;
  return uri;
}

}  // namespace envtool::libvirt
