# SPDX-License-Identifier: MIT
"""DigitalOcean, API v2: one object per value, integers as ids, duplicates
are accepted."""

from .base import Answer, Record, Vendor, reply

TOKEN = "dop_v1_0123456789abcdef"


class Digitalocean(Vendor):
    NAME = "digitalocean"
    HAS_SUBZONE = True
    AUTH_WORDS = "Unable to authenticate you"
    PAGE = 200

    def options(self):
        return {"base_url": self.url, "auth_token": TOKEN}

    def bad_options(self):
        return dict(self.options(), auth_token="dop_v1_wrong")

    def error(self, status, id, message):
        return reply(status, {"id": id, "message": message,
                              "request_id": "4d9d8375-3c56-4925-a3e7"})

    def throttle(self):
        return self.error(429, "too_many_requests", "API rate limit exceeded")

    def throttle_long(self):
        status, headers, body = self.throttle()
        return status, dict(headers, **{"retry-after": "120"}), body

    def relative(self, name, zone):
        return "@" if name == zone else name[:-len(zone) - 1]

    def show(self, r):
        return {"id": int(r.id), "type": r.type, "data": r.value,
                "name": self.relative(r.name, r.zone), "ttl": r.ttl,
                "priority": None, "port": None}

    def handle(self, req):
        if req.headers.get("Authorization") != "Bearer " + TOKEN:
            return self.error(401, "unauthorized",
                              "Unable to authenticate you")
        parts = req.parts()
        self.check(parts[:2] == ["v2", "domains"], "path %s", req.path)
        zone = parts[2]
        if zone not in self.zones():
            return self.error(404, "not_found", "The resource you were "
                              "accessing could not be found.")
        if len(parts) == 3:
            return reply(200, {"domain": {"name": zone, "ttl": 1800}})
        self.check(parts[3] == "records", "path %s", req.path)
        if req.method == "GET":
            return self.list(req, zone)
        if req.method == "POST":
            return self.create(req, zone)
        if not parts[4].isdigit():
            return self.error(422, "unprocessable_entity", "bad id")
        r = self.by_id(parts[4])
        if r is None or r.zone != zone:
            return self.error(404, "not_found", "The resource you were "
                              "accessing could not be found.")
        self.records.remove(r)
        return reply(204)

    def list(self, req, zone):
        per_page = min(int(req.arg("per_page", 20)), self.PAGE)
        page = int(req.arg("page", 1))
        self.check(req.arg("name") is None
                   or req.arg("name").endswith("." + zone), "name filter")
        rows = [self.show(r) for r in self.records if r.zone == zone
                and req.arg("type") in (None, r.type)
                and req.arg("name") in (None, r.name)]
        rows, rest = (rows[(page - 1) * per_page:page * per_page],
                      rows[page * per_page:])
        pages = {"next": "%s%s?page=%d" % (self.url, req.path, page + 1)}
        return reply(200, {"domain_records": rows, "links":
                           {"pages": pages} if rest else {},
                           "meta": {"total": len(rows) + len(rest)}})

    def create(self, req, zone):
        body = req.json()
        if body["ttl"] < 30:
            raise Answer(422, {"id": "unprocessable_entity",
                               "message": "Ttl must be at least 30"})
        self.check('"' not in body["data"], "quotes are stored")
        name = zone if body["name"] == "@" else body["name"] + "." + zone
        r = Record(name, body["type"], body["data"], body["ttl"],
                   self.new_id(), zone)
        self.records.append(r)
        return reply(201, {"domain_record": self.show(r)})


class DigitaloceanPaged(Digitalocean):
    """One record a page."""
    VARIANT = "paged"
    PAGE = 1


VENDORS = [Digitalocean, DigitaloceanPaged]
