# SPDX-License-Identifier: MIT
"""Alibaba Cloud's other edges: DCDN, which is CDN under other names, and ESA,
whose sites have certificates of their own."""

from .aliyun import Cas, Cdn
from .base import Upload, serial, sha256

NAMES = {"ServerCertificateStatus": "SSLProtocol",
         "ServerCertificate": "SSLPub"}


class Dcdn(Cdn):
    PRODUCT = "aliyun-dcdn"

    def dcdn_DescribeDcdnDomainCertificateInfo(self, a):
        info = self.cdn_DescribeDomainCertificateInfo(a)["CertInfos"]
        return {"CertInfos": {"CertInfo": [
            {NAMES.get(k, k): v for k, v in i.items()}
            for i in info["CertInfo"]]}}

    def dcdn_SetDcdnDomainSSLCertificate(self, a):
        self.cdn_SetCdnDomainSSLCertificate(a)

    def throttle(self):
        return self.error(400, "FlowControlError", "The request is throttled.")

class Esa(Cas):
    PRODUCT = "aliyun-esa"
    IN_PLACE = True
    SITE = "123456789012345678"
    WRONG_REGION = {"site_id": "4711"}, "no such site"

    def target(self, i=0):
        return {"base_url": self.url, "site_id": self.SITE}

    def new_id(self):
        return "babae7c4%s" % super().new_id()

    def served(self, i=0):
        ours = [u for u in self.uploads if not u.name.startswith("theirs")]
        assert len(ours) < 2
        return ours[0].cert if ours else None

    def site(self, a):
        if a["SiteId"] != self.SITE:
            self.fail_with(400, "InvalidParameter.SiteId", "no such site")

    def esa_ListCertificates(self, a):
        self.site(a)
        # No more than it wants to show, whatever was asked for.
        n, size = int(a["PageNumber"]), min(int(a["PageSize"]), self.PAGE)
        return {"Result": [
            {"Id": u.id, "Name": u.name, "Type": "upload",
             "SerialNumber": serial(u.cert), "Status": "OK",
             "FingerprintSha256": sha256(u.cert)}
            for u in self.uploads[(n - 1) * size:n * size]]}

    def esa_SetCertificate(self, a):
        self.site(a)
        self.check(a["Type"] == "upload" and "SiteId" in a, "%s", list(a))
        if not self.check_pem(a["Certificate"], a["PrivateKey"]):
            self.fail_with(400, "InvalidParameter.Certificate", "no pair")
        if any(sha256(u.cert) == sha256(a["Certificate"])
               for u in self.uploads):
            self.fail_with(400, "Certificate.Duplicated", "It is there.")
        if "Id" not in a:
            if len(self.uploads) >= self.quota:
                self.fail_with(400, "CertQuotaCheckFailed", "The quota of "
                               "custom certificates is used up.")
            self.uploads.append(Upload(self.new_id(), a["Name"],
                                       a["Certificate"], a["PrivateKey"]))
            return {"Id": self.uploads[-1].id}
        u = self.upload(a["Id"])
        if u is None:
            self.fail_with(404, "Certificate.NotFound", "no such Id")
        self.check(not u.name.startswith("theirs"), "replaces theirs")
        u.name, u.cert, u.key = a["Name"], a["Certificate"], a["PrivateKey"]
        return {"Id": u.id}


CLOUDS = [Dcdn, Esa]
