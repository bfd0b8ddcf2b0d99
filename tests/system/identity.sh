#!/bin/bash
# Whatever happens to a project's directory, its machines stay its own and none is orphaned.
. "$(dirname "$0")/lib.sh"

# machine NAME: a project of that name with one running machine.
machine() {
  project "$1" <<END
name: $1
box: build:debian/bookworm
folders: []
END
  expect 0 envtool up
  id=$(record_id)
}
listed() { json ".environments[] | select(.id == \"$id\") | .$1" envtool --json list; }

step "git clean -xdf: the record finds the project by its path"
machine cleaned
git init --quiet .
git -c user.name=test -c user.email=test@localhost commit --quiet --allow-empty --message empty
git add Envfile
git clean -xdf --quiet
[ ! -e .envtool ] || fail "git clean left .envtool"
equal "the state" running "$(state_of)"
equal "the id" "$id" "$(record_id)"
equal "git's view of .envtool" "" "$(git status --porcelain --untracked-files=all | grep envtool)"
expect 0 envtool destroy --yes
nothing_left

step "mv: the record follows"
machine moved
mv "$work/moved" "$work/elsewhere"
cd "$work/elsewhere"
expect 0 envtool status
says running
says_not "not created"
equal "the directory" "$work/elsewhere" "$(listed directory)"
equal "a command there" 0 "$(envtool ssh -c 'echo $?')"
expect 0 envtool up
says_not create
expect 0 envtool destroy --yes
nothing_left

step "rm -rf: list shows it, destroy @ID removes it"
machine removed
cd /
rm -rf "$work/removed"
expect 0 envtool list
says "@${id:0:8}" removed "1 running" "(gone)"
equal "whether the directory exists" false "$(listed directory_exists)"
expect 0 envtool list --prune
says "1 running"
expect 0 envtool status "@$id"
says running
expect 2 envtool destroy "@${id:0:8}"
says "--yes"
expect 0 envtool destroy "@${id:0:8}" --yes
nothing_left
expect 2 envtool destroy "@${id:0:8}" --yes
says "no environment"

step "rm -rf and made anew: the path wins"
machine again
rm -rf "$work/again"
project again <<'END'
name: again
box: build:debian/bookworm
folders: []
END
equal "the state" running "$(state_of)"
expect 0 envtool destroy --yes
nothing_left

step "another project in the same place is told of the old one"
machine before
rm -rf "$work/before"
project before <<'END'
name: after
box: build:debian/bookworm
folders: []
END
expect 2 envtool up
says before "envtool destroy @${id:0:8}" "--adopt"
expect 0 envtool destroy @before --yes
nothing_left

step "cp -a: the copy gets machines of its own; its destroy leaves the original's"
machine original
cp -a "$work/original" "$work/copy"
cd "$work/copy"
expect 0 envtool status
says copy "not created"
expect 0 envtool destroy --yes
cd "$work/original"
equal "the original" running "$(state_of)"
cd "$work/copy"
expect 0 envtool up
[ "$(record_id)" != "$id" ] || fail "the copy has the original's id"
equal "machines in all" 2 "$(json '[.environments[].machines[] | select(.state == "running")] | length' envtool --json list)"
expect 2 envtool status @original
says "$work/original" "$work/copy"
expect 0 envtool destroy --yes
cd "$work/original"
equal "the original" running "$(state_of)"
expect 0 envtool ssh -c true
expect 0 envtool destroy --yes
nothing_left

step "a copy made while the original is gone for good is the original"
machine first
cp -a "$work/first" "$work/second"
rm -rf "$work/first"
cd "$work/second"
equal "the state" running "$(state_of)"
expect 0 envtool destroy --yes
nothing_left
