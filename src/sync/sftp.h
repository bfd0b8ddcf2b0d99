#pragma once

#include "core/services.h"

namespace envtool {

/// Makes the guest's folder like the host's over the guest's own SFTP server, for guests or hosts without
/// rsync: it reads what is there, and writes what differs. A file takes its place by rename. Throws as
/// FolderSync::push does.
void push_by_sftp(const FolderConfig& folder, const SshEndpoint& endpoint, Communicator& communicator,
                  Operation& operation);

}  // namespace envtool
