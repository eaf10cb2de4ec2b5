# SPDX-License-Identifier: MIT
"""Huawei Cloud: SCM, CDN, ELB, signed as in vendors/huaweicloud.py."""

import copy
import datetime
import re

from ..vendors.base import Answer, reply
from ..vendors.huaweicloud import AK, SK, Huaweicloud
from .base import Cloud, Upload, leaf, names, sha1, sha256


class Huawei(Cloud):
    CREDENTIALS = "huaweicloud"
    SECRETS = ("secret_access_key",)
    BINDS = False
    DENIED = "Policy doesn't allow"
    PAGE = 2

    throttle, clock_error = Huaweicloud.throttle, Huaweicloud.clock_error
    gateway, authenticate = Huaweicloud.gateway, Huaweicloud.authenticate

    def keys(self):
        return {"access_key_id": AK, "secret_access_key": SK}

    def target(self, i=0):
        return {"base_url": self.url}

    def is_write(self, req):
        return req.method != "GET"

    def fail_with(self, status, code, message):
        raise Answer(status, {"error_code": code, "error_msg": message})

    def handle(self, req):
        self.authenticate(req)
        if self.denied:
            self.fail_with(403, "PAP5.0011", "Policy doesn't allow this to "
                           "be performed.")
        for method, path, call in self.ROUTES:
            m = re.fullmatch(path, "/" + "/".join(req.parts()))
            if m and method == req.method:
                return getattr(self, call)(req, *m.groups())
        return reply(404, {"error_code": "APIGW.0101", "error_msg":
                           "The API does not exist"})


class Scm(Huawei):
    PRODUCT = "huawei-scm"
    ROUTES = [("GET", "/v3/scm/certificates", "find"),
              ("POST", "/v3/scm/certificates/import", "take"),
              ("GET", "/v3/scm/certificates/([^/]+)", "show"),
              ("DELETE", "/v3/scm/certificates/([^/]+)", "delete")]

    def new_id(self):
        self.serial += 1
        return "scs%013d" % self.serial

    def served(self, i=0):
        """What is in the store last, as nothing is bound to it."""
        return self.uploads[-1].cert if self.uploads else None

    def find(self, req):
        self.check(req.arg("limit") in ("10", "20", "50"), "limit")
        self.check(req.arg("status") == "UPLOAD", "status")
        at, found = int(req.arg("offset")), self.uploads[::-1]
        # In China's time zone; the common name is no name at all.
        return reply(200, {"total_count": len(found), "certificates": [
            {"id": u.id, "name": u.name, "domain": "", "status": "UPLOAD",
             "sans": ";".join(names(u.cert)), "deploy_support": True,
             "expire_time": (leaf(u.cert).not_valid_after
                             + datetime.timedelta(hours=8)).strftime(
                                 "%Y-%m-%d %H:%M:%S.0")}
            for u in found[at:at + self.PAGE]]})

    def show(self, req, id):
        u = self.upload(id)
        if u is None:
            self.fail_with(404, "SCM.0015", "The certificate is not found.")
        print_ = sha1(u.cert).upper()
        return reply(200, {"id": u.id, "name": u.name, "status": "UPLOAD",
                           "fingerprint": ":".join(
                               print_[i:i + 2] for i in range(0, 40, 2))})

    def take(self, req):
        a = req.json()
        cert, chain, key = (a[k] for k in (
            "certificate", "certificate_chain", "private_key"))
        self.check(re.fullmatch(r"[A-Za-z0-9_.-]{3,63}", a["name"]),
                   "name %s", a["name"])
        self.check(len(cert) <= 4096 and len(key) <= 4096
                   and len(chain) <= 8192, "too long")
        self.check(cert.count("BEGIN") == 1, "a chain in certificate")
        if any(sha256(u.cert) == sha256(cert) for u in self.uploads):
            self.check(a["duplicate_check"] is True, "twice")
            self.fail_with(400, "SCM.0078", "The certificate already exists.")
        if len(self.uploads) >= self.quota:
            self.fail_with(400, "SCM.0064", "The quota of uploaded "
                           "certificates is exceeded.")
        if not self.check_pem(cert, key):
            self.fail_with(400, "SCM.0114", "The certificate and the private "
                           "key do not match.")
        u = Upload(self.new_id(), a["name"], cert, key)
        self.uploads.append(u)
        return reply(200, {"certificate_id": u.id})

    def delete(self, req, id):
        u = self.upload(id)
        if u is None:
            self.fail_with(404, "SCM.0015", "The certificate is not found.")
        self.check(not u.name.startswith("theirs"), "removes theirs")
        if id in self.held:
            self.fail_with(400, "SCM.0085", "The certificate has been "
                           "deployed.")
        self.uploads.remove(u)
        return reply(204)


