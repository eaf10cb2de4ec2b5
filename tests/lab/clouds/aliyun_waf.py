# SPDX-License-Identifier: MIT
"""Alibaba Cloud's WAF 3.0, and the domains of Function Compute, which have
paths and JSON."""

import time

from ..vendors.base import reply
from .aliyun import Cas
from .base import Upload, sha256

PORT_ARGS = {"InstanceId", "RegionId", "Port", "ResourceInstanceId",
             "ResourceProduct"}


class Waf(Cas):
    """Two domains; and port 443 of lb-9, which has others' certificates."""

    PRODUCT = "aliyun-waf"
    BINDS = True
    MORE_BINDS = 1
    WRONG_REGION = {"instance_id": "waf-of-others"}, "not belong to you"

    def __init__(self):
        super().__init__()
        self.domains = {"a0.example.test": None, "*.w0.example.test": None}
        self.port = [("7-cn-hangzhou", "default"),
                     ("8-cn-hangzhou", "extension"),
                     ("9-cn-hangzhou", "extension")]     # has ended
        self.busy = self.changing = 0

    def target(self, i=0):
        if i == 0:
            return {"base_url": self.url, "domains": list(self.domains)}
        return {"base_url": self.url, "access": "resource",
                "resource_instance_id": "lb-9", "resource_product": "clb7",
                "applied_type": "extension", "instance_id": "waf-1"}

    def ids(self, i):
        return set(self.domains.values()) if i == 0 else {
            id for id, type in self.port if int(id.split("-")[0]) > 9}

    def served(self, i=0):
        ids = self.ids(i)
        assert len(ids) == 1, ids
        id = ids.pop()
        u = id and self.upload(id.split("-")[0])
        return u and u.cert

    def in_use(self, id):
        return str(id) in self.held or "%s-cn-hangzhou" % id in \
            self.ids(0) | self.ids(1)

    def waf(self, a):
        self.check(a["RegionId"] == "cn-hangzhou", "%s", a)
        if a["InstanceId"] != "waf-1":
            self.fail_with(403, "Waf.Pullin.InstanceNotExist", "The instance "
                           "does not belong to you.")

    def certificate(self, id):
        n, _, region = id.partition("-")
        if region != "cn-hangzhou" or self.upload(n) is None:
            self.fail_with(400, "Waf.Pullin.CertNotExistInCertCenter", id)
        return id

    def waf_DescribeInstance(self, a):
        self.check("InstanceId" not in a, "%s", a)
        return {"InstanceId": "waf-1", "Status": 1}

    def waf_DescribeDomainDetail(self, a):
        self.waf(a)
        d = a["Domain"]
        if d not in self.domains:
            self.fail_with(400, "Waf.Pullin.DomainNotExist", "no " + d)
        status = 3 if self.changing else 1
        self.changing = max(0, self.changing - 1)
        return {"Domain": d, "Status": status, "Listen": {
            "CertId": self.domains[d] or "", "TLSVersion": "tlsv1.2"}}

    def waf_ModifyDomainCert(self, a):
        self.waf(a)
        self.check(set(a) == {"RegionId", "InstanceId", "Domain", "CertId"},
                   "%s", a)
        self.domains[a["Domain"]] = self.certificate(a["CertId"])
        self.changing = self.delay

    def waf_DescribeCloudResourceAccessPortDetails(self, a):
        self.waf(a)
        self.check(set(a) == PORT_ARGS, "%s", a)
        if a["ResourceInstanceId"] != "lb-9" or a["Port"] != "443":
            return {"AccessPortDetails": [], "TotalCount": 0}
        status = 3 if self.changing else 1
        self.changing = max(0, self.changing - 1)
        return {"TotalCount": 1, "AccessPortDetails": [{
            "CloudResourceId": "lb-9-443-clb7", "Status": status,
            "Certificates": [{"CertificateId": id, "AppliedType": type}
                             for id, type in self.port]}]}

    def waf_DescribeResourceInstanceCerts(self, a):
        self.waf(a)
        year = 365 * 86400 * 1000
        now = int(time.time() * 1000)
        return {"TotalCount": 3, "Certs": [
            {"CertIdentifier": "%d-cn-hangzhou" % i,
             "BeforeDate": end - year, "AfterDate": end}
            for i, end in [(7, now + year), (8, now + year),
                           (9, now - 1000)] + [
                (u.id, now + year) for u in self.uploads]]}

    def waf_ModifyCloudResourceCert(self, a):
        self.waf(a)
        self.check(a["CloudResourceId"] == "lb-9-443-clb7", "%s", a)
        got = [(a["Certificates.%d.CertificateId" % i],
                a["Certificates.%d.AppliedType" % i])
               for i in range(1, (len(a) - 3) // 2 + 1)]
        if ("9-cn-hangzhou", "extension") in got:
            self.fail_with(400, "Waf.Pullin.CertExpired", "9 has ended")
        self.busy += 1
        if self.busy % 2:
            self.fail_with(400, "Waf.Pullin.ResourceProcessing", "wait")
        self.check({("7-cn-hangzhou", "default"),
                    ("8-cn-hangzhou", "extension")} < set(got) and
                   len(got) == 3, "%s", got)
        for id, _ in got:
            if int(id.split("-")[0]) > 9:
                self.certificate(id)
        self.port = got
        self.changing = self.delay


class Fc(Cas):
    """Custom domains; what is there beside the certificate must stay."""

    PRODUCT = "aliyun-fc"
    IN_PLACE = True
    SHARED = False
    TLS = {"minVersion": "TLSv1.2", "cipherSuites": ["TLS_RSA_X"],
           "maxVersion": None}

    def __init__(self):
        super().__init__()
        self.domains = {}
        for i in range(2):
            for d in self.target(i)["domains"]:
                self.domains[d] = {
                    "domainName": d, "protocol": ["HTTPS", "HTTP"][i],
                    "tlsConfig": self.TLS, "certConfig": {
                        "certName": "old"}, "routeConfig": {"routes": []}}

    def target(self, i=0):
        return {"base_url": self.url, "region": "cn-hangzhou",
                "domains": ["a%d.example.test" % i, "*.w%d.example.test" % i],
                "enable_https": bool(i)}

    def is_write(self, req):
        return req.method == "PUT"

    def served(self, i=0):
        got = {self.domains[d]["certConfig"].get("certificate")
               for d in self.target(i)["domains"]}
        assert len(got) == 1, got
        return got.pop()

    def ours(self):
        return sorted({sha256(d["certConfig"]["certificate"])
                       for d in self.domains.values()
                       if "certificate" in d["certConfig"]})

    def throttle(self):
        return self.error(429, "ResourceThrottled", "slow down")

    def handle(self, req):
        self.authenticate(req)
        self.check(req.headers["x-acs-version"] == "2023-03-30" and
                   req.headers["x-acs-action"] ==
                   {"GET": "GetCustomDomain", "PUT": "UpdateCustomDomain"}[
                       req.method], "%r", req)
        self.check(req.headers["Content-Type"]
                   == "application/json; charset=utf-8", "Content-Type")
        if self.denied:
            return self.error(403, "AccessDenied", "the caller is not "
                              "authorized to perform 'fc:GetCustomDomain'")
        self.check(req.parts()[:2] == ["2023-03-30", "custom-domains"]
                   and "*" not in req.path, "%r", req)
        d = self.domains.get(req.parts()[2])
        if d is None:
            return self.error(404, "DomainNameNotFound", "no such domain")
        if req.method == "PUT":
            new = req.json()
            c = new.pop("certConfig")
            self.check(all(x.isalnum() or x in "-_" for x in c["certName"]),
                       "certName %s", c["certName"])
            # What HTTP only means for HTTPS is the user's to say.
            was = dict(d, protocol=d["protocol"].replace(
                "HTTP", "HTTP,HTTPS") if d["protocol"] == "HTTP"
                else d["protocol"])
            self.check(new == {k: was[k] for k in ("protocol", "tlsConfig")},
                       "%s", new)
            if not self.check_pem(c["certificate"], c["privateKey"]):
                return self.error(400, "InvalidArgument", "no pair")
            d.update(new, certConfig=c)
        # The key is not told.
        return reply(200, dict(d, certConfig={
            k: v for k, v in d["certConfig"].items() if k != "privateKey"}))


CLOUDS = [Waf, Fc]
