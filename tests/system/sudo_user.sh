#!/bin/bash
# A user with sudo brings machines up with it or without it, and owns all that lies in the project and at home.
# It uses /var/lib/envtool, since only root may move that; an unpacked box stays there, as for any user.
. "$(dirname "$0")/lib.sh"
for program in sudo useradd runuser git; do
  command -v "$program" >/dev/null || skip "it needs '$program'"
done

able=envt-able unable=envt-unable

leave() {
  local result=$? user
  cd /
  rm -f /etc/sudoers.d/envtool-test
  for user in "$able" "$unable"; do
    id "$user" >/dev/null 2>&1 || continue
    local id home
    home=$(getent passwd "$user" | cut -d: -f6)
    for id in $(as "$user" envtool --json list 2>/dev/null | jq --raw-output '.environments[].id'); do
      SUDO_UID=$(id -u "$user") HOME=$home env -u ENVTOOL_HOME -u ENVTOOL_ROOT "$bin/envtool" destroy "@$id" --yes
    done
    rm -rf "/tmp/envtool-$(id -u "$user")" "$home"
    userdel "$user"
  done >/dev/null 2>&1
  (exit "$result")
  clean_up
}
trap leave EXIT

# The program at a place that any user can reach.
bin=$work/bin
copy_program "$bin"

# as USER COMMAND...: as that user and from nothing of ours but the working directory.
as() {
  local user=$1
  shift
  runuser --user "$user" -- env --ignore-environment HOME="$(getent passwd "$user" | cut -d: -f6)" USER="$user" \
    LC_ALL=C.UTF-8 PATH="$bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin" "$@" </dev/null 9>&-
}

for user in "$able" "$unable"; do
  id "$user" >/dev/null 2>&1 && fail "there is a user '$user' already"
  useradd --create-home --home-dir "$work/$user" --shell /bin/bash "$user" || fail "useradd"
  mkdir -p "$work/$user/.local/share/envtool"
  cp -rL "$cache/boxes" "$work/$user/.local/share/envtool/boxes"
  chown -R "$user:" "$work/$user"
done
echo "$able ALL=(ALL) NOPASSWD: ALL" >/etc/sudoers.d/envtool-test
chmod 0440 /etc/sudoers.d/envtool-test

foreign_files() { find "$work/$able" ! -user "$able"; }
own_machines() { find /var/lib/envtool/{lxc,machines,root} -mindepth 1 -maxdepth 1 -name "envtsudo-*"; }

cd "$work/$able" && as "$able" mkdir project && cd project || fail "no project"
envfile <<'YAML'
name: envtsudo
box: build:debian/bookworm
ports: ["879:22", "28500-28599:80"]
provision:
  - shell: {inline: id -un > /vagrant/provisioned, user: vagrant}
YAML
chown "$able:" Envfile
as "$able" git init --quiet .

step "sudo envtool up, with a port below 1024"
expect 0 as "$able" sudo -n "$bin/envtool" up
says "is up"
equal "files that are not the user's" "" "$(foreign_files)"
equal "who answers on port 879" SSH-2.0 "$(timeout 5 bash -c 'head -c 7 </dev/tcp/127.0.0.1/879')"
forwarder=$(pgrep --full "^[^ ]*envtool-forward .*$work/$able/")
equal "who the forwarder runs as" "$able" "$(ps -o user:32= "$forwarder" | xargs)"

step "afterwards everything works without sudo"
expect 0 as "$able" envtool status
says running
expect 0 as "$able" envtool ssh -c 'id -un; echo hello > /vagrant/written; sudo sh -c "echo hello > /vagrant/by-root"'
equal "the guest's user" vagrant "$output"
equal "who owns what the guest's user wrote" "$able" "$(stat -c %U written)"
expect 0 as "$able" git status --short
says Envfile written
says_not .envtool
equal "what the guest's user sees as his" vagrant "$(as "$able" envtool ssh -c 'stat -c %U /vagrant/Envfile')"
expect 0 as "$able" envtool up
says "nothing to do"

step "a box of it is the user's, with sudo and without"
expect 0 as "$able" sudo -n "$bin/envtool" package
expect 0 as "$able" envtool package --output plain.box
equal "who owns the boxes" "$able $able" "$(stat -c %U package.box plain.box | xargs)"
rm package.box plain.box

step "and machines go and come without sudo, which envtool asks for itself"
sed -i 's/"879:22", //' Envfile
expect 0 as "$able" envtool halt
expect 0 as "$able" envtool up
expect 0 as "$able" envtool ssh -c true
expect 0 as "$able" envtool destroy --yes
equal "machines that are left" "" "$(own_machines)"
expect 0 as "$able" envtool up
says "is up"
equal "files that are not the user's" "" "$(foreign_files | grep --invert-match by-root)"

step "the project can be removed without sudo, and its machine found and destroyed"
cd "$work/$able" || fail "no home"
expect 0 as "$able" rm -rf project
expect 0 as "$able" envtool list
says envtsudo
expect 0 as "$able" envtool destroy @envtsudo --yes
equal "machines that are left" "" "$(own_machines)"
equal "state that is left" "" "$(find "$work/$able/.local/state/envtool" -mindepth 1 -type d)"

step "a user without sudo is told the exact command"
cd "$work/$unable" && as "$unable" mkdir project && cd project || fail "no project"
envfile <<'YAML'
name: envtsudo
box: build:debian/bookworm
YAML
chown "$unable:" Envfile
expect 4 as "$unable" envtool up
says "sudo envtool" "NOPASSWD: $bin/libexec/envtool/envtool-lxc" "/etc/sudoers.d/envtool"
equal "machines that are left" "" "$(own_machines)"
equal "state that is left" "" "$(find "$work/$unable/.local/state/envtool" -mindepth 1 -type d 2>/dev/null)"
