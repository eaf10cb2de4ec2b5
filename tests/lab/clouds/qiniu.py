# SPDX-License-Identifier: MIT
"""Qiniu: a store of certificates and domains of the CDN, or of Kodo; the
signature is over the whole request."""

import base64
import calendar
import hmac

from ..vendors.base import Answer, reply
from .base import Cloud, Upload, leaf, names

AK, SK = "qiniuAccessKey-0123456789", "qiniuSecretKey-0123456789abcdef"


def unix(at):
    return calendar.timegm(at.timetuple())


class Qiniu(Cloud):
    PRODUCT = "qiniu"
    CREDENTIALS = "qiniu"
    SECRETS = ("secret_key",)
    MORE_BINDS = 1
    DENIED = "permission denied"
    PAGE = 2

    def __init__(self):
        super().__init__()
        self.sites = {}
        for i in range(2):
            for n, d in enumerate(self.domains(i)):
                # The second one serves HTTPS already.
                self.sites[d] = {"certId": "theirs" if n else "",
                                 "forceHttps": bool(n), "http2Enable": True}
        self.looks = dict.fromkeys(self.sites, 0)

    def keys(self):
        return {"access_key": AK, "secret_key": SK}

    def domains(self, i):
        return ["a%d.example.test" % i, ".w%d.example.test" % i]

    def target(self, i=0):
        return {"base_url": self.url, "domains": self.domains(i)}

    def served(self, i=0):
        got = {self.sites[d]["certId"] for d in self.domains(i)}
        assert len(got) == 1, got
        assert [self.sites[d]["forceHttps"] for d in self.domains(i)] == [
            False, True]
        u = self.upload(got.pop())
        return u and u.cert

    def new_id(self):
        return "5af3%020d" % int(super().new_id())

    def fail_with(self, status, code, message):
        raise Answer(status, {"code": code, "error": message})

    def throttle(self):
        return reply(573, {"error": "request rate limit exceeded"})

    def authenticate(self, req):
        type_ = req.headers["Content-Type"]
        self.check(type_ == ("application/json" if req.body else
                             "application/x-www-form-urlencoded"), type_)
        more = "".join("\n%s: %s" % h for h in sorted(req.headers.items())
                       if h[0].startswith("X-Qiniu-"))
        text = "%s %s\nHost: %s\nContent-Type: %s%s\n\n" % (
            req.method, req.target, req.headers["Host"], type_, more)
        mac = hmac.new(SK.encode(), text.encode() + req.body, "sha1")
        if req.headers["Authorization"] != "Qiniu %s:%s" % (
                AK, base64.urlsafe_b64encode(mac.digest()).decode()):
            self.fail_with(401, 401001, "bad token")

    def handle(self, req):
        self.authenticate(req)
        if self.denied:
            self.fail_with(403, 403001, "permission denied")
        what, *more = req.parts()
        call = getattr(self, "_".join([req.method, what] + more[1:]), None)
        if call is None:
            self.fail_with(404, 404000, "no such API")
        return reply(200, call(req, *more[:1]))

    # --- certificates ---

    def GET_sslcert(self, req):
        at = int(req.arg("marker") or 0)
        self.check(1 <= int(req.arg("limit")) <= 1000, "limit")
        page = self.uploads[at:at + self.PAGE]
        return {"code": 200, "marker": str(at + self.PAGE) if len(
            self.uploads) > at + self.PAGE else "", "certs": [
                {"certid": u.id, "name": u.name, "common_name": "",
                 "dnsnames": sorted(names(u.cert), reverse=True),
                 "not_before": unix(leaf(u.cert).not_valid_before),
                 "not_after": unix(leaf(u.cert).not_valid_after),
                 "encrypt": "ECDSA", "enable": True} for u in page]}

    def POST_sslcert(self, req):
        a = req.json()
        self.check(a["common_name"] in names(a["ca"]), "common_name")
        if len(self.uploads) >= self.quota:
            self.fail_with(400, 400500, "the quota of certificates is used")
        if not self.check_pem(a["ca"], a["pri"]):
            self.fail_with(400, 400607, "the key does not match")
        u = Upload(self.new_id(), a["name"], a["ca"], a["pri"])
        self.uploads.append(u)
        return {"code": 200, "certID": u.id}

    def DELETE_sslcert(self, req, id):
        u = self.upload(id)
        if u is None:
            self.fail_with(404, 404001, "no such certificate")
        self.check(not u.name.startswith("theirs"), "removes theirs")
        if id in self.held or any(s["certId"] == id
                                  for s in self.sites.values()):
            self.fail_with(400, 400321, "the certificate is bound")
        self.uploads.remove(u)
        return {"code": 200}

    # --- domains ---

    def site(self, d):
        if d not in self.sites:
            self.fail_with(404, 404002, "no such domain")
        return self.sites[d]

    def GET_domain(self, req, d):
        https, looks = self.site(d), self.looks[d]
        # Time goes by for all of them.
        self.looks = {k: max(n - 1, 0) for k, n in self.looks.items()}
        return {"name": d, "https": dict(https), "protocol": "https" if https[
            "certId"] else "http", "operatingState":
            "processing" if looks else "success"}

    def change(self, req, d, is_on):
        https, a = self.site(d), req.json()
        if self.looks[d]:
            self.fail_with(400, 400030, "the domain is processing")
        if is_on != bool(https["certId"]):
            self.fail_with(400, 400032, "https is on, or off")
        self.check(set(a) == set(https), "%s", a)
        if self.upload(a["certId"]) is None:
            self.fail_with(404, 404001, "no such certificate")
        self.check(a["forceHttps"] == https["forceHttps"], "forceHttps")
        https.update(a)
        self.looks[d] = self.delay
        return {"code": 200}

    def PUT_domain_httpsconf(self, req, d):
        return self.change(req, d, True)

    def PUT_domain_sslize(self, req, d):
        return self.change(req, d, False)

    def PUT_cert(self, req, bind):
        a = req.json()
        self.check(bind == "bind" and set(a) == {"certid", "domain"}, "%r",
                   req)
        if self.upload(a["certid"]) is None:
            self.fail_with(404, 404001, "no such certificate")
        self.site(a["domain"])["certId"] = a["certid"]
        return {}


class Kodo(Qiniu):
    """Domains of buckets, of which nothing can be read."""

    def target(self, i=0):
        return dict(super().target(i), service="kodo")

    def GET_domain(self, req, d):
        self.problem("reads a bucket's domain")
        return {}


CLOUDS = [Qiniu]
