# SPDX-License-Identifier: MIT
"""OVHcloud: signed with SHA-1 by OVH's own clock; a zone is published by a
refresh."""

import hashlib
import time

from .base import Record, Vendor, reply

AK, AS, CK = "7kbG7Bk7S9Nt7ZSV", "EXEgWIz07P0HYwtQDs7cNIqCiQaWSuHF", \
    "MtSwSrPpNjqfVSmJhLbPyr2i45lSwPU1"
TOKEN = "ovh-access-token-1"
SKEW = 40000                    # their clock is not ours


class Ovh(Vendor):
    NAME = "ovh"
    HAS_SUBZONE = True
    AUTH_TRIES = 2              # the first asks for the time
    AUTH_WORDS = "Invalid signature"

    def __init__(self):
        super().__init__()
        self.created, self.removed = [], []     # since the last refresh
        self.skew = SKEW

    def options(self):
        return {"base_url": self.url + "/1.0", "endpoint": "ovh-ca",
                "application_key": AK, "application_secret": AS,
                "consumer_key": CK}

    def bad_options(self):
        return dict(self.options(), application_secret="0" * 32)

    def error(self, status, cls, message, code=None, headers=None):
        return reply(status, {"class": "Client::" + cls, "message": message,
                              "errorCode": code, "httpCode": str(status)},
                     headers)

    def throttle(self):
        return self.error(429, "TooManyRequests", "Too many requests", None,
                          {"Retry-After": "0"})

    def throttle_long(self):
        return self.error(429, "TooManyRequests", "Too many requests", None,
                          {"Retry-After": "120"})

    def server_error(self):
        return reply(503, {"class": "Server::ServiceUnavailable",
                           "message": "Service unavailable"})

    def now(self):
        return int(time.time()) + self.skew

    def refusal(self, req):
        """What is wrong with the request's signature, if anything."""
        h = req.headers
        if h.get("X-Ovh-Application") != AK:
            return self.error(403, "Forbidden", "This application key is "
                              "invalid", "INVALID_KEY")
        if h.get("X-Ovh-Consumer") != CK:
            return self.error(403, "Forbidden", "This credential does not "
                              "exist", "INVALID_CREDENTIAL")
        stamp = h.get("X-Ovh-Timestamp", "0")
        text = "+".join([AS, CK, req.method, self.url + req.target,
                         req.body.decode(), stamp])
        want = "$1$" + hashlib.sha1(text.encode()).hexdigest()
        if h.get("X-Ovh-Signature") != want:
            return self.error(400, "BadRequest", "Invalid signature",
                              "INVALID_SIGNATURE")
        if abs(int(stamp) - self.now()) > 30:
            return self.error(403, "Forbidden", "Query out of time",
                              "QUERY_TIME_OUT")
        return None

    def handle(self, req):
        parts = req.parts()
        self.check(parts[0] == "1.0", "path %s", req.path)
        if parts[1:] == ["auth", "time"]:
            self.check("X-Ovh-Consumer" not in req.headers, "key shown")
            return reply(200, str(self.now()))
        bad = self.refusal(req)
        if bad is not None:
            return bad
        self.check(parts[1:3] == ["domain", "zone"], "path %s", req.path)
        zone = parts[3]
        if self.zone_of(zone) is None:
            return self.error(403, "Forbidden", "This call has not been "
                              "granted", "NOT_GRANTED_CALL")
        if zone not in self.zones():
            return self.error(404, "NotFound", "This service does not exist")
        if parts[4] == "refresh":
            self.check(req.method == "POST" and not req.body, "refresh")
            self.created, self.removed = [], []
            return reply(200, "null")
        self.check(parts[4] == "record", "path %s", req.path)
        return getattr(self, "record_" + req.method.lower())(req, zone,
                                                             parts[5:])

    def values(self, name):
        """Only what is published counts."""
        return sorted(r.value for r in self.records + self.removed
                      if r.name == name and r not in self.created)

    def show(self, r):
        short = "" if r.name == r.zone else r.name[:-len(r.zone) - 1]
        return {"id": int(r.id), "zone": r.zone, "fieldType": r.type,
                "subDomain": short, "target": '"%s"' % r.value, "ttl": r.ttl}

    def record_get(self, req, zone, rest):
        if rest:
            r = self.by_id(rest[0])
            if r is None or r.zone != zone:
                return self.error(404, "NotFound", "The requested object "
                                  "(id = %s) does not exist" % rest[0])
            return reply(200, self.show(r))
        rows = [self.show(r) for r in self.records if r.zone == zone]
        return reply(200, [r["id"] for r in rows if
                           r["fieldType"] == req.arg("fieldType") and
                           r["subDomain"] == req.arg("subDomain")])

    def record_post(self, req, zone, rest):
        body = req.json()
        short = body["subDomain"]
        name = short + "." + zone if short else zone
        if 0 < body["ttl"] < 60:
            return self.error(400, "BadRequest", "ttl is too small")
        # Twice the same is two records.
        r = Record(name, body["fieldType"], body["target"], body["ttl"],
                   self.new_id(), zone)
        self.records.append(r)
        self.created.append(r)
        return reply(200, self.show(r))

    def record_delete(self, req, zone, rest):
        r = self.by_id(rest[0])
        if r is None or r.zone != zone:
            return self.error(404, "NotFound", "The requested object (id = "
                              "%s) does not exist" % rest[0])
        self.records.remove(r)
        self.removed.append(r)
        return reply(200, "null")


class OvhToken(Ovh):
    VARIANT = "token"
    AUTH_TRIES = 1
    AUTH_WORDS = "Invalid token"

    def options(self):
        return {"base_url": self.url + "/1.0", "access_token": TOKEN}

    def bad_options(self):
        return dict(self.options(), access_token="ovh-wrong-token")

    def refusal(self, req):
        if req.headers.get("Authorization") != "Bearer " + TOKEN:
            return self.error(401, "Unauthorized", "Invalid token")
        return None


class OvhClient(Ovh):
    """A service account."""
    VARIANT = "client"
    AUTH_TRIES = 1
    AUTH_WORDS = "invalid_client: Client authentication failed"

    def __init__(self):
        super().__init__()
        self.tokens = []

    def options(self):
        return {"base_url": self.url + "/1.0", "client_id": "EU.0a1b2c",
                "client_secret": "ovh-client-secret-1",
                "token_url": self.url + "/auth/oauth2/token"}

    def bad_options(self):
        return dict(self.options(), client_secret="ovh-wrong-secret")

    def secrets(self):
        return self.tokens + ["ovh-client-secret-1", "ovh-wrong-secret"]

    def handle(self, req):
        if req.path != "/auth/oauth2/token":
            return super().handle(req)
        if req.form() != {"grant_type": "client_credentials", "scope": "all",
                          "client_id": "EU.0a1b2c",
                          "client_secret": "ovh-client-secret-1"}:
            return reply(401, {"error": "invalid_client",
                               "error_description":
                               "Client authentication failed"})
        self.tokens.append("ovh-oauth-%d" % len(self.tokens))
        return reply(200, {"access_token": self.tokens[-1],
                           "token_type": "Bearer", "expires_in": 3599,
                           "scope": "all"})

    def refusal(self, req):
        if req.headers.get("Authorization") not in [
                "Bearer " + t for t in self.tokens]:
            return self.error(401, "Unauthorized", "Invalid token")
        return None


VENDORS = [Ovh, OvhToken, OvhClient]
