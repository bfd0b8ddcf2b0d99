// The part of the store that makes boxes of recipes.
#include <fmt/format.h>
#include <unistd.h>

#include <charconv>

#include "base/error.h"
#include "base/text.h"
#include "boxes/box_store.h"
#include "boxes/box_wish.h"
#include "boxes/checksums.h"
#include "boxes/part_directory.h"
#include "boxes/recipe_work.h"
#include "boxes/recipes/debian_disk.h"

namespace envtool {

namespace {

int number_of(const std::string& text) {
  int number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

/// The version that the recipe is locked to in the format that is wanted, else the one it has now.
int locked_version(const BoxRequest& request, int now) {
  const std::string format = recipe_format(request);
  for (const BoxPin& pin : request.pins)
    if (pin.format == format) return number_of(pin.version);
  return now;
}

/// A locked recipe of another version cannot be made any more.
void check_recipe_version(const BoxRequest& request, int now) {
  const int locked = locked_version(request, now);
  if (locked == now) return;
  Error error(ErrorKind::failed,
              fmt::format("box '{}' is locked to version {} of its recipe; this envtool makes version {}",
                          request.box.name, locked, now));
  error.at(request.box.position).with_hint(fmt::format("envtool box update {}", request.box.name));
  throw error;
}

}  // namespace

std::vector<BoxPin> recipe_pins(const BoxRequest& request, const RecipeAddress& address) {
  std::vector<BoxPin> pins;
  for (const std::string& format : formats_to_keep(request)) {
    BoxRequest other = request;
    other.formats = {format};
    if (recipe_format(other) != format) continue;  // no recipe makes that
    BoxPin pin;
    pin.format = format;
    pin.version = fmt::format("{}", recipe_work(address.recipe, format).version);
    pins.push_back(std::move(pin));
  }
  return pins;
}

std::optional<Box> BoxStore::find_recipe(const BoxRequest& request, const RecipeAddress& address) const {
  const RecipeWork work = recipe_work(address.recipe, recipe_format(request));
  const int version = locked_version(request, work.version);
  const auto digest = request.anew ? std::nullopt : index_.digest_of_recipe(work.key, version);
  auto box = digest ? stored(request, *digest) : std::nullopt;
  if (box) box->pins = request.pins.empty() ? recipe_pins(request, address) : request.pins;
  return box;
}

Box BoxStore::build(const BoxRequest& request, const RecipeAddress& address, Operation& operation) {
  const RecipeWork made = recipe_work(address.recipe, recipe_format(request));
  check_recipe_version(request, made.version);
  const Work work{.key = "build-" + replace_all(replace_all(made.key, "/", "-"), " ", "-"),
                  .doing = "builds",
                  .find = [&] { return find_recipe(request, address); }};
  return once(request, work, operation, [&] {
    operation.say(fmt::format("building box '{}': once, about half a minute", request.box.name));
    std::string digest;
    about(request.box, [&] { digest = run_recipe(request, address, work.key, operation); });
    index_.remember_recipe(made.key, made.version, digest, operation);
    Box box = stored(request, digest).value();
    box.pins = recipe_pins(request, address);
    return box;
  });
}

std::string BoxStore::run_recipe(const BoxRequest& request, const RecipeAddress& address,
                                 const std::string& work, Operation& operation) {
  const PartDirectory part(directory_, work);
  const DebianBuild recipe{.release = address.recipe.substr(address.recipe.find('/') + 1),
                           .mirrors = choose_debian_mirrors(
                               request.sources.debian, host_.variable("ENVTOOL_DEBIAN_MIRROR"), recipe_host_),
                           .keyring = recipe_host_.keyring,
                           .own_mounts = ::geteuid() == 0 || can_regain_root()};
  const bool disk = recipe_format(request) == "libvirt";
  (disk ? build_debian_disk_box : build_debian_box)(recipe, part.path(), directory_ / (work + ".log"),
                                                    operation);
  std::string digest = write_checksums(part.path(), operation).at(disk ? "box.img" : "rootfs.tar.zst");
  part.publish(place_of(digest));
  return digest;
}

}  // namespace envtool
