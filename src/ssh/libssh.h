#pragma once

#include <libssh/callbacks.h>
#include <libssh/libssh.h>
#include <libssh/sftp.h>

#include "base/library.h"

/// The functions of libssh that are used here, under their own names: it is opened by the first call.
namespace envtool {

inline constexpr Library libssh{"libssh.so.4", "sudo apt-get install libssh-4"};

ENVTOOL_LIBRARY_FUNCTION(libssh, sftp_attributes_free)
ENVTOOL_LIBRARY_FUNCTION(libssh, sftp_close)
ENVTOOL_LIBRARY_FUNCTION(libssh, sftp_closedir)
ENVTOOL_LIBRARY_FUNCTION(libssh, sftp_dir_eof)
ENVTOOL_LIBRARY_FUNCTION(libssh, sftp_free)
ENVTOOL_LIBRARY_FUNCTION(libssh, sftp_get_error)
ENVTOOL_LIBRARY_FUNCTION(libssh, sftp_init)
ENVTOOL_LIBRARY_FUNCTION(libssh, sftp_lstat)
ENVTOOL_LIBRARY_FUNCTION(libssh, sftp_mkdir)
ENVTOOL_LIBRARY_FUNCTION(libssh, sftp_new_channel)
ENVTOOL_LIBRARY_FUNCTION(libssh, sftp_open)
ENVTOOL_LIBRARY_FUNCTION(libssh, sftp_opendir)
ENVTOOL_LIBRARY_FUNCTION(libssh, sftp_readdir)
ENVTOOL_LIBRARY_FUNCTION(libssh, sftp_readlink)
ENVTOOL_LIBRARY_FUNCTION(libssh, sftp_rename)
ENVTOOL_LIBRARY_FUNCTION(libssh, sftp_rmdir)
ENVTOOL_LIBRARY_FUNCTION(libssh, sftp_setstat)
ENVTOOL_LIBRARY_FUNCTION(libssh, sftp_symlink)
ENVTOOL_LIBRARY_FUNCTION(libssh, sftp_unlink)
ENVTOOL_LIBRARY_FUNCTION(libssh, sftp_write)
ENVTOOL_LIBRARY_FUNCTION(libssh, ssh_channel_free)
ENVTOOL_LIBRARY_FUNCTION(libssh, ssh_channel_is_closed)
ENVTOOL_LIBRARY_FUNCTION(libssh, ssh_channel_new)
ENVTOOL_LIBRARY_FUNCTION(libssh, ssh_channel_open_session)
ENVTOOL_LIBRARY_FUNCTION(libssh, ssh_channel_read_nonblocking)
ENVTOOL_LIBRARY_FUNCTION(libssh, ssh_channel_request_exec)
ENVTOOL_LIBRARY_FUNCTION(libssh, ssh_channel_send_eof)
ENVTOOL_LIBRARY_FUNCTION(libssh, ssh_channel_write)
ENVTOOL_LIBRARY_FUNCTION(libssh, ssh_connect)
ENVTOOL_LIBRARY_FUNCTION(libssh, ssh_disconnect)
ENVTOOL_LIBRARY_FUNCTION(libssh, ssh_event_add_session)
ENVTOOL_LIBRARY_FUNCTION(libssh, ssh_event_dopoll)
ENVTOOL_LIBRARY_FUNCTION(libssh, ssh_event_free)
ENVTOOL_LIBRARY_FUNCTION(libssh, ssh_event_new)
ENVTOOL_LIBRARY_FUNCTION(libssh, ssh_event_remove_session)
ENVTOOL_LIBRARY_FUNCTION(libssh, ssh_free)
ENVTOOL_LIBRARY_FUNCTION(libssh, ssh_get_error)
ENVTOOL_LIBRARY_FUNCTION(libssh, ssh_get_fd)
ENVTOOL_LIBRARY_FUNCTION(libssh, ssh_get_issue_banner)
ENVTOOL_LIBRARY_FUNCTION(libssh, ssh_get_poll_flags)
ENVTOOL_LIBRARY_FUNCTION(libssh, ssh_get_server_publickey)
ENVTOOL_LIBRARY_FUNCTION(libssh, ssh_is_connected)
ENVTOOL_LIBRARY_FUNCTION(libssh, ssh_key_free)
ENVTOOL_LIBRARY_FUNCTION(libssh, ssh_new)
ENVTOOL_LIBRARY_FUNCTION(libssh, ssh_options_set)
ENVTOOL_LIBRARY_FUNCTION(libssh, ssh_pki_export_pubkey_base64)
ENVTOOL_LIBRARY_FUNCTION(libssh, ssh_pki_import_privkey_base64)
ENVTOOL_LIBRARY_FUNCTION(libssh, ssh_pki_import_privkey_file)
ENVTOOL_LIBRARY_FUNCTION(libssh, ssh_remove_channel_callbacks)
ENVTOOL_LIBRARY_FUNCTION(libssh, ssh_set_blocking)
ENVTOOL_LIBRARY_FUNCTION(libssh, ssh_set_channel_callbacks)
ENVTOOL_LIBRARY_FUNCTION(libssh, ssh_string_free_char)
ENVTOOL_LIBRARY_FUNCTION(libssh, ssh_userauth_publickey)

/// Of a std::unique_ptr: frees by that function.
template <class T, auto& Free>
struct Freed {
  void operator()(T* object) const { Free(object); }
};

}  // namespace envtool
