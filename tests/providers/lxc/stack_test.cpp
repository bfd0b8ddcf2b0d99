#include "providers/lxc/parts/stack.h"

#include <doctest/doctest.h>

#include "base/files.h"

using namespace envtool;
using namespace envtool::lxc;

namespace {

LayerStack a_stack() {
  return {.layers = {"upper", "layers/1"},
          .top = "layers/2",
          .disks = {{"data", "layers/4"}},
          .snapshots = {{.name = "clean", .when = "2024-05-01T10:20:30Z", .layers = {"upper"}, .bytes = 4096},
                        {.name = "live",
                         .when = "2024-05-02T10:20:30Z",
                         .layers = {"upper", "layers/1", "layers/3"},
                         .disks = {{"data", "layers/5"}}}},
          .next = 6};
}

}  // namespace

TEST_CASE("a stack is read back as it was written") {
  CHECK(parse_stack(stack_text(a_stack()), "layers.json") == a_stack());
}

TEST_CASE("a text that is no stack is an error") {
  CHECK_THROWS_AS(parse_stack("{}", "layers.json"), Error);
  CHECK_THROWS_AS(parse_stack("nonsense", "layers.json"), Error);
}

TEST_CASE("a layer is needed by the machine or by a snapshot, or by nobody") {
  const LayerStack stack = a_stack();

  CHECK(stack.uses("layers/2"));
  CHECK(stack.uses("layers/1"));
  CHECK(stack.uses("layers/3"));
  CHECK(stack.uses("layers/4"));
  CHECK(stack.uses("layers/5"));
  CHECK_FALSE(stack.uses("layers/6"));
}

TEST_CASE("no layer's name is given twice") {
  LayerStack stack = a_stack();

  CHECK(stack.new_layer() == "layers/6");
  CHECK(stack.new_layer() == "layers/7");
}

TEST_CASE("a machine without snapshots has what its creation made") {
  const TemporaryDirectory directory;
  const Layout layout{directory.path()};

  CHECK(stack_of(layout, {.name = "web", .storage = Storage::overlay}).top == "upper");
  CHECK(stack_of(layout, {.name = "web", .storage = Storage::copy}).top == "rootfs");
  CHECK(work_of("upper") == "work");
  CHECK(work_of("layers/3") == "layers/3.work");
}

TEST_CASE("names of snapshots are file names without surprises") {
  for (const char* good : {"a", "before-upgrade", "1.0_rc"}) CHECK(is_snapshot_name(good));
  for (const char* bad : {"", ".a", "-a", "a/b", "a b", "../x"}) CHECK_FALSE(is_snapshot_name(bad));
  CHECK_FALSE(is_snapshot_name(std::string(65, 'a')));
}
