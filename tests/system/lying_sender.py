"""Sends root's helper, as `import`, what no envtool would, and prints what it answers to each lie.

Arguments: the helper, root's directory, and a directory outside of it in which nothing may appear.
"""

import fcntl
import json
import os
import socket
import struct
import subprocess
import sys

HELPER, ROOT, OUTSIDE = sys.argv[1:]
SIZE = 8 * (512 << 10)
ADD_SEALS, SHRINK, NO_SLOT = 1033, 2, 255  # F_ADD_SEALS, F_SEAL_SHRINK


def entry(kind, path, target="", size=0):
    def text(value):
        return struct.pack("<I", len(value)) + value.encode()

    return (kind.encode() + text(path) + struct.pack("<HIIqI", 0o755, 0, 0, 1, 0) + text(target)
            + struct.pack("<IIII", 0, 0, 0, size))


def message(kind, text=b"", slot=NO_SLOT, size=0):
    return kind.encode() + struct.pack("<BI", slot, size) + text


def answer(messages, seals=SHRINK):
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    request = json.dumps({"op": "import", "root": ROOT, "box": "lie", "packed": 0, "prepare": False, "user": "vagrant"})
    helper = subprocess.Popen([HELPER, request], stdin=theirs, stdout=subprocess.PIPE, text=True)
    theirs.close()
    memory = os.memfd_create("lie", os.MFD_ALLOW_SEALING)
    os.ftruncate(memory, SIZE)
    fcntl.fcntl(memory, ADD_SEALS, seals)
    socket.send_fds(ours, [b"\0"], [memory])
    try:
        for each in messages:
            ours.send(each)
    except BrokenPipeError:
        pass  # it has heard enough
    said = json.loads(helper.communicate(timeout=60)[0])
    return said.get("error", {}).get("text") or "taken"


def tree(*entries):
    return [message("n", b"".join(entries)), message("e", b"0" * 64)]


LIES = {
    "a file below a link": tree(entry("l", "a", OUTSIDE), entry("f", "a/x")),
    "a directory below a link": [message("n", entry("l", "a", OUTSIDE)), *tree(entry("d", "a/x"))],
    "a directory over a link": tree(entry("l", "a", OUTSIDE), entry("d", "a")),
    "a directory again over a link": [message("n", entry("l", "a", OUTSIDE)), *tree(entry("d", "a"))],
    "a file over a link": tree(entry("l", "a", OUTSIDE + "/x"), entry("f", "a")),
    "a link below a link": tree(entry("l", "a", OUTSIDE), entry("l", "a/x", "y")),
    "a hard link out of a link": tree(entry("l", "a", "/etc"), entry("h", "x", "a/passwd")),
    "a name above": tree(entry("f", "../../../../../../../../.." + OUTSIDE + "/x")),
    "a block device": tree(entry("b", "sda")),
    "content that is not there": tree(entry("f", "a", size=1)),
    "memory that is not there": [message("n", entry("f", "a", size=1), 8, 1)],
    "more than a slot holds": [message("n", entry("f", "a", size=1), 7, (512 << 10) + 1)],
    "a file without an end": [message("o", entry("f", "a"))] + tree(),
    "no digest, but a way out": [message("n", entry("d", "etc") + entry("d", "usr")), message("e", b"../../x")],
    "no root file system": tree(entry("f", "a")),
}
for name, messages in LIES.items():
    print(f"{name}: {answer(messages)}")
print(f"memory that shrinks: {answer(LIES['no root file system'], seals=0)}")
