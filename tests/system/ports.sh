#!/bin/bash
# Ports of the host lead into the guest, over TCP and UDP, as long as the machine runs and no longer.
. "$(dirname "$0")/lib.sh"

# Answers what it is sent, with its port and protocol before it.
server='
import socketserver, sys, threading

class Tcp(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            self.wfile.write(b"%d tcp " % self.server.server_address[1] + line)

class Udp(socketserver.BaseRequestHandler):
    def handle(self):
        data, socket = self.request
        socket.sendto(b"%d udp " % self.server.server_address[1] + data, self.client_address)

socketserver.ThreadingTCPServer.allow_reuse_address = True
for port in map(int, sys.argv[1:]):
    for server in socketserver.ThreadingTCPServer(("", port), Tcp), socketserver.ThreadingUDPServer(("", port), Udp):
        threading.Thread(target=server.serve_forever).start()
'

# ask tcp|udp ADDRESS PORT: sends a word, prints the answer; not 0 where nobody answers.
ask() {
  /usr/bin/python3 - "$@" <<'PYTHON'
import socket, sys

kind, address, port = sys.argv[1:]
family = socket.AF_INET6 if ":" in address else socket.AF_INET
try:
    with socket.socket(family, socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM) as channel:
        channel.settimeout(3)
        channel.connect((address, int(port)))
        channel.send(b"hello\n")
        answer = channel.recv(100)
except OSError as error:
    sys.exit(str(error))
if not answer:
    sys.exit("closed")
print(answer.decode().strip())
PYTHON
}

answers() { # tcp|udp ADDRESS PORT GUEST-PORT
  run ask "$1" "$2" "$3"
  equal "the answer of $2 port $3" "$4 $1 hello" "$output"
}

is_silent() { ! ask "$@" >/dev/null 2>&1; }
ended() { [ -z "$(readlink "/proc/$1/exe")" ]; }
# The one process of this test's that serves the machine's ports.
forwarder() { pgrep --full "^[^ ]*envtool-forward .*$ENVTOOL_HOME/"; }
monitor() { pgrep --full "^\[lxc monitor\] $ENVTOOL_ROOT/lxc ports-default"; }

forward() { # PORT...: the Envfile with these
  {
    printf 'name: ports\nbox: build:debian/bookworm\nfolders: []\nports: [%s]\n' "$(IFS=,; echo "$*")"
    cat <<'YAML'
provision:
  - file: {source: server.py, destination: /usr/local/lib/server.py, owner: root}
  - name: service
    shell: |
      cat > /etc/systemd/system/answer.service <<'UNIT'
      [Service]
      ExecStart=/usr/bin/python3 /usr/local/lib/server.py 7 8
      [Install]
      WantedBy=multi-user.target
      UNIT
      systemctl enable --now answer.service
ready:
  - {tcp: 7, timeout: 20s}
YAML
  } | envfile
}

project ports </dev/null
echo "$server" >server.py

step "TCP, UDP and IPv6 lead into the guest, and a pipe behind 'up' ends"
forward '"28300:7"' '"28300:7/udp"' '"[::1]:28301:8"' '"28310-28319:8"'
expect 0 timeout 60 bash -c 'set -o pipefail; "$ENVTOOL" up 9>&- 2>&1 | tee piped'
answers tcp 127.0.0.1 28300 7
answers udp 127.0.0.1 28300 7
answers tcp ::1 28301 8
answers tcp 127.0.0.1 28310 8
is_silent tcp ::1 28300 || fail "a port of 127.0.0.1 answers on ::1"

step "'port' names the host's ports"
equal "the host port" 28300 "$(envtool port --guest 7)"
expect 0 envtool port
says 28301 28310
expect 1 envtool port --guest 99
says "99"

step "a reboot inside of the guest keeps ports and forwarder"
before=$(forwarder)
boot=$(envtool ssh -c 'stat -c %Y /proc/1')
sleep 1 # the guest's init is told apart by the second it began in
envtool ssh -c 'sudo reboot' >/dev/null 2>&1
rebooted() { [ "$(timeout 5 "$ENVTOOL" ssh -c 'stat -c %Y /proc/1' 2>/dev/null)" -gt "$boot" ] 2>/dev/null; }
eventually rebooted
eventually ask tcp 127.0.0.1 28300 >/dev/null
answers tcp 127.0.0.1 28300 7
answers udp 127.0.0.1 28300 7
equal "the forwarder" "$before" "$(forwarder)"

step "'up' applies edited ports to a running machine"
forward '"28302:7"' '"28310-28319:8"'
expect 0 envtool up
answers tcp 127.0.0.1 28302 7
answers tcp 127.0.0.1 28310 8
eventually is_silent tcp 127.0.0.1 28300
eventually is_silent tcp ::1 28301
expect 0 envtool up
says_not "forward"

step "a taken port is an error that names who has it, and of a range the next one is used"
expect 0 envtool halt
/usr/bin/python3 -c 'import socket, time
sockets = [socket.create_server(("127.0.0.1", port)) for port in (28303, 28320)]
open("taken", "w").close()
time.sleep(300)' 9>&- &
taker=$!
eventually test -e taken
forward '"28303:7"'
expect 1 envtool up
says "127.0.0.1:28303" "python3" "$taker" "Envfile:4"
forward '"28303-28304:7"' '"28320-28329:8"'
expect 0 envtool up
kill "$taker"
answers tcp 127.0.0.1 28304 7
answers tcp 127.0.0.1 28321 8
expect 0 envtool up
answers tcp 127.0.0.1 28304 7

step "'halt' ends the forwarder, and 'up' brings the same ports back"
before=$(forwarder)
expect 0 envtool halt
ended "$before" || fail "the forwarder runs on"
is_silent tcp 127.0.0.1 28304 || fail "the port still answers"
expect 0 envtool up
answers tcp 127.0.0.1 28304 7

step "the forwarder ends when the guest shuts itself down"
before=$(forwarder)
envtool ssh -c 'sudo poweroff' >/dev/null 2>&1
eventually ended "$before"
equal "the state" stopped "$(state_of)"
expect 0 envtool up
answers tcp 127.0.0.1 28304 7

step "the forwarder ends with the container's monitor, and the next 'up' mends it"
before=$(forwarder)
kill -9 "$(monitor)"
eventually ended "$before"
is_stopped() { [ "$(state_of)" = stopped ]; }
eventually is_stopped # the guest's init follows it, a moment later
expect 0 envtool up
answers tcp 127.0.0.1 28304 7

step "a killed forwarder is replaced by the next 'up'"
kill -9 "$(forwarder)"
expect 0 envtool up
answers tcp 127.0.0.1 28304 7
answers tcp 127.0.0.1 28321 8

step "without ports in the Envfile there is no forwarder"
before=$(forwarder)
forward
expect 0 envtool up
ended "$before" || fail "the forwarder runs on"
equal "the forwarder" "" "$(forwarder)"

expect 0 envtool destroy --yes
nothing_left
