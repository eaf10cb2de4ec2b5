# SPDX-License-Identifier: MIT
"""PowerDNS: whole sets, and from 5.0.2 on single records of a set."""

from .base import Record, Vendor, is_caa, reply

KEY = "pdns-api-key-7"


class Pdns(Vendor):
    NAME = "pdns"
    VARIANT = "new"
    SEMANTICS = "value"
    HAS_SUBZONE = True
    AUTH_WORDS = "Unauthorized"
    CHANGES = ("REPLACE", "DELETE", "EXTEND", "PRUNE")

    def options(self):
        return {"base_url": self.url, "api_key": KEY}

    def bad_options(self):
        return dict(self.options(), api_key="pdns-wrong-key")

    def stored(self, value):
        return '"%s"' % value

    def handle(self, req):
        if req.headers.get("X-API-Key") != KEY:
            return reply(401, "Unauthorized")
        if req.headers.get("Accept") != "application/json":
            return reply(400, {"error": "Accept"})
        parts = req.parts()
        self.check(parts[:4] == ["api", "v1", "servers", "localhost"],
                   "path %s", req.path)
        zone = parts[5].rstrip(".")
        if zone not in self.zones():
            return reply(404, {"error": "Not Found"})
        if req.method == "GET":
            return self.get(req, zone)
        if req.method == "PUT" and parts[6] == "notify":
            return reply(200, {"result": "Notification queued"})
        return self.patch(req, zone)

    def get(self, req, zone):
        sets = {}
        for r in self.records:
            if r.zone != zone or req.arg("rrset_name") not in (
                    None, r.name + ".") or req.arg("rrset_type") not in (
                    None, r.type):
                continue
            s = sets.setdefault((r.name, r.type), {
                "name": r.name + ".", "type": r.type, "ttl": r.ttl,
                "records": [], "comments": []})
            s["records"].append({"content": r.value, "disabled": False})
        return reply(200, {"id": zone + ".", "name": zone + ".",
                           "kind": "Master", "rrsets": list(sets.values())})

    def patch(self, req, zone):
        kept = list(self.records)
        try:
            for change in req.json()["rrsets"]:
                self.change(change, zone)
        except ValueError as e:
            self.records = kept
            return reply(422, {"error": str(e)})
        return reply(204)

    def change(self, change, zone):
        kind, name = change["changetype"], change["name"]
        if kind not in self.CHANGES:
            raise ValueError("Changetype not understood")
        if not name.endswith("." + zone + "."):
            raise ValueError("RRset %s: Name is out of zone" % name)
        name, ttl = name.rstrip("."), change["ttl"]
        old = self.find(name, change["type"])
        contents = [r["content"] for r in change["records"]]
        if not all(is_caa(c) if change["type"] == "CAA" else
                   c.startswith('"') for c in contents):
            raise ValueError("Parsing record content: not quoted")
        if len(set(contents)) != len(contents):
            raise ValueError("Duplicate record in RRset")
        if kind in ("EXTEND", "PRUNE"):
            self.check(len(contents) == 1, "one record per " + kind)
            same = [r for r in old if r.value == contents[0]]
            if kind == "PRUNE":
                self.records = [r for r in self.records if r not in same]
                return
            if any(r.ttl != ttl for r in old):
                raise ValueError("RRset has different TTLs in an RRset")
            if same:
                return
        else:
            self.records = [r for r in self.records if r not in old]
        if kind != "DELETE":
            self.records += [Record(name, change["type"], c, ttl, None, zone)
                             for c in contents]


class PdnsOld(Pdns):
    VARIANT = "old"
    SEMANTICS = "rrset"
    READS_BACK = True
    CHANGES = ("REPLACE", "DELETE")


VENDORS = [Pdns, PdnsOld]
