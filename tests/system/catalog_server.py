"""Two servers of one directory: catalog_server.py PORTS_FILE LOG DIRECTORY.

Writes both ports, and every request as "PORT PATH AUTHORIZATION". Files below /private/ want "Bearer secret"; /away/X
sends to /X of the other server.
"""
import http.server
import os
import sys
import threading

ports_file, log_file, directory = sys.argv[1:]
ports = []


class Handler(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, *arguments):
        super().__init__(*arguments, directory=directory)

    def log_message(self, *_):
        pass

    def refuse(self, status, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self):
        port = self.server.server_address[1]
        shown = self.headers.get("Authorization", "-")
        with open(log_file, "a") as log:
            log.write("%d %s %s\n" % (port, self.path, shown))
        if self.path.startswith("/away/"):
            other = ports[1 - ports.index(port)]
            return self.refuse(302, Location="http://127.0.0.1:%d%s" % (other, self.path[len("/away"):]))
        if self.path.startswith("/private/") and shown != "Bearer secret":
            return self.refuse(401, WWW_Authenticate="Bearer")
        super().do_GET()


servers = [http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) for _ in range(2)]
ports.extend(server.server_address[1] for server in servers)
threading.Thread(target=servers[1].serve_forever, daemon=True).start()
with open(ports_file + ".new", "w") as file:
    file.write("%d %d\n" % tuple(ports))
os.rename(ports_file + ".new", ports_file)
servers[0].serve_forever()
