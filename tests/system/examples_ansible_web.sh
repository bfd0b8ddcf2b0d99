#!/bin/bash
# The example for Ansible: a playbook over SSH, run again when a file of it changes, with its own exit code.
. "$(dirname "$0")/lib.sh"
command -v ansible-playbook >/dev/null || skip "it needs Ansible"
example ansible-web

step "up runs the playbook and waits for the page"
expect 0 envtool up
says "TASK [Check what it says]" "is up" "http://127.0.0.1:81"
says_not "WARNING"
port=$(envtool port --guest 80)
[[ $(page "$port") == *"<h1>Hello from ansible-web</h1>"* ]] || fail "the page is not served"
equal "the health page" ok "$(page "$port" /healthz)"

step "a second up has nothing to do"
expect 0 envtool plan --exit-code
expect 0 envtool up
says "nothing to do"
says_not PLAY

step "a changed template is due, in plan and in up"
sed -i 's/Hello from/Greetings of/' templates/index.html.j2
sed -i 's/Hello from/Greetings of/' site.yml
expect 10 envtool plan --exit-code
says "provision ansible-1" "it changed since"
expect 0 envtool up
says "TASK [Write the page]"
[[ $(page "$port") == *"Greetings of ansible-web"* ]] || fail "the new page is not served"

step "provision runs it regardless, and hands arguments on"
expect 0 envtool provision
says "changed=0"
expect 0 envtool provision -- --list-tasks
says "Install nginx"

step "the inventory is one that Ansible itself can use"
expect 0 ansible -i .envtool/inventory.yml web -m ping
says SUCCESS
equal "a host variable" 80 "$(json '.all.hosts.default.http_port' envtool --json inventory)"

step "a playbook that fails: its exit code is told, the machine stays"
sed -i "s/Greetings of ' ~ site_name/Nothing of ' ~ site_name/" site.yml
expect 1 envtool up
says "FAILED!" "exited with status 2 (a task failed)" "Assertion failed" "Envfile:"
equal "the state" running "$(state_of)"
sed -i "s/Nothing of ' ~ site_name/Greetings of ' ~ site_name/" site.yml
expect 0 envtool up
says "TASK [Check what it says]"

step "halt, up, destroy"
expect 0 envtool halt
expect 0 envtool up
says_not PLAY
[[ $(page "$port") == *"Greetings of ansible-web"* ]] || fail "the page is not served after halt and up"
expect 0 envtool destroy --yes
nothing_left
