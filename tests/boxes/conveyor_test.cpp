#include "boxes/conveyor.h"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <latch>
#include <stdexcept>
#include <vector>

using namespace envtool;

TEST_CASE("what is given is worked on in order, on another thread") {
  std::vector<int> done;
  std::thread::id worker;
  Conveyor<int> conveyor(2, [&](int& item) {
    worker = std::this_thread::get_id();
    done.push_back(item);
  });

  for (int i = 0; i < 100; ++i) conveyor.give(i);
  conveyor.finish();

  REQUIRE(done.size() == 100);
  for (int i = 0; i < 100; ++i) CHECK(done[static_cast<std::size_t>(i)] == i);
  CHECK(worker != std::this_thread::get_id());
}

TEST_CASE("no more waits than there is room for") {
  std::latch go(1);
  std::atomic<int> given = 0, most = 0, done = 0;
  Conveyor<int> conveyor(3, [&](int&) {
    go.wait();
    ++done;
  });
  std::jthread giver([&] {
    for (int i = 0; i < 20; ++i) {
      conveyor.give(i);
      ++given;
      most = std::max(most.load(), given.load() - done.load());
    }
    conveyor.finish();
  });

  go.count_down();
  giver.join();

  CHECK(done == 20);
  CHECK(most <= 3 + 2);  // those that wait, the one that is worked on, and the one just counted
}

TEST_CASE("a failure reaches whoever gives, and nothing is worked on after it") {
  std::vector<int> done;
  Conveyor<int> conveyor(1, [&](int& item) {
    if (item == 3) throw std::runtime_error("three");
    done.push_back(item);
  });

  const auto give_all = [&] {
    for (int i = 0; i < 100; ++i) conveyor.give(i);
    conveyor.finish();
  };

  CHECK_THROWS_WITH(give_all(), "three");
  CHECK_THROWS_WITH(conveyor.finish(), "three");
  CHECK(done == std::vector<int>{0, 1, 2});
}

TEST_CASE("what waits when it is destroyed is dropped") {
  std::latch begun(1), go(1);
  int done = 0;
  {
    Conveyor<int> conveyor(8, [&](int& item) {
      if (item == 0) begun.count_down();
      go.wait();
      ++done;
    });
    for (int i = 0; i < 5; ++i) conveyor.give(i);
    begun.wait();
    std::jthread opener([&] { go.count_down(); });
  }

  CHECK(done >= 1);
  CHECK(done <= 5);
}

TEST_CASE("it ends, at whichever moment it is destroyed") {
  using namespace std::chrono;
  for (nanoseconds age{0}; age < microseconds(150); age += nanoseconds(50)) {
    const Conveyor<int> conveyor(2, [](int&) {});
    const auto end = steady_clock::now() + age;
    while (steady_clock::now() < end) {  // sleeping would take longer than the moments that matter
    }
  }
}

TEST_CASE("what was worked on comes back, to be used again") {
  Conveyor<std::vector<int>> conveyor(1, [](std::vector<int>& item) { item.clear(); });
  std::vector<int> item;
  item.reserve(1000);

  item = conveyor.give(std::move(item));
  CHECK(item.capacity() == 0);
  conveyor.finish();
  item = conveyor.give(std::move(item));

  CHECK(item.empty());
  CHECK(item.capacity() == 1000);
}
