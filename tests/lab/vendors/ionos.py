# SPDX-License-Identifier: MIT
"""IONOS Hosting DNS v1: one object per value, UUIDs, errors in arrays."""

import uuid

from .base import Record, Vendor, reply

KEY = "a1b2c3d4publicprefix.s3cr3tpart-0123456789"


class Ionos(Vendor):
    NAME = "ionos"
    HAS_SUBZONE = True
    AUTH_WORDS = "UNAUTHORIZED: The customer is not authorized"

    def __init__(self):
        super().__init__()
        self.zone_ids = {z: str(uuid.uuid4()) for z in self.zones()}

    def options(self):
        return {"base_url": self.url + "/dns/v1", "api_key": KEY}

    def bad_options(self):
        return dict(self.options(), api_key="wrong.key-of-ionos")

    def stored(self, value):
        return '"%s"' % value

    def new_id(self):
        return str(uuid.uuid4())

    def error(self, status, code, message, headers=None):
        return reply(status, [{"code": code, "message": message}], headers)

    def throttle(self):
        return self.error(429, "RATE_LIMITED", "Too many requests",
                          {"Retry-After": "0"})

    def throttle_long(self):
        return self.error(429, "RATE_LIMITED", "Too many requests",
                          {"Retry-After": "120"})

    def server_error(self):
        return self.error(500, "INTERNAL_SERVER_ERROR", "Oops")

    def handle(self, req):
        if req.headers.get("X-API-Key") != KEY:
            return self.error(401, "UNAUTHORIZED", "The customer is not "
                              "authorized to do this operation.")
        parts = req.parts()
        self.check(parts[:3] == ["dns", "v1", "zones"], "path %s", req.path)
        if len(parts) == 3:
            return reply(200, [{"id": i, "name": z, "type": "NATIVE"}
                               for z, i in self.zone_ids.items()])
        zone = {i: z for z, i in self.zone_ids.items()}.get(parts[3])
        if zone is None:
            return self.error(404, "ZONE_NOT_FOUND", "Zone does not exist")
        if req.method == "GET" and len(parts) == 4:
            return reply(200, {"id": parts[3], "name": zone, "records": [
                self.show(r) for r in self.records if r.zone == zone
                and req.arg("recordName") in (None, r.name)
                and req.arg("recordType") in (None, r.type)]})
        self.check(len(parts) > 4 and parts[4] == "records", "%s %s",
                   req.method, req.path)
        if req.method == "POST":
            return self.create(req.json(), zone)
        self.check(req.method == "DELETE", "method %s", req.method)
        r = self.by_id(parts[5])
        if r is None or r.zone != zone:
            return self.error(404, "RECORD_NOT_FOUND", "Record does not "
                              "exist.")
        self.records.remove(r)
        return reply(200)

    def show(self, r):
        return {"id": r.id, "name": r.name, "rootName": r.zone,
                "type": r.type, "content": r.value, "ttl": r.ttl,
                "disabled": False}

    def create(self, rows, zone):
        new = []
        for row in rows:
            name, value = row["name"], row["content"]
            if name != zone and not name.endswith("." + zone):
                return self.error(400, "INVALID_RECORD", "name")
            if row["ttl"] < 60:
                return self.error(400, "INVALID_RECORD", "ttl")
            value = value if value.startswith('"') else '"%s"' % value
            if any(r.value == value for r in self.find(name)):
                return self.error(400, "RECORD_ALREADY_EXISTS", "Record "
                                  "already exists.")
            new.append(Record(name, row["type"], value, row["ttl"],
                              self.new_id(), zone))
        self.records += new
        return reply(201, [self.show(r) for r in new])


VENDORS = [Ionos]
