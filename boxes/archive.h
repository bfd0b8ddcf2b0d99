#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "boxes/byte_source.h"
#include "core/operation.h"

namespace envtool {

/// Is asked for every file by its name: gives true when it took the content, all of it, so that no file is
/// made of it.
using EntryTaker = std::function<bool(const std::string& name, ByteSource& content)>;

/// Unpacks a box into an existing directory of ours: regular files and directories only, owners, modes and
/// times of the archive left behind. An entry that would lie outside, a link, a device or a second file of
/// one name is Error(failed) naming the entry; so are a damaged archive, one of a format that is not known
/// and one that does not fit on the disk. What was written by then stays for the caller to remove. Reports
/// progress in bytes of the archive. Takes tar (with gzip, bzip2, xz, lzma, lz4, zstd or nothing), zip, 7z
/// and cpio, by content.
void unpack_archive(const std::filesystem::path& archive, const std::filesystem::path& directory,
                    const EntryTaker& taker, Operation& operation);

/// The same of what comes in order, read to its end. A 7z archive cannot be read so: Error(failed) says what
/// to do.
void unpack_archive(ByteSource& source, const std::filesystem::path& directory, const EntryTaker& taker,
                    Operation& operation);

/// The name of the first entry that is no `.`, of an archive that begins so; empty when there is none.
std::string first_entry(std::string_view head, Operation& operation);

/// Copies the source into a new file; blocks of zeros become holes.
void write_sparse(ByteSource& source, const std::filesystem::path& path, Operation& operation);

/// Writes a tar with every entry below `./rootfs`, as Vagrant's LXC boxes have it, compressed with zstd.
void pack_rootfs(const std::filesystem::path& tar, const std::filesystem::path& output, Operation& operation);

}  // namespace envtool