# What is not ours in the group "https" of a domain.
SETTINGS = {"http2_status": "on", "tls_version": "TLSv1.2,TLSv1.3",
            "ocsp_stapling_status": "on"}
DEFAULTS = {"http2_status": "off", "tls_version": "TLSv1.1,TLSv1.2,TLSv1.3",
            "ocsp_stapling_status": "off"}


class InDomains(Huawei):
    """No store: each domain has certificate and key in itself."""

    IN_PLACE = True
    SHARED = False

    def __init__(self):
        super().__init__()
        self.bound = {d: None for i in range(2) for d in self.domains(i)}
        self.shown, self.looks = dict(self.bound), {}

    def domains(self, i):
        return ["a%d.example.test" % i, "b%d.example.test" % i]

    def target(self, i=0):
        return {"base_url": self.url, "domains": self.domains(i)}

    def ours(self):
        return sorted({sha256(u.cert) for u in self.bound.values() if u})

    def served(self, i=0):
        got = {self.bound[d] and self.bound[d].cert for d in self.domains(i)}
        assert len(got) == 1, got
        return got.pop()

    def bind(self, d, name, cert, key):
        self.bound[d] = Upload(d, name, cert, key)
        self.looks[d] = self.delay

    def look(self, d):
        """What is shown of it; time goes by from look to look."""
        if self.looks.get(d, 0) > 0:
            self.looks[d] -= 1
        else:
            self.shown[d] = self.bound[d]
        return self.shown[d]


class Cdn(InDomains):
    PRODUCT = "huawei-cdn"
    ROUTES = [
        ("GET", "/v1.1/cdn/configuration/domains/([^/]+)/configs", "show"),
        ("PUT", "/v1.1/cdn/configuration/domains/([^/]+)/configs", "change"),
        ("GET", "/v1.0/cdn/domains", "find")]

    def __init__(self):
        super().__init__()
        self.https = {d: dict(SETTINGS) for d in self.bound}
        self.pkcs8 = 0          # keys that were refused

    def served(self, i=0):
        for d in self.domains(i):
            assert self.https[d] == SETTINGS, self.https[d]
        return super().served(i)

    def fail_with(self, status, code, message):
        raise Answer(status, {"error": {"error_code": code,
                                        "error_msg": message}})

    def site(self, d):
        if d not in self.bound:
            self.fail_with(400, "CDN.0101", "The domain name does not exist.")

    def show(self, req, d):
        self.site(d)
        u = self.bound[d]
        return reply(200, {"configs": {
            "business_type": "web", "https": dict(
                self.https[d], https_status="on" if u else "off",
                certificate_type="server", certificate_source=0,
                certificate_name=u and u.name,
                certificate_value=u and u.cert, scm_certificate_id=None,
                expire_time=1767323045000, certificates=[])}})

    def find(self, req):
        d = req.arg("domain_name")
        found = [n for n in self.bound if d in n]
        return reply(200, {"total": len(found), "domains": [
            {"domain_name": n, "domain_status": self.status(n)}
            for n in found]})

    def status(self, d):
        self.look(d)
        return "online" if self.looks.get(d, 0) == 0 else "configuring"

    def change(self, req, d):
        self.site(d)
        a = req.json()["configs"]
        self.check(set(a) == {"https"}, "%s", list(a))
        a = a["https"]
        # What is left out falls to its default.
        settings = {k: a.pop(k, DEFAULTS[k]) for k in DEFAULTS}
        self.check(sorted(a) == ["certificate_name", "certificate_source",
                                 "certificate_type", "certificate_value",
                                 "https_status", "private_key"],
                   "%s", sorted(a))
        self.check(a["https_status"] == "on" and a["certificate_source"] == 0
                   and a["certificate_type"] == "server", "%s", a)
        self.check(3 <= len(a["certificate_name"]) <= 64, "its name")
        if self.looks.get(d, 0) > 0:
            self.fail_with(400, "CDN.0103", "The domain is configuring.")
        if "BEGIN PRIVATE KEY" in a["private_key"]:
            self.pkcs8 += 1
            self.fail_with(400, "CDN.0171", "The format of the private key "
                           "is wrong.")
        if not self.check_pem(a["certificate_value"], a["private_key"]):
            self.fail_with(400, "CDN.0172", "The key does not match.")
        self.https[d] = settings
        self.bind(d, a["certificate_name"], a["certificate_value"],
                  a["private_key"])
        return reply(200, {"configs": {"https": {}}})


