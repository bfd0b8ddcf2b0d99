#pragma once

#include <string>
#include <vector>

#include "base/value.h"

namespace envtool {

/// What a key of a provider or a provisioner holds. `any` is data as written; the text kinds keep `1.10` as
/// it is.
enum class OptionType { boolean, integer, text, size, duration, path, text_list, text_map, list, map, any };

/// One key of a plugin's own table: it validates the Envfile, fills defaults and prints the schema.
struct OptionSpec {
  std::string name;
  OptionType type = OptionType::text;
  /// One line for the schema and the documentation.
  std::string summary;
  bool required = false;
  /// Set when the Envfile leaves the key out and this is not null.
  Value fallback = {};
  /// When not empty, the only texts allowed; of a map, those that may stand in its place.
  std::vector<std::string> choices = {};
  /// Text that is a program: `${...}` in it is left alone.
  bool script = false;
  /// `${secret.K}` may be a value here (in a map: of its members).
  bool secrets = false;
  /// `${machine.ip}` and other references known only after start may stand here, and the plugin expands them
  /// (config/late.h). `secrets` implies it.
  bool late = false;
  /// Of a provider's: a machine keeps what it was created with.
  bool create_only = false;
  /// For `list`: what its items are, when they are not free. For `map`: the keys, when they are fixed.
  std::vector<OptionSpec> members = {};
};

/// A plugin as the Envfile sees it. After validation its options are a map Value that holds only known keys:
/// a size is an integer of bytes, a duration an integer of milliseconds, a path an absolute text.
struct PluginSchema {
  std::string name;
  std::vector<OptionSpec> options = {};
  /// The option meant when a plain text stands instead of a map (`shell: echo` means `inline: echo`).
  std::string shorthand = {};
  /// For provisioners: what `run` is when it is not written.
  std::string default_run = "once";
};

/// All plugins of this program, as the registries know them.
struct PluginSchemas {
  std::vector<PluginSchema> providers;
  std::vector<PluginSchema> provisioners;
};

}  // namespace envtool
