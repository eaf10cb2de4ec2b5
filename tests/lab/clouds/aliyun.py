# SPDX-License-Identifier: MIT
"""Alibaba Cloud: CAS, CDN; ACS3 as in vendors/alidns.py."""

import base64
import hashlib
import hmac
import xml.etree.ElementTree as ET

from ..vendors.alidns import ID, SECRET, Alidns
from ..vendors.base import Answer, reply
from .base import Cloud, Upload, names, serial, sha1, sha256

VERSIONS = {"2020-04-07": "cas", "2018-05-10": "cdn", "2018-01-15": "dcdn",
            "2024-09-10": "esa", "2014-05-15": "slb", "2020-06-16": "alb",
            "2022-04-30": "nlb", "2021-10-01": "waf"}


class Cas(Cloud):
    PRODUCT = "aliyun-cas"
    CREDENTIALS = "aliyun"
    SECRETS = ("access_key_secret",)
    BINDS = False
    DENIED = "not authorized"
    PAGE = 2

    error, fail_with = Alidns.error, Alidns.fail_with
    throttle, server_error = Alidns.throttle, Alidns.server_error
    clock_error = Alidns.clock_error
    authenticate, keys_of = Alidns.authenticate, Alidns.keys_of

    def __init__(self):
        super().__init__()
        self.nonces = set()

    def keys(self):
        return {"access_key_id": ID, "access_key_secret": SECRET}

    def options(self):
        return {}

    bad_options = options

    def target(self, i=0):
        return {"base_url": self.url}

    def is_write(self, req):
        return not req.headers["x-acs-action"].startswith(
            ("Describe", "List", "Get"))

    def served(self, i=0):
        """What is in the store last, as nothing is bound to it."""
        return self.uploads[-1].cert if self.uploads else None

    def handle(self, req):
        self.authenticate(req)
        self.check(req.path == "/" and req.method == "POST", "%r", req)
        self.check(not (req.query and req.body), "query and body")
        service = VERSIONS.get(req.headers["x-acs-version"])
        action = req.headers["x-acs-action"]
        call = getattr(self, "%s_%s" % (service, action), None)
        if call is None:
            return self.error(404, "InvalidAction.NotFound", action)
        if self.denied:
            return self.error(403, "Forbidden.RAM", "User not authorized to "
                              "operate on the specified resource.")
        return reply(200, dict(call(req.form() if req.body else dict(req.query)) or
                               {}, RequestId="8D3A"))

    # --- CAS ---

    def cas_ListUserCertificateOrder(self, a):
        self.check(a["OrderType"] == "UPLOAD", "OrderType")
        found = [u for u in self.uploads
                 if any(a.get("Keyword", "") in n for n in names(u.cert))]
        page, size = int(a["CurrentPage"]), int(a["ShowSize"])
        self.check(size <= 50, "ShowSize")
        # Each page has as many as it wants, but those asked for are told.
        part = found[(page - 1) * size:page * size]
        return {"TotalCount": len(found), "CurrentPage": page,
                "ShowSize": size, "CertificateOrderList": [
                    {"CertificateId": u.id, "Name": u.name, "Upload": True,
                     "CommonName": "", "Sans": ",".join(names(u.cert)),
                     "SerialNo": serial(u.cert).upper(),
                     "Sha2": sha256(u.cert).upper(),
                     "Fingerprint": sha1(u.cert).upper(),
                     "Expired": False} for u in part]}

    def cas_UploadUserCertificate(self, a):
        self.check(len(a["Name"]) <= 64, "Name")
        if any(u.name == a["Name"] for u in self.uploads):
            self.fail_with(400, "NameRepeat", "The name already exists.")
        if len(self.uploads) >= self.quota:
            self.fail_with(400, "QuotaExceeded", "The quota of uploaded "
                           "certificates is exceeded.")
        if not self.check_pem(a["Cert"], a["Key"]):
            self.fail_with(400, "InvalidParameter", "The certificate and "
                           "the key do not match.")
        u = Upload(int(self.new_id()), a["Name"], a["Cert"], a["Key"])
        self.uploads.append(u)
        return {"CertId": u.id, "ResourceId": "cas-upload-%d" % u.id}

    def in_use(self, id):
        return str(id) in self.held

    def cas_DeleteUserCertificate(self, a):
        u = self.upload(a["CertId"])
        if u is None:
            self.fail_with(404, "NotFound", "The certificate is not found.")
        self.check(not u.name.startswith("theirs"), "removes theirs")
        if self.in_use(u.id):
            self.fail_with(400, "CertificateInUse", "The certificate is "
                           "deployed to a cloud product.")
        self.uploads.remove(u)


