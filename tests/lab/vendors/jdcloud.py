# SPDX-License-Identifier: MIT
"""JD Cloud DNS: searches match parts of names, duplicates are accepted."""

import re

from .base import Record, reply
from .volcengine import V4

ID, SECRET = "JDCACMEDTESTKEY0001", "JDsecretKey0123456789ABCDEF00001"
WHERE = ["v2", "regions", "cn-north-1", "domain"]


class Jdcloud(V4):
    NAME = "jdcloud"
    HAS_SUBZONE = True
    AUTH_WORDS = "signature is invalid"
    ALGORITHM, PREFIX = "JDCLOUD2-HMAC-SHA256", "JDCLOUD2"
    TERMINATOR, SERVICE = "jdcloud2_request", "domainservice"
    REGION, DATE = "cn-north-1", "x-jdcloud-date"
    SIGNED = ("content-type", "host", "x-jdcloud-date", "x-jdcloud-nonce")
    ID, SECRET = ID, SECRET
    PAGE = 2

    def options(self):
        return {"base_url": self.url + "/v2", "access_key_id": ID,
                "access_key_secret": SECRET}

    def bad_options(self):
        return dict(self.options(), access_key_secret="JDwrongSecretKey")

    def new_id(self):
        return int(super().new_id())

    def zone_ids(self):
        return {5100 + i: z for i, z in enumerate(self.zones())}

    def error(self, status, words, message):
        return reply(status, {"requestId": "brq1", "error": {
            "code": status, "status": words, "message": message}})

    def ok(self, **result):
        return reply(200, {"requestId": "brq1", "result": result})

    def clock_error(self):
        return self.error(401, "UNAUTHENTICATED", "signature expired")

    def throttle(self):
        return self.error(429, "QUOTA_EXCEEDED", "slow down")

    def handle(self, req):
        nonce = req.headers.get("x-jdcloud-nonce") or ""
        self.check(re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
                                nonce), "nonce %s", nonce)
        self.check(req.raw_query == "&".join(sorted(
            req.raw_query.split("&"))), "unsorted query")
        if not self.signature_is_good(req):
            return self.error(401, "UNAUTHENTICATED",
                              "The request signature is invalid")
        parts = req.parts()
        if not self.check(parts[:4] == WHERE, "path %s", req.path):
            return self.error(404, "NOT_FOUND", "no such path")
        if len(parts) == 4:
            return self.page(req, [
                {"id": i, "domainName": z} for i, z in
                self.zone_ids().items() if req.arg("domainName") in z][::-1])
        zone = self.zone_ids().get(int(parts[4]))
        self.check(parts[5] == "ResourceRecord", "path %s", req.path)
        if zone is None:
            return self.error(404, "NOT_FOUND", "no such domain")
        call = getattr(self, "records_" + req.method.lower())
        return call(req, zone, parts[6] if len(parts) > 6 else None)

    def page(self, req, found):
        self.check(1 <= int(req.arg("pageSize")) <= 99, "pageSize")
        at = (int(req.arg("pageNumber")) - 1) * self.PAGE
        return self.ok(dataList=found[at:at + self.PAGE] or None,
                       totalCount=len(found),
                       totalPage=-(-len(found) // self.PAGE))

    @staticmethod
    def host_of(r):
        return r.name[:-len(r.zone)].rstrip(".") or "@"

    def records_get(self, req, zone, _):
        return self.page(req, [
            {"id": r.id, "hostRecord": self.host_of(r), "type": r.type,
             "hostValue": r.value, "ttl": r.ttl, "viewValue": [-1]}
            for r in self.records if r.zone == zone
            and req.arg("search", "") in self.host_of(r)])

    def records_post(self, req, zone, _):
        body = req.json()["req"]
        if not 60 <= body["ttl"] <= 86400 or body["viewValue"] != -1:
            return self.error(400, "INVALID_ARGUMENT", "ttl")
        host = body["hostRecord"]
        r = Record(zone if host == "@" else host + "." + zone, body["type"],
                   body["hostValue"], body["ttl"], self.new_id(), zone)
        self.records.append(r)
        return self.ok(dataList={"id": r.id, "hostRecord": host})

    def records_delete(self, req, zone, id):
        r = self.by_id(id)
        if r is None or r.zone != zone:
            return self.error(404, "NOT_FOUND", "no such record")
        self.records.remove(r)
        return self.ok()


VENDORS = [Jdcloud]
