#include "boxes/recipe_work.h"

#include "boxes/recipes/debian.h"
#include "boxes/recipes/debian_disk.h"

namespace envtool {

std::string recipe_format(const BoxRequest& request) {
  for (const std::string& format : request.formats)
    if ((format == "lxc" || format == "libvirt") &&
        (request.box.format.empty() || request.box.format == format))
      return format;
  return request.formats.empty() && request.box.format == "libvirt" ? "libvirt" : "lxc";
}

RecipeWork recipe_work(const std::string& recipe, const std::string& format) {
  if (format == "libvirt") return {recipe + " " + format, debian_disk_version};
  return {recipe, debian_recipe_version};
}

}  // namespace envtool
