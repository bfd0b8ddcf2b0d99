#include "sync/copied_folders.h"

#include "sync/rsync.h"
#include "sync/sftp.h"
#include "sync/watch.h"

namespace envtool {

FolderSync::Copied CopiedFolders::push(const FolderConfig& folder, const SshEndpoint& endpoint,
                                       Communicator& communicator, Operation& operation) {
  Copied copied{.type = FolderType::sftp};
  if (folder.type != FolderType::sftp) {
    try {
      push_by_rsync(folder, {endpoint, remote_shell_(endpoint)}, communicator, operation);
      return {};
    } catch (const NoRsync& missing) {
      if (folder.type == FolderType::rsync) throw;
      copied.why = missing.reason();
    }
  }
  push_by_sftp(folder, endpoint, communicator, operation);
  return copied;
}

std::unique_ptr<FolderWatch> CopiedFolders::watch(const std::vector<FolderConfig>& folders) {
  return std::make_unique<InotifyWatch>(folders);
}

}  // namespace envtool
