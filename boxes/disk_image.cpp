#include "boxes/disk_image.h"

#include <fmt/format.h>

#include <fstream>

#include "base/error.h"
#include "base/text.h"

namespace envtool {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t descriptor_place = 512, descriptor_size = 64 << 10;  // of a vmdk
constexpr std::uint64_t vmdk_sector = 512;

std::uint64_t big_endian(std::string_view bytes, std::size_t place, std::size_t count) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < count; ++i)
    value = value << 8 | (place + i < bytes.size() ? static_cast<unsigned char>(bytes[place + i]) : 0U);
  return value;
}

std::uint64_t little_endian(std::string_view bytes, std::size_t place) {
  std::uint64_t value = 0;
  for (std::size_t i = 8; i-- > 0;)
    value = value << 8 | (place + i < bytes.size() ? static_cast<unsigned char>(bytes[place + i]) : 0U);
  return value;
}

[[noreturn]] void refuse(const std::string& file, std::string_view why) {
  throw Error(ErrorKind::failed, fmt::format("its disk image '{}' {}", file, why));
}

std::uint64_t qcow2_size(const std::string& file, std::string_view head) {
  constexpr std::uint64_t data_file = 1 << 2;
  const std::uint64_t version = big_endian(head, 4, 4);
  if (version != 2 && version != 3) refuse(file, fmt::format("is qcow2 of version {}", version));
  if (big_endian(head, 8, 8) != 0) refuse(file, "is based on another file, which a box may not be");
  if (version == 3 && (big_endian(head, 72, 8) & data_file) != 0)
    refuse(file, "has its data in another file, which a box's may not");
  return big_endian(head, 24, 8);
}

/// The quoted name in a line like `RW 4192256 SPARSE "disk-s001.vmdk"`; empty in any other.
std::string_view extent_name(std::string_view line) {
  if (!line.starts_with("RW ") && !line.starts_with("RDONLY ") && !line.starts_with("NOACCESS ")) return {};
  const auto begin = line.find('"');
  const auto end = line.rfind('"');
  return begin < end ? line.substr(begin + 1, end - begin - 1) : std::string_view();
}

std::uint64_t vmdk_size(const fs::path& directory, const std::string& file, std::string_view bytes) {
  const bool is_text = bytes.starts_with("# Disk");
  std::uint64_t sectors = is_text ? 0 : little_endian(bytes, 12);
  std::string_view text = is_text ? bytes : bytes.substr(std::min(descriptor_place, bytes.size()));
  text = text.substr(0, text.find('\0'));
  for (const std::string& whole : split(text, '\n')) {
    const std::string_view line = trim(whole);
    if (line.starts_with("parentFileNameHint"))
      refuse(file, "is based on another file, which a box may not be");
    const std::string_view name = extent_name(line);
    if (name.empty()) continue;
    const std::string extent(name);
    if (extent.find_first_of("/\\:") != std::string::npos)
      refuse(file, fmt::format("refers to '{}', which is not in the box", extent));
    if (!is_text) continue;  // its one extent is itself, under the name that it had when it was made
    if (!fs::is_regular_file(fs::symlink_status(directory / extent)))
      refuse(file, fmt::format("refers to '{}', which is not in the box", extent));
    sectors += std::strtoull(std::string(line.substr(line.find(' '))).c_str(), nullptr, 10);
  }
  return sectors * vmdk_sector;
}

}  // namespace

std::string_view image_format(std::string_view head) {
  if (head.starts_with("QFI\xFB")) return "qcow2";
  if (head.starts_with("KDMV") || head.starts_with("# Disk DescriptorFile")) return "vmdk";
  if (head.size() >= 512 && head.substr(510, 2) == "\x55\xAA") return "raw";
  return {};
}

BoxDisk read_disk_image(const fs::path& directory, const std::string& file) {
  const fs::path path = directory / file;
  if (!fs::is_regular_file(fs::symlink_status(path)))
    throw Error(ErrorKind::failed, fmt::format("its disk image '{}' is missing", file));
  std::string head(descriptor_size, '\0');
  std::ifstream stream(path, std::ios::binary);
  stream.read(head.data(), static_cast<std::streamsize>(head.size()));
  head.resize(static_cast<std::size_t>(stream.gcount()));
  BoxDisk disk{
      .file = file, .format = std::string(image_format(head)), .virtual_size = {fs::file_size(path)}};
  if (disk.format == "qcow2") disk.virtual_size.bytes = qcow2_size(file, head);
  if (disk.format == "vmdk") disk.virtual_size.bytes = vmdk_size(directory, file, head);
  if (disk.format.empty()) refuse(file, "is neither qcow2, vmdk nor a raw disk with a boot sector");
  return disk;
}

}  // namespace envtool
