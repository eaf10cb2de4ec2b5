# SPDX-License-Identifier: MIT
"""deSEC: whole sets, a high least TTL, bulk requests all or nothing."""

from .base import Record, Vendor, is_caa, reply

TOKEN = "desec-token-i-T3b1h_OI-H9ab8tRS98stGtURe"
MINIMUM_TTL = 3600


class Desec(Vendor):
    NAME = "desec"
    SEMANTICS = "rrset"
    READS_BACK = True
    HAS_SUBZONE = True
    AUTH_WORDS = "Invalid token."
    TTL = 7200

    def options(self):
        return {"base_url": self.url + "/api/v1", "token": TOKEN}

    def bad_options(self):
        return dict(self.options(), token="desec-wrong-token")

    def stored(self, value):
        return '"%s"' % value

    def throttle(self):
        return reply(429, {"detail": "Request was throttled. Expected "
                           "available in 0 seconds."}, {"Retry-After": "0"})

    def throttle_long(self):
        return reply(429, {"detail": "Request was throttled. Expected "
                           "available in 120 seconds."}, {"Retry-After": "120"})

    def handle(self, req):
        if req.headers.get("Authorization") != "Token " + TOKEN:
            return reply(401, {"detail": "Invalid token."})
        if not req.path.endswith("/"):
            return reply(301, "", {"Location": req.path + "/"})
        parts = req.parts()[:-1]
        self.check(parts[:3] == ["api", "v1", "domains"], "path %s",
                   req.path)
        if len(parts) == 3:
            self.check(req.method == "GET", "domains are not ours")
            zone = self.zone_of(req.arg("owns_qname"))
            return reply(200, [] if zone is None else [
                {"name": zone, "minimum_ttl": MINIMUM_TTL}])
        zone = parts[3]
        if zone not in self.zones() or parts[4] != "rrsets":
            return reply(404, {"detail": "Not found."})
        if req.method == "PUT" and len(parts) == 5:
            return self.bulk(req.json(), zone)
        self.check(req.method == "GET" and len(parts) == 7 and
                   parts[6] in ("TXT", "CAA"), "%s %s", req.method, req.path)
        name = zone if parts[5] == "@" else parts[5] + "." + zone
        old = self.find(name, parts[6])
        if not old:
            return reply(404, {"detail": "Not found."})
        return reply(200, {"domain": zone, "subname": parts[5],
                           "name": name + ".", "type": parts[6],
                           "ttl": old[0].ttl,
                           "records": [r.value for r in old]})

    def bulk(self, sets, zone):
        wrong = [self.wrong(s) for s in sets]
        if any(wrong):
            return reply(400, wrong)
        for s in sets:
            name = s["subname"] + "." + zone if s["subname"] else zone
            old = self.find(name, s["type"])
            if old and s["records"]:
                self.check(old[0].ttl == s["ttl"], "the set's TTL changed")
            self.records = [r for r in self.records if r not in old] + [
                Record(name, s["type"], v, s["ttl"], None, zone)
                for v in s["records"]]
        return reply(200, sets)

    def wrong(self, s):
        if not MINIMUM_TTL <= s["ttl"] <= 86400:
            return {"ttl": ["Ensure this value is greater than or equal to "
                            "%d." % MINIMUM_TTL]}
        if not all(is_caa(v) if s["type"] == "CAA" else
                   v[0] == v[-1] == '"' for v in s["records"]):
            return {"records": ["Record content is not valid."]}
        if len(set(s["records"])) != len(s["records"]):
            return {"records": ["Duplicate records."]}
        return {}


VENDORS = [Desec]
