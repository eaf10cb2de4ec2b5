# SPDX-License-Identifier: MIT
"""Stand-ins for what the shipped recipes speak to: one server, and for each
product a class that does what its documentation says with the requests that a
recipe sends.  The suite is tests/integration/test_deploy_recipe.py.
"""

import base64
import email.parser
import email.policy
import hashlib
import http.server
import json
import re
import ssl
import threading
import time
import urllib.parse
import uuid

from .clouds.base import is_pair
from .vendors.base import Answer, Request, reply


def parts(request):
    """The parts of a multipart body: {name: (filename or None, text)}."""
    head = "Content-Type: %s\r\n\r\n" % request.headers["Content-Type"]
    message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(
        head.encode() + request.body)
    return {p.get_param("name", header="content-disposition"):
            (p.get_filename(), p.get_payload(decode=True).decode())
            for p in message.iter_parts()}


class Product:
    """options: of the recipe; secrets: those given in files.  handle() answers
    a Request; what is served then is in self.cert, self.key."""
    RECIPE = None
    URL = False                 # option url instead of host and port
    SECRETS = {}
    OPTIONS = {}
    REFUSED = ()                # words when a secret is wrong
    LOGS_OUT = False
    MAKES = False               # an object, at the first time

    def __init__(self, tls, cert=None, key=None):
        self.log, self.problems = [], []
        self.cert = self.key = None
        self.sessions, self.ended = {}, []
        self.faults = []        # of the next requests: status, or "lost"
        fake = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1

            def log_message(self, *args):
                pass

            def do_GET(self):
                n = int(self.headers.get("Content-Length") or 0)
                fake.serve(self, Request(self.command, self.path,
                                         self.headers, self.rfile.read(n)))

            do_POST = do_PUT = do_PATCH = do_DELETE = do_GET

        self.server = http.server.ThreadingHTTPServer(("0.0.0.0", 0),
                                                      Handler)
        self.server.daemon_threads = True
        ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        ctx.load_cert_chain(cert or tls.cert, key or tls.key)
        self.server.socket = ctx.wrap_socket(self.server.socket,
                                             server_side=True)
        threading.Thread(target=self.server.serve_forever,
                         kwargs={"poll_interval": 0.05}, daemon=True).start()
        self.port = self.server.server_port

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    @classmethod
    def label(cls):
        return cls.RECIPE

    def options(self):
        where = {"url": "https://localhost:%d" % self.port} if self.URL else \
            {"host": "localhost", "port": self.port}
        return dict(where, **self.OPTIONS)

    def serve(self, h, request):
        self.log.append(request)
        fault = self.faults.pop(0) if self.faults else None
        try:
            answer = reply(*fault) if isinstance(fault, tuple) else \
                reply(*self.handle(request))
        except Answer as e:
            answer = e.reply
        except Exception as e:                  # a request like no other
            self.problems.append("%r: %r" % (request, e))
            answer = reply(400, {"message": "malformed"})
        if fault == "lost":
            h.close_connection = True
            return
        status, headers, body = answer
        h.send_response(status)
        for name, values in headers.items():
            for v in values if isinstance(values, list) else [values]:
                h.send_header(name, v)
        h.send_header("Content-Length", str(len(body)))
        h.end_headers()
        h.wfile.write(body)

    def need(self, condition, status, body):
        if not condition:
            raise Answer(status, body)

    def pair(self, cert, key):
        """Take them, or say why not."""
        self.need(is_pair(cert, key), 400, {"message": "key does not match"})
        self.cert, self.key = cert, key

    def session(self, name):
        """A new one; its token."""
        token = "%s-%s" % (name, uuid.uuid4().hex)
        self.sessions[token] = True
        return token


