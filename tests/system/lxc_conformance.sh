#!/bin/bash
# The provider conformance suite passes over LXC.
. "$(dirname "$0")/lib.sh"

suite=$(dirname "$ENVTOOL")/tests/conformance
[ -x "$suite" ] || skip "'$suite' is not built"

# Makes sure that the recipe's box is in the store and unpacked.
project recipe <<'EOF'
box: build:debian/bookworm
folders: []
EOF
expect 0 envtool up
export CONFORMANCE_PROVIDER=lxc CONFORMANCE_ENVIRONMENT=c0f0c0f0c0f0c0f0
CONFORMANCE_DIGEST=$(json .box.digest envtool --json info)
CONFORMANCE_BOX=$ENVTOOL_HOME/data/boxes/$CONFORMANCE_DIGEST
export CONFORMANCE_DIGEST CONFORMANCE_BOX CONFORMANCE_KILL=$kill_by_group
expect 0 envtool destroy --yes

step "the suite"
expect 0 "$suite"
nothing_left
