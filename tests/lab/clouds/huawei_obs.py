# SPDX-License-Identifier: MIT
"""Domains of a bucket of Huawei Cloud OBS; its own signature, version 2."""

import base64
import calendar
import hashlib
import hmac
import time
import xml.etree.ElementTree as ET

from ..vendors.base import Answer, reply
from ..vendors.huaweicloud import AK, SK
from .huawei import InDomains


class Obs(InDomains):
    PRODUCT = "huawei-obs"
    DENIED = "AccessDenied"
    BUCKET = "static"

    def target(self, i=0):
        return dict(super().target(i), region="cn-north-4",
                    bucket=self.BUCKET)

    def throttle(self):
        return reply(503, "<Error><Code>SlowDown</Code><Message>Please reduce "
                     "your request rate.</Message></Error>")

    def fail_with(self, status, code, message):
        raise Answer(status, "<?xml version='1.0' encoding='UTF-8'?><Error>"
                     "<Code>%s</Code><Message>%s</Message></Error>" % (
                         code, message))

    def authenticate(self, req):
        if req.headers["Date"] is None:
            self.fail_with(403, "AccessDenied", "no Date")
        at = calendar.timegm(time.strptime(req.headers["Date"],
                                           "%a, %d %b %Y %H:%M:%S GMT"))
        if abs(at - time.time()) > 900:
            self.fail_with(403, "RequestTimeTooSkewed", "too old")
        query = "&".join(k + ("=" + v if v else "") for k, v in req.query)
        text = "\n".join([
            req.method, req.headers.get("Content-MD5", ""),
            req.headers.get("Content-Type", ""), req.headers["Date"],
            "".join("%s:%s\n" % (k.lower(), v) for k, v in sorted(
                req.headers.items()) if k.lower().startswith("x-obs-"))
            + "/%s/?%s" % (self.BUCKET, query)])
        signature = base64.b64encode(hmac.new(
            SK.encode(), text.encode(), "sha1").digest()).decode()
        if req.headers["Authorization"] != "OBS %s:%s" % (AK, signature):
            self.fail_with(403, "SignatureDoesNotMatch", "wrong: " + text)

    def handle(self, req):
        self.authenticate(req)
        self.check(req.path == "/", "%r", req)
        if self.denied:
            self.fail_with(403, "AccessDenied", "Access Denied")
        if req.method == "GET":
            self.check(req.raw_query == "customdomain", req.raw_query)
            return reply(200, "<?xml version='1.0' encoding='UTF-8'?>"
                         "<ListBucketCustomDomainsResult xmlns=\"http://obs."
                         "myhwclouds.com/doc/2015-06-30/\">%s"
                         "</ListBucketCustomDomainsResult>" % "".join(
                             map(self.entry, self.bound)))
        self.check(req.method == "PUT", req.method)
        self.check(len(req.body) <= 40 * 1024, "too long")
        self.check(req.headers["Content-MD5"] == base64.b64encode(
            hashlib.md5(req.body).digest()).decode(), "Content-MD5")
        d, root = req.arg("customdomain"), ET.fromstring(req.body)
        self.check(root.tag == "CustomDomainConfiguration", root.tag)
        a = {e.tag: e.text for e in root}
        self.check(list(a) == ["Name", "Certificate", "CertificateChain",
                               "PrivateKey"], "%s", list(a))
        self.check(3 <= len(a["Name"]) <= 63, "Name")
        self.check(a["Certificate"].count("BEGIN") == 1, "a chain")
        if d not in self.bound:
            self.fail_with(409, "DomainBelongsToOther", d)
        if not self.check_pem(a["Certificate"], a["PrivateKey"]):
            self.fail_with(400, "InvalidArgument", "The key does not match.")
        self.bind(d, a["Name"], a["Certificate"], a["PrivateKey"])
        return reply(200, "")

    def entry(self, d):
        u = self.look(d)
        return "<Domains><DomainName>%s</DomainName><CreateTime>2026-01-02" \
            "T03:04:05.000Z</CreateTime>%s</Domains>" % (
                d, "<Name>%s</Name>" % (u.name if u else ""))


CLOUDS = [Obs]