class ProxmoxVe(Product):
    RECIPE = "proxmox-ve"
    SECRETS = {"token": "acmed@pve!deploy=11111111-2222-3333-4444-5555"}
    OPTIONS = {"node": "pve1"}
    PREFIX, NODE = "PVEAPIToken=", "pve1"
    REFUSED = ("HTTP 401",)

    def handle(self, r):
        self.need(r.headers.get("Authorization") == self.PREFIX +
                  self.SECRETS["token"], 401, {"data": None})
        self.need((r.method, r.path) == (
            "POST", "/api2/json/nodes/%s/certificates/custom" % self.NODE),
            501, {"data": None, "message": "Method not implemented"})
        f = r.form()
        self.need(self.cert is None or f.get("force") == "1", 400, {
            "data": None, "errors": {"force": "custom certificate exists"}})
        self.pair(f["certificates"], f["key"])
        return 200, {"data": {"filename": "pveproxy-ssl.pem", "pem": ""}}


class ProxmoxBackup(ProxmoxVe):
    RECIPE = "proxmox-backup"
    SECRETS = {"token": "acmed@pbs!deploy:11111111-2222-3333-4444-5555"}
    OPTIONS = {}
    PREFIX, NODE = "PBSAPIToken=", "localhost"


class Kong(Product):
    RECIPE = "kong"
    URL = True
    SECRETS = {"token": "kong-admin-secret"}
    REFUSED = ("Invalid RBAC credentials",)

    def handle(self, r):
        self.need(r.headers.get("Kong-Admin-Token") == self.SECRETS["token"],
                  401, {"message": "Invalid RBAC credentials"})
        m = re.match("^/certificates/([^/]+)$", r.path)
        self.need(m and r.method == "PUT", 404, {"message": "Not found"})
        self.id = str(uuid.UUID(m.group(1)))
        j = r.json()
        self.need(isinstance(j["snis"], list) and j["snis"], 400, {
            "message": "schema violation (snis: expected a set)",
            "name": "schema violation", "code": 2})
        self.snis = j["snis"]
        self.pair(j["cert"], j["key"])
        return 200, dict(j, id=self.id)


class Apisix(Product):
    RECIPE = "apisix"
    URL = True
    SECRETS = {"api_key": "apisix-admin-key"}
    REFUSED = ("failed to check token",)

    def handle(self, r):
        self.need(r.headers.get("X-API-KEY") == self.SECRETS["api_key"], 401,
                  {"error_msg": "failed to check token",
                   "description": "wrong apikey"})
        m = re.match("^/apisix/admin/ssls/([a-zA-Z0-9._-]{1,64})$", r.path)
        self.need(m and r.method == "PUT", 404, {"error_msg": "not found"})
        j = r.json()
        self.need(set(j) <= {"cert", "key", "snis"}, 400, {
            "error_msg": "invalid configuration: additional properties "
            "forbidden"})
        self.pair(j["cert"], j["key"])
        return 201 if len(self.log) == 1 else 200, {
            "key": "/apisix/ssls/" + m.group(1), "value": {"id": m.group(1)}}


class Consul(Product):
    RECIPE = "consul"
    URL = True
    SECRETS = {"token": "8d7c2f3e-0000-4444-8888-aaaaaaaaaaaa"}
    OPTIONS = {"prefix": "tls", "datacenter": "dc1"}
    REFUSED = ("Permission denied",)

    def handle(self, r):
        self.need((r.method, r.path) == ("PUT", "/v1/txn"), 404, "")
        self.need(r.arg("dc") == "dc1", 500, "No path to datacenter")
        self.need(r.headers.get("X-Consul-Token") == self.SECRETS["token"],
                  403, "Permission denied: token with AccessorID '' lacks "
                  "permission 'key:write'")
        new = {}
        for op in r.json():
            self.need(op["KV"]["Verb"] == "set", 400, "Unknown verb")
            new[op["KV"]["Key"]] = base64.b64decode(
                op["KV"]["Value"], validate=True).decode()
        self.keys = new
        self.pair(*(new[k] for k in sorted(new)))
        return 200, {"Results": [], "Errors": None}


