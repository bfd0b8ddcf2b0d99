#pragma once

#include <memory>
#include <stop_token>
#include <string>
#include <thread>

#include "core/guest_files.h"
#include "ssh/libssh.h"

namespace envtool {

/// SFTP over a channel of its own, as libssh speaks it: a request at a time.
class SftpFiles : public GuestFiles {
 public:
  /// The line becomes an SFTP server. Throws as Communicator::open_files.
  SftpFiles(ssh_session session, const std::string& line, std::stop_token stop);
  ~SftpFiles() override;

  Facts look_at(const std::string& path) override;
  std::map<std::string, Facts> list(const std::string& directory) override;
  std::string link_target(const std::string& link) override;
  void remove(const std::string& path) override;
  void remove_directory(const std::string& path) override;
  void make_directory(const std::string& path) override;
  void make_link(const std::string& path, const std::string& target) override;
  void make_file(const std::string& path, const std::function<std::string_view()>& next) override;
  void rename(const std::string& from, const std::string& to) override;
  void set_owner(const std::string& path, std::uint32_t user, std::uint32_t group) override;
  void set_mode_and_time(const std::string& path, std::uint32_t mode, std::uint32_t modified) override;

 private:
  struct Closed {
    void operator()(sftp_session sftp) const { sftp_free(sftp); }  // with its channel
  };

  void begin(const std::string& line);
  void hang_up_when_stopped(const std::stop_token& over) const;
  void check(bool is_done, const char* verb, const std::string& path) const;
  [[noreturn]] void fail(const char* verb, const std::string& path) const;
  [[noreturn]] void fail_to_begin(ssh_channel channel) const;

  ssh_session session_;
  std::stop_token stop_;
  std::unique_ptr<sftp_session_struct, Closed> sftp_;
  std::jthread watch_;  ///< of the stop, as libssh's calls wait for their answers
};

}  // namespace envtool
