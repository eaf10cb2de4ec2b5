# SPDX-License-Identifier: MIT
"""Tencent Cloud CDN: domains whose object Https is written as a whole; what is
left out of it falls to its default."""

import copy

from .tencent import Ssl

HTTPS = {
    "Switch": "off", "Http2": "on", "OcspStapling": "off",
    "VerifyClient": "off", "CertInfo": None, "ClientCertInfo": None,
    "Spdy": "off", "SslStatus": "closed",
    "Hsts": {"Switch": "on", "MaxAge": 31536000, "IncludeSubDomains": "on"},
    "TlsVersion": ["TLSv1.2", "TLSv1.3"], "CipherSuite": "strict",
    "Ratio": 0.25, "Note": "na\u00efve \"/\"",
}
OURS = ("Switch", "CertInfo", "SslStatus")


class Cdn(Ssl):
    PRODUCT = "tencent-cdn"
    TARGETS = 2
    VERSIONS = {"ssl": "2019-12-05", "cdn": "2018-06-06"}

    def __init__(self):
        super().__init__()
        self.bound = {}
        self.sites = {d: copy.deepcopy(HTTPS) for i in range(2)
                      for d in self.domains(i)}
        self.looks = dict.fromkeys(self.sites, 0)

    def domains(self, i):
        return ["a%d.example.test" % i, "b%d.example.test" % i]

    def target(self, i=0):
        return {"base_url": self.url, "domains": self.domains(i)}

    def served(self, i=0):
        ids = set()
        for d in self.domains(i):
            now = self.sites[d]
            for k in HTTPS:
                assert k in OURS or now.get(k) == HTTPS[k], (k, now)
            assert now["Switch"] == ("on" if d in self.bound else "off")
            ids.add(self.bound.get(d))
        assert len(ids) == 1, ids
        u = self.upload(ids.pop())
        return u and u.cert

    def authenticate(self, req):
        scope = (req.headers.get("Authorization") or "").split("/")
        self.SERVICE = scope[2] if len(scope) > 3 else "none"
        self.VERSION = self.VERSIONS.get(self.SERVICE)
        super().authenticate(req)
        self.check_scope(req)

    def check_scope(self, req):
        self.check(("Domain" in req.headers["X-TC-Action"])
                   == (self.SERVICE == "cdn"), "another service's action")

    def status(self, d):
        return "processing" if self.looks[d] > 0 else "online"

    def do_DescribeDomainsConfig(self, a):
        self.check(a["Limit"] >= 1 and a["Offset"] == 0, "%s", a)
        d = a["Filters"][0]["Value"][0]
        self.check(a["Filters"] == [{"Name": "domain", "Value": [d]}],
                   "Filters")
        if d not in self.sites:
            return {"Domains": [], "TotalNumber": 0}
        out = {"Domain": d, "Product": "cdn", "Status": self.status(d),
               "Https": copy.deepcopy(self.sites[d])}
        if self.looks[d] > 0:
            out["Https"]["SslStatus"] = "deploying"
            self.looks[d] -= 1
        return {"Domains": [out], "TotalNumber": 1}

    def do_UpdateDomainConfig(self, a):
        d, https = a["Domain"], a["Https"]
        self.check(set(a) == {"Domain", "Https"}, "%s", a)
        if d not in self.sites:
            self.fail_with("ResourceNotFound.CdnHostNotExists", "no " + d)
        if self.status(d) != "online":
            self.fail_with("ResourceUnavailable.CdnHostIsLocked", "locked")
        self.check("SslStatus" not in https, "SslStatus is not to be sent")
        self.check(None not in https.values(), "null")
        self.check(set(https["CertInfo"]) == {"CertId"}, "CertInfo")
        u = self.upload(https["CertInfo"]["CertId"])
        if u is None:
            self.fail_with("FailedOperation.SslCertNotFound", "not found")
        # What is not there falls to its default: null here.
        new = dict.fromkeys(HTTPS)
        new.update(https, SslStatus="deployed", CertInfo={
            "CertId": u.id, "CertName": u.name, "From": "upload",
            "ExpireTime": "2026-01-02 03:04:05"})
        self.sites[d], self.bound[d] = new, u.id
        self.looks[d] = self.delay


CLOUDS = [Cdn]