class GitlabPages(Product):
    RECIPE = "gitlab-pages"
    URL = True
    SECRETS = {"token": "glpat-abcdefghijklmnopqrst"}
    OPTIONS = {"project": "web/site", "pages_domain": "www.example.test"}
    REFUSED = ("Unauthorized",)

    def handle(self, r):
        self.need(r.headers.get("PRIVATE-TOKEN") == self.SECRETS["token"],
                  401, {"message": "401 Unauthorized"})
        self.need((r.method, r.path) == (
            "PUT", "/api/v4/projects/web%2Fsite/pages/domains/"
            "www.example.test"), 404, {"message": "404 Not found"})
        f = r.form()
        self.pair(f["certificate"], f["key"])
        return 200, {"domain": "www.example.test", "auto_ssl_enabled": False}


class NginxProxyManager(Product):
    RECIPE = "nginx-proxy-manager"
    URL = True
    MAKES = True
    SECRETS = {"password": "npm-pass\"word\\"}
    OPTIONS = {"user": "acmed@example.test", "certificate_name": "the \"site\""}
    REFUSED = ("Invalid email or password",)
    THEIRS = {"id": 1, "nice_name": "the \"site\"", "provider": "letsencrypt"}

    def __init__(self, *args, **kw):
        self.certificates, self.loaded = [dict(self.THEIRS)], None
        self.hosts = [{"id": 2, "certificate_id": 0, "enabled": True},
                      {"id": 3, "certificate_id": 0, "enabled": False},
                      {"id": 4, "certificate_id": 0, "enabled": True}]
        super().__init__(*args, **kw)

    def handle(self, r):
        p = r.path
        self.need(p.startswith("/api/"), 404, {"error": {"code": 404}})
        if (r.method, p) == ("POST", "/api/tokens"):
            self.need(r.json() == {"identity": self.OPTIONS["user"],
                                   "secret": self.SECRETS["password"]}, 401,
                      {"error": {"code": 401,
                                 "message": "Invalid email or password"}})
            return 200, {"token": self.session("jwt"), "expires": "2030"}
        self.need(r.headers.get("Authorization", "")[7:] in self.sessions,
                  401, {"error": {"code": 401, "message": "Token expired"}})
        if (r.method, p) == ("GET", "/api/nginx/certificates"):
            return 200, [{k: v for k, v in c.items() if k != "pem"}
                         for c in self.certificates]
        if (r.method, p) == ("POST", "/api/nginx/certificates"):
            j = r.json()
            self.need(set(j) == {"nice_name", "provider"}, 400,
                      {"error": {"code": 400, "message": "data must NOT "
                                 "have additional properties"}})
            c = dict(j, id=7 + len(self.certificates))
            self.certificates.append(c)
            return 201, c
        if (r.method, p) == ("GET", "/api/nginx/proxy-hosts"):
            return 200, self.hosts
        m = re.match("^/api/nginx/certificates/([0-9]+)/upload$", p)
        if m and r.method == "POST":
            files = parts(r)
            self.need(set(files) == {"certificate", "certificate_key",
                                     "intermediate_certificate"} and
                      all(name for name, text in files.values()), 400,
                      {"error": "No files were uploaded"})
            c, = (c for c in self.certificates if c["id"] == int(m.group(1)))
            self.need(c["provider"] == "other", 400, {"error": {
                "message": "Cannot upload certificates for this type"}})
            self.pair(files["certificate"][1], files["certificate_key"][1])
            c["pem"] = self.cert
            return 200, {}
        m = re.match("^/api/nginx/proxy-hosts/([0-9]+)$", p)
        self.need(m and r.method == "PUT", 404, {"error": {"code": 404}})
        h, = (h for h in self.hosts if h["id"] == int(m.group(1)))
        self.need(r.json() == {"certificate_id": h["certificate_id"]}, 400,
                  {"error": {"message": "something else would change"}})
        if h["enabled"]:
            self.loaded = self.cert     # nginx has read its files
        return 200, h

    def use(self):
        """A person chooses the certificate at two hosts."""
        for h in self.hosts[1:]:
            h["certificate_id"] = self.certificates[-1]["id"]

    def check(self, first):
        assert self.certificates[0] == self.THEIRS
        assert len(self.certificates) == 2
        if first:
            self.use()
            assert self.loaded is None
        else:
            assert self.loaded == self.cert


