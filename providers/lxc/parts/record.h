#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/value.h"
#include "providers/lxc/parts/ids.h"
#include "providers/lxc/parts/layout.h"
#include "providers/lxc/parts/store.h"

namespace envtool::lxc {

/// How a machine's file system comes from its box: an overlay over it, a copy of it, one that shares its
/// blocks, as a subvolume of btrfs, or a copy in a file system of its own.
enum class Storage { overlay, copy, subvolume, store };

/// As in the Envfile; "lxc" for a store.
std::string_view to_string(Storage storage);

/// A machine's place in a network beside the one that every machine has.
struct NetworkLink {
  std::string name;             ///< in the Envfile
  std::string bridge;           ///< on the host
  bool foreign = false;         ///< the bridge is the host's
  std::string subnet, address;  ///< empty where the guest asks for an address itself
  std::string mac;
  std::string device;  ///< the host's end

  bool operator==(const NetworkLink&) const = default;
};

/// What a machine is, written by the helper as `machine.json` before anything else of it exists, and removed
/// last. Everybody may read it; the numbers in it are taken as long as it is there.
struct Record {
  std::string name;
  std::string environment;  ///< whose it is: destroy() touches no other's
  unsigned owner = 0;       ///< the host user's id
  bool complete = false;    ///< false: its creation did not finish
  std::string box;          ///< digest
  Storage storage = Storage::overlay;
  std::optional<Store> store = {};  ///< there with that storage
  std::uint32_t ids = 0;            ///< first host id of its block; 0: privileged, no block
  std::string user;                 ///< the guest's ssh user
  std::optional<IdPair> own = {};  ///< that user's ids, which are the host user's, when the host user runs it
  std::string bridge;
  std::string device = {};  ///< the host's end of its network device; empty: `veth_name`
  std::string address;      ///< IPv4
  unsigned prefix = 24;     ///< of its network
  std::string mac;
  std::vector<NetworkLink> networks = {};  ///< eth1 and on, in the Envfile's order

  bool operator==(const Record&) const = default;
};

/// Where the guest's ids lie, for the helper that runs the machine.
GuestIds guest_ids(const Record& record);

std::string record_text(const Record& record);
/// Throws Error(failed) when the text is not such a record.
Record parse_record(std::string_view text, const std::string& what);

/// Nothing when there is no such machine. Throws Error(failed) when its record cannot be read.
std::optional<Record> find_record(const Layout& layout, const std::string& name);
/// All that can be read; a damaged one is skipped.
std::vector<Record> all_records(const Layout& layout);

}  // namespace envtool::lxc
