# SPDX-License-Identifier: MIT
"""NS1 Connect, API v1: whole sets; PUT creates, POST changes, nothing
protects against lost updates."""

from .base import Record, Vendor, reply

KEY = "nsOneKey0123456789ab"


class Ns1(Vendor):
    NAME = "ns1"
    LASTING = {"cname": (400, {"message": "record already exists: CNAME "
                               "records exclude others"}, "CNAME records")}
    SEMANTICS = "rrset"
    HAS_SUBZONE = True
    AUTH_WORDS = "Unauthorized"

    def options(self):
        return {"base_url": self.url, "api_key": KEY}

    def bad_options(self):
        return dict(self.options(), api_key="nsOneKeyWrong")

    def handle(self, req):
        if req.headers.get("X-NSONE-Key") != KEY:
            return reply(401, {"message": "Unauthorized"})
        parts = req.parts()
        self.check(parts[:2] == ["v1", "zones"], "path %s", req.path)
        zone = parts[2]
        if zone not in self.zones():
            return reply(404, {"message": "zone not found"})
        if len(parts) == 3:
            self.check(req.arg("records") == "false", "all records asked")
            return reply(200, {"zone": zone, "id": "542d70e4", "ttl": 3600})
        name, kind = parts[3:5]
        if not name.endswith("." + zone):
            return reply(400, {"message": "invalid domain"})
        call = getattr(self, "set_" + req.method.lower())
        return call(name, kind, self.find(name, kind), req.json(), zone)

    def show(self, name, kind):
        rows = self.find(name, kind)
        return reply(200, {
            "domain": name, "zone": rows[0].zone, "type": kind,
            "ttl": rows[0].ttl, "id": "5f2c", "filters": [], "meta": {},
            "answers": [{"answer": [r.value], "id": r.id} for r in rows]})

    def set_get(self, name, kind, old, body, zone):
        if not old:
            return reply(404, {"message": "record not found"})
        return self.show(name, kind)

    def write(self, name, kind, old, body, zone, ttl):
        rows = [("".join(a["answer"]), a.get("id")) for a in body["answers"]]
        if not rows or len({v for v, _ in rows}) != len(rows):
            return reply(400, {"message": "invalid answers"})
        known = {r.id: r.value for r in old}
        for v, id in rows:
            self.check(id is None or known.get(id) == v, "id %s", id)
            self.check('"' not in v, "quotes are stored")
        self.records = [r for r in self.records if r not in old]
        self.records += [Record(name, kind, v, ttl, id or self.new_id(),
                                zone) for v, id in rows]
        return self.show(name, kind)

    def set_put(self, name, kind, old, body, zone):
        if old:
            return reply(400, {"message": "record already exists"})
        self.check((body["zone"], body["domain"], body["type"])
                   == (zone, name, kind), "body %s", body)
        return self.write(name, kind, old, body, zone, body["ttl"])

    def set_post(self, name, kind, old, body, zone):
        if not old:
            return reply(404, {"message": "record not found"})
        self.check(list(body) == ["answers"], "body %s", list(body))
        return self.write(name, kind, old, body, zone, old[0].ttl)

    def set_delete(self, name, kind, old, body, zone):
        if not old:
            return reply(404, {"message": "record not found"})
        self.records = [r for r in self.records if r not in old]
        return reply(200, {})


class Ns1Busy(Ns1):
    """Every other write is overwritten by somebody with an older view."""
    VARIANT = "busy"

    def __init__(self):
        super().__init__()
        self.races = 0

    def write(self, name, kind, old, body, zone, ttl):
        answer = super().write(name, kind, old, body, zone, ttl)
        self.races += 1
        if self.races % 2:
            self.records = [r for r in self.records
                            if (r.name, r.type) != (name, kind)] + old
        return answer


VENDORS = [Ns1, Ns1Busy]
