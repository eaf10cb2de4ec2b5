# SPDX-License-Identifier: MIT
"""DNS Made Easy, API V2.0: the date is signed, duplicates are refused,
throttling is a 400."""

import email.utils
import hashlib
import hmac
import time

from .base import Record, Vendor, reply, unquote

KEY = "1c1a3c91-4770-4ce7-96f4-54c0eb0e457a"
SECRET = "c9b5625f-9834-4ff8-baba-4ed5f32cae55"


class Dnsmadeeasy(Vendor):
    NAME = "dnsmadeeasy"
    HAS_SUBZONE = True
    AUTH_WORDS = "API key not found"
    PAGE = 100

    def options(self):
        return {"base_url": self.url, "api_key": KEY, "secret_key": SECRET}

    def bad_options(self):
        return dict(self.options(), api_key="0000-wrong-key-0000")

    def stored(self, value):
        return '"%s"' % value

    def error(self, status, words):
        return reply(status, {"error": [words]})

    def throttle(self):
        return self.error(400, "Rate limit exceeded")

    def clock_error(self):
        return self.error(400, "Request sent with an invalid date")

    def relative(self, name, zone):
        return "" if name == zone else name[:-len(zone) - 1]

    def show(self, r):
        return {"id": int(r.id), "type": r.type, "value": r.value,
                "name": self.relative(r.name, r.zone), "ttl": r.ttl,
                "gtdLocation": "DEFAULT", "source": 1, "sourceId": 870073,
                "failover": False, "monitor": False}

    def handle(self, req):
        date = req.headers.get("x-dnsme-requestDate", "")
        if req.headers.get("x-dnsme-apiKey") != KEY:
            return self.error(403, "API key not found")
        if hmac.new(SECRET.encode(), date.encode(), hashlib.sha1) \
                .hexdigest() != req.headers.get("x-dnsme-hmac"):
            return self.error(403, "API key hmac mismatch")
        if abs(email.utils.parsedate_to_datetime(date).timestamp()
               - time.time()) > 30:
            return self.error(400, "Request sent with an invalid date")
        parts = req.parts()
        self.check(parts[:3] == ["V2.0", "dns", "managed"], "path %s",
                   req.path)
        ids = {str(870073 + i): z for i, z in enumerate(self.zones())}
        if parts[3] == "name":
            for i, z in ids.items():
                if z == req.arg("domainname"):
                    return reply(200, {"id": int(i), "name": z,
                                       "pendingActionId": 0})
            return self.error(404, "Cannot find domain by name")
        zone = ids.get(parts[3])
        if zone is None:
            return self.error(404, "Cannot find domain")
        if req.method == "GET":
            return self.list(req, zone)
        if req.method == "POST":
            return self.create(req, zone)
        r = self.by_id(parts[5])
        if r is None or r.zone != zone:
            return self.error(404, "Cannot find record by id")
        self.records.remove(r)
        return reply(200)

    def list(self, req, zone):
        rows = [self.show(r) for r in self.records if r.zone == zone
                and req.arg("type") in (None, r.type)
                and req.arg("recordName") in (
                    None, self.relative(r.name, zone))]
        per_page = min(int(req.arg("rows", 500)), self.PAGE)
        page = int(req.arg("page", 0))
        return reply(200, {
            "data": rows[page * per_page:(page + 1) * per_page],
            "page": page, "totalRecords": len(rows),
            "totalPages": -(-len(rows) // per_page)})

    def create(self, req, zone):
        b = req.json()
        self.check(b["gtdLocation"] == "DEFAULT", "gtdLocation")
        name = b["name"] + "." + zone if b["name"] else zone
        value = '"%s"' % unquote(b["value"])
        if any(r.value == value for r in self.find(name, b["type"])):
            return self.error(400, "Record with this type (%s), name (%s), "
                              "and value (%s) already exists."
                              % (b["type"], b["name"], value))
        r = Record(name, b["type"], value, b["ttl"], self.new_id(), zone)
        self.records.append(r)
        return reply(201, self.show(r))


class DnsmadeeasyPaged(Dnsmadeeasy):
    """One record a page; the secret is wrong rather than the key."""
    VARIANT = "paged"
    PAGE = 1
    AUTH_WORDS = "hmac mismatch"

    def bad_options(self):
        return dict(self.options(), secret_key="0000-wrong-secret-0000")


VENDORS = [Dnsmadeeasy, DnsmadeeasyPaged]