class Synology(Product):
    RECIPE = "synology-dsm"
    SECRETS = {"password": "syn&=+ \u00e9pass", "device_id": "did-1"}
    OPTIONS = {"user": "acmed", "description": "web & more"}
    REFUSED = ("400", "the password is wrong")
    LOGS_OUT = True

    def __init__(self, *args, **kw):
        self.certificates = [{"id": "aaaaaa", "desc": "",
                              "is_default": True}]
        super().__init__(*args, **kw)

    def fail(self, code):
        raise Answer(200, {"success": False, "error": {"code": code}})

    def handle(self, r):
        self.need(r.path == "/webapi/entry.cgi", 404, "")
        fields = dict(r.query)
        if r.headers["Content-Type"].startswith("application/x-www"):
            fields.update(r.form())
        call = fields["api"], fields["version"], fields["method"]
        if call == ("SYNO.API.Auth", "6", "login"):
            if (fields["account"], fields["passwd"]) != (
                    self.OPTIONS["user"], self.SECRETS["password"]):
                self.fail(400)
            if (fields.get("device_id"), fields.get("device_name")) != (
                    "did-1", "acmed"):
                self.fail(403)
            sid = self.session("sid")
            return 200, {"success": True, "data": {
                "sid": sid, "synotoken": "token-of-" + sid, "did": ""}}
        sid = fields.get("_sid")
        if sid not in self.sessions:
            self.fail(119)
        if call == ("SYNO.API.Auth", "6", "logout"):
            del self.sessions[sid]
            self.ended.append(sid)
            return 200, {"success": True}
        if call == ("SYNO.Core.Certificate.CRT", "1", "list"):
            return 200, {"success": True, "data": {
                "certificates": self.certificates}}
        if call != ("SYNO.Core.Certificate", "1", "import"):
            self.fail(103)
        if fields.get("SynoToken") != "token-of-" + sid:
            self.fail(119)
        f = {name: text for name, (file, text) in parts(r).items()}
        self.need(is_pair(f["cert"], f["key"]), 200, {
            "success": False, "error": {"code": 5511}})
        self.cert, self.key = f["cert"], f["key"]
        if f["id"] == "":
            self.certificates.append({
                "id": "bbbbbb", "desc": f["desc"], "is_default": False})
            self.certificates[-1]["is_default"] = "as_default" in f
        else:
            c, = (c for c in self.certificates if c["id"] == f["id"])
            self.need(c["desc"] == f["desc"], 200, {
                "success": False, "error": {"code": 5510}})
            c["is_default"] = f.get("as_default") == "true"
        return 200, {"success": True, "data": {"restart_httpd": True}}

    def check(self, first):
        assert [c["desc"] for c in self.certificates] == ["", "web & more"]
        if first:       # a person makes it the default: it stays so
            self.certificates[1]["is_default"] = True
        assert self.certificates[1]["is_default"] is True


