# SPDX-License-Identifier: MIT
"""Custom domains of a TOS bucket: TOS4-HMAC-SHA256, with the bucket in the
name of the host."""

import base64
import hashlib

from ..vendors.base import reply
from .volcengine import Cdn

RULES = {"Protocol": "s3", "Forbidden": False, "CertStatus": "CertUnbound"}


class Tos(Cdn):
    PRODUCT = "volcengine-tos"
    MORE_BINDS = 1
    BUCKET = "static"
    WRONG_REGION = ({"region": "cn-shanghai"}, "NoSuchBucket")

    def __init__(self):
        super().__init__()
        self.rules = {d: dict(RULES, Domain=d, CertId="")
                      for d in self.bound}

    def target(self, i=0):
        return dict(super().target(i), region="cn-guangzhou",
                    bucket=self.BUCKET)

    def is_write(self, req):
        return super().is_write(req) if req.arg("Action") else \
            req.method == "PUT"

    def served(self, i=0):
        for d in self.domains(i):
            assert self.rules[d]["Protocol"] == "s3", self.rules
        return super().served(i)

    def handle(self, req):
        if req.arg("Action"):
            return super().handle(req)
        keep = {k: getattr(self, k) for k in ("ALGORITHM", "DATE", "SIGNED")}
        scope = (req.headers.get("Authorization") or "").split("/")
        try:
            self.ALGORITHM, self.DATE = "TOS4-HMAC-SHA256", "x-tos-date"
            self.SIGNED = ("host", "x-tos-content-sha256", "x-tos-date")
            self.SERVICE, self.REGION = "tos", "cn-guangzhou"
            if scope[2] != self.REGION:
                return self.refuse(404, "NoSuchBucket", "no such bucket")
            if not self.signature_is_good(req):
                return self.refuse(403, "SignatureDoesNotMatch", "wrong")
        finally:
            for k, v in keep.items():
                setattr(self, k, v)
        self.check(req.query == [("customdomain", "")] and req.path == "/",
                   "%r", req)
        self.check(req.headers["x-tos-content-sha256"]
                   == hashlib.sha256(req.body).hexdigest(), "hash")
        if self.denied:
            return self.refuse(403, "AccessDenied", "You are not authorized "
                               "to access the bucket.")
        if req.method == "GET":
            return reply(200, {"CustomDomainRules": [
                self.rule(d) for d in self.bound]})
        self.check(req.headers["Content-MD5"] == base64.b64encode(
            hashlib.md5(req.body).digest()).decode(), "Content-MD5")
        new = req.json()["CustomDomainRule"]
        d = new["Domain"]
        self.check(set(new) == {"Domain", "CertId", "Protocol"}, "%s", new)
        if d not in self.bound or self.upload(new["CertId"]) is None:
            return self.refuse(400, "InvalidCertificate", d)
        self.rules[d] = dict(RULES, CertStatus="CertBound", Domain=d,
                             Protocol=new.get("Protocol", "tos"))
        self.bound[d], self.looks[d] = new["CertId"], self.delay
        return reply(200, "")

    def rule(self, d):
        return dict(self.rules[d], CertId=self.bound[d] or ""
                    if self.look(d) == "online" else "")

    @staticmethod
    def refuse(status, code, message):
        return reply(status, {"Code": code, "Message": message,
                              "RequestId": "1", "HostId": "2"})


CLOUDS = [Tos]
