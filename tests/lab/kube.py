# SPDX-License-Identifier: MIT
"""A stand-in for the part of the Kubernetes API server that serves Secrets:
server-side apply with the owners of fields, the rules for types, RBAC.

Behaviour and words after the server's own (apiserver, 1.29).
"""

import base64
import http.server
import json
import re
import ssl
import threading
import urllib.parse

NAME = re.compile(r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$")
LABEL = re.compile(r"^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$")


class Refused(Exception):
    def __init__(self, code, reason, message):
        super().__init__(message)
        self.code, self.reason, self.message = code, reason, message


def leaves(o, path=()):
    """Every leaf of the fields that somebody applies."""
    for k, v in o.items():
        if isinstance(v, dict):
            yield from leaves(v, path + (k,))
        else:
            yield path + (k,), v


class Kube:
    """users: {token: (name, {(verb, namespace, secret or "*"), ...})}"""

    def __init__(self, tls, users, namespaces=("web",), port=0):
        self.users, self.namespaces = users, set(namespaces)
        self.secrets, self.owners, self.seen = {}, {}, []
        self.before = lambda request: None
        fake = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1

            def log_message(self, *args):
                pass

            def do_GET(self):
                n = int(self.headers.get("Content-Length") or 0)
                fake.handle(self, self.rfile.read(n))

            do_POST = do_PUT = do_PATCH = do_DELETE = do_GET

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port),
                                                      Handler)
        self.server.daemon_threads = True
        ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        ctx.load_cert_chain(tls.cert, tls.key)
        self.server.socket = ctx.wrap_socket(self.server.socket,
                                             server_side=True)
        threading.Thread(target=self.server.serve_forever,
                         kwargs={"poll_interval": 0.05}, daemon=True).start()
        self.port = self.server.server_port
        self.url = "https://localhost:%d" % self.port

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    def handle(self, h, body):
        self.seen.append((h.command, h.path, dict(h.headers), body))
        answer = self.before((h.command, h.path))
        if answer is None:
            try:
                code, o = self.apply(h, body)
            except Refused as e:
                code, o = e.code, {
                    "kind": "Status", "apiVersion": "v1", "metadata": {},
                    "status": "Failure", "message": e.message,
                    "reason": e.reason, "code": e.code}
            answer = code, json.dumps(o).encode()
        h.send_response(answer[0])
        h.send_header("Content-Type", "application/json")
        h.send_header("Content-Length", str(len(answer[1])))
        h.end_headers()
        h.wfile.write(answer[1])

    def who(self, h, verb, namespace, name):
        bearer = h.headers.get("Authorization", "")
        if not bearer.startswith("Bearer ") or \
                bearer[7:] not in self.users:
            raise Refused(401, "Unauthorized", "Unauthorized")
        user, rights = self.users[bearer[7:]]
        if not {(verb, namespace, name), (verb, namespace, "*")} & rights:
            raise Refused(403, "Forbidden", 'secrets "%s" is forbidden: User '
                          '"%s" cannot %s resource "secrets" in API group "" '
                          'in the namespace "%s"' % (name, user, verb,
                                                     namespace))

    def apply(self, h, body):
        url = urllib.parse.urlsplit(h.path)
        m = re.match(r"^/api/v1/namespaces/([^/]+)/secrets/([^/]+)$",
                     url.path)
        if not m:
            raise Refused(404, "NotFound", "the server could not find the "
                          "requested resource")
        if h.command != "PATCH":
            raise Refused(405, "MethodNotAllowed", "the server does not "
                          "allow this method on the requested resource")
        namespace, name = m.groups()
        query = dict(urllib.parse.parse_qsl(url.query,
                                            strict_parsing=True))
        self.who(h, "patch", namespace, name)
        if h.headers.get("Content-Type") != "application/apply-patch+yaml":
            raise Refused(415, "UnsupportedMediaType", "the body of the "
                          "request was in an unknown format")
        if not query.get("fieldManager"):
            raise Refused(422, "Invalid", "PatchOptions.meta.k8s.io \"\" is "
                          "invalid: fieldManager: Required value: is "
                          "required for apply patch")
        try:
            o = json.loads(body)
        except ValueError as e:
            raise Refused(400, "BadRequest", "error decoding YAML: %s"
                          % e) from None
        self.check(o, namespace, name)
        if namespace not in self.namespaces:
            raise Refused(404, "NotFound", 'namespaces "%s" not found'
                          % namespace)
        key = namespace, name
        if key not in self.secrets:
            self.who(h, "create", namespace, name)
        return self.merge(key, o, query["fieldManager"],
                          query.get("force") == "true")

    def check(self, o, namespace, name):
        meta = o.get("metadata", {})
        if (o.get("apiVersion"), o.get("kind")) != ("v1", "Secret"):
            raise Refused(400, "BadRequest", "unable to decode: no kind "
                          "\"%s\" is registered" % o.get("kind"))
        if meta.get("name") != name or meta.get("namespace") != namespace:
            raise Refused(400, "BadRequest", "the name of the object does "
                          "not match the name on the URL")
        if "managedFields" in meta:
            raise Refused(400, "BadRequest", "metadata.managedFields must "
                          "be nil")
        invalid = []
        if not NAME.match(name):
            invalid.append("metadata.name: Invalid value")
        for k, v in meta.get("labels", {}).items():
            if not LABEL.match(v) or not LABEL.match(k.split("/")[-1]):
                invalid.append('metadata.labels: Invalid value: "%s"' % v)
        data = o.get("data", {})
        for k, v in data.items():
            try:
                base64.b64decode(v, validate=True)
            except ValueError:
                raise Refused(400, "BadRequest", "illegal base64 data in "
                              "data[%s]" % k) from None
        for k in ("tls.crt", "tls.key"):
            if o.get("type") == "kubernetes.io/tls" and k not in data:
                invalid.append("data[%s]: Required value" % k)
        if invalid:
            raise Refused(422, "Invalid", 'Secret "%s" is invalid: %s'
                          % (name, ", ".join(invalid)))

    def merge(self, key, o, manager, force):
        have = self.secrets.get(key)
        if have and have["type"] != o.get("type", have["type"]):
            raise Refused(422, "Invalid", 'Secret "%s" is invalid: type: '
                          'Invalid value: "%s": field is immutable'
                          % (key[1], o["type"]))
        owners = self.owners.setdefault(key, {})
        mine = {p: v for p, v in leaves(
            {k: o[k] for k in ("data", "type") if k in o})}
        mine.update({("metadata", "labels", k): v for k, v in
                     o["metadata"].get("labels", {}).items()})
        flat = dict(self.flat(have)) if have else {}
        clash = [p for p, v in mine.items() if p in flat and flat[p] != v
                 and owners.get(p, set()) - {manager}]
        if clash and not force:
            raise Refused(409, "Conflict", "Apply failed with %d conflict: "
                          "conflict with \"%s\": .%s" % (
                              len(clash), sorted(owners[clash[0]])[0],
                              ".".join(clash[0])))
        for p in [p for p, who in owners.items() if manager in who and
                  p not in mine]:
            owners[p].discard(manager)
            if not owners[p]:
                del owners[p], flat[p]
        for p, v in mine.items():
            owners[p] = {manager} if p in clash else \
                owners.get(p, set()) | {manager}
            flat[p] = v
        self.secrets[key] = {
            "type": flat.get(("type",), "Opaque"),
            "data": {p[1]: v for p, v in flat.items() if p[0] == "data"},
            "labels": {p[2]: v for p, v in flat.items()
                       if p[0] == "metadata"}}
        return (200 if have else 201), dict(
            o, metadata=dict(o["metadata"], uid="1", managedFields=[]))

    @staticmethod
    def flat(have):
        yield ("type",), have["type"]
        for k, v in have["data"].items():
            yield ("data", k), v
        for k, v in have["labels"].items():
            yield ("metadata", "labels", k), v
