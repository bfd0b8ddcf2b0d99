#!/bin/bash
# Whatever is wrong with what the user gives: one clear error, the exit code of the table, nothing half made.
. "$(dirname "$0")/lib.sh"

# refused STATUS [up's options]: up of the project here fails so, names itself an error and leaves nothing.
refused() {
  local wanted=$1
  shift
  expect "$wanted" envtool up "$@"
  equal "the number of errors" 1 "$(grep --count '^error: ' <<<"$output")"
  left=$(leftovers)
  [ -z "$left" ] || fail "something half made is left: $left"
  [ ! -e .envtool ] || fail ".envtool is left"
}

base="box: build:debian/bookworm
folders: []"

step "no Envfile"
mkdir "$work/empty" && cd "$work/empty"
refused 2
says Envfile "envtool init"

step "not YAML, an unknown key, a wrong type: where, and what was meant"
project broken <<<'machines: [web: {'
refused 3
says "Envfile:"
envfile <<<$'box: build:debian/bookworm\nmemroy: 2GiB\nports: yes'
expect 3 envtool up
says "Envfile:2:1" "'memroy'" "did you mean 'memory'" "Envfile:3:8" "ports"
expect 3 envtool validate
says "Envfile:2:1" "Envfile:3:8"
: >Envfile
expect 3 envtool up
envfile <<<$'box: build:debian/bookworm\nports: ["80:80", "80:81"]'
refused 3
says 80

step "an unknown box"
envfile <<<'box: build:debian/bookwurm'
refused 3
says bookwurm "debian/bookworm"
envfile <<<'box: ./no-such.box'
refused 3
says no-such.box

step "a box that is not an archive"
before=$(ls -A "$ENVTOOL_HOME/data/boxes/")
head --bytes 100000 /dev/urandom >noise.box
envfile <<<'box: ./noise.box'
refused 1
says noise.box
: >nothing.box
envfile <<<'box: ./nothing.box'
refused 1
says nothing.box
# The first half of a real one.
echo '{"provider": "lxc", "version": "1.0.0"}' >metadata.json
mkdir -p rootfs/etc && head --bytes 3000000 /dev/urandom >rootfs/etc/large
tar --create --gzip --file rootfs.tar.gz rootfs
tar --create --file whole.box metadata.json rootfs.tar.gz
head --bytes 1000000 whole.box >half.box
envfile <<<'box: ./half.box'
refused 1
says half.box
equal "the store" "$before" "$(ls -A "$ENVTOOL_HOME/data/boxes/")"

step "a missing playbook, script, folder"
envfile <<<"$base
provision:
  - ansible: site.yml
  - shell: {path: setup.sh}
  - file: {source: app.ini, destination: /etc/app.ini}"
for command in up validate; do
  expect 3 envtool $command
  says "'site.yml' in '" "'setup.sh' in '" "'app.ini' in '" "Envfile:4:" "Envfile:5:" "Envfile:6:"
done
[ ! -e .envtool ] || fail ".envtool is left"
nothing_left
envfile <<<$'box: build:debian/bookworm\nfolders: ["./src:/srv"]'
refused 3
says src "create: true"

step "keys that the provider does not support are refused by name"
envfile <<<"$base
cloud_init: {inline: '#cloud-config'}
disk: 20GiB
provider: lxc"
expect 6 envtool validate
says "'cloud_init' is not supported by provider 'lxc'"
expect 6 envtool up
says "'cloud_init' is not supported by provider 'lxc'" "'disk'" "Envfile:3:"
[ ! -e .envtool ] || fail ".envtool is left"
nothing_left

step "output that is lost, a standard stream that is closed, a directory that is gone"
envfile <<<"$base"
# lost COMMAND...: what it prints goes to a full disk.
lost() { "$ENVTOOL" "$@" >/dev/full; }
expect 1 lost status
says "cannot write standard output: No space left on device"
expect 1 lost --help
closed() { "$ENVTOOL" status >&-; }
expect 1 closed
says "cannot write standard output"
seen() { "$ENVTOOL" completion bash | head -n 1; }
expect 0 seen
gone() { (mkdir "$work/gone" && cd "$work/gone" && rmdir "$work/gone" && "$ENVTOOL" status); }
expect 2 gone
says "the working directory is not there any more"

