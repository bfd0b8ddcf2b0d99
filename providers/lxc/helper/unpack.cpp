#include "providers/lxc/helper/unpack.h"

#include <fmt/format.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <exception>
#include <future>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "providers/lxc/helper/tree_writer.h"
#include "providers/lxc/parts/tree_channel.h"

namespace envtool::lxc {

namespace fs = std::filesystem;

namespace {

using Kind = TreeMessage::Kind;

/// Threads that take turns: one reads a message and makes the directories in it, and while it writes the
/// files, the next one reads. A file that comes in several is written by one, which keeps its turn.
class Unpacking {
 public:
  Unpacking(const Context& context, const fs::path& directory)
      : doing_(fmt::format("cannot unpack box '{}'", context.text("box"))),
        root_(context.layout.root),
        directory_(directory),
        channel_(STDIN_FILENO),
        tree_(directory, context.rootless() ? NewTree::Devices::left_out : NewTree::Devices::made) {}

  Unpacked run() {
    std::vector<std::future<void>> others(std::clamp(std::thread::hardware_concurrency(), 1U, most_threads) -
                                          1);
    for (auto& other : others) other = std::async(std::launch::async, [this] { work(); });
    work();
    for (auto& other : others) other.get();
    if (failure_) std::rethrow_exception(failure_);
    std::optional<Manifest> manifest;
    guard([&] { manifest = tree_.finish(); });
    if (failure_) std::rethrow_exception(failure_);
    return {std::move(digest_), *std::move(manifest)};
  }

 private:
  static constexpr unsigned most_threads = 4;

  void work() {
    guard([this] {
      TreeWriter writer(tree_);
      std::string buffer;
      while (take_turn(buffer, writer)) {
      }
    });
  }

  /// False at the end.
  bool take_turn(std::string& buffer, TreeWriter& writer) {
    std::unique_lock turn(mutex_);
    if (is_over_) return false;
    const TreeMessage message = next(buffer);
    if (message.kind == Kind::end) {
      digest_ = message.text;
      is_over_ = true;
      return false;
    }
    if (message.kind != Kind::entries && message.kind != Kind::open) refuse_message();
    std::vector<EntryReader::Item> items = make_directories(message, writer);
    if (message.kind == Kind::open) {
      if (items.empty() || items.back().entry.kind != TreeEntry::Kind::file) refuse_message();
      writer.begin(items.back().entry);
      writer.add(items.back().content);
      items.pop_back();
      write_rest(writer);
    }
    turn.unlock();
    for (const EntryReader::Item& item : items) writer.write(item.entry, item.content);
    channel_.release(message);
    return true;
  }

  TreeMessage next(std::string& buffer) {
    const TreeMessage message = channel_.next(buffer);
    check_room(message.content.size());
    return message;
  }

  [[noreturn]] static void refuse_message() {
    throw Error(ErrorKind::usage, "the stream of the box has a message out of its place");
  }

  /// Gives what else the message holds.
  static std::vector<EntryReader::Item> make_directories(const TreeMessage& message, TreeWriter& writer) {
    std::vector<EntryReader::Item> others;
    EntryReader entries(message.text, message.content);
    while (auto item = entries.next()) {
      if (item->entry.kind == TreeEntry::Kind::directory)
        writer.write(item->entry, {});
      else
        others.push_back(*std::move(item));
    }
    return others;
  }

  /// Of the file that was begun.
  void write_rest(TreeWriter& writer) {
    std::string buffer;
    for (TreeMessage message; message.kind != Kind::last;) {
      message = next(buffer);
      if (message.kind == Kind::hole && message.text.size() == 8)
        writer.skip(number_in(message.text));
      else if (message.kind == Kind::piece || message.kind == Kind::last)
        writer.add(message.content);
      else
        refuse_message();
      channel_.release(message);
    }
    writer.end();
  }

  /// Keeps the first failure, after which nobody takes another turn, and whose turn it is waits for no more.
  template <class Work>
  void guard(const Work& work) {
    std::exception_ptr failure;
    try {
      work();
    } catch (Error& error) {
      failure = std::make_exception_ptr(error.with_frame(doing_));
    } catch (const NoRoom& full) {
      failure = std::make_exception_ptr(no_room(fmt::format(" for its '/{}'", full.path)).with_frame(doing_));
    } catch (...) {
      failure = std::current_exception();
    }
    if (!failure) return;
    is_over_ = true;
    {
      const std::lock_guard lock(failure_mutex_);
      if (!failure_) failure_ = failure;
    }
    channel_.close();
  }

  void check_room(std::size_t size) {
    written_ += size;
    if (written_ < checked_ + reserve / 4) return;
    checked_ = written_;
    struct statvfs room {};
    if (::statvfs(directory_.c_str(), &room) == 0 && std::uint64_t{room.f_bavail} * room.f_frsize < reserve)
      throw no_room("");
  }

  Error no_room(std::string_view what_for) const {
    return Error(ErrorKind::failed, fmt::format("no space left in '{}'{}", root_.string(), what_for))
        .with_hint(make_room);
  }

  std::string doing_;  ///< for messages
  fs::path root_, directory_;
  TreeReceiver channel_;
  NewTree tree_;
  std::mutex mutex_;  ///< whose turn it is
  std::atomic<bool> is_over_ = false;
  std::mutex failure_mutex_;  ///< another, as whose turn it is may be waiting
  std::exception_ptr failure_;
  std::string digest_;
  std::uint64_t written_ = 0, checked_ = 0;
};

}  // namespace

Unpacked unpack(const Context& context, const fs::path& directory) {
  return Unpacking(context, directory).run();
}

}  // namespace envtool::lxc
