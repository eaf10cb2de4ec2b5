# SPDX-License-Identifier: MIT
"""Gandi LiveDNS v5: whole sets, no ids; POST creates only."""

from .base import Record, Vendor, reply

TOKEN = "gandi-pat-0123456789abcdef"


class Gandi(Vendor):
    NAME = "gandiv5"
    LASTING = {"cname": (409, {
        "object": "HTTPConflict", "cause": "Conflict", "code": 409,
        "message": "A CNAME record already exists with this name"},
        "A CNAME record already exists")}
    SEMANTICS = "rrset"
    READS_BACK = True
    HAS_SUBZONE = True
    AUTH_WORDS = "could not verify that you are authorized"
    AUTH = "Bearer "
    OPTION = "personal_access_token"

    def options(self):
        return {"base_url": self.url + "/v5/livedns", self.OPTION: TOKEN}

    def bad_options(self):
        return dict(self.options(), **{self.OPTION: "gandi-wrong-token"})

    def stored(self, value):
        return '"%s"' % value

    def error(self, status, cause, message, headers=None):
        return reply(status, {"code": status, "message": message,
                              "object": "HTTP" + cause.replace(" ", ""),
                              "cause": cause}, headers)

    def throttle(self):
        return self.error(429, "Too Many Requests", "Rate limit exceeded",
                          {"Retry-After": "0"})

    def throttle_long(self):
        return self.error(429, "Too Many Requests", "Rate limit exceeded",
                          {"Retry-After": "120"})

    def invalid(self, name, text):
        return reply(400, {"status": "error", "errors": [
            {"location": "body", "name": name, "description": text}]})

    def handle(self, req):
        if req.headers.get("Authorization") != self.AUTH + TOKEN:
            return self.error(401, "Unauthorized", "The server could not "
                              "verify that you are authorized")
        parts = req.parts()
        self.check(parts[:3] == ["v5", "livedns", "domains"], "path %s",
                   req.path)
        zone = parts[3]
        if zone not in self.zones():
            # Names above: the token is for some domains only.
            if self.zone_of(zone) is None:
                return self.error(403, "Forbidden", "Access was denied to "
                                  "this resource.")
            return self.error(404, "Not Found", "The resource could not be "
                              "found.")
        if len(parts) == 4:
            return reply(200, {"fqdn": zone, "automatic_snapshots": True})
        self.check(len(parts) == 7 and parts[4] == "records"
                   and parts[6] == "TXT", "path %s", req.path)
        name = zone if parts[5] == "@" else parts[5] + "." + zone
        return getattr(self, "set_" + req.method.lower())(req, zone, name)

    def absent(self):
        return self.error(404, "Not Found", "Can't find the DNS record")

    def set_get(self, req, zone, name):
        old = self.find(name)
        if not old:
            return self.absent()
        return reply(200, {"rrset_name": name, "rrset_type": "TXT",
                           "rrset_ttl": old[0].ttl, "rrset_values":
                           [r.value for r in old], "rrset_href": self.url})

    def set_post(self, req, zone, name):
        if self.find(name):
            return self.error(409, "Conflict", "A DNS Record already exists "
                              "with same value")
        return self.set_put(req, zone, name)

    def set_put(self, req, zone, name):
        body = req.json()
        values, ttl = body["rrset_values"], body["rrset_ttl"]
        if not 300 <= ttl <= 2592000:
            return self.invalid("rrset_ttl", "%d is out of range" % ttl)
        quoted = [v if v.startswith('"') else '"%s"' % v for v in values]
        if not values or len(set(quoted)) != len(quoted):
            return self.invalid("rrset_values", "Duplicate or no values")
        old = self.find(name)
        if old:
            self.check(old[0].ttl == ttl, "the set's TTL changed")
        self.records = [r for r in self.records if r not in old] + [
            Record(name, "TXT", q, ttl, None, zone) for q in quoted]
        return reply(201, {"message": "DNS Record Created"})

    def set_delete(self, req, zone, name):
        old = self.find(name)
        if not old:
            return self.absent()
        self.records = [r for r in self.records if r not in old]
        return reply(204)


class GandiKey(Gandi):
    """The older key, and an organisation."""
    VARIANT = "apikey"
    AUTH = "Apikey "
    OPTION = "api_key"

    def options(self):
        return dict(super().options(), sharing_id="org-1")

    def handle(self, req):
        self.check(req.arg("sharing_id") == "org-1", "sharing_id")
        return super().handle(req)


VENDORS = [Gandi, GandiKey]
