// The small files of a box, each as a stranger may write it: metadata.json, Vagrantfile, box.ovf and the head
// of an image.

#include <cstdint>
#include <string>
#include <tuple>

#include "base/error.h"
#include "base/files.h"
#include "boxes/metadata.h"
#include "boxes/vagrantfile.h"

using namespace envtool;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const TemporaryDirectory directory;
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  read_vagrantfile(bytes, "libvirt");
  for (const auto& [name, other, content] : {std::tuple("metadata.json", "box.ovf", ""),
                                             {"box.ovf", "metadata.json", ""},
                                             {"box.img", "metadata.json", R"({"provider": "libvirt"})"},
                                             {"info.json", "metadata.json", R"({"provider": "x"})"}}) {
    remove_tree(directory.path());
    write_file(directory.path() / name, bytes);
    if (*content != '\0') write_file(directory.path() / other, content);
    try {
      BoxFacts facts = read_box_facts(directory.path());
      check_box_content(directory.path(), facts);
    } catch (const Error&) {
    }
  }
  return 0;
}
