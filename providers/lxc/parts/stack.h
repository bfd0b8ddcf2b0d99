#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "providers/lxc/parts/record.h"

namespace envtool::lxc {

/// A snapshot is a stack of layers that nobody writes into any more.
struct SavedStack {
  std::string name;
  std::string when;                 ///< UTC
  std::vector<std::string> layers;  ///< lowest first
  /// Of each disk beside the root disk that does not outlive the machine, the copy.
  std::map<std::string, std::string> disks = {};
  std::int64_t bytes = -1;  ///< of its highest layer and its disks; -1: not measured yet
  bool operator==(const SavedStack&) const = default;
};

/// What a machine's disk is made of, over its box: names of directories below the machine's own. Kept in one
/// file that is replaced by rename: what a save or a restore makes counts from that moment on, and before it
/// nothing that counts was touched. With a copied box a layer is a whole file system, and there is none below
/// the top.
struct LayerStack {
  std::vector<std::string> layers;                ///< lowest first
  std::string top;                                ///< the only one that the machine writes into
  std::map<std::string, std::string> disks = {};  ///< as in a snapshot, but what the guest writes into
  std::vector<SavedStack> snapshots;
  int next = 1;  ///< number for the next layer
  bool operator==(const LayerStack&) const = default;

  const SavedStack* find(const std::string& snapshot) const;
  /// A name that no layer has or had.
  std::string new_layer() { return "layers/" + std::to_string(next++); }
  /// Whether the machine or a snapshot needs that layer.
  bool uses(const std::string& layer) const;
};

/// Most layers over a box: their names must fit into the options of a mount.
inline constexpr std::size_t most_layers = 100;

std::string stack_text(const LayerStack& stack);
/// Throws Error(failed) when the text is not such a stack.
LayerStack parse_stack(std::string_view text, const std::string& what);
/// The machine's; that of a fresh one when none was kept yet.
LayerStack stack_of(const Layout& layout, const Record& record);
/// The directory that an overlay needs beside its top layer.
std::string work_of(const std::string& top);

/// 1 to 64 letters, digits, '-', '_' and dots, a letter or digit first.
bool is_snapshot_name(const std::string& name);

}  // namespace envtool::lxc
