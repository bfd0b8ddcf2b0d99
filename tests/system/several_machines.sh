#!/bin/bash
# Several machines: their order, their names for each other, their groups, and one that fails.
. "$(dirname "$0")/lib.sh"
command -v ansible-inventory >/dev/null || skip "it needs Ansible"

project team <<'END'
name: team
box: build:debian/bookworm
folders: []
machines:
  web:
    count: 2
    depends_on: [db]
    groups: [front]
    vars: {role: web, flag: "yes", number: "0644"}
    provision:
      - {name: sees db, shell: "getent ahostsv4 db | grep -v ' 127' > /dev/null; date +%s%N > /started"}
  db:
    aliases: [database.test]
    groups: [back]
    hostname: db-host
    provision:
      - {name: slow, shell: "sleep 1; date +%s%N > /finished"}
    ready:
      - {run: test -e /finished}
provision_all:
  - {name: last, shell: "date +%s%N > /all", machines: [db], run: always}
END

step "dependants start when what they depend on is provisioned and ready"
expect 0 envtool up
equal "running machines" 3 "$(json '[.machines[] | select(.state == "running")] | length' envtool --json status)"
finished=$(envtool ssh db -c 'cat /finished')
for name in web-1 web-2; do
  [ "$(envtool ssh $name -c 'cat /started')" -gt "$finished" ] || fail "$name was started before db was ready"
  [ "$(envtool ssh db -c 'cat /all')" -gt "$(envtool ssh $name -c 'cat /started')" ] || fail "provision_all ran before $name was up"
done

step "they find each other by name, both ways and after a restart"
names() {
  local from=$1 to
  shift
  for to in "$@"; do
    expect 0 envtool exec "$from" -- getent ahostsv4 "$to"
    says "$(json ".machines[] | select(.name == \"${to%%.*}\" or (.name == \"db\" and (\"$to\" | test(\"^db-host|^database\")))) | .addresses[0]" envtool --json status)"
  done
}
names web-1 db db-host database.test web-2
names db web-1 web-2
expect 0 envtool exec db -- hostname
equal "the host name" db-host "$output"
expect 0 envtool reload db
names web-1 db web-2
names db web-1 web-2

step "the inventory has groups and variables, text as text"
expect 0 ansible-inventory -i .envtool/inventory.yml --list
equal "group web" "web-1 web-2" "$(jq --raw-output '.web.hosts | sort | join(" ")' <<<"$output")"
equal "group front" "web-1 web-2" "$(jq --raw-output '.front.hosts | sort | join(" ")' <<<"$output")"
equal "group back" db "$(jq --raw-output '.back.hosts | join(" ")' <<<"$output")"
equal "variables" '{"flag":"yes","number":"0644","role":"web"}' \
  "$(jq --compact-output --sort-keys '._meta.hostvars["web-1"] | {flag, number, role}' <<<"$output")"

step "halt and destroy take dependants first"
expect 0 envtool halt db
expect 0 envtool up
expect 0 envtool destroy --yes
[ "$(grep -n 'db: .*destroy' <<<"$output" | head -n 1 | cut -d: -f1)" -gt "$(grep -n 'web-1: .*destroy' <<<"$output" | head -n 1 | cut -d: -f1)" ] ||
  fail "db was destroyed before web-1"
nothing_left

step "one that fails: its dependants are skipped, the others go on, the exit code says so"
envfile <<'END'
name: team
box: build:debian/bookworm
folders: []
machines:
  bad:
    provision: [{name: breaks, shell: "echo to no avail; exit 3"}]
  after: {depends_on: [bad]}
  last: {depends_on: [after]}
  good: {}
provision_all:
  - {shell: "touch /all", machines: [good]}
END
expect 1 envtool up
says "machine 'bad'" breaks "3" "to no avail" "after: warning: skipped, because 'bad' failed" "last: warning: skipped" "good: is up"
equal "bad" running "$(state_of bad)"
equal "good" running "$(state_of good)"
equal "after" "not created" "$(state_of after)"
expect 1 envtool ssh good -c 'test -e /all'

step "when it is mended, the rest follows"
sed -i 's/exit 3/true/' Envfile
expect 0 envtool up
says "good: is up, nothing to do" "after: is up" "last: is up"
expect 0 envtool ssh good -c 'test -e /all'

step "what a killed run left of a script over all machines is ended by the next"
cat >>Envfile <<'END'
  - name: long
    machines: [good]
    shell: |
      touch /begun
      exec flock --timeout 10 /lock sleep "$([ -e /tmp/again ] && echo 0 || echo 300)"
END
envtool up >/dev/null 2>&1 &
running=$!
eventually envtool exec good -- test -e /begun
kill -KILL $running
wait $running 2>/dev/null
expect 0 envtool exec good -- touch /tmp/again
expect 0 envtool up
says "provision_all long"

step "destroy"
expect 0 envtool destroy --yes
nothing_left
