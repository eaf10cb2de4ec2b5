# SPDX-License-Identifier: MIT
"""Cloudflare, API v4: one object per value, ids of 32 hex digits."""

import secrets

from .base import Answer, Record, Vendor, reply, unquote

TOKEN = "cf-token-AbC123xyz"


class Cloudflare(Vendor):
    NAME = "cloudflare"
    HAS_SUBZONE = True
    ZONES_BEFORE = 3            # of other accounts, on the first page
    PAGE = 1
    AUTH_WORDS = "Invalid access token"
    LISTS_LAG = True

    def __init__(self):
        super().__init__()
        self.ids = {z: secrets.token_hex(16) for z in self.zones()}

    def options(self):
        return {"base_url": self.url + "/client/v4", "api_token": TOKEN}

    def bad_options(self):
        return dict(self.options(), api_token="cf-wrong-token")

    def new_id(self):
        return secrets.token_hex(16)

    def throttle(self):
        return self.error(429, 971, "Please wait and consider throttling "
                          "your request speed", {"Retry-After": "0"})

    def throttle_long(self):
        status, headers, body = self.throttle()
        return status, dict(headers, **{"Retry-After": "120"}), body

    def error(self, status, code, message, headers=None):
        return reply(status, {"success": False, "messages": [],
                              "errors": [{"code": code, "message": message}],
                              "result": None}, headers)

    def ok(self, result):
        return reply(200, {"success": True, "errors": [], "messages": [],
                           "result": result})

    def page(self, req, result):
        """Pages are smaller than asked for."""
        size = min(int(req.arg("per_page", 100)), self.PAGE)
        page = int(req.arg("page", 1))
        return reply(200, {
            "success": True, "errors": [], "messages": [],
            "result": result[(page - 1) * size:page * size],
            "result_info": {"page": page, "per_page": size,
                            "total_pages": -(-len(result) // size)}})

    def all_zones(self):
        return [(z, i, "active") for z, i in self.ids.items()]

    def handle(self, req):
        if req.headers.get("Authorization") != "Bearer " + TOKEN:
            return self.error(403, 9109, "Invalid access token")
        parts = req.parts()
        self.check(parts[:3] == ["client", "v4", "zones"], "path %s",
                   req.path)
        if len(parts) == 3:
            self.check(int(req.arg("per_page", 20)) <= 50, "per_page")
            found = [{"id": i, "name": z, "status": s}
                     for z, i, s in self.all_zones() if z == req.arg("name")]
            others = [{"id": "0" * 32, "name": "example.test",
                       "status": "moved"}] * self.ZONES_BEFORE
            return self.page(req, others + found)
        zone = {i: z for z, i in self.ids.items()}.get(parts[3])
        if zone is None or parts[4] != "dns_records":
            return self.error(404, 7003, "Could not route to " + req.path)
        call = getattr(self, "records_" + req.method.lower())
        return call(req, zone, parts[5] if len(parts) > 5 else None)

    def show(self, r):
        return {"id": r.id, "name": r.name, "type": r.type,
                "content": r.value, "ttl": r.ttl}

    def records_get(self, req, zone, _):
        return self.page(req, [self.show(r) for r in self.listed()
                               if r.zone == zone
                               and req.arg("name") in (None, r.name)
                               and req.arg("type") in (None, r.type)])

    def records_post(self, req, zone, _):
        body = req.json()
        name, ttl = body["name"], body["ttl"]
        if body["type"] == "CAA":
            self.check("content" not in body, "CAA is written as data")
            body["content"] = '%d %s "%s"' % (
                body["data"]["flags"], body["data"]["tag"],
                body["data"]["value"])
        if not (name == zone or name.endswith("." + zone)):
            name += "." + zone
        if ttl != 1 and not 60 <= ttl <= 86400:
            raise Answer(400, {"success": False, "errors": [
                {"code": 9021, "message": "Invalid TTL"}]})
        for r in self.find(name, body["type"]):
            if unquote(r.value) == unquote(body["content"]):
                return self.error(400, 81058, "An identical record already "
                                  "exists.")
        r = Record(name, body["type"], body["content"], ttl, self.new_id(),
                   zone)
        self.records.append(r)
        return self.ok(self.show(r))

    def records_delete(self, req, zone, id):
        r = self.by_id(id)
        if r is None or r.zone != zone:
            return self.error(404, 81044, "Record does not exist.")
        self.records.remove(r)
        return self.ok({"id": id})


VENDORS = [Cloudflare]
