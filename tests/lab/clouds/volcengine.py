# SPDX-License-Identifier: MIT
"""Volcano Engine: the certificate centre, CDN and load balancers; signatures as
in vendors/volcengine.py."""

import hashlib

from ..vendors.base import Answer, reply
from ..vendors.volcengine import ID, SECRET, V4, Volcengine
from .base import Cloud, Upload, is_pair, names, sha256

# Service: its version, and the region of its signature.
SERVICES = {"certificate_service": ("2024-10-01", "cn-beijing"),
            "cdn": ("2021-03-01", "cn-north-1"),
            "alb": ("2020-04-01", "cn-guangzhou"),
            "clb": ("2020-04-01", "cn-guangzhou")}


class Cert(Cloud):
    PRODUCT = "volcengine-cert"
    CREDENTIALS = "volcengine"
    SECRETS = ("secret_key",)
    BINDS = False
    DENIED = "not authorized"
    PAGE = 1
    ALGORITHM, PREFIX, TERMINATOR = "HMAC-SHA256", "", "request"
    DATE, SIGNED = Volcengine.DATE, Volcengine.SIGNED
    ID, SECRET = ID, SECRET

    error = Volcengine.error
    throttle, server_error = Volcengine.throttle, Volcengine.server_error
    signature_is_good = V4.signature_is_good

    def keys(self):
        return {"access_key": ID, "secret_key": SECRET}

    def target(self, i=0):
        return {"base_url": self.url}

    def is_write(self, req):
        return not (req.arg("Action") or "").startswith(
            ("Describe", "List", "CertificateGet"))

    def new_id(self):
        return "cert-" + super().new_id()[-8:]

    def served(self, i=0):
        """What is in the store last, as nothing is bound to it."""
        return self.uploads[-1].cert if self.uploads else None

    def fail_with(self, status, code, message):
        raise Answer(status, self.error(status, code, 100000, message)[2],
                     {"Content-Type": "application/json"})

    def handle(self, req):
        scope = (req.headers.get("Authorization") or "").split("/")
        self.SERVICE = scope[3] if len(scope) > 4 else "none"
        version, self.REGION = SERVICES.get(self.SERVICE, ("", "none"))
        self.check(req.headers.get("X-Content-Sha256")
                   == hashlib.sha256(req.body).hexdigest(), "hash")
        self.check(req.arg("Version") == version and req.path == "/", "%r",
                   req)
        if self.wrong_region(scope[2]):
            self.fail_with(404, "InvalidListener.NotFound",
                           "The specified ListenerId is not found.")
        if not self.signature_is_good(req):
            return self.error(401, "SignatureDoesNotMatch", 100010,
                              "The request signature does not match.")
        action = req.arg("Action")
        if self.denied:
            return self.error(403, "AccessDenied", 100013, "User is not "
                              "authorized to perform: " + action)
        is_get = self.SERVICE in ("alb", "clb")
        self.check(req.method == ("GET" if is_get else "POST"), "method")
        call = getattr(self, "%s_%s" % (self.SERVICE, action))
        args = dict(req.query) if is_get else req.json()
        return reply(200, {"ResponseMetadata": {"RequestId": "2026"},
                           "Result": call(args)})

    def wrong_region(self, region):
        return False

    # --- the certificate centre ---

    def certificate_service_CertificateGetInstanceList(self, a):
        found = [u for u in self.uploads if a.get("Tag", "") in u.name]
        page, size = a["PageNumber"], a["PageSize"]
        part = found[(page - 1) * size:page * size]
        return {"TotalCount": len(found), "PageNumber": page,
                "PageSize": size, "Instances": [
                    {"InstanceId": u.id, "Tag": u.name, "CommonName": "",
                     "San": names(u.cert), "Status": "Issued"}
                    for u in part]}

    def certificate_service_ImportCertificate(self, a):
        info = a["CertificateInfo"]
        cert, key = info["CertificateChain"], info["PrivateKey"]
        self.check(a["Repeatable"] is False, "Repeatable")
        for u in self.uploads:
            if sha256(u.cert) == sha256(cert):
                return {"InstanceId": "", "RepeatId": u.id}
        if not self.check_pem(cert, key) or not is_pair(cert, key):
            self.fail_with(400, "InvalidParameter", "The private key does "
                           "not match the certificate.")
        if len(self.uploads) >= self.quota:
            self.fail_with(400, "QuotaExceeded", "The quota of certificates "
                           "is used up.")
        u = Upload(self.new_id(), a["Tag"], cert, key)
        self.uploads.append(u)
        return {"InstanceId": u.id, "RepeatId": ""}

    def in_use(self, id):
        return id in self.held

    def certificate_service_CertificateDeleteInstance(self, a):
        u = self.upload(a["InstanceId"])
        if u is None:
            self.fail_with(404, "InstanceNotFound", "not found")
        self.check(not u.name.startswith("theirs"), "removes theirs")
        if self.in_use(u.id):
            self.fail_with(400, "CertificateInUse", "It is deployed.")
        self.uploads.remove(u)


