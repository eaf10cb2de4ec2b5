# SPDX-License-Identifier: MIT
"""A proxy between acmed and Pebble that counts, and stops at chosen places.

Pebble builds its URLs from the Host header, so everything goes through here.
before(request) runs when a request has been read, after(request) when Pebble
has answered and nothing has been passed on.  Each may return None to go on,
"drop" to close the connection without an answer, or (status, headers, body)
to answer itself.  passed(request) runs when the answer has been passed on.
"""

import base64
import contextlib
import http.client
import http.server
import json
import ssl
import threading
import time

KINDS = {
    "/dir": "directory", "/nonce-plz": "nonce", "/sign-me-up": "account",
    "/my-account": "account", "/order-plz": "newOrder",
    "/my-order": "order", "/finalize-order": "finalize", "/authZ": "authz",
    "/chalZ": "challenge", "/certZ": "cert",
}


class Request:
    def __init__(self, handler, number):
        self.method = handler.command
        self.path = handler.path
        self.number = number
        self.kind = KINDS.get("/" + handler.path.split("/")[1], "other")
        self.status = None
        self.is_over = False
        self.reply = b""
        self.names = []         # of a newOrder
        self.at = time.monotonic()
        self.sent_at = None     # its answer was


def names_of(body):
    """What a newOrder asks for."""
    try:
        payload = json.loads(body)["payload"]
        payload = json.loads(base64.urlsafe_b64decode(payload + "==="))
        return [i["value"] for i in payload["identifiers"]]
    except (KeyError, TypeError, ValueError):
        return []


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        pass        # clients are killed on purpose


class CaProxy:
    def __init__(self, pebble, port):
        self.pebble, self.port = pebble, port
        self.lock = threading.Lock()
        # Pebble locks up for ever when these overlap (daemon/acme/turns.h),
        # as those of several daemons do.
        lock = threading.Lock()
        self.turns = {"newOrder": lock, "authz": lock}
        self.reset()
        self.directory = "https://localhost:%d/dir" % port
        proxy = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True
            wbufsize = -1       # head and body in one segment

            def log_message(self, *args):
                pass

            def do_GET(self):
                proxy.handle(self)

            do_HEAD = do_POST = do_GET

        self.server = Server(("127.0.0.1", port), Handler)
        ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        ctx.load_cert_chain(pebble.tls.cert, pebble.tls.key)
        self.server.socket = ctx.wrap_socket(self.server.socket,
                                             server_side=True,
                                             do_handshake_on_connect=False)
        threading.Thread(target=self.server.serve_forever,
                         kwargs={"poll_interval": 0.05}, daemon=True).start()

    def reset(self):
        """Forget counts and hooks."""
        with self.lock:
            self.seen = []
            self.before = self.after = lambda request: None
            self.passed = lambda request: None

    def count(self, kind):
        """Requests of a kind that Pebble took (not: refused nonces)."""
        with self.lock:
            return sum(1 for r in self.seen if r.kind == kind
                       and r.status is not None and r.status < 400)

    def is_idle(self):
        """Has Pebble answered all that came?"""
        with self.lock:
            return all(r.is_over for r in self.seen)

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    def handle(self, handler):
        length = int(handler.headers.get("Content-Length", 0))
        body = handler.rfile.read(length) if length else None
        with self.lock:
            request = Request(handler, len(self.seen) + 1)
            if request.kind == "newOrder":
                request.names = names_of(body)
            self.seen.append(request)
            before, after = self.before, self.after
        try:
            answer = before(request)
            if answer is None:
                with self.turns.get(request.kind,
                                    contextlib.nullcontext()):
                    answer = self.forward(handler, request, body)
                answer = after(request) or answer
        finally:
            request.is_over = True
        if answer == "drop":
            handler.close_connection = True
            return
        status, headers, data = answer
        handler.send_response_only(status)
        for name, value in headers:
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        if handler.command != "HEAD":
            handler.wfile.write(data)
        handler.wfile.flush()
        request.sent_at = time.monotonic()
        self.passed(request)

    def forward(self, handler, request, body):
        conn = http.client.HTTPSConnection(
            "localhost", self.pebble.port, timeout=30,
            context=self.pebble.tls.context())
        try:
            headers = {k: v for k, v in handler.headers.items()
                       if k.lower() not in ("connection", "content-length")}
            conn.request(request.method, request.path, body, headers)
            reply = conn.getresponse()
            request.reply = reply.read()
            request.status = reply.status
            keep = [(k, v) for k, v in reply.getheaders() if k.lower() not in
                    ("connection", "content-length", "transfer-encoding",
                     "date")]
            return reply.status, keep, request.reply
        finally:
            conn.close()
