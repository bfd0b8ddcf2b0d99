#!/bin/bash
# Ten machines come up at once from one box, each whole, and go without a trace; dependencies are waited for.
. "$(dirname "$0")/lib.sh"

step "ten machines at once"
project ten <<'YAML'
name: ten
box: build:debian/bookworm
folders: []
machines:
  m:
    count: 10
    ports: ["28400-28449:22"]
    provision:
      - shell: hostname > /root/provisioned
YAML
expect 0 envtool up
equal "how many run" 10 "$(json '[.machines[] | select(.state == "running")] | length' envtool --json status)"
equal "how many addresses there are" 10 \
  "$(json '[.machines[].addresses[0]] | unique | length' envtool --json status)"
equal "how many host ports there are" 10 \
  "$(json '[.machines[].ports[0].host] | unique | length' envtool --json status)"

step "each is reachable, provisioned, and has no failed unit"
for number in 1 2 3 4 5 6 7 8 9 10; do
  expect 0 envtool ssh "m-$number" -c \
    'sudo cat /root/provisioned; systemctl is-system-running --wait; systemctl --failed --plain --no-legend'
  equal "what m-$number says" "m-$number"$'\n'running "$output"
done

step "they know each other by name"
expect 0 envtool ssh m-10 -c 'getent hosts m-1 m-9 | wc -l'
equal "names found" 2 "$output"

step "a second up has nothing to do"
expect 0 envtool plan --exit-code

step "destroy leaves nothing"
expect 0 envtool destroy --yes
nothing_left

step "who depends on another waits until that is provisioned and ready, and is stopped before it"
project chain <<'YAML'
name: chain
box: build:debian/bookworm
folders: [".:/srv/project"]
provision:
  - shell: {inline: hostname >> /srv/project/order, user: vagrant}
machines:
  last: {depends_on: [middle]}
  first:
    ready: [{run: "echo ready >> /srv/project/order"}]
    provision:
      - {name: slow, shell: {inline: sleep 1; echo slow >> /srv/project/order, user: vagrant}}
  middle: {depends_on: [first]}
YAML
expect 0 envtool up
equal "the order" "first slow ready middle last" "$(xargs <order)"
expect 0 envtool destroy --yes
equal "what is destroyed first" "last middle first" \
  "$(grep ': destroy$' <<<"$output" | cut -d: -f1 | xargs)"
nothing_left

step "a failed machine keeps those that depend on it from starting, and no other"
envfile <<'YAML'
name: chain
box: build:debian/bookworm
folders: []
machines:
  good: {}
  bad:
    provision: [{shell: "exit 3"}]
  dependant: {depends_on: [bad]}
YAML
expect 1 envtool up
says "bad" "dependant"
equal "the good one" running "$(state_of good)"
[ "$(state_of dependant)" != running ] || fail "the dependant was started"
expect 0 envtool destroy --yes
nothing_left
