#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "config/scalar.h"
#include "core/changes.h"
#include "core/folder_ways.h"
#include "core/steps/steps.h"

namespace envtool {

Step native_folders_step() {
  Step step{.name = "folders", .title = "update shared folders"};
  step.need = [](MachineContext& machine) {
    if (machine.started_now || power_of<NativeFolders>(machine.provider) == nullptr) return Need::none();
    if (machine.record.started_with["folders"] == folders_value(machine.spec())) return Need::none();
    return Need::because("they differ from the Envfile's");
  };
  step.run = [](MachineContext& machine) {
    const MachineSpec spec = machine.spec();
    make_missing_folders(machine.config);
    require<NativeFolders>(machine.provider, machine.run.services.providers)
        .update_folders(spec, machine.operation);
    machine.record.started_with.set("folders", folders_value(spec));
    machine.save();
  };
  return step;
}

namespace {

/// Run as root, with names of users on its input.
constexpr std::string_view facts_script = R"(for kind in virtiofs 9p; do
  modprobe -q "$kind" 2>/dev/null || true
  [ "$kind" = virtiofs ] || modprobe -q 9pnet_virtio 2>/dev/null || true
  if grep -qw "$kind" /proc/filesystems; then echo "$kind yes"; else echo "$kind no"; fi
done
while read -r name; do
  if id=$(id -u -- "$name" 2>/dev/null); then echo "user $id $name"; fi
done
)";

/// Run as root with a line each of what is to be mounted: kind, owner, and the first four fields of its line
/// in fstab. There they stay, for reboots that the guest does by itself; what of them is not wanted any more
/// goes.
constexpr std::string_view mount_script = R"sh(set -e
plain() { printf '%b' "$(printf %s "$1" | sed 's/\\\([0-7]\)/\\0\1/g')"; }
# made DIRECTORY OWNER: what of it is missing.
made() {
  [ ! -d "$1" ] || return 0
  made "$(dirname "$1")" "$2"
  mkdir "$1"
  chown "$2:" "$1"
}
wanted=$(cat)
begin='# envtool folders begin' end='# envtool folders end'
old=$(sed -n "/^$begin\$/,/^$end\$/{/^#/d;p}" /etc/fstab)
new=$(printf '%s\n' "$wanted" | awk 'NF { print $3, $4, $5, $6, 0, 0 }')
# What lies in another goes before it.
printf '%s\n' "$old" | awk 'NF { line[NR] = $0 } END { for (i = NR; i > 0; i--) if (i in line) print line[i] }' |
  while read -r source place rest; do
    ! printf '%s\n' "$new" | grep -qxF "$source $place $rest" || continue
    place=$(plain "$place")
    ! mountpoint -q "$place" || umount "$place"
  done
if [ "$old" != "$new" ]; then
  kept=$(sed "/^$begin\$/,/^$end\$/d" /etc/fstab)
  {
    printf '%s\n' "$kept"
    [ -z "$new" ] || printf '%s\n' "$begin" "$new" "$end"
  } >/etc/fstab.new
  cat /etc/fstab.new >/etc/fstab
  rm /etc/fstab.new
  systemctl daemon-reload 2>/dev/null || true
fi
printf '%s\n' "$wanted" | while read -r kind owner source place rest; do
  [ -n "$kind" ] || continue
  place=$(plain "$place")
  ! mountpoint -q "$place" || continue
  case $kind in
    share) made "$place" root ;;
    cover)
      source=$(plain "$source")
      mkdir -p "$source"
      chown "$owner:" "$source"
      made "$place" "$owner" || continue # in a folder that cannot be written, and nothing to cover
      ;;
    hide) [ -d "$place" ] || continue ;;
  esac
  mount "$place" || mountpoint -q "$place" # by the guest's init, which also goes through fstab
done
)sh";

constexpr const char* covers = "/var/lib/envtool/covers";

