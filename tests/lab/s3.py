# SPDX-License-Identifier: MIT
"""A small S3 client that signs, and a proxy that counts, changes and fails."""

import hashlib
import hmac
import http.client
import http.server
import ssl
import threading
import time


def _mac(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


class Client:
    """Requests with AWS Signature Version 4, as the vendor documents it."""

    def __init__(self, host, port, key_id, secret, region):
        self.host, self.port = host, port
        self.key_id, self.secret, self.region = key_id, secret, region

    def request(self, method, path, body=b"", query=""):
        now = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        digest = hashlib.sha256(body).hexdigest()
        headers = {"host": "%s:%d" % (self.host, self.port),
                   "x-amz-content-sha256": digest, "x-amz-date": now}
        names = ";".join(sorted(headers))
        text = "\n".join([method, path, query] + [
            "%s:%s" % (k, headers[k]) for k in sorted(headers)] +
            ["", names, digest])
        scope = "/".join([now[:8], self.region, "s3", "aws4_request"])
        key = ("AWS4" + self.secret).encode()
        for part in scope.split("/"):
            key = _mac(key, part)
        signature = _mac(key, "\n".join([
            "AWS4-HMAC-SHA256", now, scope,
            hashlib.sha256(text.encode()).hexdigest()])).hex()
        headers["authorization"] = (
            "AWS4-HMAC-SHA256 Credential=%s/%s,SignedHeaders=%s,"
            "Signature=%s" % (self.key_id, scope, names, signature))
        conn = http.client.HTTPConnection(self.host, self.port, timeout=20)
        try:
            conn.request(method, path + ("?" + query if query else ""),
                         body, headers)
            r = conn.getresponse()
            return r.status, r.read()
        finally:
            conn.close()

    def make_bucket(self, name):
        status, body = self.request("PUT", "/" + name)
        assert status == 200, body

    def get(self, bucket, key):
        status, body = self.request("GET", "/%s/%s" % (bucket, key))
        return body if status == 200 else None

    def put(self, bucket, key, body):
        status, said = self.request("PUT", "/%s/%s" % (bucket, key), body)
        assert status == 200, said


class Seen:
    def __init__(self, handler, body):
        self.method, self.path = handler.command, handler.path
        self.headers = dict((k.lower(), v) for k, v in
                            handler.headers.items())
        self.body = body
        self.status, self.reply = None, b""


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request, client_address):
        pass        # clients are killed on purpose


class Proxy:
    """Before a store: remembers each request in .seen.

    before(request) runs before it is passed on and may return None, "drop",
    or (status, headers, body) to answer itself; after(request) the same when
    the store has answered.
    """

    def __init__(self, target, port=0, tls=None):
        """target: port at 127.0.0.1; tls: of lab.tls, else plain HTTP."""
        self.target = target
        self.reset()
        proxy = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True
            wbufsize = -1

            def log_message(self, *args):
                pass

            def do_GET(self):
                proxy.handle(self)

            do_PUT = do_HEAD = do_POST = do_DELETE = do_PATCH = do_GET

        self.server = Server(("127.0.0.1", port), Handler)
        self.port = self.server.server_port
        if tls:
            ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            ctx.load_cert_chain(tls.cert, tls.key)
            self.server.socket = ctx.wrap_socket(
                self.server.socket, server_side=True,
                do_handshake_on_connect=False)
        threading.Thread(target=self.server.serve_forever,
                         kwargs={"poll_interval": 0.05}, daemon=True).start()
        self.url = "%s://localhost:%d" % ("https" if tls else "http",
                                          self.port)

    def reset(self):
        self.seen = []
        self.before = self.after = lambda request: None

    def pass_on(self, handler, request):
        conn = http.client.HTTPConnection("127.0.0.1", self.target,
                                          timeout=30)
        try:
            conn.putrequest(request.method, request.path, skip_host=True,
                            skip_accept_encoding=True)
            for k, v in handler.headers.items():
                conn.putheader(k, v)
            conn.endheaders(request.body or None)
            r = conn.getresponse()
            request.status, request.reply = r.status, r.read()
            return r.status, [(k, v) for k, v in r.getheaders() if k.lower()
                              not in ("connection", "transfer-encoding",
                                      "content-length")], request.reply
        except OSError as e:
            return 503, [], str(e).encode()
        finally:
            conn.close()

    def handle(self, handler):
        n = int(handler.headers.get("Content-Length") or 0)
        request = Seen(handler, handler.rfile.read(n))
        self.seen.append(request)
        answer = self.before(request)
        if answer is None:
            passed = self.pass_on(handler, request)
            answer = self.after(request) or passed
        if answer == "drop":
            handler.close_connection = True
            return
        status, headers, body = answer
        handler.send_response(status)
        for k, v in headers:
            handler.send_header(k, v)
        if status != 304 and not any(k.lower() == "content-length"
                                     for k, _ in headers):
            handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        if request.method != "HEAD" and status != 304:
            handler.wfile.write(body)
        if dict(headers).get("Content-Length"):
            handler.close_connection = True     # it may have promised more

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
