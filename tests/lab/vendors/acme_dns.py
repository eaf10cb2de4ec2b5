# SPDX-License-Identifier: MIT
"""acme-dns: one registration with two rows, the older is overwritten, and
nothing can be removed."""

import re

from .base import Record, Vendor, reply

USER = "eabcdb41-d89f-4580-826f-3e62e9755ef2"
PASSWORD = "pbAXVjlIOE01xbut7YnAbkhMQIkcwoHO0ek2j4Q0"


class AcmeDns(Vendor):
    NAME = "acme-dns"
    SEMANTICS = "value"
    HAS_ZONES = False
    CAN_REMOVE = False
    MAX_VALUES = 2
    AUTH_WORDS = "forbidden"
    # What a name must begin with: here it is not a CNAME's target.
    SUBDOMAIN = "_acme-challenge"

    def __init__(self):
        super().__init__()
        self.rows = ["", ""]            # the older one first

    def options(self):
        return {"base_url": self.url, "username": USER,
                "password": PASSWORD, "subdomain": self.SUBDOMAIN}

    def bad_options(self):
        return dict(self.options(), password="wrong" * 8)

    def zone_of(self, name):
        return None                     # no neighbours either

    def find(self, name, type="TXT"):
        """Both rows may hold the same value: it is one in the DNS."""
        return [Record(name, type, v, 1) for v in sorted(set(self.rows))
                if v and name.startswith(self.SUBDOMAIN + ".")]

    def throttle(self):
        return reply(429, {"error": "too_many_requests"})

    def server_error(self):
        return reply(500, {"error": "db_error"})

    def handle(self, req):
        if (req.method, req.path) != ("POST", "/update"):
            return reply(404, {"error": "not_found"})
        if req.headers.get("X-Api-User") != USER or \
                req.headers.get("X-Api-Key") != PASSWORD:
            return reply(401, {"error": "forbidden"})
        body = req.json()
        if body is None:
            return reply(400, {"error": "malformed_json_payload"})
        if body.get("subdomain") != self.SUBDOMAIN:
            return reply(401, {"error": "forbidden"})
        if not re.fullmatch("[A-Za-z0-9_-]{43}", body.get("txt", "")):
            return reply(400, {"error": "bad_txt"})
        self.rows = [self.rows[1], body["txt"]]
        return reply(200, {"txt": body["txt"]})


VENDORS = [AcmeDns]
