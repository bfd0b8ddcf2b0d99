#pragma once

#include "config/diagnostics.h"
#include "config/load.h"
#include "config/node.h"

namespace envtool {

/// A file that was read, as a tree.
struct Layer {
  std::filesystem::path file;
  std::shared_ptr<const SourceText> source;
  Node root;
};

struct ProjectFiles {
  std::filesystem::path directory;  ///< the project's, canonical
  std::vector<Layer> layers;        ///< outermost first
  std::map<std::string, std::string> dotenv;
  bool complete = true;  ///< false: a file had no tree, and what the others say proves little
};

/// Finds and reads what `options` say, and `.env` beside the first of the project's own. An `envtool:` key
/// that this version does not satisfy ends it before any other problem is told. Throws Error as load_project
/// does.
ProjectFiles read_project_files(const LoadOptions& options, Diagnostics& problems);

/// The user's own configuration alone; nothing when there is none.
std::optional<Layer> read_user_config(const LoadOptions& options, Diagnostics& problems);

/// `NAME=value` lines: comments, `export`, single quotes literal, double quotes with backslash escapes.
std::map<std::string, std::string> parse_dotenv(const std::shared_ptr<const SourceText>& source,
                                                Diagnostics& problems);

}  // namespace envtool