std::string options_of(const NativeFolder& folder) {
  const std::string options = folder.read_only ? "ro,nofail" : "rw,nofail";
  if (folder.type == FolderType::virtiofs) return options;
  // The kernel's own choice of 128 KiB for a message makes large files slow; mmap is what databases and git
  // need.
  return options + ",trans=virtio,version=9p2000.L,msize=524288,cache=mmap";
}

std::string mount_lines(const FolderWay& way) {
  const NativeFolder& folder = way.device;
  const std::string place = as_in_fstab(folder.guest);
  std::string text = fmt::format("share {} {} {} {} {}\n", folder.owner, folder.tag, place,
                                 to_string(folder.type), options_of(folder));
  for (const std::string& covered : folder.covered) {
    const std::string below = (std::filesystem::path("/") / covered / "").lexically_normal().string();
    if (below == "/") continue;
    const std::string path = as_in_fstab(below.substr(1, below.size() - 2));
    text += fmt::format("cover {} {}/{}/{} {}/{} none bind,nofail\n", folder.owner, covers, folder.tag,
                        replace_all(path, "/", "+"), place, path);
  }
  if (folder.hides_project_state)
    text += fmt::format("hide root tmpfs {}/.envtool tmpfs ro,size=4k,mode=0555,nofail\n", place);
  return text;
}

std::string mount_lines(const std::vector<FolderWay>& ways) {
  std::string text;
  for (const FolderWay& way : ways)
    if (way.is_device() && !way.waits) text += mount_lines(way);
  return text;
}

/// Asks the guest what folders depend on, for this start and the next ones.
void learn(MachineContext& machine) {
  std::string users = machine.record.ssh_user + "\n";
  for (const FolderConfig& folder : machine.config.folders)
    if (!folder.owner.empty()) users += folder.owner + "\n";
  const ProcessResult result = machine.guest().run(
      {.script = std::string(facts_script), .user = "root", .input = users}, machine.operation);
  if (!result.ok())
    throw Error(ErrorKind::failed,
                fmt::format("cannot ask the guest what it can mount: {}", last_lines(result.error, 2)));
  GuestFacts facts;
  for (const std::string& line : split(result.output, '\n')) {
    const std::vector<std::string> words = split(line, ' ');
    if (words.size() == 2)
      facts.file_systems[words[0] == "9p" ? FolderType::ninep : FolderType::virtiofs] = words[1] == "yes";
    const auto id = words.size() == 3 ? parse_integer(words[1]) : std::nullopt;
    if (id) facts.users[words[2]] = *id;
  }
  machine.record.created_with.set("guest", to_value(facts));
  machine.save();
}

void mount_all(MachineContext& machine, const std::string& lines) {
  const ProcessResult result = machine.guest().run(
      {.script = std::string(mount_script), .user = "root", .input = lines}, machine.operation);
  if (result.ok()) return;
  Error error(ErrorKind::failed,
              fmt::format("cannot mount its folders in the guest: {}", last_lines(result.error, 3)));
  if (result.error.find("busy") != std::string::npos)
    error.with_hint("a program in the guest works in a folder that is to go; 'envtool reload' ends it");
  else
    error.with_hint("'type: rsync' copies a folder instead");
  throw error;
}

/// How the folder comes into the guest, and why not better.
void tell(MachineContext& machine, const FolderWay& way) {
  const std::string& guest = way.folder->guest;
  const std::string why = way.why.empty() ? "" : ": " + way.why;
  if (way.waits)
    machine.operation.say(fmt::format("folder '{}' is not there yet{}", guest, why), Tone::warning);
  else if (way.is_device() || !why.empty())
    machine.operation.say(fmt::format("folder '{}' by {}{}", guest, to_string(way.type), why));
}

/// Whether it is worth asking a guest that nobody has asked yet.
bool asks(const MachineRecord& record, const std::vector<FolderWay>& ways) {
  return !record.created_with.has("guest") &&
         std::ranges::any_of(ways, [](const FolderWay& way) { return way.provider_can; });
}