class TrueNas(Product):
    RECIPE = "truenas"
    MAKES = True
    SECRETS = {"api_key": "1-abcdefghijklmnopqrstuvwxyz0123456789"}
    REFUSED = ("HTTP 401",)

    def __init__(self, *args, **kw):
        self.certificates = [{"id": 1, "name": "truenas_default"}]
        self.jobs, self.ui, self.restarts = {}, 1, 0
        super().__init__(*args, **kw)

    def check(self, first):
        prints = [c["name"] for c in self.certificates]
        assert len(prints) == len(set(prints)) == (2 if first else 3)

    def handle(self, r):
        self.need(r.headers.get("Authorization") == "Bearer " +
                  self.SECRETS["api_key"], 401, "")
        call = r.method, r.path[len("/api/v2.0"):]
        if call == ("GET", "/certificate"):
            return 200, [c for c in self.certificates
                         if c["name"] == r.arg("name")]
        if call == ("POST", "/certificate"):
            j = r.json()
            self.need(re.match("^[A-Za-z0-9_-]{1,120}$", j["name"]) and
                      j["create_type"] == "CERTIFICATE_CREATE_IMPORTED" and
                      j["name"] not in [c["name"] for c in self.certificates],
                      422, {"certificate_create.name": [
                          {"message": "name is wrong", "errno": 22}]})
            self.need(is_pair(j["certificate"], j["privatekey"]), 422, {
                "certificate_create.privatekey": [{"message": "no pair"}]})
            job = 100 + len(self.jobs)
            self.jobs[job] = [dict(j, id=1 + len(self.certificates)),
                              "RUNNING"]
            return 200, json.dumps(job)
        if call == ("GET", "/core/get_jobs"):
            job = int(r.arg("id"))
            made, state = self.jobs[job]
            if state == "RUNNING":
                self.jobs[job][1] = "SUCCESS"
                self.certificates.append(made)
            return 200, [{"id": job, "state": state, "result": None}]
        if call == ("PUT", "/system/general"):
            self.ui = r.json()["ui_certificate"]
            assert type(self.ui) is int and list(r.json()) == [
                "ui_certificate"]
            return 200, {}
        self.need(call == ("GET", "/system/general/ui_restart"), 404, "")
        c, = (c for c in self.certificates if c["id"] == self.ui)
        self.cert, self.key = c["certificate"], c["privatekey"]
        return 200, "null"


class UnifiOs(Product):
    RECIPE = "unifi-os"
    SECRETS = {"password": "uni\"fi"}
    OPTIONS = {"user": "acmed"}
    REFUSED = ("Invalid username or password",)
    LOGS_OUT = True

    def __init__(self, *args, **kw):
        self.certificates = []
        super().__init__(*args, **kw)

    def handle(self, r):
        call = r.method, r.path
        if call == ("POST", "/api/auth/login"):
            self.need(r.json() == dict(username="acmed", **self.SECRETS),
                      403, {"code": "AUTHENTICATION_FAILED_INVALID_"
                            "CREDENTIALS", "message":
                            "Invalid username or password", "level": "debug"})
            token = self.session("jwt")
            return 200, {"username": "acmed"}, {
                "Set-Cookie": "TOKEN=%s; path=/; httponly" % token,
                "X-Csrf-Token": "csrf-" + token}
        token = r.headers.get("Cookie", "")[len("TOKEN="):]
        self.need(token in self.sessions, 401, {"message": "Unauthorized"})
        self.need(r.method == "GET" or (
            r.headers.get("X-CSRF-Token") == "csrf-" + token and
            r.headers.get("Origin") == "https://localhost"), 403,
            {"message": "Forbidden"})
        if call == ("POST", "/api/auth/logout"):
            del self.sessions[token]
            self.ended.append(token)
            return 200, {"success": True}
        if call == ("GET", "/api/userCertificates"):
            return 200, [dict(c, cert=None, key=None)
                         for c in self.certificates]
        if call == ("POST", "/api/userCertificates"):
            j = r.json()
            self.need(is_pair(j["cert"], j["key"]) and
                      "BEGIN PRIVATE" not in j["key"], 400, {
                          "message": "Invalid certificate"})
            self.need(j["name"] not in [c["name"] for c in
                                        self.certificates], 400,
                      {"message": "DUPLICATE"})
            c = dict(j, id=uuid.uuid4().hex, active=False)
            self.certificates.append(c)
            return 200, {"id": c["id"], "name": c["name"], "active": False}
        m = re.match("^/api/userCertificates/([0-9a-f]+)/status$", r.path)
        self.need(m and r.method == "PUT", 404, {"message": "Not found"})
        assert r.json() == {"active": True}
        for c in self.certificates:
            c["active"] = c["id"] == m.group(1)
            if c["active"]:
                self.cert, self.key = c["cert"], c["key"]
        return 200, {"active": True}


