# SPDX-License-Identifier: MIT
"""GoDaddy, API v1: PATCH appends, PUT replaces a set, least TTL 600, no
ids; a throttled client is told in the body when to come back."""

from .base import Answer, Record, Vendor, reply

KEY, SECRET = "gdKeyAbc123", "gdSecretXyz789"


class Godaddy(Vendor):
    NAME = "godaddy"
    SEMANTICS = "rrset"
    AUTH_WORDS = "UNABLE_TO_AUTHENTICATE"

    def options(self):
        return {"base_url": self.url, "api_key": KEY, "api_secret": SECRET}

    def bad_options(self):
        return dict(self.options(), api_secret="gdWrongSecret")

    def error(self, status, code, message, **more):
        return reply(status, dict(more, code=code, message=message))

    def fail_with(self, *args, **more):
        status, headers, body = self.error(*args, **more)
        raise Answer(status, body, headers)

    def throttle(self, seconds=0):
        return self.error(429, "TOO_MANY_REQUESTS", "Too many requests "
                          "received within interval", retryAfterSec=seconds)

    def throttle_long(self):
        return self.throttle(120)

    def server_error(self):
        return reply(504, "<html><body>Gateway Time-out</body></html>")

    def handle(self, req):
        if req.headers.get("Authorization") != "sso-key %s:%s" % (KEY,
                                                                   SECRET):
            return self.error(401, "UNABLE_TO_AUTHENTICATE",
                              "Unauthorized : Could not authenticate API "
                              "key/secret")
        parts = req.parts()
        self.check(parts[:2] == ["v1", "domains"], "path %s", req.path)
        zone = parts[2]
        if "." not in zone:
            return self.error(422, "INVALID_BODY", "Request body doesn't "
                              "fulfill schema", fields=[
                                  {"message": "must be a domain"}])
        if zone not in self.zones():
            return self.error(404, "UNKNOWN_DOMAIN", "The given domain is "
                              "not registered, or does not have a zone file")
        if len(parts) == 3:     # small accounts; zones only hosted here
            return self.error(403, "ACCESS_DENIED", "Authenticated user is "
                              "not allowed access")
        if len(parts) == 4 and req.method == "PATCH":
            return self.append(zone, req.json())
        self.check(len(parts) == 6 and parts[3:5] == ["records", "TXT"],
                   "path %s", req.path)
        name = zone if parts[5] == "@" else parts[5] + "." + zone
        return getattr(self, "set_" + req.method.lower())(req, zone, name)

    def append(self, zone, body):
        self.check(len(body) == 1, "one record for each PATCH")
        for r in body:
            name = zone if r["name"] == "@" else r["name"] + "." + zone
            if r["ttl"] < 600:
                self.fail_with(422, "INVALID_BODY", "ttl")
            if any(o.value == r["data"] for o in self.find(name, r["type"])):
                self.fail_with(422, "DUPLICATE_RECORD", "Another record with "
                               "the same attributes already exists")
            self.records.append(Record(name, r["type"], r["data"], r["ttl"],
                                       None, zone))
        return reply(200)

    def set_get(self, req, zone, name):
        rel = "@" if name == zone else name[:-len(zone) - 1]
        return reply(200, [{"data": r.value, "name": rel, "ttl": r.ttl,
                            "type": "TXT"} for r in self.find(name)])

    def set_put(self, req, zone, name):
        body = req.json()
        if not body or any(r["ttl"] < 600 or not r["data"].strip()
                           for r in body):
            return self.error(422, "INVALID_BODY", "records")
        kept = [r for r in self.records if r.name != name]
        self.records = kept + [Record(name, "TXT", r["data"], r["ttl"], None,
                                      zone) for r in body]
        return reply(200)

    def set_delete(self, req, zone, name):
        if not self.find(name):
            return self.error(404, "NOT_FOUND", "no such records")
        self.records = [r for r in self.records if r.name != name]
        return reply(204)


class GodaddyStale(Godaddy):
    """Sets with a blank record that an older tool left; a reseller."""

    VARIANT = "stale"

    def options(self):
        return dict(super().options(), shopper_id="4711")

    def handle(self, req):
        self.check(req.headers.get("X-Shopper-Id") == "4711", "shopper")
        return super().handle(req)

    def put_foreign(self, name, value):
        if not any(r.value == " " for r in self.find(name)):
            self.records.append(Record(name, "TXT", " ", 600, None,
                                       self.zone_of(name)))
        return super().put_foreign(name, value)

    def values(self, name):
        return [v for v in super().values(name) if v.strip()]


VENDORS = [Godaddy, GodaddyStale]
