#!/usr/bin/env python3
"""Counts visits in Redis and says how many there were: counter.py DATABASE PORT."""

import http.server
import socket
import sys

DATABASE, PORT = sys.argv[1], int(sys.argv[2])


def count_visit():
    """Redis' own protocol is text: a command is a line, a number comes back as ":12"."""
    with socket.create_connection((DATABASE, 6379), timeout=5) as connection:
        connection.sendall(b"INCR visits\r\n")
        answer = connection.makefile("rb").readline()
    if not answer.startswith(b":"):
        raise OSError(f"the database said {answer!r}")
    return int(answer[1:])


class Counter(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/healthz":  # whether anybody answers: a visit would count
            return self.answer(200, f"{socket.gethostname()} is up\n")
        try:
            self.answer(200, f"visit {count_visit()}, seen by {socket.gethostname()}\n")
        except OSError as error:
            self.answer(503, f"cannot count: {error}\n")

    def answer(self, status, text):
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.end_headers()
        self.wfile.write(text.encode())


http.server.ThreadingHTTPServer(("127.0.0.1", PORT), Counter).serve_forever()