std::string in_words(const std::vector<FolderWay>& ways) {
  std::vector<std::string> parts;
  for (const FolderWay& way : ways)
    if (way.is_device())
      parts.push_back(
          fmt::format("'{}' {} {}", way.folder->guest, way.waits ? "waits for" : "by", to_string(way.type)));
  return parts.empty() ? "none comes as a device" : join(parts, ", ");
}

bool any_waits(const std::vector<FolderWay>& ways) {
  return std::ranges::any_of(ways, [](const FolderWay& way) { return way.waits; });
}

/// Copying into it would mean the host's own files.
bool is_mounted(const MachineRecord& record, const FolderConfig& folder) {
  const std::string& mounts = record.created_with["mounts"].as_text();
  const std::string place = as_in_fstab(folder.guest);
  return mounts.find(fmt::format(" {} virtiofs ", place)) != std::string::npos ||
         mounts.find(fmt::format(" {} 9p ", place)) != std::string::npos;
}

std::vector<FolderWay> ways_of(MachineContext& machine) {
  const FolderScene scene = folder_scene(machine);
  return machine.planning && machine.started_now ? ways_at_start(scene) : ways_now(scene);
}

}  // namespace

void add_folder_devices(MachineContext& machine, MachineSpec& spec) {
  if (power_of<FolderDevices>(machine.provider) == nullptr) return;
  for (const FolderWay& way : ways_at_start(folder_scene(machine)))
    if (way.is_device()) spec.folders.push_back(way.device);
}

Step mount_folders_step() {
  Step step{.name = "mount", .title = "mount folders"};
  step.need = [](MachineContext& machine) {
    const std::string& had = machine.record.created_with["mounts"].as_text();
    if (power_of<FolderDevices>(machine.provider) == nullptr ||
        (!may_have_devices(folder_scene(machine)) && had.empty()))
      return Need::none();
    const std::vector<FolderWay> ways = ways_of(machine);
    const std::string lines = mount_lines(ways);
    const bool due = lines != had || (machine.started_now && !lines.empty()) || any_waits(ways) ||
                     asks(machine.record, ways);
    return due ? Need::because(in_words(ways)) : Need::none();
  };
  step.run = [](MachineContext& machine) {
    const FolderScene scene = folder_scene(machine);
    // At each start: its kernel may be another one by now.
    if (machine.started_now || asks(machine.record, ways_now(scene))) learn(machine);
    const std::vector<FolderWay> ways = ways_now(scene);
    const std::string lines = mount_lines(ways);
    if (!lines.empty() || !machine.record.created_with["mounts"].as_text().empty()) mount_all(machine, lines);
    machine.record.created_with.set("mounts", lines);
    machine.save();
    for (const FolderWay& way : ways)
      if (way.is_device()) tell(machine, way);
  };
  return step;
}

Step sync_folders_step() {
  Step step{.name = "sync", .title = "copy folders into the guest"};
  step.need = [](MachineContext& machine) {
    const bool any =
        std::ranges::any_of(ways_of(machine), [](const FolderWay& way) { return way.is_copied(); });
    return any ? Need::because("copied folders are pushed by every up") : Need::none();
  };
  step.run = [](MachineContext& machine) {
    const SshEndpoint endpoint = machine.run.endpoint_of(machine.record, machine.operation);
    make_missing_folders(machine.config);
    for (FolderWay& way : ways_now(folder_scene(machine))) {
      if (!way.is_copied()) continue;
      if (is_mounted(machine.record, *way.folder))
        throw Error(
            ErrorKind::failed,
            fmt::format("folder '{}' is still shared with the guest, and not copied", way.folder->guest))
            .with_hint("'envtool up' takes over what the Envfile says now");
      const FolderSync::Copied copied =
          machine.run.services.folders.push(*way.folder, endpoint, machine.guest(), machine.operation);
      way.type = copied.type;
      if (!copied.why.empty()) way.why += (way.why.empty() ? "" : "; ") + copied.why;
      tell(machine, way);
    }
  };
  return step;
}

}  // namespace envtool
