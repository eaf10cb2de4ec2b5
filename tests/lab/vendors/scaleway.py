# SPDX-License-Identifier: MIT
"""Scaleway DNS: lists of changes, carried out together or not at all; an
unknown zone is made unless that is forbidden."""

import uuid

from .base import Record, Vendor, reply

KEY = "7c2d1f5e-scw-secret-4a4b-9c1d-aabbccddeeff"


class Scaleway(Vendor):
    NAME = "scaleway"
    LASTING = {"quota": (403, {"type": "quotas_exceeded", "message":
                         "quota exceeded for records"}, "quota exceeded")}
    SEMANTICS = "value"
    HAS_SUBZONE = True
    AUTH_WORDS = "authentication is denied"
    PAGE = 2

    def __init__(self):
        super().__init__()
        self.busy = 0

    def options(self):
        return {"base_url": self.url + "/domain/v2beta1", "secret_key": KEY}

    def bad_options(self):
        return dict(self.options(), secret_key="7c2d1f5e-scw-wrong-key")

    def new_id(self):
        return str(uuid.uuid4())

    def stored(self, value):
        return '"%s"' % value

    def error(self, status, kind, message, **more):
        return reply(status, dict({"type": kind, "message": message}, **more))

    def throttle(self):
        return self.error(429, "too_many_requests", "slow down")

    def handle(self, req):
        if req.headers.get("X-Auth-Token") != KEY:
            return self.error(401, "denied_authentication",
                              self.AUTH_WORDS, method="api_key")
        parts = req.parts()
        self.check(parts[:3] == ["domain", "v2beta1", "dns-zones"],
                   "path %s", req.path)
        if len(parts) == 3:
            return self.list(req)
        self.check(parts[4:] == ["records"], "path %s", req.path)
        if req.method == "GET":
            return self.records_get(req, parts[3])
        return self.records_patch(req, parts[3])

    def page(self, req, name, found):
        self.check(1 <= int(req.arg("page_size")) <= 100, "page_size")
        at = (int(req.arg("page")) - 1) * self.PAGE
        return reply(200, {"total_count": len(found),
                           name: found[at:at + self.PAGE]})

    def list(self, req):
        zones = [{"domain": self.ZONE if z.endswith("." + self.ZONE) else z,
                  "subdomain": z[:-len(self.ZONE)].rstrip(".")
                  if z.endswith("." + self.ZONE) else "",
                  "status": "active"} for z in self.zones()
                 if z == req.arg("dns_zones")]
        others = [{"domain": "other.test", "subdomain": ""}] * self.PAGE
        return self.page(req, "dns_zones", others + zones)

    def show(self, r):
        return {"id": r.id, "name": r.name[:-len(r.zone)].rstrip("."),
                "type": r.type, "data": r.value, "ttl": r.ttl}

    def records_get(self, req, zone):
        """An empty name is no filter."""
        if zone not in self.zones():
            return self.error(404, "not_found", "resource is not found",
                              resource="dns_zone")
        found = [self.show(r) for r in self.records if r.zone == zone]
        return self.page(req, "records", [
            r for r in found if req.arg("name") in ("", None, r["name"])
            and req.arg("type") in (None, r["type"])])

    def records_patch(self, req, zone):
        body = req.json()
        self.busy += 1
        if self.busy % 4 == 0:
            return self.error(409, "transient_state",
                              "another change is being applied")
        if not body.get("disallow_new_zone_creation"):
            self.problem("a mistyped zone would be made")
        if zone not in self.zones():
            return self.error(404, "not_found", "resource is not found")
        added, gone = [], []
        for change in body["changes"]:
            (what, how), = change.items()
            if what == "add":
                added += how["records"]
                continue
            self.check(what == "delete" and set(how) == {"id"}, "%r", change)
            r = self.by_id(how["id"])
            if r is None or r.zone != zone:
                return self.error(404, "not_found", "resource is not found",
                                  resource="record")
            gone.append(r)
        for r in added:
            self.check(r["data"].startswith('"'), "not quoted: %r", r)
            if r["ttl"] < 60:
                return self.error(400, "invalid_arguments",
                                  "invalid argument(s)", details=[
                                      {"argument_name": "ttl",
                                       "help_message": "at least 60"}])
        for r in gone:
            self.records.remove(r)
        for r in added:
            name = r["name"] + "." + zone if r["name"] else zone
            self.records.append(Record(name, r["type"], r["data"], r["ttl"],
                                       self.new_id(), zone))
        return reply(200, {"records": []})


VENDORS = [Scaleway]
