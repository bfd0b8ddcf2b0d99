#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include "places.h"

const std::filesystem::path source_directory = ENVTOOL_SOURCE_DIR;
