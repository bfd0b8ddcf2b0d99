#include "providers/libvirt/processes.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

#include "base/error.h"

namespace envtool::libvirt {

namespace fs = std::filesystem;

namespace {

bool is_number(const std::string& text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool runs_domain(const fs::path& process, const std::string& argument) {
  try {
    const auto command = read_file_if_there(process / "cmdline");
    return command && command->find(argument) != std::string::npos;
  } catch (const Error&) {
    return false;  // it ended meanwhile
  }
}

}  // namespace

UniqueFd process_of(const std::string& uuid) {
  using namespace std::string_literals;
  // As libvirt starts QEMU: `-uuid UUID`, each word ended by a zero byte.
  const std::string argument = "-uuid\0"s + uuid + "\0"s;
  std::error_code failure;
  for (const auto& entry : fs::directory_iterator("/proc", failure)) {
    const std::string name = entry.path().filename();
    if (is_number(name) && runs_domain(entry.path(), argument))
      return UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, std::stoi(name), 0)));
  }
  return {};
}

}  // namespace envtool::libvirt
