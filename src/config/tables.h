#pragma once

#include "config/shape.h"

namespace envtool {

/// What an Envfile may hold: the tables that validate it and print its schema.
struct Tables {
  Shape machine;      ///< everything that may stand in a machine's block
  Shape defaults;     ///< of it, what may stand at the top level for every machine
  Shape project;      ///< what belongs to the project only, `machines` left out
  Shape credentials;  ///< of the user's own configuration
};

Tables make_tables(const PluginSchemas& plugins);

/// Rules for names, shared with what reads them apart from the tables.
Format machine_name_format();
Format project_name_format();

}  // namespace envtool
