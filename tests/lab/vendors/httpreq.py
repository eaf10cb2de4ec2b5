# SPDX-License-Identifier: MIT
"""A web service of the user's own, lego's protocol."""

import base64

from .base import Record, Vendor, reply

USER, PASSWORD = "acmed", "httpreq-pass-99"


class Httpreq(Vendor):
    NAME = "httpreq"
    SEMANTICS = "value"
    HAS_ZONES = False
    PLAIN_STATUS = True
    AUTH_WORDS = "who are you?"

    def options(self):
        return {"base_url": self.url + "/hook", "username": USER,
                "password": PASSWORD}

    def bad_options(self):
        return dict(self.options(), password="httpreq-wrong")

    def secrets(self):
        return super().secrets() + [base64.b64encode(
            (USER + ":" + PASSWORD).encode()).decode()]

    def handle(self, req):
        want = base64.b64encode((USER + ":" + PASSWORD).encode()).decode()
        if req.headers.get("Authorization") != "Basic " + want:
            return reply(401, "who are you?")
        body = req.json()
        self.check(set(body) == {"fqdn", "value"}, "body %r", body)
        self.check(body["fqdn"].endswith("."), "fqdn %s", body["fqdn"])
        self.check(req.headers.get("Content-Type") == "application/json",
                   "Content-Type")
        name = body["fqdn"].rstrip(".")
        mine = [r for r in self.find(name) if r.value == body["value"]]
        if req.path == "/hook/present":
            if not mine:
                self.records.append(Record(name, "TXT", body["value"], 60))
        elif req.path == "/hook/cleanup":
            for r in mine:
                self.records.remove(r)
        else:
            return reply(404, "no such page")
        return reply(200)


VENDORS = [Httpreq]
