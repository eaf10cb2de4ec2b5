# SPDX-License-Identifier: MIT
"""Alibaba Cloud DNS with signature ACS3-HMAC-SHA256.

Filters match parts of words, ids exceed 2^53, the free edition's least TTL is
600, nonces are good once.
"""

import calendar
import hashlib
import hmac
import re
import time

from .base import Answer, Record, Vendor, reply, sorted_query

ID, SECRET = "LTAI5tAcmedTestKey", "aliSecret0123456789abcdefghij"


class Alidns(Vendor):
    NAME = "alidns"
    HAS_SUBZONE = True
    AUTH_WORDS = "Specified signature is not matched"
    LISTS_LAG = True
    PAGE = 3
    LEAST_TTL = 600

    def __init__(self):
        super().__init__()
        self.nonces = set()

    def options(self):
        return {"base_url": self.url, "access_key_id": ID,
                "access_key_secret": SECRET}

    def bad_options(self):
        return dict(self.options(), access_key_secret="aliWrongSecret")

    def is_write(self, req):
        return not (req.headers.get("x-acs-action") or "").startswith(
            "Describe")

    def error(self, status, code, message):
        return reply(status, {"RequestId": "8D3A", "HostId": self.host,
                              "Code": code, "Message": message})

    def throttle(self):
        return self.error(400, "Throttling.User",
                          "Request was denied due to user flow control.")

    def server_error(self):
        return self.error(503, "ServiceUnavailable", "out of order")

    def clock_error(self):
        return self.error(400, "InvalidTimeStamp.Expired",
                          "Specified time stamp or date value is expired.")

    def fail_with(self, status, code, message):
        raise Answer(*self.error(status, code, message)[::2])

    def authenticate(self, req):
        m = re.fullmatch(r"ACS3-HMAC-SHA256 Credential=([^,]*),SignedHeaders="
                         r"([^,]*),Signature=([0-9a-f]{64})",
                         req.headers.get("Authorization") or "")
        if not m:
            self.fail_with(400, "IncompleteSignature", "Authorization")
        keys = self.keys_of(m[1])
        if keys is None:
            self.fail_with(404, "InvalidAccessKeyId.NotFound",
                           "Specified access key is not found.")
        names = m[2].split(";")
        must = [k.lower() for k in req.headers if k.lower() in (
            "host", "content-type") or k.lower().startswith("x-acs-")]
        self.check(names == sorted(must), "signed %s, not %s", names, must)
        body_hash = hashlib.sha256(req.body).hexdigest()
        self.check(req.headers["x-acs-content-sha256"] == body_hash, "hash")
        request = "\n".join([
            req.method, req.path, sorted_query(req.query),
            "".join("%s:%s\n" % (n, req.headers[n].strip()) for n in names),
            ";".join(names), body_hash])
        text = "ACS3-HMAC-SHA256\n" + hashlib.sha256(
            request.encode()).hexdigest()
        if hmac.new(keys[0].encode(), text.encode(),
                    "sha256").hexdigest() != m[3]:
            self.fail_with(400, "SignatureDoesNotMatch", "Specified signature "
                           "is not matched with our calculation. server "
                           "string to sign is:" + text)
        at = calendar.timegm(time.strptime(req.headers["x-acs-date"],
                                           "%Y-%m-%dT%H:%M:%SZ"))
        if abs(at - time.time()) > 900:
            raise Answer(*self.clock_error()[::2])
        nonce = req.headers["x-acs-signature-nonce"]
        if nonce in self.nonces:
            self.fail_with(400, "SignatureNonceUsed",
                           "Specified signature nonce was used already.")
        self.nonces.add(nonce)
        self.check(req.headers.get("x-acs-security-token") == keys[1],
                   "security token")

    def keys_of(self, id):
        """Secret and STS token of an AccessKey ID."""
        return (SECRET, None) if id == ID else None

    def handle(self, req):
        self.authenticate(req)
        self.check(req.path == "/" and req.method == "POST"
                   and not req.body, "%r", req)
        self.check(req.headers["x-acs-version"] == "2015-01-09", "version")
        args = dict(req.query)
        self.check(len(args) == len(req.query), "twice the same parameter")
        action = req.headers["x-acs-action"]
        if not hasattr(self, "do_" + action):
            return self.error(404, "InvalidAction.NotFound", action)
        return reply(200, dict(getattr(self, "do_" + action)(args),
                               RequestId="8D3A"))

    def zone(self, args):
        name = args["DomainName"]
        if name not in self.zones():
            self.fail_with(400, "InvalidDomainName.NoExist" if "." in name
                           else "InvalidDomainName.Format",
                           "The specified domain name does not exist.")
        return name

    def rr(self, r):
        return "@" if r.name == r.zone else r.name[:-len(r.zone) - 1]

    def do_DescribeDomainRecords(self, args):
        zone = self.zone(args)
        size = min(int(args.get("PageSize", 20)), 500)
        self.check(int(args.get("PageSize", 20)) <= 500, "PageSize")
        size = min(size, self.PAGE)
        page = int(args.get("PageNumber", 1))
        found = [r for r in self.listed() if r.zone == zone
                 and args.get("RRKeyWord", "") in self.rr(r)
                 and args.get("TypeKeyWord", r.type) == r.type
                 and args.get("ValueKeyWord", "") in r.value]
        part = found[(page - 1) * size:page * size]
        return {"TotalCount": len(found), "PageNumber": page,
                "PageSize": size, "DomainRecords": {"Record": [
                    {"RR": self.rr(r), "Type": r.type, "Value": r.value,
                     "TTL": r.ttl, "RecordId": r.id, "Line": "default",
                     "Status": "ENABLE", "Locked": False,
                     "DomainName": zone} for r in part]}}

    def do_AddDomainRecord(self, args):
        zone = self.zone(args)
        name = zone if args["RR"] == "@" else args["RR"] + "." + zone
        self.check(not args["RR"].endswith(zone), "RR %s", args["RR"])
        if any(r.value == args["Value"]
               for r in self.find(name, args["Type"])):
            self.fail_with(400, "DomainRecordDuplicate",
                           "The DNS record already exists.")
        if int(args.get("TTL", 600)) < self.LEAST_TTL:
            self.fail_with(400, "QuotaExceeded.TTL",
                           "The TTL value is exceeding quota.")
        r = Record(name, args["Type"], args["Value"],
                   int(args.get("TTL", 600)), self.new_id(), zone)
        self.records.append(r)
        return {"RecordId": r.id}

    def do_DeleteDomainRecord(self, args):
        r = self.by_id(args["RecordId"])
        if r is None:
            self.fail_with(400, "DomainRecordNotBelongToUser",
                           "The DNS record does not belong to the user.")
        self.records.remove(r)
        return {"RecordId": r.id}


class AlidnsSts(Alidns):
    """Temporary credentials, and a TTL that only paid editions allow."""

    VARIANT = "sts"

    def options(self):
        return dict(super().options(), security_token="sts-token-77",
                    ttl=60)

    def bad_options(self):
        return dict(self.options(), access_key_secret="aliWrongSecret")

    def keys_of(self, id):
        return (SECRET, "sts-token-77") if id == ID else None


VENDORS = [Alidns, AlidnsSts]