class PanOs(Product):
    RECIPE = "pan-os"
    SECRETS = {"api_key": "LUFRPT1abcdefghijkl=="}
    OPTIONS = {"user": "acme&d", "certificate_name": "site"}
    REFUSED = ("Invalid Credential",)

    def __init__(self, *args, **kw):
        self.candidate, self.running, self.looks = {}, {}, {}
        super().__init__(*args, **kw)

    def say(self, inside, status="success", code=""):
        return 200, "<response status='%s'%s>%s</response>" % (
            status, code and " code='%s'" % code, inside), {
                "Content-Type": "application/xml"}

    def handle(self, r):
        assert (r.method, r.path) == ("POST", "/api/")
        if r.headers.get("X-PAN-KEY") != self.SECRETS["api_key"]:
            return 403, "<response status = 'error' code = '403'><result>" \
                "<msg>Invalid Credential</msg></result></response>"
        if r.arg("type") == "import":
            assert r.arg("format") == "pem" and \
                r.arg("certificate-name") == "site"
            f = parts(r)
            kind = r.arg("category")
            if kind == "private-key":
                assert f["passphrase"][1]
                if not is_pair(self.candidate["certificate"], f["file"][1]):
                    return self.say("<msg><line>Import failed</line></msg>",
                                    "error")
            self.candidate[kind] = f["file"][1]
            return self.say("<result>Successfully imported site into "
                            "candidate configuration</result>")
        f = r.form()
        if f["type"] == "commit":
            assert f["action"] == "partial" and \
                "<member>acme&amp;d</member>" in f["cmd"]
            if self.candidate == self.running:
                return self.say("<msg>There are no changes to commit.</msg>",
                                code=19)
            job = str(17 + len(self.looks))
            self.looks[job] = 0
            return self.say("<result><msg><line>Commit job enqueued with "
                            "jobid %s</line></msg><job>%s</job></result>" %
                            (job, job), code=19)
        job = re.match("^<show><jobs><id>([0-9]+)</id></jobs></show>$",
                       f["cmd"]).group(1)
        self.looks[job] += 1
        if self.looks[job] == 1:
            return self.say("<result><job><status>ACT</status><result>PEND"
                            "</result></job></result>")
        self.running = dict(self.candidate)
        self.cert = self.running["certificate"]
        return self.say("<result><job><status>FIN</status><result>OK"
                        "</result></job></result>")


class BtPanel(Product):
    RECIPE = "bt-panel"
    URL = True
    SECRETS = {"api_key": "Abcdefghijklmnop0123456789"}
    OPTIONS = {"site": "www.example.test"}
    REFUSED = ("\u5bc6\u94a5\u6821\u9a8c\u5931\u8d25",)

    def handle(self, r):
        f = r.form()
        md5 = hashlib.md5
        good = md5((f["request_time"] + md5(self.SECRETS["api_key"].encode())
                    .hexdigest()).encode()).hexdigest()
        assert abs(time.time() - int(f["request_time"])) < 60
        # It refuses with 200.
        self.need(f["request_token"] == good, 200, {
            "status": False, "msg": self.REFUSED[0]})
        assert (r.path, r.arg("action"), f["type"], f["siteName"]) == (
            "/site", "SetSSL", "0", "www.example.test")
        self.need(is_pair(f["csr"], f["key"]), 200, {
            "status": False, "msg": "no pair"})
        self.cert, self.key = f["csr"], f["key"]
        return 200, {"status": True, "msg": "ok"}


