#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/files.h"
#include "base/tree_entry.h"
#include "providers/lxc/parts/tree_entries.h"

/// How a tree goes from one process to another without a copy: they share memory, cut into slots that hold
/// the contents of files. Everything else goes in messages over a socket (SOCK_SEQPACKET), so that nobody can
/// change it while it is read. The first message brings the memory; back come the numbers of slots that are
/// free again.
namespace envtool::lxc {

struct TreeMessage {
  enum class Kind : char {
    entries = 'n',  ///< whole ones
    open = 'o',     ///< the same, but the last is a file of which more comes
    piece = 'p',    ///< more of it
    hole = 'h',     ///< in it: eight bytes with its size
    last = 'l',     ///< the rest of it
    end = 'e'       ///< all of the tree has come; with it a text of the sender's
  };
  Kind kind = Kind::end;
  std::string_view text;     ///< entries, a size, or a text; valid until the next message
  std::string_view content;  ///< shared with the sender
  int slot = -1;             ///< where that is, to be released
};

/// Maps memory that two processes share.
class SharedSlots {
 public:
  static constexpr std::size_t count = 8, slot_size = 512 << 10;

  /// Makes the memory.
  SharedSlots();
  /// Memory of another process. Throws Error(usage) where it could take some of it away again.
  explicit SharedSlots(UniqueFd memory);
  ~SharedSlots();
  SharedSlots(const SharedSlots&) = delete;
  SharedSlots& operator=(const SharedSlots&) = delete;

  int memory() const { return memory_.get(); }
  char* slot(std::size_t number) const { return bytes_ + number * slot_size; }

 private:
  void map(int protection);

  UniqueFd memory_;
  char* bytes_ = nullptr;
};

/// Thrown by a sender when the other side is gone, which knows why.
class ChannelBroken : public Error {
 public:
  ChannelBroken() : Error(ErrorKind::failed, "'envtool-lxc' does not take the root file system") {}
};

/// Throws ChannelBroken.
class TreeSender {
 public:
  /// The socket stays the caller's.
  explicit TreeSender(int socket);

  /// Throws Error(failed) for one that is too large to be told.
  void add(const TreeEntry& entry);
  /// The next bytes of the file that was added last.
  void write(std::string_view bytes);
  /// Zeros of that file that need not be on the disk.
  void skip(std::uint64_t size);
  void finish(std::string_view text);

 private:
  void end_file();
  void note_size();
  void send_part();
  void send(TreeMessage::Kind kind);
  void find_slot();

  int socket_;
  SharedSlots slots_;
  std::vector<std::uint8_t> free_;
  std::optional<std::uint8_t> slot_;  ///< that is filled
  std::size_t used_ = 0;              ///< of it
  std::string text_;
  std::size_t begin_ = 0;  ///< in the slot, of the last entry's content
  bool is_open_ = false;   ///< more of the last entry comes
};

/// Throws Error(usage) for what no TreeSender sends, and Error(failed) where it ends too early.
class TreeReceiver {
 public:
  /// The socket stays the caller's. Throws Error(host_not_ready) where sudo has put a pipe in its place.
  explicit TreeReceiver(int socket);

  /// `buffer` is for the message's text.
  TreeMessage next(std::string& buffer) const;
  /// Of any thread.
  void release(const TreeMessage& message) const;
  /// Ends the channel: who waits in `next`, or for room at the other side, waits no longer. Of any thread.
  void close() const;

 private:
  int socket_;
  SharedSlots slots_;
};

}  // namespace envtool::lxc