class Elb(Huawei):
    PRODUCT = "huawei-elb"
    IN_PLACE = True
    REGION, PROJECT = "cn-north-4", "0123456789abcdef" * 2
    WRONG_REGION = {"region": "cn-south-1"}, "no project of region cn-south-1"
    BASE = "/v3/%s/elb/" % PROJECT
    ROUTES = [("GET", "/v3/projects", "projects"),
              ("GET", BASE + "certificates", "find"),
              ("POST", BASE + "certificates", "create"),
              ("GET", BASE + "certificates/([^/]+)", "show"),
              ("PUT", BASE + "certificates/([^/]+)", "change"),
              ("GET", BASE + "listeners/([^/]+)", "show_listener"),
              ("PUT", BASE + "listeners/([^/]+)", "change_listener")]

    def __init__(self):
        super().__init__()
        self.listeners = {"l%d" % i: {
            "id": "l%d" % i, "protocol": ["HTTPS", "TLS"][i],
            "default_tls_container_ref": "somebody",
            "sni_container_refs": ["other1", "other2"],
            "http2_enable": True} for i in range(2)}
        self.busy = False

    def target(self, i=0):
        return dict({"base_url": self.url, "region": self.REGION,
                     "listeners": ["l%d" % i]}, **({"sni": True} if i else {}))

    def served(self, i=0):
        now = self.listeners["l%d" % i]
        if i == 0:
            assert now["sni_container_refs"] == ["other1", "other2"]
            u = self.upload(now["default_tls_container_ref"])
        else:
            assert now["default_tls_container_ref"] == "somebody"
            assert now["sni_container_refs"][:2] == ["other1", "other2"]
            assert len(now["sni_container_refs"]) == 3
            u = self.upload(now["sni_container_refs"][2])
        return u and u.cert

    def new_id(self):
        return "c%031d" % int(super().new_id())

    def projects(self, req):
        found = [p for p in [self.REGION] if p == req.arg("name")]
        return reply(200, {"projects": [
            {"id": self.PROJECT, "name": p, "enabled": True} for p in found]})

    def body_of(self, u):
        return {"id": u.id, "name": u.name, "certificate": u.cert,
                "private_key": "******", "type": "server", "common_name": "",
                "domain": getattr(u, "domain", ""),
                "fingerprint": sha256(u.cert)}

    def find(self, req):
        self.check(req.arg("type") == "server", "type")
        prints = [v for k, v in req.query if k == "fingerprint"]
        found = [u for u in self.uploads if not prints
                 or sha256(u.cert) in prints]
        ids = [u.id for u in found]
        at = ids.index(req.arg("marker")) + 1 if req.arg("marker") else 0
        page = found[at:at + self.PAGE]
        info = {"current_count": len(page)}
        if at + self.PAGE < len(found):
            info["next_marker"] = page[-1].id
        return reply(200, {"certificates": [self.body_of(u) for u in page],
                           "page_info": info})

    def get(self, id):
        u = self.upload(id)
        if u is None:
            self.fail_with(404, "ELB.8904", "certificate %s not found" % id)
        return u

    def show(self, req, id):
        return reply(200, {"certificate": self.body_of(self.get(id))})

    def pair(self, a):
        self.check(self.check_pem(a["certificate"], a["private_key"]),
                   "no pair")

    def create(self, req):
        a = req.json()["certificate"]
        self.pair(a)
        self.check(a["type"] == "server", "type")
        if len(self.uploads) >= self.quota:
            self.fail_with(409, "ELB.8905", "quota of certificates")
        u = Upload(self.new_id(), a["name"], a["certificate"],
                   a["private_key"])
        u.domain = a["domain"]
        self.check(u.domain.split(",") == names(u.cert), "domain")
        self.uploads.append(u)
        return reply(201, {"certificate": self.body_of(u)})

    def change(self, req, id):
        u, a = self.get(id), req.json()["certificate"]
        if self.delay and not self.busy:
            self.busy = True
            self.fail_with(409, "ELB.8907", "a listener is being changed")
        self.pair(a)
        self.check(not u.name.startswith("theirs"), "replaces theirs")
        self.check(sorted(a) == ["certificate", "domain", "private_key"],
                   "%s", sorted(a))
        u.cert, u.key, u.domain = (a["certificate"], a["private_key"],
                                   a["domain"])
        return reply(200, {"certificate": self.body_of(u)})

    def show_listener(self, req, id):
        if id not in self.listeners:
            self.fail_with(404, "ELB.8904", "listener %s not found" % id)
        return reply(200, {"listener": copy.deepcopy(self.listeners[id])})

    def change_listener(self, req, id):
        now, a = self.listeners[id], req.json()["listener"]
        self.check(set(a) <= {"default_tls_container_ref",
                              "sni_container_refs"}, "%s", a)
        if now["protocol"] == "HTTPS" and not a.get(
                "default_tls_container_ref"):
            self.fail_with(400, "ELB.8902", "default_tls_container_ref")
        now.update(a)
        return reply(200, {"listener": copy.deepcopy(now)})


CLOUDS = [Scm, Cdn, Elb]