class Cdn(Cas):
    PRODUCT = "aliyun-cdn"
    BINDS = True
    MORE_BINDS = 1

    def __init__(self):
        super().__init__()
        # Domain: id of what is bound; what is shown until then.
        self.bound, self.shown, self.looks = {}, {}, {}
        for i in range(2):
            for d in self.domains(i):
                self.bound[d] = self.shown[d] = None

    def domains(self, i):
        return ["a%d.example.test" % i, ".w%d.example.test" % i]

    def target(self, i=0):
        return {"base_url": self.url, "domains": self.domains(i)}

    def served(self, i=0):
        got = {self.bound[d] for d in self.domains(i)}
        assert len(got) == 1, got
        u = self.upload(got.pop())
        return u and u.cert

    def in_use(self, id):
        return str(id) in self.held or str(id) in map(
            str, self.bound.values())

    def cdn_domain(self, a):
        if a["DomainName"] not in self.bound:
            self.fail_with(400, "InvalidDomain.NotFound", "The domain name "
                           "provided does not belong to you.")
        return a["DomainName"]

    def cdn_DescribeDomainCertificateInfo(self, a):
        d = self.cdn_domain(a)
        if self.looks.get(d, 0) > 0:
            self.looks[d] -= 1
        else:
            self.shown[d] = self.bound[d]
        u = self.upload(self.shown[d])
        if u is None:
            return {"CertInfos": {"CertInfo": [
                {"CertDomainName": d, "ServerCertificateStatus": "off"}]}}
        return {"CertInfos": {"CertInfo": [
            {"DomainName": d, "CertType": "cas", "CertId": str(u.id),
             "CertName": u.name, "CertRegion": "cn-hangzhou",
             "ServerCertificateStatus": "on", "Status": "success",
             "ServerCertificate": u.cert}]}}

    def cdn_SetCdnDomainSSLCertificate(self, a):
        d = self.cdn_domain(a)
        self.check(a["CertType"] == "cas" and a["SSLProtocol"] == "on"
                   and a["CertRegion"] == "cn-hangzhou", "%s", a)
        if self.upload(a["CertId"]) is None:
            self.fail_with(400, "InvalidCertId.NotFound", "No certificate.")
        self.bound[d] = self.upload(a["CertId"]).id
        self.looks[d] = self.delay


class Oss(Cdn):
    """Domains of a bucket; the signature OSS4 has the bucket in its path."""

    PRODUCT = "aliyun-oss"
    BUCKET, REGION = "static", "cn-hangzhou"
    WRONG_REGION = ({"region": "cn-beijing"}, "must be addressed using the "
                    "specified endpoint")

    def domains(self, i):
        return ["a%d.example.test" % i, "b%d.example.test" % i]

    def target(self, i=0):
        return {"base_url": self.url, "domains": self.domains(i),
                "region": self.REGION, "bucket": self.BUCKET}

    def is_write(self, req):
        return req.method == "POST" if "x-acs-action" not in req.headers \
            else super().is_write(req)

    def throttle(self):
        return reply(503, "<Error><Code>QpsLimitExceeded</Code><Message>slow "
                     "down</Message></Error>")

    def xml_error(self, status, code, message):
        raise Answer(status, "<Error><Code>%s</Code><Message>%s</Message>"
                     "<RequestId>1</RequestId></Error>" % (code, message))

    def authenticate_oss(self, req):
        stamp = req.headers["x-oss-date"]
        if "/%s/oss/" % self.REGION not in req.headers["Authorization"]:
            self.xml_error(403, "AccessDenied", "The bucket you are "
                           "attempting to access must be addressed using the "
                           "specified endpoint.")
        scope = "%s/%s/oss/aliyun_v4_request" % (stamp[:8], self.REGION)
        headers = sorted(
            (k.lower(), v.strip()) for k, v in req.headers.items()
            if k.lower() in ("content-type", "content-md5")
            or k.lower().startswith("x-oss-"))
        query = "&".join(sorted(k + ("=" + v if v else "")
                                for k, v in req.query))
        request = "\n".join([
            req.method, "/%s/" % self.BUCKET, query,
            "".join("%s:%s\n" % h for h in headers), "",
            "UNSIGNED-PAYLOAD"])
        text = "\n".join(["OSS4-HMAC-SHA256", stamp, scope, hashlib.sha256(
            request.encode()).hexdigest()])
        key = ("aliyun_v4" + SECRET).encode()
        for part in scope.split("/") + [text]:
            key = hmac.new(key, part.encode(), "sha256").digest()
        if req.headers["Authorization"] != "OSS4-HMAC-SHA256 Credential=%s/" \
                "%s,Signature=%s" % (ID, scope, key.hex()):
            self.xml_error(403, "SignatureDoesNotMatch", "wrong: " + request)

    def handle(self, req):
        if "x-acs-action" in req.headers:
            return super().handle(req)
        self.authenticate_oss(req)
        self.check(req.path == "/", "%r", req)
        if self.denied:
            self.xml_error(403, "AccessDenied", "User not authorized to "
                           "operate on this bucket: not authorized.")
        if req.method == "GET":
            self.check(req.raw_query == "cname", req.raw_query)
            return reply(200, '<?xml version="1.0"?><ListCnameResult><Bucket>'
                         "static</Bucket>%s</ListCnameResult>" % "".join(
                             map(self.cname, self.bound)))
        self.check(req.raw_query == "cname&comp=add", req.raw_query)
        self.check(req.headers["Content-MD5"] == base64.b64encode(
            hashlib.md5(req.body).digest()).decode(), "Content-MD5")
        c = ET.fromstring(req.body).find("Cname")
        d, conf = c.find("Domain").text, c.find("CertificateConfiguration")
        id = conf.find("CertId").text
        self.check(conf.find("Force").text == "true", "Force")
        self.check(id.endswith("-cn-hangzhou"), "CertId %s", id)
        if d not in self.bound:
            self.xml_error(403, "NeedVerifyDomainOwnership", d)
        u = self.upload(id.split("-")[0])
        if u is None:
            self.xml_error(400, "InvalidCertId", id)
        self.bound[d] = u.id
        self.looks[d] = self.delay
        return reply(200, "")

    def cname(self, d):
        if self.looks.get(d, 0) > 0:
            self.looks[d] -= 1
        else:
            self.shown[d] = self.bound[d]
        u = self.upload(self.shown[d])
        print_ = u and sha1(u.cert).upper()
        return "<Cname><Domain>%s</Domain><Status>Enabled</Status>%s</Cname>" \
            % (d, u and "<Certificate><Type>CAS</Type><CertId>%s-cn-hangzhou"
               "</CertId><Fingerprint>%s</Fingerprint></Certificate>" % (
                   u.id, ":".join(print_[i:i + 2] for i in range(0, 40, 2)))
               or "")


CLOUDS = [Cas, Cdn, Oss]
