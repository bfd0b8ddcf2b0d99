#include "providers/libvirt/backup.h"

#include <fmt/format.h>

#include "providers/libvirt/xml.h"

namespace envtool::libvirt {

namespace {

using namespace std::chrono_literals;

virDomainJobInfo job_of(const Domain& domain) {
  virDomainJobInfo job{};
  if (api().virDomainGetJobInfo(domain.get(), &job) != 0) fail("ask how far the copy of its disks is");
  return job;
}

/// Of the last job that ended, which is told once.
bool has_succeeded(const Domain& domain) {
  int type = VIR_DOMAIN_JOB_NONE, count = 0;
  virTypedParameterPtr facts = nullptr;
  if (api().virDomainGetJobStats(domain.get(), &type, &facts, &count, VIR_DOMAIN_JOB_STATS_COMPLETED) != 0)
    return false;
  api().virTypedParamsFree(facts, count);
  return type == VIR_DOMAIN_JOB_COMPLETED;
}

void wait_for_job(const Domain& domain, Operation& operation) {
  for (virDomainJobInfo job = job_of(domain); job.type != VIR_DOMAIN_JOB_NONE; job = job_of(domain)) {
    operation.progress({.done = job.dataProcessed, .total = job.dataTotal, .unit = "B"});
    operation.sleep_for(200ms);
  }
}

}  // namespace

std::string backup_xml(const std::vector<DiskCopy>& disks) {
  std::string list;
  for (const DiskCopy& disk : disks)
    list += fmt::format(
        "    <disk name='{}' backup='yes' type='file'>\n"
        "      <driver type='qcow2'/>\n"
        "      <target file='{}'/>\n"
        "    </disk>\n",
        disk.target, escape_xml(disk.path));
  return "<domainbackup mode='push'>\n  <disks>\n" + list + "  </disks>\n</domainbackup>\n";
}

void copy_disks(const Domain& domain, const std::vector<DiskCopy>& disks, Operation& operation) {
  const bool is_whole = api().virDomainFSFreeze(domain.get(), nullptr, 0, 0) >= 0;
  const int begun = api().virDomainBackupBegin(domain.get(), backup_xml(disks).c_str(), nullptr,
                                               VIR_DOMAIN_BACKUP_BEGIN_REUSE_EXTERNAL);
  const std::string why = begun == 0 ? "" : last_message();
  if (is_whole) api().virDomainFSThaw(domain.get(), nullptr, 0, 0);
  if (begun != 0) throw Error(ErrorKind::failed, fmt::format("cannot copy its disks while it runs: {}", why));
  try {
    wait_for_job(domain, operation);
  } catch (...) {
    end_copying(domain);
    throw;
  }
  if (!has_succeeded(domain))
    throw Error(ErrorKind::failed, "the copy of its disks broke off; is the host's file system full?");
}

void end_copying(const Domain& domain) {
  virDomainJobInfo job{};
  const auto is_at_it = [&] {
    return api().virDomainGetJobInfo(domain.get(), &job) == 0 && job.type != VIR_DOMAIN_JOB_NONE;
  };
  if (is_at_it()) api().virDomainAbortJob(domain.get());
}

}  // namespace envtool::libvirt
