# SPDX-License-Identifier: MIT
"""INWX DomRobot: JSON-RPC with a cookie, EPP's codes with HTTP 200; ids are
numbers or strings.  Two-factor logins: tests/unit/test_provider_inwx.c."""

import secrets

from .base import Answer, Record, Vendor, reply

USER, PASSWORD = "acmed-dns", "inwxPassword4711"


class Inwx(Vendor):
    NAME = "inwx"
    REWRITES = True             # the id, as a string or a number
    HAS_SUBZONE = True
    AUTH_WORDS = "Authentication error"
    PAGE = 100
    CALLS = 7                   # of a session; really an hour

    def __init__(self):
        super().__init__()
        self.sessions = {}

    def options(self):
        return {"base_url": self.url + "/jsonrpc", "username": USER,
                "password": PASSWORD}

    def bad_options(self):
        return dict(self.options(), password="inwxWrongPassword")

    def new_id(self):
        id = super().new_id()
        return int(id) if self.serial % 2 else id

    def is_write(self, req):
        return "Record" in (req.json() or {}).get("method", "")

    def message(self, code, msg, data=None, headers=None):
        body = {"code": code, "msg": msg, "svTRID": "1", "runtime": 0.1}
        if data is not None:
            body["resData"] = data
        return reply(200, body, headers)

    def ok(self, data=None, headers=None):
        return self.message(1000, "Command completed successfully", data,
                            headers)

    def refuse(self, code, msg):
        raise Answer(200, self.message(code, msg)[2])

    def throttle(self):
        return self.message(2502, "Session limit exceeded; server closing "
                            "connection")

    def server_error(self):
        return self.message(2400, "Command failed")

    def handle(self, req):
        self.check(req.method == "POST" and req.path == "/jsonrpc/",
                   "%s %s", req.method, req.path)
        body = req.json()
        params = body["params"]
        if body["method"] == "account.login":
            self.check("Cookie" not in req.headers, "an old cookie")
            if params != {"user": USER, "pass": PASSWORD}:
                self.refuse(2200, "Authentication error")
            cookie = secrets.token_hex(16)
            self.sessions[cookie] = self.CALLS
            return self.ok({"tfa": "0", "customerId": 1}, {"Set-Cookie": [
                "lb=node7; Path=/", "domrobot=%s; Path=/; HttpOnly; Secure"
                % cookie]})
        sent = dict(p.split("=") for p in
                    (req.headers.get("Cookie") or "=").split("; "))
        if not self.sessions.get(sent.get("domrobot")):
            self.refuse(2200, "Authentication error")
        self.check(sent.get("lb") == "node7", "cookies %r", sent)
        self.sessions[sent["domrobot"]] -= 1
        return getattr(self, body["method"].replace(".", "_"))(params)

    def nameserver_list(self, params):
        """A search, with "*" for anything."""
        self.check(params["page"] >= 1 and params["pagelimit"] <= 1000, "page")
        found = [{"domain": z, "type": "MASTER"} for z in self.zones()
                 if z == params["domain"]]
        data = {"count": len(found)}
        if found:
            data["domains"] = found
        return self.ok(data)

    def nameserver_info(self, params):
        zone = params["domain"]
        if zone not in self.zones():
            self.refuse(2303, "Object does not exist")
        found = [{"id": r.id, "name": r.name, "type": r.type,
                  "content": r.value, "ttl": r.ttl, "prio": 0}
                 for r in self.records if r.zone == zone
                 and r.name == params["name"] and r.type == params["type"]]
        data = {"domain": zone, "type": "MASTER", "count": len(found)}
        if found:
            data["record"] = found
        return self.ok(data)

    def nameserver_createRecord(self, params):
        zone = params["domain"]
        if zone not in self.zones() or self.zone_of(params["name"]) is None:
            self.refuse(2303, "Object does not exist")
        if params["ttl"] < 300:
            self.refuse(2004, "Parameter value range error")
        if params["content"] in self.values(params["name"]):
            self.refuse(2302, "Object exists")
        r = Record(params["name"], params["type"], params["content"],
                   params["ttl"], self.new_id(), zone)
        self.records.append(r)
        return self.ok({"id": r.id})

    def nameserver_deleteRecord(self, params):
        for r in self.records:
            if r.id == params["id"] and type(r.id) is type(params["id"]):
                self.records.remove(r)
                return self.ok()
        self.refuse(2303, "Object does not exist")


VENDORS = [Inwx]
