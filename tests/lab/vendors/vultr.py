# SPDX-License-Identifier: MIT
"""Vultr DNS v2: one object per value, UUIDs, cursors, quoted TXT data."""

import base64
import uuid

from .base import Record, Vendor, reply

KEY = "VULTRAPIKEY5EXAMPLE9"


class Vultr(Vendor):
    NAME = "vultr"
    HAS_SUBZONE = True
    AUTH_WORDS = "Unauthorized IP address: 192.0.2.7"
    PAGE = 4
    TTL = 300

    def options(self):
        return {"base_url": self.url + "/v2", "api_key": KEY}

    def bad_options(self):
        return dict(self.options(), api_key="vultr-wrong-key")

    def stored(self, value):
        return '"%s"' % value

    def new_id(self):
        return str(uuid.uuid4())

    def error(self, status, text, headers=None):
        return reply(status, {"error": text, "status": status}, headers)

    def throttle(self):
        return self.error(429, "Rate limit exceeded", {"Retry-After": "0"})

    def throttle_long(self):
        return self.error(429, "Rate limit exceeded", {"Retry-After": "120"})

    def server_error(self):
        return reply(503, b"<html><title>503</title></html>")

    def handle(self, req):
        if req.headers.get("Authorization") != "Bearer " + KEY:
            return self.error(401, "Unauthorized IP address: 192.0.2.7")
        parts = req.parts()
        self.check(parts[:2] == ["v2", "domains"], "path %s", req.path)
        zone = parts[2]
        if zone not in self.zones():
            return self.error(404, "Invalid domain.")
        if len(parts) == 3:
            return reply(200, {"domain": {"domain": zone,
                                          "dns_sec": "disabled"}})
        self.check(parts[3] == "records", "path %s", req.path)
        if req.method == "GET":
            return self.list(req, zone)
        if req.method == "POST":
            return self.create(req.json(), zone)
        r = self.by_id(parts[4])
        if r is None or r.zone != zone:
            return self.error(404, "Invalid record.")
        self.records.remove(r)
        return reply(204)

    def show(self, r):
        short = "" if r.name == r.zone else r.name[:-len(r.zone) - 1]
        return {"id": r.id, "type": r.type, "name": short, "data": r.value,
                "priority": 0, "ttl": r.ttl}

    def list(self, req, zone):
        if not 1 <= int(req.arg("per_page", 100)) <= 500:
            return self.error(400, "Invalid per_page")
        rows = [{"id": "ns", "type": "NS", "name": "", "data": "ns1",
                 "priority": 0, "ttl": 300}]
        rows += [self.show(r) for r in self.records if r.zone == zone]
        cursor = base64.b64decode(req.arg("cursor", "")).decode()
        at = int(cursor.removeprefix("next__") or 0)
        end = at + self.PAGE
        link = "" if end >= len(rows) else base64.b64encode(
            b"next__%d" % end).decode()
        return reply(200, {"records": rows[at:end], "meta": {
            "total": len(rows), "links": {"next": link, "prev": ""}}})

    def create(self, body, zone):
        name = body["name"] + "." + zone if body["name"] else zone
        data = body["data"]
        if not (len(data) > 2 and data[0] == '"' and data[-1] == '"'):
            return self.error(400, "Invalid TXT data: quotes are missing")
        if body["ttl"] < 120:
            return self.error(400, "Invalid TTL")
        if any(r.value == data for r in self.find(name)):
            return self.error(400, "Duplicate records not allowed")
        r = Record(name, body["type"], data, body["ttl"], self.new_id(),
                   zone)
        self.records.append(r)
        return reply(201, {"record": self.show(r)})


VENDORS = [Vultr]
