# SPDX-License-Identifier: MIT
"""A scripted ACME server, for what odd CAs answer.

It issues real certificates, checks neither signatures nor challenges (Pebble
does that), and lets a test change any reply:

  ca = ScriptCA(folder, port)
  ca.before[KIND] = f(ca, handler, payload) -> None | (status, headers, body)
  ca.after[KIND]  = f(ca, status, headers, obj_or_bytes) -> the same three

KIND: directory nonce account newOrder order authz challenge finalize cert
renewalInfo.  headers are lists of pairs; "drop" closes the connection, and a
function of the handler writes to it what is no HTTP of http.server's.  The
class's attributes are options.  ca.count() says how often each was asked.
"""
import base64
import collections
import datetime
import hashlib
import http.server
import json
import os
import socket
import ssl
import threading
import time

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

UTC = datetime.timezone.utc


def b64d(s):
    return base64.urlsafe_b64decode(s + "=" * (-len(s) % 4))


def name(cn):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, cn)])


def pem(c):
    return c.public_bytes(serialization.Encoding.PEM).decode()


class ScriptCA:
    lifetime = 90 * 86400       # seconds
    backdate = 3600             # notBefore lies so long in the past
    retry_after = None          # of order and authz polls while not done
    polls_authz = 0             # polls until an authz is valid
    polls_order = 0             # polls until a finalized order is valid
    add_sans = staticmethod(lambda names: names)     # what the CA makes of it
    auto_authz = False          # authorizations are valid from the start
    ari = None                  # f(ca, certid) -> dict | None
    ari_every = 21600           # Retry-After of renewalInfo, seconds
    meta = {}
    base_path = ""
    clock_off = 0               # of its Date, seconds; None: it sends none
    ahead = 0                   # its whole clock before ours, seconds

    def __init__(self, folder, port, host="localhost",
                 issuer="Fake Intermediate"):
        self.issuer = issuer
        os.makedirs(folder, exist_ok=True)
        self.folder, self.port = folder, port
        self.base = "https://%s:%d" % (host, port)
        self.directory = self.base + "/dir"
        self.before, self.after = {}, {}
        self.seen = []          # (time, kind, payload)
        self.orders, self.authzs, self.certs = {}, {}, {}
        self.accounts = {}
        self.n = 0
        self.nonces = 0
        self.lock = threading.RLock()
        self.make_pki(host)
        self.start()

    # --- keys ---

    def now(self):
        return time.time() + self.ahead

    def make_pki(self, host):
        now = datetime.datetime.now(UTC)
        far = now + datetime.timedelta(days=3650)
        self.root_key = ec.generate_private_key(ec.SECP256R1())
        self.int_key = ec.generate_private_key(ec.SECP256R1())

        def ca(subject, issuer, key, signer, ski_of):
            b = (x509.CertificateBuilder().subject_name(name(subject))
                 .issuer_name(name(issuer)).public_key(key.public_key())
                 .serial_number(x509.random_serial_number())
                 .not_valid_before(now - datetime.timedelta(days=400))
                 .not_valid_after(far)
                 .add_extension(x509.BasicConstraints(True, None), True)
                 .add_extension(x509.KeyUsage(
                     False, False, False, False, False, True, True, False,
                     False), True)
                 .add_extension(x509.SubjectKeyIdentifier.from_public_key(
                     key.public_key()), False)
                 .add_extension(
                     x509.AuthorityKeyIdentifier.from_issuer_public_key(
                         ski_of.public_key()), False))
            return b.sign(signer, hashes.SHA256())
        self.root = ca("Fake Root", "Fake Root", self.root_key,
                       self.root_key, self.root_key)
        self.inter = ca(self.issuer, "Fake Root", self.int_key,
                        self.root_key, self.root_key)
        self.ca_file = os.path.join(self.folder, "ca.pem")
        with open(self.ca_file, "w") as f:
            f.write(pem(self.root))
        key = ec.generate_private_key(ec.SECP256R1())
        leaf = self.sign(key.public_key(), [host, "localhost"], host,
                         3650 * 86400)
        self.tls_cert = os.path.join(self.folder, "tls.pem")
        self.tls_key = os.path.join(self.folder, "tls.key")
        with open(self.tls_cert, "w") as f:
            f.write(pem(leaf) + pem(self.inter))
        with open(self.tls_key, "wb") as f:
            f.write(key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption()))

    def sign(self, public_key, names, cn=None, lifetime=None):
        now = datetime.datetime.fromtimestamp(self.now(), UTC)
        begin = now - datetime.timedelta(seconds=self.backdate)
        sans = [x509.DNSName(n) for n in names]
        b = (x509.CertificateBuilder()
             .subject_name(name(cn) if cn else x509.Name([]))
             .issuer_name(self.inter.subject).public_key(public_key)
             .serial_number(x509.random_serial_number())
             .not_valid_before(begin)
             .not_valid_after(begin + datetime.timedelta(
                 seconds=lifetime or self.lifetime))
             .add_extension(x509.SubjectAlternativeName(sans), cn is None)
             .add_extension(x509.BasicConstraints(False, None), True)
             .add_extension(
                 x509.AuthorityKeyIdentifier.from_issuer_public_key(
                     self.int_key.public_key()), False)
             .add_extension(x509.ExtendedKeyUsage(
                 [x509.oid.ExtendedKeyUsageOID.SERVER_AUTH]), False))
        return b.sign(self.int_key, hashes.SHA256())

    def chain(self, leaf):
        """The text of the chain; replace to format it in another way."""
        return pem(leaf) + pem(self.inter)

    # --- objects ---

    def url(self, *parts):
        return self.base + self.base_path + "/" + "/".join(
            str(p) for p in parts)

    def new_order(self, identifiers):
        self.n += 1
        n = self.n
        authz = []
        for i in identifiers:
            self.n += 1
            value = i["value"]
            wild = value.startswith("*.")
            token = base64.urlsafe_b64encode(hashlib.sha256(
                b"%d" % self.n).digest()).decode().rstrip("=")
            ch = [{"type": t, "url": self.url("chall", self.n, t),
                   "status": "pending", "token": token}
                  for t in (("dns-01",) if wild else
                            ("http-01", "dns-01", "tls-alpn-01"))]
            a = {"status": "valid" if self.auto_authz else "pending",
                 "identifier": {"type": i["type"],
                                "value": value[2:] if wild else value},
                 "expires": "2037-01-01T00:00:00Z", "challenges": ch}
            if wild:
                a["wildcard"] = True
            self.authzs[self.n] = {"obj": a, "polls": None}
            authz.append(self.n)
        o = {"status": "ready" if self.auto_authz else "pending",
             "expires": "2037-01-01T00:00:00Z", "identifiers": identifiers,
             "authorizations": [self.url("authz", a) for a in authz],
             "finalize": self.url("finalize", n)}
        self.orders[n] = {"obj": o, "authz": authz, "polls": None}
        return n

    def refresh(self, n):
        o = self.orders[n]
        if o["obj"]["status"] == "pending":
            states = [self.authz_state(a) for a in o["authz"]]
            if all(s == "valid" for s in states):
                o["obj"]["status"] = "ready"
            elif "invalid" in states:
                o["obj"]["status"] = "invalid"
        elif o["obj"]["status"] == "processing":
            o["polls"] -= 1
            if o["polls"] < 0:
                self.issue(n)
        return o["obj"]

    def authz_state(self, a):
        e = self.authzs[a]
        if e["polls"] is not None and e["obj"]["status"] == "pending":
            e["polls"] -= 1
            if e["polls"] < 0:
                e["obj"]["status"] = "valid"
                for c in e["obj"]["challenges"]:
                    if c["status"] == "processing":
                        c["status"] = "valid"
        return e["obj"]["status"]

    def issue(self, n):
        o = self.orders[n]
        csr = o["csr"]
        names = [i["value"] for i in o["obj"]["identifiers"]]
        leaf = self.sign(csr.public_key(), self.add_sans(names))
        self.certs[n] = leaf
        o["obj"]["status"] = "valid"
        o["obj"]["certificate"] = self.url("cert", n)

    # --- HTTP ---

    def start(self):
        ca = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True
            wbufsize = -1

            def log_message(self, *a):
                pass

            def do_GET(self):
                ca.handle(self)
            do_HEAD = do_POST = do_GET

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 64

            def handle_error(self, *a):
                pass

            def process_request(self, request, address):
                ca.connections.append(request)
                super().process_request(request, address)
        self.connections = []
        self.server = Server(("127.0.0.1", self.port), Handler)
        ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        ctx.load_cert_chain(self.tls_cert, self.tls_key)
        self.server.socket = ctx.wrap_socket(
            self.server.socket, server_side=True,
            do_handshake_on_connect=False)
        threading.Thread(target=self.server.serve_forever,
                         daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        for c in self.connections:
            try:
                c.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    KINDS = {"dir": "directory", "nonce": "nonce", "account": "account",
             "acct": "account", "new-order": "newOrder", "order": "order",
             "authz": "authz", "chall": "challenge", "finalize": "finalize",
             "cert": "cert", "ari": "renewalInfo"}

    def handle(self, h):
        length = int(h.headers.get("Content-Length", 0))
        raw = h.rfile.read(length) if length else b""
        payload = None
        if raw:
            try:
                jws = json.loads(raw)
                h.protected = json.loads(b64d(jws["protected"]))
                payload = json.loads(b64d(jws["payload"])) \
                    if jws["payload"] else ""
            except (ValueError, KeyError):
                payload = raw
        path = h.path.split("?")[0]
        if self.base_path and path.startswith(self.base_path):
            path = path[len(self.base_path):]
        parts = path.strip("/").split("/")
        kind = self.KINDS.get(parts[0], "other")
        with self.lock:
            self.seen.append((time.time(), kind, payload))
            hook = self.before.get(kind)
            answer = hook(self, h, payload) if hook else None
            if answer is None:
                answer = self.serve(h, kind, parts, payload)
                hook = self.after.get(kind)
                if hook and isinstance(answer, tuple):
                    answer = hook(self, *answer)
        if answer == "drop":
            h.close_connection = True
            return
        if callable(answer):
            h.close_connection = True
            answer(h)
            return
        status, headers, body = answer
        if isinstance(body, (dict, list)):
            body = json.dumps(body).encode()
            headers = headers + [("Content-Type",
                                  "application/json" if status < 400 else
                                  "application/problem+json")]
        self.nonces += 1
        if not any(k.lower() == "replay-nonce" for k, v in headers):
            headers = headers + [("Replay-Nonce", "nonce%016d" % self.nonces)]
        h.send_response_only(status)
        if self.clock_off is not None:
            h.send_header("Date", h.date_time_string(
                self.now() + self.clock_off))
        for k, v in headers:
            h.send_header(k, v)
        h.send_header("Content-Length", str(len(body)))
        h.end_headers()
        if h.command != "HEAD":
            h.wfile.write(body)
        h.wfile.flush()

    def count(self):
        """{kind: number of requests} so far."""
        with self.lock:
            return dict(collections.Counter(k for _, k, _ in self.seen))

    def problem(self, status, kind, detail, **more):
        return status, [], dict({"type": "urn:ietf:params:acme:error:" + kind,
                                 "detail": detail, "status": status}, **more)

    def poll_headers(self, status):
        if self.retry_after is not None and status in ("pending",
                                                       "processing"):
            return [("Retry-After", str(self.retry_after))]
        return []

    def serve(self, h, kind, parts, payload):
        if kind == "directory":
            d = {"newNonce": self.url("nonce"),
                 "newAccount": self.url("account"),
                 "newOrder": self.url("new-order"),
                 "revokeCert": self.url("revoke"),
                 "keyChange": self.url("key-change")}
            if self.ari:
                d["renewalInfo"] = self.url("ari")
            if self.meta:
                d["meta"] = self.meta
            return 200, [], d
        if kind == "nonce":
            return (200 if h.command == "HEAD" else 204), [], b""
        if kind == "account":
            jwk = json.dumps(h.protected.get("jwk", {}), sort_keys=True)
            new = jwk not in self.accounts
            if new:
                self.accounts[jwk] = (len(self.accounts) + 1, payload)
            n = self.accounts[jwk][0]
            return (201 if new else 200), [
                ("Location", self.url("acct", n))], {
                    "status": "valid", "contact": payload.get("contact", [])
                    if isinstance(payload, dict) else [],
                    "orders": self.url("orders", n)}
        if kind == "newOrder":
            n = self.new_order(payload["identifiers"])
            return 201, [("Location", self.url("order", n))], \
                dict(self.orders[n]["obj"])
        if kind == "order":
            o = dict(self.refresh(int(parts[1])))
            return 200, self.poll_headers(o["status"]), o
        if kind == "authz":
            a = self.authzs[int(parts[1])]
            self.authz_state(int(parts[1]))
            return 200, self.poll_headers(a["obj"]["status"]), \
                json.loads(json.dumps(a["obj"]))
        if kind == "challenge":
            a = self.authzs[int(parts[1])]
            for c in a["obj"]["challenges"]:
                if c["type"] == parts[2] and c["status"] == "pending":
                    c["status"] = "processing"
                    a["polls"] = self.polls_authz
            self.authz_state(int(parts[1]))
            c = [c for c in a["obj"]["challenges"] if c["type"] == parts[2]]
            return 200, [("Link", "<%s>;rel=\"up\"" % self.url(
                "authz", parts[1]))], dict(c[0])
        if kind == "finalize":
            n = int(parts[1])
            o = self.orders[n]
            if o["obj"]["status"] != "ready":
                return self.problem(403, "orderNotReady",
                                    "Order's status (\"%s\") is not "
                                    "acceptable for finalization"
                                    % o["obj"]["status"])
            o["csr"] = x509.load_der_x509_csr(b64d(payload["csr"]))
            o["obj"]["status"] = "processing"
            o["polls"] = self.polls_order
            if self.polls_order == 0:
                self.issue(n)
            return 200, self.poll_headers(o["obj"]["status"]) + [
                ("Location", self.url("order", n))], dict(o["obj"])
        if kind == "cert":
            text = self.chain(self.certs[int(parts[1])])
            return 200, [("Content-Type",
                          "application/pem-certificate-chain")], \
                text.encode()
        if kind == "renewalInfo":
            info = self.ari(self, parts[1]) if self.ari else None
            if info is None:
                return self.problem(404, "malformed", "unknown certificate")
            return 200, [("Retry-After", str(self.ari_every))], info
        return self.problem(404, "malformed", "no such resource " + h.path)
