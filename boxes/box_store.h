#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "boxes/address.h"
#include "boxes/byte_source.h"
#include "boxes/index.h"
#include "boxes/recipes/debian.h"
#include "core/box.h"

namespace envtool {

/// The user's boxes below `$XDG_DATA_HOME/envtool/boxes`: `<sha256>/` each, complete or absent. Safe from
/// several threads and processes at once. See boxes/README.md for the files.
class BoxStore : public BoxSource {
 public:
  explicit BoxStore(Host& host, RecipeHost recipe_host = {});

  void check(const BoxRequest& request) override;
  std::optional<Box> find(const BoxRequest& request, Operation& operation) override;
  Box resolve(const BoxRequest& request, Operation& operation) override;
  std::vector<StoredBox> list() override;
  std::vector<BoxPin> newest(const BoxRequest& request, Operation& operation) override;
  void verify(const std::string& digest, Operation& operation) override;
  void remove(const std::string& digest, Operation& operation) override;

 private:
  Box add(const BoxRequest& request, Operation& operation);
  void remember(const std::string& name, const Box& box, Operation& operation);
  std::optional<Box> find_local(const BoxRequest& request, const LocalBoxAddress& address) const;
  std::optional<Box> find_web(const BoxRequest& request, const WebAddress& address) const;
  std::optional<Box> find_recipe(const BoxRequest& request, const RecipeAddress& address) const;
  Box add_local(const BoxRequest& request, const LocalBoxAddress& address, Operation& operation);
  Box download(const BoxRequest& request, const WebAddress& address, Operation& operation);
  /// Puts what the offer is about into the store and gives its digest.
  std::string fetch(const BoxRequest& request, const BoxOffer& offer, const std::string& work,
                    Operation& operation);
  std::optional<Box> find_named(const BoxRequest& request, const NamedAddress& address) const;
  Box fetch_named(const BoxRequest& request, const NamedAddress& address, Operation& operation);
  Box build(const BoxRequest& request, const RecipeAddress& address, Operation& operation);
  /// Makes a box of the file and puts it in its place. Gives the digest.
  std::string take(const BoxRequest& request, BoxFile& file, const std::string& work, Operation& operation);
  void hand_over(const BoxRequest& request, const Box& box, Operation& operation);
  /// The box of that digest, when it is in the store.
  std::optional<Box> stored(const BoxRequest& request, const std::string& digest) const;
  void sweep() const;
  std::filesystem::path place_of(const std::string& digest) const { return directory_ / digest; }
  std::filesystem::path lock_of(const std::string& work) const {
    return directory_ / "locks" / (work + ".lock");
  }

  Host& host_;
  RecipeHost recipe_host_;
  std::filesystem::path directory_;
  BoxIndex index_;
};

}  // namespace envtool
