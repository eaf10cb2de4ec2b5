# SPDX-License-Identifier: MIT
"""Hetzner Cloud API, DNS: values are added to and removed from sets by
actions that take time; one action at a time for each zone."""

from .base import Record, Vendor, is_caa, reply

TOKEN = "hetzner-cloud-token-Zz9"


class Hetzner(Vendor):
    NAME = "hetzner"
    kind = "TXT"                # of the request
    LASTING = {
        "cname": (409, {"error": {"code": "uniqueness_error", "message":
                  "a CNAME is at this name"}}, "a CNAME is at"),
        "quota": (403, {"error": {"code": "resource_limit_exceeded",
                  "message": "rrset limit reached"}}, "limit reached")}
    SEMANTICS = "value"
    HAS_SUBZONE = True
    AUTH_WORDS = "unable to authenticate"
    MAKES_SETS = True           # add_records does

    def __init__(self):
        super().__init__()
        self.zone_ids = {str(4711 + i): z
                         for i, z in enumerate(self.zones())}
        self.actions = {}       # id: how often it is still "running"

    def options(self):
        return {"base_url": self.url + "/v1", "api_token": TOKEN}

    def bad_options(self):
        return dict(self.options(), api_token="hetzner-wrong-token")

    def stored(self, value):
        return '"%s"' % value

    def error(self, status, code, message, headers=None):
        return reply(status, {"error": {"code": code, "message": message,
                                        "details": {}}}, headers)

    def throttle(self):
        return self.error(429, "rate_limit_exceeded", "limit of 3600 "
                          "requests per hour reached", {"Retry-After": "0"})

    def throttle_long(self):
        return self.error(429, "rate_limit_exceeded", "limit of 3600 "
                          "requests per hour reached", {"Retry-After": "120"})

    def find(self, name, type=None):
        return super().find(name, type or self.kind)

    def handle(self, req):
        if req.headers.get("Authorization") != "Bearer " + TOKEN:
            return self.error(401, "unauthorized", "unable to authenticate")
        parts = req.parts()
        self.check(parts[0] == "v1", "path %s", req.path)
        if parts[1] == "actions":
            return self.action(parts[2])
        self.check(parts[1] == "zones", "path %s", req.path)
        zone = self.zone_ids.get(parts[2], parts[2])
        if zone not in self.zones():
            return self.error(404, "not_found", "zone with ID '%s' not "
                              "found" % parts[2])
        if len(parts) == 3:
            return reply(200, {"zone": {"name": zone, "mode": "primary",
                                        "id": int(next(
                i for i, z in self.zone_ids.items() if z == zone))}})
        self.check(parts[3] == "rrsets", "path %s", req.path)
        if len(parts) == 4:
            body = req.json()
            return self.create(zone, body["name"], body)
        self.check(parts[5] in ("TXT", "CAA"), "path %s", req.path)
        self.kind = parts[5]
        name = self.absolute(parts[4], zone)
        if len(parts) == 6:
            return self.show(parts[4], name)
        self.check(parts[6] == "actions", "path %s", req.path)
        return getattr(self, parts[7])(zone, name, req.json())

    def absolute(self, name, zone):
        self.check(name == name.lower() and not name.endswith("."), name)
        return zone if name == "@" else name + "." + zone

    def no_set(self):
        return self.error(404, "not_found", "rrset not found")

    def show(self, short, name):
        old = self.find(name)
        if not old:
            return self.no_set()
        return reply(200, {"rrset": {
            "id": short + "/" + self.kind, "name": short,
            "type": self.kind,
            "ttl": old[0].ttl, "records": [
                {"value": r.value, "comment": ""} for r in old]}})

    def action(self, id):
        if id not in self.actions:
            return self.error(404, "not_found", "action not found")
        left = self.actions[id]
        self.actions[id] = max(0, left - 1)
        return reply(200, {"action": {
            "id": int(id), "status": "running" if left else "success",
            "error": None}})

    def begun(self, status=201):
        id = self.new_id()
        self.actions[id] = 2
        return {"id": int(id), "status": "running", "error": None}

    def add_records(self, zone, name, body):
        old = self.find(name)
        values = [r["value"] for r in body["records"]]
        if not all(is_caa(v) if self.kind == "CAA" else
                   len(v) > 1 and v[0] == v[-1] == '"' for v in values):
            return self.error(422, "invalid_input", "invalid value")
        if not old and not self.MAKES_SETS:
            return self.no_set()
        ttl = body.get("ttl", old[0].ttl if old else 3600)
        if old and ttl != old[0].ttl:
            return self.error(422, "invalid_input", "ttl differs")
        if ttl < 60:
            return self.error(422, "invalid_input", "ttl")
        if any(r.value in values for r in old):
            return self.error(409, "uniqueness_error", "record exists")
        self.records += [Record(name, self.kind, v, ttl, None, zone)
                         for v in values]
        return reply(201, {"action": self.begun()})

    def create(self, zone, short, body):
        name = self.absolute(short, zone)
        self.check(body["type"] in ("TXT", "CAA"), "type")
        self.kind = body["type"]
        if self.find(name):
            return self.error(409, "uniqueness_error", "rrset exists")
        self.records += [Record(name, self.kind, r["value"], body["ttl"],
                                None, zone) for r in body["records"]]
        return reply(201, {"rrset": {}, "action": self.begun()})

    def remove_records(self, zone, name, body):
        old = self.find(name)
        values = [r["value"] for r in body["records"]]
        gone = [r for r in old if r.value in values]
        if len(gone) != len(values):
            return self.error(404, "not_found", "record not found")
        self.records = [r for r in self.records if r not in gone]
        return reply(201, {"action": self.begun()})


class HetznerSets(Hetzner):
    """Wants a set before values are added to it."""
    VARIANT = "sets"
    MAKES_SETS = False


VENDORS = [Hetzner, HetznerSets]
