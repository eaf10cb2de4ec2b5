# SPDX-License-Identifier: MIT
"""Volcano Engine DNS; and the checking of V4-like signatures."""

import calendar
import hashlib
import hmac
import re
import time

from .base import Record, Vendor, reply, sorted_query

ID, SECRET = "AKLTacmedtestkey", "volcSecretKeyAbCdEf0123456789=="


class V4(Vendor):
    """Any relative of AWS' fourth signature."""

    ALGORITHM = PREFIX = TERMINATOR = SERVICE = REGION = None
    DATE = None                 # header
    SIGNED = ()                 # headers that must be signed
    ID = SECRET = None

    def signature_is_good(self, req):
        m = re.fullmatch(
            r"%s Credential=([^/]+)/(\d{8})/%s/%s/%s, SignedHeaders=(\S+), "
            r"Signature=([0-9a-f]{64})" % (self.ALGORITHM, self.REGION,
                                           self.SERVICE, self.TERMINATOR),
            req.headers.get("Authorization") or "")
        if not self.check(m is not None, "Authorization %s",
                          req.headers.get("Authorization")):
            return False
        names, stamp = m[3].split(";"), req.headers[self.DATE]
        self.check(names == sorted(names), "unsorted headers %s", names)
        self.check(not set(self.SIGNED) - set(names), "signed %s", names)
        self.check(stamp[:8] == m[2], "date of the scope")
        when = calendar.timegm(time.strptime(stamp, "%Y%m%dT%H%M%SZ"))
        self.check(abs(time.time() - when) < 300, "time %s", stamp)
        canonical = "\n".join([
            req.method, req.path or "/", sorted_query(req.query),
            "".join("%s:%s\n" % (n, req.headers[n].strip()) for n in names),
            m[3], hashlib.sha256(req.body).hexdigest()])
        text = "\n".join([
            self.ALGORITHM, stamp,
            "/".join([m[2], self.REGION, self.SERVICE, self.TERMINATOR]),
            hashlib.sha256(canonical.encode()).hexdigest()])
        key = (self.PREFIX + self.SECRET).encode()
        for link in (m[2], self.REGION, self.SERVICE, self.TERMINATOR, text):
            key = hmac.new(key, link.encode(), hashlib.sha256).digest()
        return m[1] == self.ID and hmac.compare_digest(key.hex(), m[4])


class Volcengine(V4):
    NAME = "volcengine"
    HAS_SUBZONE = True
    AUTH_WORDS = "SignatureDoesNotMatch"
    ALGORITHM, PREFIX, TERMINATOR = "HMAC-SHA256", "", "request"
    SERVICE, REGION, DATE = "dns", "cn-beijing", "X-Date"
    SIGNED = ("content-type", "host", "x-content-sha256", "x-date")
    ID, SECRET = ID, SECRET
    PAGE = 2
    LEAST_TTL = 600

    def options(self):
        return {"base_url": self.url, "access_key": ID, "secret_key": SECRET}

    def bad_options(self):
        return dict(self.options(), secret_key="volcWrongSecretKey")

    def is_write(self, req):
        return not req.arg("Action", "").startswith("List")

    def zone_ids(self):
        return {12345 + i: z for i, z in enumerate(self.zones())}

    def error(self, status, code, n, message):
        return reply(status, {"ResponseMetadata": {
            "RequestId": "2026", "Error": {"Code": code, "CodeN": n,
                                           "Message": message}}})

    def throttle(self):
        return self.error(429, "FlowLimitExceeded", 100018, "slow down")

    def clock_error(self):
        return self.error(401, "InvalidTimestamp", 100004,
                          "The request timestamp is invalid.")

    def server_error(self):
        return self.error(500, "ErrInternalServer", 500100, "out of order")

    def ok(self, result):
        return reply(200, {"ResponseMetadata": {"RequestId": "2026"},
                           "Result": result})

    def handle(self, req):
        self.check(req.headers.get("X-Content-Sha256")
                   == hashlib.sha256(req.body).hexdigest(), "hash")
        if not self.signature_is_good(req):
            return self.error(401, "SignatureDoesNotMatch", 100010,
                              "The request signature does not match.")
        self.check(req.arg("Version") == "2018-08-01", "Version")
        self.check(req.path == "/", "path")
        call = getattr(self, "do_" + req.arg("Action"))
        self.check(req.method == ("POST" if self.is_write(req) else "GET"),
                   "method of %s", req.arg("Action"))
        return call(req)

    def page(self, req, found, total, name):
        self.check(int(req.arg("PageSize")) <= 500, "PageSize")
        at = (int(req.arg("PageNumber")) - 1) * self.PAGE
        result = {total: len(found)}
        if found:
            result[name] = found[at:at + self.PAGE]
        return self.ok(result)

    def do_ListZones(self, req):
        self.check(req.arg("SearchMode") == "exact", "SearchMode")
        return self.page(req, [{"ZID": i, "ZoneName": z} for i, z in
                               self.zone_ids().items()
                               if z == req.arg("Key")], "Total", "Zones")

    def do_ListRecords(self, req):
        """Not all filters hold: the value's is for paid editions, say."""
        zone = self.zone_ids()[int(req.arg("ZID"))]
        return self.page(req, [
            {"RecordID": r.id, "Host": self.host_of(r), "Type": r.type,
             "Value": r.value, "TTL": r.ttl} for r in self.records
            if r.zone == zone and self.host_of(r) == req.arg("Host")],
            "TotalCount", "Records")

    @staticmethod
    def host_of(r):
        return r.name[:-len(r.zone)].rstrip(".") or "@"

    def do_CreateRecord(self, req):
        body = req.json()
        zone = self.zone_ids().get(body["ZID"])
        if zone is None:
            return self.error(404, "ErrZoneNotFound", 400105, "no such zone")
        if body["TTL"] < self.LEAST_TTL or body["Line"] != "default":
            return self.error(400, "ErrParamInvalid", 400102, "TTL")
        name = zone if body["Host"] == "@" else body["Host"] + "." + zone
        if body["Value"] in self.values(name):
            return self.error(409, "ErrDBDuplicated", 400103, "duplicated")
        r = Record(name, body["Type"], body["Value"], body["TTL"],
                   self.new_id(), zone)
        self.records.append(r)
        return self.ok({"RecordID": r.id})

    def do_DeleteRecord(self, req):
        id = req.json()["RecordID"]
        self.check(isinstance(id, str), "RecordID is no string")
        r = self.by_id(id)
        if r is None:
            return self.error(404, "ErrDBNotFound", 400104, "not found")
        self.records.remove(r)
        return self.ok(None)


VENDORS = [Volcengine]
