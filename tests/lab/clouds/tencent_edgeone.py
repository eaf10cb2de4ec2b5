# SPDX-License-Identifier: MIT
"""Tencent Cloud EdgeOne: a domain has a list of certificates, of which each
write is the whole."""

import copy

from .tencent_cdn import Cdn

ZONE = "zone-2xkazzl8yf6k"
RSA = {"CertId": "rsa", "Type": "upload", "SignAlgo": "RSA 2048",
       "ExpireTime": "2099-01-02T03:04:05Z", "Status": "deployed"}
OLD = [{"CertId": "ecc", "Type": "upload", "SignAlgo": "ECC 256",
        "ExpireTime": "2099-01-02T03:04:05Z", "Status": "deployed"}, RSA,
       dict(RSA, CertId="expired", ExpireTime="2020-01-02T03:04:05Z")]


class Edgeone(Cdn):
    PRODUCT = "tencent-edgeone"
    VERSIONS = {"ssl": "2019-12-05", "teo": "2022-09-01"}
    PAGE = 200

    def __init__(self):
        super().__init__()
        self.sites = {d: copy.deepcopy(OLD) for d in self.sites}

    def target(self, i=0):
        return dict(super().target(i), zone_id=ZONE)

    def served(self, i=0):
        ids = set()
        for d in self.domains(i):
            assert len(self.sites[d]) == (2 if d in self.bound else 3)
            assert RSA in self.sites[d]
            ids.add(self.bound.get(d))
        assert len(ids) == 1, ids
        u = self.upload(ids.pop())
        return u and u.cert

    def check_scope(self, req):
        self.check((self.SERVICE == "teo") == (
            "AccelerationDomains" in req.headers["X-TC-Action"]
            or "Hosts" in req.headers["X-TC-Action"]), "service")

    def status(self, d):
        return "process" if self.looks[d] > 0 else "online"

    def do_DescribeAccelerationDomains(self, a):
        self.check(a["ZoneId"] == ZONE and a["Limit"] <= 200, "%s", a)
        d = a["Filters"][0]["Values"][0]
        self.check(a["Filters"] == [{"Name": "domain-name", "Values": [d]}],
                   "Filters")
        if d not in self.sites:
            return {"AccelerationDomains": [], "TotalCount": 0}
        out = {"DomainName": d, "ZoneId": ZONE, "DomainStatus": self.status(d),
               "Certificate": {"Mode": "sslcert",
                               "List": copy.deepcopy(self.sites[d])}}
        if self.looks[d] > 0:
            out["Certificate"]["List"][0]["Status"] = "processing"
            self.looks[d] -= 1
        return {"AccelerationDomains": [out], "TotalCount": 1}

    def do_ModifyHostsCertificate(self, a):
        self.check(set(a) == {"ZoneId", "Hosts", "Mode", "ServerCertInfo"} and
                   a["ZoneId"] == ZONE and a["Mode"] == "sslcert", "%s", a)
        d, = a["Hosts"]
        if d not in self.sites:
            self.fail_with("InvalidParameter.DomainNotFound", "no " + d)
        ids = [c["CertId"] for c in a["ServerCertInfo"]]
        if "expired" in ids:
            self.fail_with("FailedOperation.CertificateHasExpired", "expired")
        new = []
        for id in ids:
            u = self.upload(id)
            if u is None and id != "rsa":
                self.fail_with("ResourceUnavailable.CertNotFound", id)
            new.append(RSA if u is None else dict(
                OLD[0], CertId=u.id, Alias=u.name))
            if u is not None:
                self.bound[d] = u.id
        self.check(len({c["SignAlgo"] for c in new}) == len(new), "%s", new)
        self.sites[d] = new
        self.looks[d] = self.delay


CLOUDS = [Edgeone]