step "a taken port: who holds it; of a range, the next one"
python3 -m http.server --bind 127.0.0.1 18931 >/dev/null 2>&1 9>&- &
server=$!
eventually curl --silent --output /dev/null http://127.0.0.1:18931/
envfile <<<"$base
ports: ['18931:80']"
refused 1
says 18931 "python3" "$server"
envfile <<<"$base
ports: ['18931-18935:80']"
expect 0 envtool up
equal "the port" 18932 "$(envtool port --guest 80)"
expect 0 envtool destroy --yes
kill $server

step "a port that another environment holds"
project one <<<"name: one
$base
ports: ['18940:80']"
expect 0 envtool up
project two <<<"name: two
$base
ports: ['18940:80']"
expect 1 envtool up
says 18940 one
[ ! -e .envtool ] || fail ".envtool is left"
equal "one" running "$(cd "$work/one" && state_of)"
expect 0 envtool destroy @one --yes
nothing_left

step "not root, and no sudo: the command to give"
if getent passwd nobody >/dev/null && command -v runuser >/dev/null; then
  mkdir -p "$work/plain/home" && chown -R nobody "$work/plain" && chmod 0755 "$work/plain"
  printf '%s\n' "$base" "sources: {debian: http://127.0.0.1:1/}" >"$work/plain/Envfile"
  chown nobody "$work/plain/Envfile"
  cd "$work/plain"
  program=$(readlink -f "$ENVTOOL")
  if runuser -u nobody -- test -x "$program"; then
    as_nobody() {
      env -u ENVTOOL_ROOT -u XDG_RUNTIME_DIR ENVTOOL_HOME="$work/plain/home" HOME="$work/plain/home" \
        PATH="${1}" runuser -u nobody -- "$program" "${@:2}" </dev/null 9>&-
    }
    expect 4 as_nobody "$PATH" up
    says sudo envtool-lxc
    [ ! -e .envtool ] || fail ".envtool is left"
    expect 0 as_nobody "$PATH" validate
  else
    step "... left out: user 'nobody' cannot reach $program"
  fi
fi

step "a full disk under the machine: said so, and nothing is left on it"
project full <<<"name: full
box: build:debian/bookworm
folders: []"
mkdir "$work/tmpfs-root"
# Smaller than the packed box: known before the first byte. Larger: found out on the way.
for size in 20 200; do
  mount -t tmpfs -o size=${size}M,mode=0755 none "$work/tmpfs-root"
  expect 1 env ENVTOOL_ROOT="$work/tmpfs-root" "$ENVTOOL" up
  if [ $size -eq 20 ]; then says "packed it has" "has only"; else says "no space left"; fi
  says "$work/tmpfs-root" "make room there"
  equal "what is left of the machine" "" "$(find "$work/tmpfs-root/machines" "$work/tmpfs-root/lxc" -mindepth 1 -maxdepth 1 2>/dev/null)"
  equal "what is left of the box" "" "$(find "$work/tmpfs-root/boxes" -mindepth 1 -maxdepth 1 2>/dev/null)"
  [ "$(df --output=pcent "$work/tmpfs-root" | tail -n 1 | tr -dc 0-9)" -lt 5 ] || fail "the disk is still full"
  [ ! -e .envtool ] || fail ".envtool is left"
  umount "$work/tmpfs-root"
done

step "a full disk under the home"
mkdir "$work/tmpfs-home"
mount -t tmpfs -o size=1M,mode=0755 none "$work/tmpfs-home"
mkdir "$work/tmpfs-home/data" && ln -s "$cache/boxes" "$work/tmpfs-home/data/boxes"
dd if=/dev/zero of="$work/tmpfs-home/filler" bs=4k 2>/dev/null
expect 1 env ENVTOOL_HOME="$work/tmpfs-home" "$ENVTOOL" up
says "$work/tmpfs-home" "o space left"
rm "$work/tmpfs-home/filler"
expect 0 env ENVTOOL_HOME="$work/tmpfs-home" "$ENVTOOL" up
expect 0 env ENVTOOL_HOME="$work/tmpfs-home" "$ENVTOOL" destroy --yes
nothing_left

step "sshd that never starts: the phase, what was seen, the console, the log"
project deaf <<<"name: deaf
box: build:debian/bookworm
folders: []"
expect 0 envtool up
# Within the machine's own layer, so that the next boot has no sshd.
expect 0 envtool ssh -c 'sudo systemctl mask --quiet ssh.service ssh.socket; sudo sync'
expect 0 envtool halt
echo "timeouts: {boot: 4s}" >>Envfile
expect 1 envtool up
says "machine 'default'" "SSH port to open" "console" "envtool logs"
equal "the state" running "$(state_of)"
expect 0 envtool status
expect 0 envtool logs
expect 0 envtool destroy --yes
nothing_left
