#include "providers/libvirt/image.h"

#include <fmt/format.h>

#include <fstream>

#include "base/error.h"

namespace envtool::libvirt {

namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t external_data = 1u << 2;  // of the incompatible features
constexpr std::size_t head_size = 104;
constexpr std::size_t most_box_disks = 8;

std::uint64_t number_at(std::string_view bytes, std::size_t offset, std::size_t count) {
  std::uint64_t number = 0;
  for (std::size_t i = offset; i < offset + count; ++i)
    number = number << 8 | static_cast<unsigned char>(bytes[i]);
  return number;
}

}  // namespace

ImageFacts image_facts(std::string_view head) {
  if (!head.starts_with("QFI\xfb") || head.size() < 72) return {"raw", 0};
  const std::uint64_t version = number_at(head, 4, 4);
  const bool points_elsewhere = number_at(head, 8, 8) != 0 || (version >= 3 && head.size() >= 80 &&
                                                               (number_at(head, 72, 8) & external_data) != 0);
  if (points_elsewhere)
    throw Error(ErrorKind::failed, "its disk image refers to another file, which a box may not")
        .with_hint("'qemu-img rebase -b \"\"' makes an image that stands alone");
  return {"qcow2", number_at(head, 24, 8)};
}

namespace {

BoxImage box_image(const Box& box, const fs::path& name) {
  if (name.empty() || name.is_absolute() || name.lexically_normal().string().starts_with(".."))
    throw Error(ErrorKind::failed,
                fmt::format("box '{}': its disk '{}' is no relative path", box.name, name.string()));
  BoxImage image;
  image.path = box.directory / name;
  std::ifstream file(image.path, std::ios::binary);
  std::string head(head_size, '\0');
  file.read(head.data(), static_cast<std::streamsize>(head.size()));
  if (!file)
    throw Error(ErrorKind::failed, fmt::format("box '{}' has no readable disk image '{}'", box.name,
                                               image.path.filename().string()))
        .with_hint("'envtool box verify' compares a box with what was stored");
  image.size = fs::file_size(image.path);
  try {
    const ImageFacts facts = image_facts(head);
    image.format = facts.format;
    image.capacity = facts.capacity == 0 ? image.size : facts.capacity;
  } catch (Error& error) {
    error.with_frame(fmt::format("box '{}'", box.name));
    throw;
  }
  return image;
}

}  // namespace

std::vector<BoxImage> box_images(const Box& box) {
  const auto& disks = box.metadata["disks"].items();
  if (disks.empty()) return {box_image(box, "box.img")};
  if (disks.size() > most_box_disks)
    throw Error(ErrorKind::unsupported, fmt::format("box '{}' has {} disks; up to {} are supported", box.name,
                                                    disks.size(), most_box_disks));
  std::vector<BoxImage> images;
  for (const Value& disk : disks) images.push_back(box_image(box, disk["path"].as_text()));
  return images;
}

}  // namespace envtool::libvirt
