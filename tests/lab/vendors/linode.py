# SPDX-License-Identifier: MIT
"""Linode Domains v4: one object per value, integer ids, X-Filter, pages."""

import json

from .base import Record, Vendor, reply

TOKEN = "linode-pat-77aa88bb99cc"
STEPS = (300, 3600, 7200, 14400, 28800, 57600, 86400, 172800, 345600, 604800,
         1209600, 2419200)


class Linode(Vendor):
    NAME = "linode"
    HAS_SUBZONE = True
    AUTH_WORDS = "Invalid Token"
    PAGE = 5                    # however many are asked for
    TTL = 300

    def __init__(self):
        super().__init__()
        self.zone_ids = {z: 9007199254740993 + i
                         for i, z in enumerate(self.zones())}

    def options(self):
        return {"base_url": self.url + "/v4", "token": TOKEN}

    def bad_options(self):
        return dict(self.options(), token="linode-wrong-token")

    def error(self, status, reason, field=None, headers=None):
        e = {"reason": reason}
        if field:
            e["field"] = field
        return reply(status, {"errors": [e]}, headers)

    def throttle(self):
        return self.error(429, "Too many requests", None,
                          {"Retry-After": "0", "X-RateLimit-Remaining": "0"})

    def throttle_long(self):
        return self.error(429, "Too many requests", None,
                          {"Retry-After": "120", "X-RateLimit-Remaining": "0"})

    def page(self, req, rows):
        n = int(req.arg("page", 1))
        size = int(req.arg("page_size", 100))
        if not 25 <= size <= 500:
            return self.error(400, "Must be 25-500", "page_size")
        size = min(size, self.PAGE)
        pages = max(1, -(-len(rows) // size))
        if not 1 <= n <= pages:
            return self.error(404, "Not found")
        return reply(200, {"data": rows[(n - 1) * size:n * size], "page": n,
                           "pages": pages, "results": len(rows)})

    def handle(self, req):
        if req.headers.get("Authorization") != "Bearer " + TOKEN:
            return self.error(401, "Invalid Token")
        parts = req.parts()
        self.check(parts[:2] == ["v4", "domains"], "path %s", req.path)
        want = json.loads(req.headers.get("X-Filter", "{}"))
        if len(parts) == 2:
            rows = [{"id": i, "domain": z, "type": "master",
                     "status": "active"} for z, i in self.zone_ids.items()]
            return self.page(req, [dict(rows[0], domain="x")] * self.PAGE
                             + [r for r in rows if all(
                                 r[k] == v for k, v in want.items())])
        zone = {str(i): z for z, i in self.zone_ids.items()}.get(parts[2])
        if zone is None or parts[3] != "records":
            return self.error(404, "Not found")
        if req.method == "GET":
            rows = [self.show(r) for r in self.records if r.zone == zone]
            rows.insert(0, {"id": 1, "type": "MX", "name": "", "target": "m",
                            "ttl_sec": 0})
            return self.page(req, [r for r in rows if all(
                r[k] == v for k, v in want.items())])
        if req.method == "POST":
            return self.create(req.json(), zone)
        r = self.by_id(parts[4])
        if r is None or r.zone != zone:
            return self.error(404, "Not found")
        self.records.remove(r)
        return reply(200, {})

    def show(self, r):
        short = "" if r.name == r.zone else r.name[:-len(r.zone) - 1]
        return {"id": int(r.id), "type": r.type, "name": short,
                "target": r.value, "ttl_sec": r.ttl}

    def create(self, body, zone):
        name, target = body["name"], body["target"]
        if name != zone and not name.endswith("." + zone):
            name = name + "." + zone if name else zone
        if any(r.value == target for r in self.find(name)):
            return self.error(400, "Record already exists", "target")
        ttl = next((s for s in STEPS if s >= body["ttl_sec"]), STEPS[-1])
        r = Record(name, body["type"], target, ttl, self.new_id(), zone)
        self.records.append(r)
        return reply(200, self.show(r))


VENDORS = [Linode]
