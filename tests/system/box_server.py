"""A server of one box that misbehaves as the path says: box_server.py PORT_FILE LOG BOX OTHER.

/KIND/NAME.box is the box, served as do_GET does for that kind; every request is a line of the log. OTHER is what
the file becomes where it changes.
"""
import http.server
import os
import sys
import threading
import time

port_file, log_file, box_file, other_file = sys.argv[1:]
box, other = open(box_file, "rb").read(), open(other_file, "rb").read()
half = len(box) // 2
counts = {}
lock = threading.Lock()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        if "Content_Length" not in headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def cut(self, body, end, **headers):
        """The answer for all of the body, of which only the first bytes come."""
        self.answer(200, body[:end], Content_Length=len(body), **headers)
        self.close_connection = True

    def first_of(self):
        """The first byte that is asked for, 0 for all."""
        wanted = self.headers.get("Range", "")
        return int(wanted[len("bytes="):-1]) if wanted.startswith("bytes=") else 0

    def rest(self, body, tag, lie_about=0):
        """The rest when the condition holds, else all of it."""
        first = self.first_of()
        if first == 0 or self.headers.get("If-Range") != tag:
            return self.answer(200, body, ETag=tag)
        span = "bytes %d-%d/%d" % (first - lie_about, len(body) - 1, len(body))
        self.answer(206, body[first - lie_about:], ETag=tag, Content_Range=span)

    def do_GET(self):
        kind = self.path.split("/")[1]
        with lock:
            count = counts[self.path] = counts.get(self.path, 0) + 1
            with open(log_file, "a") as log:
                log.write("%s %s\n" % (self.path, self.headers.get("Range", "-")))
        tag = '"one"'
        first = count == 1
        if kind == "good":
            self.rest(box, tag)
        elif kind == "slow":
            time.sleep(1)
            self.rest(box, tag)
        elif kind == "cut":
            self.cut(box, half, ETag=tag) if first else self.rest(box, tag)
        elif kind == "dated":
            date = "Mon, 01 Jan 2024 00:00:00 GMT"
            self.cut(box, half, Last_Modified=date) if first else self.rest(box, date)
        elif kind == "noranges":
            self.cut(box, half) if first else self.answer(200, box)
        elif kind == "always":
            self.cut(box, half)
        elif kind == "empty":
            self.cut(box, half) if first else self.answer(200)
        elif kind == "changed":
            self.cut(box, half, ETag=tag) if first else self.rest(other, '"two"')
        elif kind == "changed-size-kept":
            changed = bytes([box[0] ^ 1]) + box[1:] if count < 3 else box
            self.cut(box, half) if first else self.answer(200, changed)
        elif kind == "shifted":
            if first:
                self.cut(box, half, ETag=tag)
            else:
                self.rest(box, tag, lie_about=100)
        elif kind == "long":
            self.answer(200, box, Content_Length=len(box) + 1000)
            self.close_connection = True
        elif kind == "short":
            self.answer(200, box, Content_Length=half)
            self.close_connection = True
        elif kind == "missized":
            if first or self.first_of() == 0:
                self.cut(box, half, ETag=tag) if first else self.rest(box, tag)
            else:
                begin = self.first_of()
                self.answer(206, box[begin:], ETag=tag, Content_Range="bytes %d-%d/%d" % (begin, len(box) - 1, len(box) + 9))
        elif kind == "dateless":
            # Neither a tag nor a date: what it has can only be known by fetching it.
            self.answer(200, box)
        elif kind == "moving":
            self.rest(box, tag) if not os.path.exists(log_file + ".moved") else self.rest(other, '"two"')
        elif kind == "stall":
            if first:
                self.cut(box, half, ETag=tag)
                self.wfile.flush()
                time.sleep(40)
            else:
                self.rest(box, tag)
        elif kind == "hang":
            self.cut(box, half, ETag=tag)
            self.wfile.flush()
            time.sleep(40)
        elif kind == "redirect":
            self.answer(302, Location="/good/redirected.box")
        elif kind == "loop":
            self.answer(302, Location=self.path)
        elif kind == "elsewhere":
            self.answer(302, Location="http://localhost:%d/open/x.box" % self.server.server_address[1])
        elif kind == "open":
            # Another host: nobody's password may come here.
            self.answer(400) if "Authorization" in self.headers else self.rest(box, tag)
        elif kind == "private":
            self.rest(box, tag) if "Authorization" in self.headers else self.answer(401)
        elif kind == "busy":
            self.answer(503, b"later", Retry_After=1) if count < 3 else self.rest(box, tag)
        elif kind == "many":
            self.answer(429, b"later") if first else self.rest(box, tag)
        elif kind == "page":
            self.answer(200, b"<html>not found</html>")
        else:
            self.answer(404, b"no such file")


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, *_):
        """A client that went away is what many of the tests are about."""


server = Server(("127.0.0.1", 0), Handler)
server.daemon_threads = True
with open(port_file + ".new", "w") as file:
    file.write(str(server.server_address[1]))
os.rename(port_file + ".new", port_file)
server.serve_forever()
