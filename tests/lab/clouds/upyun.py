# SPDX-License-Identifier: MIT
"""Upyun: a token, uploads that have no name, and domains that are moved from
one to the other."""

import calendar
import hashlib

from ..vendors.base import Answer, reply
from .base import Cloud, Upload, leaf, serial, sha256

TOKEN = "upyun-0123456789-abcdef-token"


def ms(at):
    return calendar.timegm(at.timetuple()) * 1000


class Upyun(Cloud):
    PRODUCT = "upyun"
    CREDENTIALS = "upyun"
    SECRETS = ("token",)
    MORE_BINDS = 1
    DENIED = "no permission"
    PAGE = 2

    def __init__(self):
        super().__init__()
        self.sites = {}
        for i in range(2):
            for n, d in enumerate(self.domains(i)):
                # The second one serves HTTPS already.
                self.sites[d] = {"id": "9a" * 16 if n else None,
                                 "force": bool(n)}
        self.shown = {d: s["id"] for d, s in self.sites.items()}
        self.looks = dict.fromkeys(self.sites, 0)

    def keys(self):
        return {"token": TOKEN}

    def domains(self, i):
        return ["a%d.example.test" % i, "b%d.example.test" % i]

    def target(self, i=0):
        return {"base_url": self.url, "domains": self.domains(i)}

    def served(self, i=0):
        got = {self.sites[d]["id"] for d in self.domains(i)}
        assert len(got) == 1, got
        assert [self.sites[d]["force"] for d in self.domains(i)] == [
            False, True]
        u = self.upload(got.pop())
        return u and u.cert

    def new_id(self):
        return hashlib.md5(super().new_id().encode()).hexdigest()

    def fail_with(self, status, code, message):
        raise Answer(status, {"error_code": code, "message": message,
                              "type": "Error"})

    def handle(self, req):
        if req.headers.get("Authorization") != "Bearer " + TOKEN:
            self.fail_with(401, 40100006, "need a valid token")
        if self.denied:
            self.fail_with(403, 40300012, "no permission")
        parts = [p for p in req.parts() if p]
        self.check(parts[0] == "https", req.path)
        call = getattr(self, "_".join([req.method] + parts[1:]), None)
        if call is None:
            self.fail_with(404, 40400000, "no such API: " + req.path)
        return reply(200, call(req))

    # --- certificates ---

    def GET_certificate_list(self, req):
        at = int(req.arg("since") or 0)
        page = self.uploads[at:at + min(int(req.arg("limit")), self.PAGE)]
        result = {u.id: {"commonName": None, "crt_type": "other", "validity": {
            "start": ms(leaf(u.cert).not_valid_before),
            "end": ms(leaf(u.cert).not_valid_after)},
            "config_domain": len(self.users(u.id))} for u in page}
        result["default"] = {"config_domain": 0}
        more = at + self.PAGE < len(self.uploads)
        result["pager"] = {"since": at + self.PAGE if more else None,
                           "max": None, "limit": self.PAGE}
        return {"status": 0, "result": result}

    def POST_certificate(self, req):
        a = req.json()
        if not self.check_pem(a["certificate"], a["private_key"]):
            self.fail_with(400, 21501, "the key does not match")
        for u in self.uploads:
            if sha256(u.cert) == sha256(a["certificate"]):
                break
        else:
            if len(self.uploads) >= self.quota:
                self.fail_with(400, 21510, "the quota of certificates is "
                               "used up")
            u = Upload(self.new_id(), "acmed", a["certificate"],
                       a["private_key"])
            self.uploads.append(u)
        return {"status": 0, "result": {
            "certificate_id": u.id, "commonName": None,
            "serial": serial(u.cert)}}

    def users(self, id):
        return [d for d, s in self.sites.items() if s["id"] == id] + [
            "elsewhere.test"] * (id in self.held)

    def GET_certificate_manager(self, req):
        id = req.arg("certificate_id")
        if self.upload(id) is None:
            self.fail_with(404, 21504, "no such certificate")
        return {"authenticate_num": 0, "domains": [
            {"name": d, "bucket_name": "b", "type": "ucdn"}
            for d in self.users(id)]}

    def DELETE_certificate(self, req):
        u = self.upload(req.arg("certificate_id"))
        self.check(u and not u.name.startswith("theirs"), "removes theirs")
        if self.users(u.id):
            self.fail_with(400, 21503, "the certificate is used")
        self.uploads.remove(u)
        return {"status": True}

    # --- domains ---

    def site(self, d):
        if d not in self.sites:
            self.fail_with(404, 21404, "no such domain")
        return self.sites[d]

    def GET_services_manager(self, req):
        d = req.arg("domain")
        site = self.site(d)
        if self.looks[d] == 0:
            self.shown[d] = site["id"]
        # Time goes by for all of them.
        self.looks = {k: max(n - 1, 0) for k, n in self.looks.items()}
        return {"status": 0, "result": [
            {"certificate_id": id, "https": id == self.shown[d],
             "force_https": site["force"]}
            for id in sorted({u.id for u in self.uploads}
                             | {self.shown[d]} - {None})]}

    def change(self, d, id, force):
        site = self.site(d)
        if self.upload(id) is None:
            self.fail_with(404, 21504, "no such certificate")
        if site["id"] == id:
            self.fail_with(400, 23601, "it has that certificate")
        site["id"], site["force"] = id, force
        self.looks[d] = self.delay

    def POST_certificate_manager(self, req):
        a = req.json()
        self.check(a["https"] is True and self.site(a["domain"])["id"] is
                   None, "not off: %s", a)
        self.change(a["domain"], a["certificate_id"], a["force_https"])
        return {"status": True}

    def POST_migrate_domain(self, req):
        a = req.json()
        site = self.site(a["domain_name"])
        if site["id"] is None:
            self.fail_with(400, 23600, "https is off")
        self.change(a["domain_name"], a["crt_id"], site["force"])
        return {"result": True}


CLOUDS = [Upyun]
