# SPDX-License-Identifier: MIT
"""Baidu AI Cloud DNS with signature bce-auth-v1; creating tells no id."""

import calendar
import hashlib
import hmac
import re
import time

from .base import Record, Vendor, encode, reply, sorted_query

ID, SECRET = "ALTAKacmedtestkey0001", "baiduSecretKey0123456789abcdef"


def mac(key, text):
    return hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()


class Baiducloud(Vendor):
    NAME = "baiducloud"
    HAS_SUBZONE = True
    AUTH_WORDS = "SignatureDoesNotMatch"
    PAGE = 2

    def __init__(self):
        super().__init__()
        self.tokens = set()

    def options(self):
        return {"base_url": self.url, "access_key_id": ID,
                "secret_access_key": SECRET}

    def bad_options(self):
        return dict(self.options(), secret_access_key="baiduWrongSecret")

    def error(self, status, code, message):
        return reply(status, {"requestId": "9f1c", "code": code,
                              "message": message})

    def clock_error(self):
        return self.error(400, "RequestExpired", "The request has expired.")

    def throttle(self):
        return self.error(429, "RequestLimitExceeded", "slow down")

    def signature_is_good(self, req):
        m = re.fullmatch(r"(bce-auth-v1/([^/]+)/([^/]+)/(\d+))/([^/]+)/"
                         r"([0-9a-f]{64})",
                         req.headers.get("Authorization") or "")
        if not self.check(m is not None, "Authorization"):
            return False
        names = m[5].split(";")
        self.check({"host", "x-bce-date"} <= set(names), "signed %s", names)
        self.check(req.headers["x-bce-date"] == m[3], "dates differ")
        when = calendar.timegm(time.strptime(m[3], "%Y-%m-%dT%H:%M:%SZ"))
        self.check(abs(time.time() - when) < 300, "time %s", m[3])
        canonical = "\n".join([
            req.method, req.path,
            sorted_query([q for q in req.query if q[0] != "authorization"]),
            "\n".join(sorted("%s:%s" % (n, encode(req.headers[n].strip()))
                             for n in names))])
        return m[2] == ID and m[6] == mac(mac(SECRET, m[1]), canonical)

    def handle(self, req):
        if not self.signature_is_good(req):
            return self.error(403, "SignatureDoesNotMatch",
                              "The request signature we calculated does not "
                              "match the signature you provided.")
        parts = req.parts()
        self.check(parts[:3] == ["v1", "dns", "zone"], "path %s", req.path)
        if len(parts) == 3:
            return self.page(req, "zones", [
                {"id": str(i), "name": z} for i, z in
                enumerate(self.zones()) if req.arg("name") in z][::-1])
        if parts[3] not in self.zones() or parts[4] != "record":
            return self.error(404, "NoSuchObject", "no such zone")
        call = getattr(self, "record_" + req.method.lower())
        return call(req, parts[3], parts[5] if len(parts) > 5 else None)

    def page(self, req, name, found):
        self.check(int(req.arg("maxKeys")) <= 1000, "maxKeys")
        at = int((req.arg("marker") or "m=0")[2:])
        more = at + self.PAGE < len(found)
        body = {"marker": req.arg("marker") or "", "maxKeys": self.PAGE,
                "isTruncated": more, name: found[at:at + self.PAGE]}
        if more:
            body["nextMarker"] = "m=%d" % (at + self.PAGE)
        return reply(200, body)

    def rr(self, r):
        return r.name[:-len(r.zone)].rstrip(".") or "@"

    def record_get(self, req, zone, _):
        """Finds all that contain the name."""
        return self.page(req, "records", [
            {"id": r.id, "rr": self.rr(r), "type": r.type, "value": r.value,
             "ttl": r.ttl} for r in self.records
            if r.zone == zone and req.arg("rr", "") in self.rr(r)])

    def is_new(self, req):
        token = req.arg("clientToken")
        self.check(token, "no clientToken")
        if token in self.tokens:
            return False
        self.tokens.add(token)
        return True

    def record_post(self, req, zone, _):
        body = req.json()
        if body["ttl"] < 300:
            return self.error(400, "InvalidParameter", "ttl")
        if self.is_new(req):
            rr = body["rr"]
            self.records.append(Record(
                zone if rr == "@" else rr + "." + zone, body["type"],
                body["value"], body["ttl"], self.new_id(), zone))
        return reply(200)

    def record_delete(self, req, zone, id):
        if not self.is_new(req):
            return reply(200)
        r = self.by_id(id)
        if r is None or r.zone != zone:
            return self.error(404, "NoSuchObject", "no such record")
        self.records.remove(r)
        return reply(200)


VENDORS = [Baiducloud]
