# SPDX-License-Identifier: MIT
"""DNSimple, API v2: one object per value, integers as ids, duplicates are
refused, contents come back in quotes."""

from .base import Answer, Record, Vendor, reply, unquote

TOKEN = "dnsimple_a_0123456789"
ACCOUNT = 1010


class Dnsimple(Vendor):
    NAME = "dnsimple"
    HAS_SUBZONE = True
    AUTH_WORDS = "Authentication failed"
    PAGE = 100

    def options(self):
        return {"base_url": self.url, "oauth_token": TOKEN}

    def bad_options(self):
        return dict(self.options(), oauth_token="dnsimple_a_wrong")

    def stored(self, value):
        return '"%s"' % value

    def throttle(self):
        return reply(429, {"message": "quota exceeded"},
                     {"X-RateLimit-Remaining": "0"})

    def relative(self, name, zone):
        return "" if name == zone else name[:-len(zone) - 1]

    def show(self, r):
        return {"id": int(r.id), "zone_id": r.zone, "parent_id": None,
                "name": self.relative(r.name, r.zone), "content": r.value,
                "ttl": r.ttl, "priority": None, "type": r.type,
                "regions": ["global"], "system_record": False}

    def whoami(self):
        return {"user": None, "account": {"id": ACCOUNT, "email": "a@b.c"}}

    def handle(self, req):
        if req.headers.get("Authorization") != "Bearer " + TOKEN:
            return reply(401, {"message": "Authentication failed"})
        parts = req.parts()
        self.check(parts[0] == "v2", "path %s", req.path)
        if parts[1:] == ["whoami"]:
            return reply(200, {"data": self.whoami()})
        self.check(parts[1:3] == [str(ACCOUNT), "zones"], "path %s",
                   req.path)
        zone = parts[3]
        if zone not in self.zones():
            return reply(404, {"message": "Zone `%s` not found" % zone})
        if len(parts) == 4:
            return reply(200, {"data": {"id": 1, "name": zone}})
        if req.method == "GET":
            return self.list(req, zone)
        if req.method == "POST":
            return self.create(req, zone)
        r = self.by_id(parts[5])
        if r is None or r.zone != zone:
            return reply(404, {"message": "Record `%s` not found"
                               % parts[5]})
        self.records.remove(r)
        return reply(204)

    def list(self, req, zone):
        per_page = int(req.arg("per_page", 30))
        self.check(per_page <= 100, "per_page")
        per_page, page = min(per_page, self.PAGE), int(req.arg("page", 1))
        rows = [self.show(r) for r in self.records if r.zone == zone
                and req.arg("type") in (None, r.type)
                and req.arg("name") in (None, self.relative(r.name, zone))]
        return reply(200, {
            "data": rows[(page - 1) * per_page:page * per_page],
            "pagination": {"current_page": page, "per_page": per_page,
                           "total_entries": len(rows), "total_pages":
                           -(-len(rows) // per_page)}})

    def create(self, req, zone):
        body = req.json()
        name = body["name"] + "." + zone if body["name"] else zone
        if body["ttl"] < 60:
            raise Answer(400, {"message": "Validation failed", "errors": {
                "ttl": ["must be at least 60"]}})
        if any(unquote(r.value) == unquote(body["content"])
               for r in self.find(name, body["type"])):
            self.problem("a duplicate was sent")
            return reply(400, {"message": "Validation failed", "errors": {
                "content": ["record already exists"]}})
        r = Record(name, body["type"], self.stored(body["content"]),
                   body["ttl"], self.new_id(), zone)
        self.records.append(r)
        return reply(201, {"data": self.show(r)})


class DnsimpleUser(Dnsimple):
    """The token of a user, with the account configured; small pages."""
    VARIANT = "user"
    PAGE = 1

    def options(self):
        return dict(super().options(), account_id=str(ACCOUNT))

    def whoami(self):
        return {"user": {"id": 1}, "account": None}


VENDORS = [Dnsimple, DnsimpleUser]
