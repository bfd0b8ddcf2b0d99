#!/bin/bash
# A host whose firewall drops what it does not know: guests get out and resolve names, and with the last machine all
# rules go. Each kind of firewall has a network namespace of its own as its host, and another beyond as the world.
. "$(dirname "$0")/lib.sh"
for program in iptables-nft iptables-legacy dnsmasq python3 unshare; do
  command -v "$program" >/dev/null || skip "it needs '$program'"
done

host=envt-host-$$ world=envt-world-$$

# on_host COMMAND...: where the firewall is. A new network namespace brings a /sys of its own (of which cgroups are
# part), and the world's name server. Its system bus is its own too.
on_host() {
  ip netns exec "$host" unshare --mount bash -c '
    mount --bind "$1/resolv.conf" /etc/resolv.conf && mount --rbind "$1/tmpfs-cgroup" /sys/fs/cgroup &&
      mount --bind "$1/dbus" /run/dbus || exit 99
    shift; exec "$@"' _ "$work" "$@" 9>&- </dev/null
}

make_world() {
  ip netns add "$host" && ip netns add "$world" || fail "cannot make network namespaces"
  ip link add up0 netns "$host" type veth peer name up1 netns "$world"
  ip -n "$host" address add 198.51.100.1/24 dev up0
  ip -n "$world" address add 198.51.100.2/24 dev up1
  ip -n "$world" address add 203.0.113.9/32 dev up1
  ip -n "$host" link set lo up && ip -n "$host" link set up0 up
  ip -n "$world" link set lo up && ip -n "$world" link set up1 up
  ip -n "$host" route add default via 198.51.100.2
  ip netns exec "$world" dnsmasq --keep-in-foreground --conf-file= --no-resolv --no-hosts --bind-interfaces \
    --listen-address=198.51.100.2 --address=/shop.example/203.0.113.9 --pid-file= 9>&- &
  dns=$!
  mkdir -p "$work/site" && echo "the world" >"$work/site/page"
  ip netns exec "$world" python3 -m http.server --bind 203.0.113.9 --directory "$work/site" 80 >/dev/null 2>&1 9>&- &
  web=$!
}

end_world() {
  kill "$dns" "$web" $(ip netns pids "$host")
  wait 2>/dev/null
  ip netns delete "$host"
  ip netns delete "$world"
}

leave() {
  local result=$?
  if ip netns list | grep -q "$host"; then
    on_host "$ENVTOOL" -C "$work/guarded" destroy --yes >/dev/null 2>&1
    end_world
  fi
  umount --lazy "$work/tmpfs-cgroup" 2>/dev/null
  rmdir /run/dbus 2>/dev/null  # unless the host has a bus
  (exit "$result")
  clean_up
}
trap leave EXIT

mkdir "$work/tmpfs-cgroup" && mount --rbind /sys/fs/cgroup "$work/tmpfs-cgroup" && mount --make-rprivate "$work/tmpfs-cgroup"
echo "nameserver 198.51.100.2" >"$work/resolv.conf"
mkdir -p "$work/dbus" /run/dbus

# guard KIND: makes that firewall.
guard() {
  case $1 in
    iptables-*)
      on_host "$1" -A INPUT -m state --state ESTABLISHED,RELATED -j ACCEPT
      on_host "$1" -A INPUT -i lo -j ACCEPT
      on_host "$1" -A FORWARD -m state --state ESTABLISHED,RELATED -j ACCEPT
      on_host "$1" -P INPUT DROP
      on_host "$1" -P FORWARD DROP
      ;;
    nft)
      cat >"$work/rules.nft" <<'END'
table inet guard {
  chain input { type filter hook input priority 0; policy drop; ct state established,related accept; iif lo accept; }
  chain forward { type filter hook forward priority 0; policy accept; ct state established accept; counter reject; }
}
END
      on_host nft -f "$work/rules.nft"
      ;;
    docker)
      on_host iptables-nft -N DOCKER-USER
      on_host iptables-nft -A DOCKER-USER -j RETURN
      on_host iptables-nft -A FORWARD -j DOCKER-USER
      on_host iptables-nft -P FORWARD DROP
      ;;
    firewalld)
      on_host dbus-daemon --system --nofork --nopidfile --nosyslog 2>/dev/null &
      eventually test -S "$work/dbus/system_bus_socket"
      on_host firewalld --nofork --nopid >"$work/firewalld.log" 2>&1 &
      eventually on_host firewall-cmd --state >/dev/null 2>&1
      ;;
  esac || fail "cannot make the firewall"
}

# All rules of the host, without counters and handles.
rules() {
  on_host nft list ruleset 2>/dev/null | grep --invert-match '^#' | sed 's/packets [0-9]* bytes [0-9]*//'
  on_host iptables-legacy --list-rules 2>/dev/null
}

project guarded <<'END'
name: guarded
box: build:debian/bookworm
folders: []
machines: {first: {}, second: {}}
END

# firewalld starts when it is installed, so only CI brings it.
kinds="iptables-nft iptables-legacy nft docker"
if command -v firewalld >/dev/null && command -v dbus-daemon >/dev/null; then
  kinds="$kinds firewalld"
else
  step "firewalld is left out: it is not installed"
fi

for kind in $kinds; do
  step "$kind: guests get out and resolve names"
  make_world
  guard "$kind"
  before=$(rules)
  expect 0 on_host "$ENVTOOL" up
  for machine in first second; do
    expect 0 on_host "$ENVTOOL" ssh "$machine" -c 'getent ahostsv4 shop.example'
    says 203.0.113.9
    expect 0 on_host "$ENVTOOL" ssh "$machine" -c \
      'python3 -c "import urllib.request as r; print(r.urlopen(\"http://shop.example/page\", timeout=5).read().decode())"'
    says "the world"
  done
  rules=$(rules)
  if [ "$kind" = firewalld ]; then
    expect 0 on_host firewall-cmd --zone=trusted --query-interface="$bridge"
  else
    [[ $rules == *"envtool:$bridge"* ]] || fail "no rule carries the tag:"$'\n'"$rules"
  fi
  [ "$kind" != docker ] || [[ $(on_host iptables-nft -S DOCKER-USER) == *"envtool:$bridge"* ]] ||
    fail "the rules are not in DOCKER-USER"

  step "$kind: the rules stay until the last machine goes"
  expect 0 on_host "$ENVTOOL" destroy first --yes
  expect 0 on_host "$ENVTOOL" ssh second -c 'getent ahostsv4 shop.example'
  expect 0 on_host "$ENVTOOL" destroy --yes
  # firewalld keeps the chains of a zone that was used once, all empty.
  if [ "$kind" = firewalld ]; then
    [[ $(rules) != *"$bridge"* ]] || fail "a rule names the bridge still:"$'\n'"$(rules)"
    expect 1 on_host firewall-cmd --zone=trusted --query-interface="$bridge"
  else
    equal "the rules" "$before" "$(rules)"
  fi
  on_host ip link show "$bridge" >/dev/null 2>&1 && fail "the bridge is still there"
  end_world
  nothing_left
done
