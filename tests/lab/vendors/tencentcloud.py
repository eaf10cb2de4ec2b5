# SPDX-License-Identifier: MIT
"""DNSPod at Tencent Cloud, signature TC3-HMAC-SHA256.

Errors come with HTTP 200, ids are integers beyond 2^53, an empty list is an
error, the free plan's least TTL is 600.
"""

import hashlib
import hmac
import re
import time

from .base import Answer, Record, Vendor, reply

ID, KEY = "AKIDacmedTestSecretId", "tencentSecretKey0123456789"
STS = "tc-session-token-5"


class Tencentcloud(Vendor):
    NAME = "tencentcloud"
    HAS_SUBZONE = True
    AUTH_WORDS = "AuthFailure.SignatureFailure"
    LISTS_LAG = True
    PAGE = 2
    LEAST_TTL = 600
    TOKEN = None

    def options(self):
        return {"base_url": self.url, "secret_id": ID, "secret_key": KEY}

    def bad_options(self):
        return dict(self.options(), secret_key="tencentWrongKey")

    def is_write(self, req):
        return not (req.headers.get("X-TC-Action") or "").startswith(
            "Describe")

    def new_id(self):
        return int(super().new_id())

    def error(self, code, message):
        return reply(200, {"Response": {"RequestId": "4c2f", "Error": {
            "Code": code, "Message": message}}})

    def fail_with(self, code, message="no"):
        raise Answer(200, self.error(code, message)[2],
                     {"Content-Type": "application/json"})

    def throttle(self):
        return self.error("RequestLimitExceeded.UinLimitExceeded",
                          "Your current request times equals to 21 in a "
                          "second, which exceeds the frequency limit.")

    def server_error(self):
        return self.error("InternalError", "out of order")

    def clock_error(self):
        return self.error("AuthFailure.SignatureExpire",
                          "The provided credentials could not be validated "
                          "because the signature has expired.")

    def authenticate(self, req):
        m = re.fullmatch(
            r"TC3-HMAC-SHA256 Credential=([^/]*)/(\d{4}-\d\d-\d\d)/dnspod/"
            r"tc3_request, SignedHeaders=([^,]*), Signature=([0-9a-f]{64})",
            req.headers.get("Authorization") or "")
        if not m:
            self.fail_with("AuthFailure.SignatureFailure", "Authorization")
        if m[1] != ID:
            self.fail_with("AuthFailure.SecretIdNotFound", "not found")
        names = m[3].split(";")
        self.check(names == sorted(names) and {
            "content-type", "host"} <= set(names), "signed %s", names)
        stamp = req.headers["X-TC-Timestamp"]
        request = "\n".join([
            req.method, "/", req.raw_query,
            "".join("%s:%s\n" % (n, req.headers[n].strip().lower())
                    for n in names),
            m[3], hashlib.sha256(req.body).hexdigest()])
        date = time.strftime("%Y-%m-%d", time.gmtime(int(stamp)))
        self.check(date == m[2], "date %s", m[2])
        text = "TC3-HMAC-SHA256\n%s\n%s/dnspod/tc3_request\n%s" % (
            stamp, date, hashlib.sha256(request.encode()).hexdigest())
        key = ("TC3" + KEY).encode()
        for part in (date, "dnspod", "tc3_request", text):
            key = hmac.new(key, part.encode(), "sha256").digest()
        if key.hex() != m[4]:
            self.fail_with("AuthFailure.SignatureFailure", "The provided "
                           "credentials could not be validated. Please check "
                           "your signature is correct.")
        if abs(int(stamp) - time.time()) > 300:
            self.fail_with("AuthFailure.SignatureExpire", "expired")
        if req.headers.get("X-TC-Token") != self.TOKEN:
            self.fail_with("AuthFailure.TokenFailure", "token")

    def handle(self, req):
        self.authenticate(req)
        self.check(req.method == "POST" and req.target == "/", "%r", req)
        self.check(req.headers["X-TC-Version"] == "2021-03-23", "version")
        action = req.headers["X-TC-Action"]
        if not hasattr(self, "do_" + action):
            self.fail_with("InvalidAction", action)
        out = getattr(self, "do_" + action)(req.json())
        return reply(200, {"Response": dict(out, RequestId="4c2f")})

    def zone(self, body):
        name = body["Domain"]
        if "." not in name:
            self.fail_with("InvalidParameter.DomainInvalid", "domain invalid")
        if name not in self.zones():
            self.fail_with("InvalidParameterValue.DomainNotExists",
                           "The domain is not found in your account.")
        return name

    def sub(self, r):
        return "@" if r.name == r.zone else r.name[:-len(r.zone) - 1]

    def do_DescribeRecordList(self, body):
        zone = self.zone(body)
        self.check("SubDomain" not in body, "SubDomain in a list")
        self.check(0 < body["Limit"] <= 3000, "Limit")
        found = [r for r in self.listed() if r.zone == zone
                 and body.get("Subdomain") in (None, self.sub(r))
                 and body.get("RecordType") in (None, r.type)]
        if not found:
            self.fail_with("ResourceNotFound.NoDataOfRecord",
                           "There is no record.")
        at = body.get("Offset", 0)
        return {"RecordCountInfo": {"TotalCount": len(found)},
                "RecordList": [
                    {"RecordId": r.id, "Name": self.sub(r), "Type": r.type,
                     "Value": r.value, "TTL": r.ttl, "Line": "默认",
                     "LineId": "0", "Status": "ENABLE"}
                    for r in found[at:at + self.PAGE]]}

    def do_CreateRecord(self, body):
        zone = self.zone(body)
        sub = body["SubDomain"]
        name = zone if sub == "@" else sub + "." + zone
        self.check(body["RecordLineId"] == "0"
                   and body["RecordLine"] == "默认", "line")
        self.check(isinstance(body["TTL"], int), "TTL %r", body["TTL"])
        if any(r.value == body["Value"]
               for r in self.find(name, body["RecordType"])):
            self.fail_with("InvalidParameter.DomainRecordExist",
                           "The record already exists.")
        if body["TTL"] < self.LEAST_TTL:
            self.fail_with("LimitExceeded.RecordTtlLimit", "TTL")
        r = Record(name, body["RecordType"], body["Value"], body["TTL"],
                   self.new_id(), zone)
        self.records.append(r)
        return {"RecordId": r.id}

    def do_DeleteRecord(self, body):
        zone = self.zone(body)
        self.check(isinstance(body["RecordId"], int), "RecordId")
        r = self.by_id(body["RecordId"])
        if r is None or r.zone != zone:
            self.fail_with("InvalidParameter.RecordIdInvalid",
                           "The record ID is invalid.")
        self.records.remove(r)
        return {}


class TencentcloudSts(Tencentcloud):
    """Temporary credentials, and a TTL that only paid plans allow."""

    VARIANT = "sts"
    TOKEN = STS

    def options(self):
        return dict(super().options(), session_token=STS, ttl=60)


VENDORS = [Tencentcloud, TencentcloudSts]
