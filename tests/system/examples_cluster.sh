#!/bin/bash
# The example of several machines: three web machines, made when their database is ready, count in it together.
. "$(dirname "$0")/lib.sh"
command -v ansible-playbook >/dev/null || skip "it needs Ansible"
example cluster
[ ! -e roles ] || fail "the example has changed"

# visits: what the three web machines answer, a number each.
visits() {
  local name
  for name in web-1 web-2 web-3; do page "$(envtool port "$name" --guest 80)" | tr -dc '0-9 ' | cut -d' ' -f2; done
}

step "up makes all four"
expect 0 envtool up
says "web-3" "is up" "Check that no two counted the same visit" "http://127.0.0.1:82"
equal "running machines" 4 "$(json '[.machines[] | select(.state == "running")] | length' envtool --json status)"

step "they count in one database, and every one has a port of its own"
read -r -d '' first second third < <(visits) || true
[ "$second" -eq $((first + 1)) ] && [ "$third" -eq $((first + 2)) ] || fail "visits: $first $second $third"
equal "different ports" 3 "$(json '[.machines[].ports[]?.host] | unique | length' envtool --json status)"
[[ $(page "$(envtool port web-2 --guest 80)") == *"seen by web-2"* ]] || fail "the port of web-2 leads elsewhere"

step "a second up has nothing to do but the check over all of them"
expect 0 envtool up
says "web-1: is up, nothing to do" "db: is up, nothing to do"

step "one machine, a counted block and a pattern"
expect 0 envtool halt web-2
equal "web-2" stopped "$(state_of web-2)"
expect 0 envtool halt web
equal "web-3" stopped "$(state_of web-3)"
equal "db" running "$(state_of db)"
expect 0 envtool up 'web-*'
equal "web-2" running "$(state_of web-2)"
expect 0 envtool exec db -- redis-cli get visits
expect 2 envtool halt web-9
says "web-9" "web-1"

step "reload brings all of them back, in order"
expect 0 envtool reload
read -r -d '' first second third < <(visits) || true
[ "$third" -eq $((first + 2)) ] || fail "visits after reload: $first $second $third"

step "destroy"
expect 0 envtool destroy --yes
nothing_left
