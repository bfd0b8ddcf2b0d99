#pragma once

#include "core/operation.h"

namespace envtool::lxc {

/// Whose rights the helper has.
enum class Rights { root, user };

/// Sends requests to `envtool-lxc`, the program that does what the provider cannot, as root or as the user.
class HelperClient {
 public:
  /// `root` is where its machines lie.
  HelperClient(Host& host, Rights rights, std::filesystem::path root)
      : host_(host), rights_(rights), root_(std::move(root)) {}

  std::filesystem::path program() const { return host_.paths.helper_programs / "envtool-lxc"; }

  /// One request with its answer; warnings in it are told to the user. Throws what the helper reports, and
  /// Error(host_not_ready) with the exact command when it cannot become root here.
  Value call(const std::string& operation_name, Value request, Operation& operation) const;

  /// The same for one that may take long: it gives up early on a wish to stop, or when this program ends.
  Value call_and_wait(const std::string& operation_name, Value request, Operation& operation) const;

  /// The operation `import` with the frames that come from that descriptor. Throws as `call`.
  Value import(Value request, int frames, Operation& operation) const;

  /// The operation `export`, whose root file system goes to `take` piece by piece. Throws as `call`, and what
  /// `take` throws.
  Value export_rootfs(Value request, const std::function<void(std::string_view)>& take,
                      Operation& operation) const;

  /// An operation that takes this program's standard streams, and gives its exit status: of what ran, or 255
  /// when it did not come to that, which the helper has said on the error stream.
  int run_attached(const std::string& operation_name, Value request,
                   const std::vector<std::string>& words) const;

 private:
  void require_program() const;
  Value run(ProcessSpec spec, Operation& operation) const;
  ProcessResult run_helper(ProcessSpec& spec, Operation& operation) const;
  ProcessResult run_as_root(ProcessSpec& spec, Operation& operation) const;

  Host& host_;
  Rights rights_;
  std::filesystem::path root_;
};

}  // namespace envtool::lxc