class OnePanel(Product):
    RECIPE = "1panel"
    URL = True
    MAKES = True
    SECRETS = {"api_key": "abcdefghijklmnopqrstuvwxyz012345"}
    REFUSED = ("API",)

    def __init__(self, *args, **kw):
        self.certificates = [{"id": 3, "description": "theirs"}]
        super().__init__(*args, **kw)

    def handle(self, r):
        t = r.headers["1Panel-Timestamp"]
        good = hashlib.md5(("1panel" + self.SECRETS["api_key"] + t).encode())
        self.need(r.headers["1Panel-Token"] == good.hexdigest(), 401, {
            "code": 401, "message": "API \u5bc6\u94a5\u9519\u8bef"})
        j = r.json()
        if r.path == "/api/v2/websites/ssl/search":
            assert j["orderBy"] in ("expire_date",) and j["page"] == 1
            return 200, {"code": 200, "message": "", "data": {
                "total": 1, "items": [{"id": c["id"], "description":
                                       c["description"]}
                                      for c in self.certificates]}}
        self.need(r.path == "/api/v2/websites/ssl/upload", 404, "")
        self.need(j["type"] == "paste" and is_pair(
            j["certificate"], j["privateKey"]), 200, {
                "code": 500, "message": "no pair"})
        self.cert, self.key = j["certificate"], j["privateKey"]
        old = [c for c in self.certificates if c["id"] == j.get("sslID")]
        if not old:
            assert "sslID" not in j
            self.certificates.append({"id": 4, "description":
                                      j["description"]})
        return 200, {"code": 200, "message": "", "data": None}

    def check(self, first):
        assert [c["description"] for c in self.certificates] == [
            "theirs", "acmed life.example.test"]


class Cpanel(Product):
    RECIPE = "cpanel"
    SECRETS = {"token": "CPANELTOKEN0123456789"}
    OPTIONS = {"user": "webuser", "site": "www.example.test"}
    REFUSED = ("Access denied",)

    def handle(self, r):
        self.need(r.headers.get("Authorization") == "cpanel webuser:" +
                  self.SECRETS["token"], 401, {"error": "Access denied"})
        f = r.form()
        assert r.path == "/execute/SSL/install_ssl" and \
            f["domain"] == "www.example.test" and \
            f["cert"].count("BEGIN") == 1 and "BEGIN" in f["cabundle"]
        self.need(is_pair(f["cert"], f["key"]), 200, {
            "status": 0, "errors": ["The key does not match"], "data": None})
        self.cert, self.key = f["cert"], f["key"]
        return 200, {"status": 1, "errors": None, "metadata": {},
                     "messages": None, "data": {"domain": f["domain"]}}


class DirectAdmin(Product):
    RECIPE = "directadmin"
    SECRETS = {"login_key": "LoginKey:0123456789"}
    OPTIONS = {"user": "webuser", "site": "www.example.test"}
    REFUSED = ("HTTP 401",)
    CHAIN = None

    def handle(self, r):
        given = base64.b64encode(("webuser:" +
                                  self.SECRETS["login_key"]).encode())
        self.need(r.headers.get("Authorization") == "Basic " + given.decode(),
                  401, "")
        f = r.form()
        assert (r.path, f["action"], f["domain"]) == (
            "/CMD_API_SSL", "save", "www.example.test")
        if f["type"] == "cacert":
            assert f["active"] == "yes" and "BEGIN CERT" in f["cacert"]
            self.chain = f["cacert"]
            return 200, "error=0&text=Saved&details="
        key, line, cert = f["certificate"].partition(
            "-----BEGIN CERTIFICATE-----")
        if not is_pair(line + cert, key):
            return 200, "error=1&text=Cannot%20Execute&details=no%20pair"
        self.cert, self.key = line + cert, key
        return 200, "error=0&text=Saved&details="

    def check(self, first):
        assert self.chain


def all_products():
    found, todo = [], [Product]
    while todo:
        for c in todo.pop().__subclasses__():
            todo.append(c)
            found.append(c)
    return sorted(found, key=lambda c: c.RECIPE)
