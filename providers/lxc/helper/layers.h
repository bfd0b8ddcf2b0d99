#pragma once

#include <filesystem>

#include "providers/lxc/helper/context.h"
#include "providers/lxc/parts/stack.h"

/// The layers of a machine's disk as trees on the host's. All work on directories below the machine's own.
namespace envtool::lxc {

void save_stack(const Context& context, const Record& record, const LayerStack& stack);

/// An empty layer to write into, its root as that of `like`; with the directory that an overlay needs.
void make_top(const std::filesystem::path& machine, const std::string& layer, const std::string& like);

/// A copy of a tree with everything that is in it: owners, times, attributes, whiteouts; sharing blocks where
/// the file system can. Under its name it is complete or absent.
void copy_layer(const std::filesystem::path& machine, const std::string& from, const std::string& to);

/// One layer that shows over the box what these show, the last one on top. Complete or absent, as a copy.
void merge_layers(const std::filesystem::path& machine, const std::vector<std::string>& layers,
                  const std::string& to);

/// Removes what nobody needs: layers that came off, and what killed runs left. Returns at once; a process of
/// its own does the work, and what that leaves goes the next time.
void discard_unused(const std::filesystem::path& machine, const LayerStack& stack);

/// Until no process of that kind is at work on the machine any more.
void wait_for_discards(const std::filesystem::path& machine);

/// What the tree takes of the disk.
std::int64_t tree_size(const std::filesystem::path& tree);

}  // namespace envtool::lxc
