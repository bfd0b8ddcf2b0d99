#pragma once

#include <filesystem>

/// The checkout that the tests were built from. Known to one object file only, so that a compiler cache
/// serves several checkouts.
extern const std::filesystem::path source_directory;
