# SPDX-License-Identifier: MIT
"""Duck DNS: one TXT value for a domain and all below it, OK or KO."""

from .base import Record, Vendor, reply

TOKEN = "a7c4d0ad-114e-40ef-ba1d-d217904a50f2"


class Duckdns(Vendor):
    NAME = "duckdns"
    SEMANTICS = "single"
    HAS_ZONES = False
    MAX_VALUES = 1
    AUTH_WORDS = "KO"

    def __init__(self):
        super().__init__()
        self.slot = None

    def options(self):
        return {"base_url": self.url, "token": TOKEN, "zone": self.ZONE}

    def bad_options(self):
        return dict(self.options(),
                    token="00000000-114e-40ef-ba1d-d217904a50f2")

    def is_write(self, req):
        return True

    def find(self, name, type="TXT"):
        """What a name server says of any name of the domain."""
        if self.slot is None or self.zone_of(name) != self.ZONE:
            return []
        return [Record(name, "TXT", self.slot, 60, zone=self.ZONE)]

    def handle(self, req):
        self.check(req.method == "GET" and req.path == "/update", "%r", req)
        self.check(not {k for k, _ in req.query}
                   - {"domains", "token", "txt", "clear"}, "%r", req)
        if req.arg("token") != TOKEN or req.arg("domains") != self.ZONE:
            return reply(200, "KO")
        if req.arg("clear") == "true":
            self.slot = None
        elif req.arg("txt"):
            self.slot = req.arg("txt")
        else:
            self.problem("neither txt nor clear")
        return reply(200, "OK")


VENDORS = [Duckdns]
