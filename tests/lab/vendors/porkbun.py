# SPDX-License-Identifier: MIT
"""Porkbun v3: POST for all, keys in the body; one object per value."""

from .base import Record, Vendor, reply

KEY = "pk1_0f0e0d0c0b0a09080706"
SECRET = "sk1_00112233445566778899"


class Porkbun(Vendor):
    NAME = "porkbun"
    AUTH_WORDS = "Invalid API key. (002)"
    NUMBERS = False             # ids are strings

    def options(self):
        return {"base_url": self.url + "/api/json/v3", "api_key": KEY,
                "secret_api_key": SECRET}

    def bad_options(self):
        return dict(self.options(), secret_api_key="sk1_wrong-secret")

    def is_write(self, req):
        return "/retrieve" not in req.path

    def error(self, message, status=400, **more):
        return reply(status, dict(more, status="ERROR", message=message))

    def throttle(self):
        return reply(503, "<html><h1>503 Service Temporarily Unavailable"
                     "</h1></html>", {"Content-Type": "text/html",
                                      "Retry-After": "0"})

    def ok(self, **more):
        return reply(200, dict(more, status="SUCCESS"))

    def handle(self, req):
        body, parts = req.json(), req.parts()
        if req.method != "POST":
            return self.error("All calls are POST", 405)
        if body.get("apikey") != KEY or body.get("secretapikey") != SECRET:
            return self.error("Invalid API key. (002)",
                              code="INVALID_API_KEYS_002")
        self.check(parts[:4] == ["api", "json", "v3", "dns"], "path %s",
                   req.path)
        zone = parts[5]
        if zone not in self.zones():
            return self.error("Invalid domain.")
        return getattr(self, parts[4])(body, zone, parts[6:])

    def show_id(self, r):
        return int(r.id) if self.NUMBERS else r.id

    def retrieveByNameType(self, body, zone, rest):
        name = rest[1] + "." + zone if len(rest) > 1 else zone
        return self.ok(cloudflare="disabled", records=[
            {"id": self.show_id(r), "name": r.name, "type": r.type,
             "content": r.value, "ttl": str(r.ttl), "prio": None}
            for r in self.find(name, rest[0])])

    def create(self, body, zone, rest):
        name = body["name"] + "." + zone if body["name"] else zone
        if any(r.value == body["content"] for r in self.find(name)):
            return self.error("Create error: We were unable to create the "
                              "DNS record.")
        r = Record(name, body["type"], body["content"],
                   max(600, int(body["ttl"])), self.new_id(), zone)
        self.records.append(r)
        return self.ok(id=self.show_id(r))

    def delete(self, body, zone, rest):
        r = self.by_id(rest[0])
        if r is None or r.zone != zone:
            return self.error("Invalid record ID.")
        self.records.remove(r)
        return self.ok()


class PorkbunNumbers(Porkbun):
    """Ids are numbers, and too many calls are answered with 202."""
    VARIANT = "numbers"
    NUMBERS = True

    def throttle(self):
        return reply(202, "<html></html>", {"Content-Type": "text/html",
                                            "Retry-After": "0"})


VENDORS = [Porkbun, PorkbunNumbers]
