# SPDX-License-Identifier: MIT
"""A stand-in for acme-dns: two values of one name, the older is replaced.

What it is told is put into a zone of the laboratory's BIND.
"""

import http.server
import json
import threading

from . import names


class AcmeDns:
    """POST /update; self.rows are the values now, self.calls all of them."""

    def __init__(self, port, zone, subdomain, server):
        self.zone, self.subdomain, self.server = zone, subdomain, server
        self.rows, self.calls, self.most = [], [], 0
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                code, reply = outer.update(self.path, self.headers, body)
                data = json.dumps(reply).encode()
                self.send_response(code)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *args):
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", port),
                                                    Handler)
        self.url = "http://127.0.0.1:%d" % port
        self.thread = threading.Thread(target=self.http.serve_forever,
                                       daemon=True)
        self.thread.start()

    def options(self):
        return {"type": "acme-dns", "base_url": self.url, "username": "u1",
                "password": "p1", "subdomain": self.subdomain}

    def update(self, path, headers, body):
        if path != "/update" or headers["X-Api-User"] != "u1" \
                or headers["X-Api-Key"] != "p1":
            return 401, {"error": "forbidden"}
        request = json.loads(body)
        if request["subdomain"] != self.subdomain \
                or len(request["txt"]) != 43:
            return 400, {"error": "bad_txt"}
        self.calls.append(request["txt"])
        self.rows = (self.rows + [request["txt"]])[-2:]
        self.publish(self.rows)
        return 200, {"txt": request["txt"]}

    def publish(self, rows):
        import dns.query
        import dns.tsigkeyring
        import dns.update

        change = dns.update.Update(
            self.zone, keyring=dns.tsigkeyring.from_text(
                {names.KEY_NAME: names.KEY_SECRET}),
            keyalgorithm="hmac-sha256")
        change.delete(self.subdomain, "TXT")
        if rows:
            change.add(self.subdomain, 5, "TXT", *rows)
        dns.query.tcp(change, self.server, timeout=5)

    def stop(self):
        self.http.shutdown()
        self.http.server_close()
        self.publish([])
