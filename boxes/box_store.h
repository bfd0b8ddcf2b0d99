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
  void sweep(const std::function<void(const std::string& digest)>& forget) override;

 private:
  /// What one process does while others that want the same wait.
  struct Work {
    std::string key;         ///< names its lock
    std::string_view doing;  ///< "downloads"
    std::function<std::optional<Box>()> find;
  };
  /// Makes the box, unless it is there by the time that it is this process's turn.
  Box once(const BoxRequest& request, const Work& work, Operation& operation,
           const std::function<Box()>& make);
  Box add(const BoxRequest& request, Operation& operation);
  void remember(const std::string& name, const Box& box, Operation& operation);
  std::optional<Box> find_local(const BoxRequest& request, const LocalBoxAddress& address) const;
  std::optional<Box> find_web(const BoxRequest& request, const WebAddress& address) const;
  std::optional<Box> find_recipe(const BoxRequest& request, const RecipeAddress& address) const;
  Box add_local(const BoxRequest& request, const LocalBoxAddress& address, Operation& operation);
  Box download(const BoxRequest& request, const WebAddress& address, Operation& operation);
  /// What its server has by now, as far as it can be told from the beginning of the answer.
  std::vector<BoxPin> newest_web(const BoxRequest& request, const WebAddress& address,
                                 Operation& operation) const;
  /// Puts what the offer is about into the store.
  FetchedBox fetch(const BoxRequest& request, const BoxOffer& offer, const std::string& work,
                   Operation& operation);
  std::optional<Box> find_named(const BoxRequest& request, const NamedAddress& address) const;
  Box fetch_named(const BoxRequest& request, const NamedAddress& address, Operation& operation);
  /// The file that a name stands for, and what a lock keeps of the name.
  struct Choice {
    BoxOffer offer;
    std::vector<BoxPin> pins;
    bool is_locked = false;
  };
  Choice choose(const BoxRequest& request, const NamedAddress& address, Operation& operation) const;
  std::string fetch_locked(const BoxRequest& request, const NamedAddress& address, const BoxOffer& offer,
                           const std::string& work, Operation& operation);
  Box build(const BoxRequest& request, const RecipeAddress& address, Operation& operation);
  /// Gives the digest of what it has put into the store.
  std::string run_recipe(const BoxRequest& request, const RecipeAddress& address, const std::string& work,
                         Operation& operation);
  /// Makes a box of the file and puts it in its place. Gives the digest.
  std::string take(const BoxRequest& request, BoxFile& file, const std::string& work, Operation& operation);
  void hand_over(const BoxRequest& request, const Box& box, Operation& operation);
  /// The box of that digest, when it is in the store.
  std::optional<Box> stored(const BoxRequest& request, const std::string& digest) const;
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