class Cdn(Cert):
    PRODUCT = "volcengine-cdn"
    BINDS = True

    def __init__(self):
        super().__init__()
        self.bound = {d: None for i in range(2) for d in self.domains(i)}
        self.looks = dict.fromkeys(self.bound, 0)

    def domains(self, i):
        return ["a%d.example.test" % i, "b%d.example.test" % i]

    def target(self, i=0):
        return {"base_url": self.url, "domains": self.domains(i)}

    def served(self, i=0):
        ids = {self.bound[d] for d in self.domains(i)}
        assert len(ids) == 1, ids
        u = self.upload(ids.pop())
        return u and u.cert

    def in_use(self, id):
        return id in self.held or id in self.bound.values()

    def look(self, d):
        if self.looks[d] > 0:
            self.looks[d] -= 1
            return "configuring"
        return "online"

    def cdn_DescribeCertConfig(self, a):
        if self.upload(a["CertId"]) is None:
            self.fail_with(400, "NotFound.Certificate", "no certificate")
        mine = [d for d in self.bound if self.bound[d] == a["CertId"]]
        out = {"CertNotConfig": [{"Domain": d} for d in self.bound
                                 if self.bound[d] is None]}
        if mine:
            out["SpecifiedCertConfig"] = [
                {"Domain": d, "Status": self.look(d)} for d in mine]
        return out

    def cdn_BatchDeployCert(self, a):
        out = []
        for d in a["Domain"].split(","):
            ok = d in self.bound and self.upload(a["CertId"]) is not None
            if ok:
                self.bound[d], self.looks[d] = a["CertId"], self.delay
            out.append({"Domain": d, "Status": "success" if ok else "fail",
                        "ErrorMsg": "" if ok else "no such domain"})
        return {"DeployResult": out}


class Lb(Cdn):
    """A listener whose extensions have certificates, of which others are of
    the balancer's own store."""

    LISTENER = "lsn-274fbj6tmltc07fap8tqi7jci"
    WRONG_REGION = ({"region": "cn-shanghai"}, "ListenerId is not found")

    def target(self, i=0):
        return dict(super().target(i), region="cn-guangzhou",
                    listener_id=self.LISTENER)

    def wrong_region(self, region):
        return self.SERVICE in ("alb", "clb") and region != self.REGION

    def describe(self, a):
        self.check(a["ListenerId"] == self.LISTENER, "%s", a)
        return {"ListenerId": self.LISTENER, "Protocol": "HTTPS",
                "Status": "Active" if all(
                    self.look(d) == "online" for d in self.bound)
                else "Configuring", "CertificateSource": "clb",
                "CertificateId": "cert-own", "DomainExtensions": [
                    {"DomainExtensionId": "de-" + d, "Domain": d,
                     "CertificateSource":
                         "cert_center" if self.bound[d] else "clb",
                     "CertCenterCertificateId": self.bound[d] or ""}
                    for d in self.bound]}

    def modify(self, a, name, more):
        """LIST.1.MEMBER=..., LIST.2.MEMBER=..."""
        rows = {}
        for k, v in a.items():
            if k.startswith(name + "."):
                rows.setdefault(k.split(".")[1], {})[k.split(".")[2]] = v
        self.check(sorted(rows) == [str(i + 1) for i in range(len(rows))],
                   "%s", a)
        for r in rows.values():
            id, d = r["CertCenterCertificateId"], r["DomainExtensionId"][3:]
            self.check(r == dict({
                "DomainExtensionId": "de-" + d, "CertificateSource":
                "cert_center", "CertCenterCertificateId": id}, **more(d)),
                "%s", r)
            if self.upload(id) is None:
                self.fail_with(400, "InvalidCertificate.NotFound", id)
            self.bound[d], self.looks[d] = id, self.delay


class Alb(Lb):
    PRODUCT = "volcengine-alb"
    alb_DescribeListenerAttributes = Lb.describe

    def alb_ModifyListenerAttributes(self, a):
        self.check("CertCenterCertificateId" not in a, "the listener's own")
        self.modify(a, "DomainExtensions",
                    lambda d: {"Action": "modify", "Domain": d})


class Clb(Lb):
    PRODUCT = "volcengine-clb"
    clb_DescribeListenerAttributes = Lb.describe

    def clb_ModifyListenerDomainExtensions(self, a):
        self.modify(a, "ModifyDomainExtensions", lambda d: {})


class Own(Lb):
    """The listener's own certificate; the extensions stay."""

    PRODUCT = "volcengine-clb"
    TARGETS = 1

    @classmethod
    def label(cls):
        return "volcengine-clb-own"

    def __init__(self):
        super().__init__()
        self.bound = {"own": None}
        self.looks = {"own": 0}

    def target(self, i=0):
        t = super().target(i)
        del t["domains"]
        return t

    def domains(self, i):
        return ["own"]

    def clb_DescribeListenerAttributes(self, a):
        out = dict(self.describe(a), DomainExtensions=[])
        if self.bound["own"]:
            out.update(CertificateSource="cert_center",
                       CertCenterCertificateId=self.bound["own"])
        return out

    def clb_ModifyListenerAttributes(self, a):
        self.check(set(a) == {"Action", "Version", "ListenerId",
                              "CertificateSource", "CertCenterCertificateId"}
                   and a["CertificateSource"] == "cert_center", "%s", a)
        if self.upload(a["CertCenterCertificateId"]) is None:
            self.fail_with(400, "InvalidCertificate.NotFound", "no such")
        self.bound["own"] = a["CertCenterCertificateId"]
        self.looks["own"] = self.delay


CLOUDS = [Cert, Cdn, Alb, Clb, Own]
