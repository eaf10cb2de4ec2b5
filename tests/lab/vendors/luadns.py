# SPDX-License-Identifier: MIT
"""LuaDNS, API v1: one object per value; lists whole, or in pages."""

import base64

from .base import Record, Vendor, reply

USER = "somebody@example.net"
TOKEN = "lua-token-0123456789abcdef"


class Luadns(Vendor):
    NAME = "luadns"
    HAS_SUBZONE = True
    AUTH_WORDS = "Invalid credentials"

    def options(self):
        return {"base_url": self.url, "api_username": USER,
                "api_token": TOKEN}

    def bad_options(self):
        return dict(self.options(), api_token="lua-wrong-token")

    def secrets(self):
        return super().secrets() + [self.basic()]

    def basic(self):
        return base64.b64encode(("%s:%s" % (USER, TOKEN)).encode()).decode()

    def error(self, status, name, words):
        return reply(status, {"status": name, "message": words,
                              "request_id": "7a1c"})

    def throttle(self):
        return self.error(429, "Too Many Requests", "slow down")

    def page(self, req, all):
        limit, page = int(req.arg("limit")), int(req.arg("page"))
        return reply(200, all[(page - 1) * limit:page * limit])

    def show(self, r):
        return {"id": int(r.id), "zone_id": self.zones().index(r.zone) + 1,
                "name": r.name + ".", "type": r.type, "content": r.value,
                "ttl": r.ttl, "created_at": "2026-01-01T00:00:00Z"}

    def handle(self, req):
        if req.headers.get("Authorization") != "Basic " + self.basic():
            return self.error(401, "Unauthorized", "Invalid credentials")
        self.check(req.headers.get("Accept") == "application/json", "Accept")
        parts = req.parts()
        self.check(parts[:2] == ["v1", "zones"], "path %s", req.path)
        if len(parts) == 2:
            return self.page(req, [{"id": i + 1, "name": z, "synced": False}
                               for i, z in enumerate(self.zones())])
        n = int(parts[2])
        if not 0 < n <= len(self.zones()) or parts[3] != "records":
            return self.error(404, "Not Found", "Zone not found")
        zone = self.zones()[n - 1]
        if req.method == "GET":
            return self.page(req, [self.show(r) for r in self.records
                                   if r.zone == zone])
        if req.method == "POST":
            return self.create(req, zone)
        r = self.by_id(parts[4])
        if r is None or r.zone != zone:
            return self.error(404, "Not Found", "Record not found")
        self.records.remove(r)
        return reply(200, self.show(r))

    def create(self, req, zone):
        b = req.json()
        if b["ttl"] < 300:
            return self.error(400, "Bad Request", "TTL must be at least 300")
        if not b["name"].endswith("." + zone + "."):
            return self.error(400, "Bad Request", "Invalid name")
        name = b["name"][:-1]
        self.check('"' not in b["content"], "quotes are stored")
        if any(r.value == b["content"] for r in self.find(name, b["type"])):
            self.problem("a duplicate was sent")
            return self.error(400, "Bad Request", "Record already exists")
        r = Record(name, b["type"], b["content"], b["ttl"], self.new_id(),
                   zone)
        self.records.append(r)
        return reply(200, self.show(r))


class LuadnsWhole(Luadns):
    """Nobody has said that pages are kept."""
    VARIANT = "whole"

    def page(self, req, all):
        return reply(200, all)


VENDORS = [Luadns, LuadnsWhole]
