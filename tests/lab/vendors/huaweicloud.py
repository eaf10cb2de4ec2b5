# SPDX-License-Identifier: MIT
"""Huawei Cloud DNS: whole sets, signature SDK-HMAC-SHA256.

Changes are PENDING_... when looked at next, and refused while an
earlier one is; filters match parts of names; values must carry quotes.
"""

import calendar
import hashlib
import hmac
import re
import time

from .base import Answer, Record, Vendor, encode, reply, sorted_query

AK, SK = "QTWAOYTTINDUT2QVKYUC", "MFyfvK41ba2giqM7Uio6PznpdUKGpownRZlmVmHc"


class Huaweicloud(Vendor):
    NAME = "huaweicloud"
    SEMANTICS = "rrset"
    HAS_SUBZONE = True
    AUTH_WORDS = "APIGW.0301"
    READS_BACK = True
    PAGE = 2                    # zones
    LOOKS = 1                   # until a change is done

    def __init__(self):
        super().__init__()
        self.sets = {}          # id: {"id", "name", "ttl", "status", "looks"}

    def options(self):
        return {"base_url": self.url, "access_key_id": AK,
                "secret_access_key": SK}

    def bad_options(self):
        return dict(self.options(), secret_access_key="huaweiWrongSecretKey")

    def stored(self, value):
        return '"%s"' % value

    def throttle(self):
        return reply(429, {"error_code": "APIGW.0308", "error_msg": "The "
                           "throttling threshold has been reached: policy "
                           "user over ratelimit,limit:100,time:1 minute"})

    def clock_error(self):
        return reply(401, {"error_code": "APIGW.0301", "error_msg":
                           "Incorrect IAM authentication information: "
                           "signature expired"})

    def fail_with(self, status, code, message):
        raise Answer(status, {"code": code, "message": message})

    def gateway(self, code, message):
        raise Answer(401, {"error_code": code, "error_msg": message,
                           "request_id": "acbc548a"})

    def authenticate(self, req):
        m = re.fullmatch(r"SDK-HMAC-SHA256 Access=([^,]*), SignedHeaders="
                         r"([^,]*), Signature=([0-9a-f]{64})",
                         req.headers.get("Authorization") or "")
        if not m or m[1] != AK:
            self.gateway("APIGW.0301", "Incorrect IAM authentication "
                         "information: AK access failed")
        names = m[2].split(";")
        self.check({"host", "x-sdk-date"} <= set(names)
                   and names == sorted(names), "signed %s", names)
        path = "/".join(encode(p) for p in req.parts())
        request = "\n".join([
            req.method, "/" + path + ("" if path.endswith("/") else "/"),
            sorted_query(req.query),
            "".join("%s:%s\n" % (n, req.headers[n].strip()) for n in names),
            m[2], hashlib.sha256(req.body).hexdigest()])
        date = req.headers["X-Sdk-Date"]
        text = "SDK-HMAC-SHA256\n%s\n%s" % (date, hashlib.sha256(
            request.encode()).hexdigest())
        if hmac.new(SK.encode(), text.encode(),
                    "sha256").hexdigest() != m[3]:
            self.gateway("APIGW.0301", "Incorrect IAM authentication "
                         "information: verify aksk signature fail")
        at = calendar.timegm(time.strptime(date, "%Y%m%dT%H%M%SZ"))
        if abs(at - time.time()) > 900:
            raise Answer(*self.clock_error()[::2])

    def handle(self, req):
        self.authenticate(req)
        parts = req.parts()
        self.check(parts[:2] == ["v2", "zones"], "path %s", req.path)
        if len(parts) == 2:
            return self.list_zones(req)
        zone = self.zone_name(parts[2])
        if zone is None or parts[3] != "recordsets":
            self.fail_with(404, "DNS.0302", "This zone does not exist.")
        one = "_one" if len(parts) > 4 else "_all"
        call = getattr(self, "set_" + req.method.lower() + one)
        return call(req, zone, *parts[4:])

    def zone_id(self, zone):
        return hashlib.md5(zone.encode()).hexdigest()

    def zone_name(self, id):
        for z in self.zones():
            if self.zone_id(z) == id:
                return z
        return None

    def list_zones(self, req):
        self.check(req.arg("type") == "public", "type of zones")
        self.check(0 < int(req.arg("limit", 500)) <= 500, "limit")
        found = sorted((z for z in self.zones()
                        if req.arg("name", "").rstrip(".") in z), key=len,
                       reverse=True)
        at = int(req.arg("offset", 0))
        return reply(200, {"metadata": {"total_count": len(found)}, "zones": [
            {"id": self.zone_id(z), "name": z + ".", "status": "ACTIVE",
             "zone_type": "public"} for z in found[at:at + self.PAGE]]})

    # --- sets ---

    def put_foreign(self, name, value):
        r = super().put_foreign(name, value)
        for s in self.sets.values():
            if s["name"] == name:
                return r
        self.new_set(name, self.TTL, "ACTIVE")
        return r

    def new_set(self, name, ttl, status):
        s = {"id": hashlib.md5(self.new_id().encode()).hexdigest(),
             "name": name, "ttl": ttl, "status": status,
             "looks": self.LOOKS, "description": "somebody's set"}
        self.sets[s["id"]] = s
        return s

    def change(self, s, status):
        s["status"], s["looks"] = status, self.LOOKS

    def look(self, s):
        """Shows the set; time goes by from look to look."""
        shown = {"id": s["id"], "name": s["name"] + ".", "type": "TXT",
                 "ttl": s["ttl"], "status": s["status"],
                 "description": s["description"], "line": "default_view",
                 "records": [r.value for r in self.find(s["name"])]}
        if s["status"] != "ACTIVE":
            s["looks"] -= 1
            if s["looks"] <= 0 and s["status"] == "PENDING_DELETE":
                del self.sets[s["id"]]
            elif s["looks"] <= 0:
                s["status"] = "ACTIVE"
        return shown

    def set_get_all(self, req, zone):
        self.check(req.arg("status") is None, "status hides what is pending")
        name = req.arg("name", "").rstrip(".")
        exact = req.arg("search_mode") == "equal"
        found = [s for s in list(self.sets.values())
                 if self.zone_of(s["name"]) == zone and (
                     s["name"] == name if exact else name in s["name"])]
        return reply(200, {"recordsets": [self.look(s) for s in found],
                           "metadata": {"total_count": len(found)}})

    def get(self, zone, id):
        s = self.sets.get(id)
        if s is None or self.zone_of(s["name"]) != zone:
            self.fail_with(404, "DNS.0313", "This record set does not exist.")
        return s

    def set_get_one(self, req, zone, id):
        return reply(200, self.look(self.get(zone, id)))

    def body(self, req, zone):
        body = req.json()
        name = body["name"].rstrip(".")
        values = body["records"]
        if self.zone_of(name) != zone or not body["name"].endswith("."):
            self.fail_with(400, "DNS.0307", "name is invalid")
        if not values or len(set(values)) != len(values) or not all(
                re.fullmatch('"[^"]*"', v) for v in values):
            self.fail_with(400, "DNS.0308", "records is invalid")
        if not 1 <= body["ttl"] <= 2147483647:
            self.fail_with(400, "DNS.0319", "ttl is invalid")
        self.check(body["type"] == "TXT", "type")
        return name, values, body["ttl"], body.get("description", "")

    def write(self, zone, name, values, ttl):
        self.records = [r for r in self.records if r.name != name]
        self.records += [Record(name, "TXT", v, ttl, None, zone)
                         for v in values]

    def busy(self, s):
        if s["status"] != "ACTIVE":
            self.fail_with(409, "DNS.0016", "The resource is in a pending "
                           "state: " + s["status"])

    def set_post_all(self, req, zone):
        name, values, ttl, _ = self.body(req, zone)
        if any(s["name"] == name for s in self.sets.values()):
            self.fail_with(400, "DNS.0312", "The record set exists.")
        s = self.new_set(name, ttl, "PENDING_CREATE")
        s["description"] = ""
        self.write(zone, name, values, ttl)
        return reply(202, {"id": s["id"], "status": s["status"]})

    def set_put_one(self, req, zone, id):
        s = self.get(zone, id)
        self.busy(s)
        name, values, ttl, description = self.body(req, zone)
        self.check(name == s["name"] and ttl == s["ttl"]
                   and description == s["description"],
                   "PUT changes more than the records: %r", req)
        self.write(zone, name, values, ttl)
        self.change(s, "PENDING_UPDATE")
        return reply(202, {"id": s["id"], "status": s["status"]})

    def set_delete_one(self, req, zone, id):
        s = self.get(zone, id)
        self.busy(s)
        self.records = [r for r in self.records if r.name != s["name"]]
        self.change(s, "PENDING_DELETE")
        return reply(202, {"id": s["id"], "status": s["status"]})


class HuaweicloudSlow(Huaweicloud):
    """Changes take long, other keys."""

    VARIANT = "slow"
    LOOKS = 4

    def options(self):
        return dict(super().options(), security_token="hw-sts-token-3",
                    project_id="0d1a", region="cn-north-4", ttl=1)

    def authenticate(self, req):
        super().authenticate(req)
        self.check(req.headers.get("X-Security-Token") == "hw-sts-token-3"
                   and req.headers.get("X-Project-Id") == "0d1a", "token")


VENDORS = [Huaweicloud, HuaweicloudSlow]
