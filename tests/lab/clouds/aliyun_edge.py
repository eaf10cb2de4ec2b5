# SPDX-License-Identifier: MIT
"""Alibaba Cloud's other edges: DCDN, which is CDN under other names."""

from .aliyun import Cdn

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

CLOUDS = [Dcdn]
