# SPDX-License-Identifier: MIT
"""Cloudflare's custom certificates: a token, ids that change with what they
stand for, no fingerprint, and served only when active."""

import secrets

from ..vendors.cloudflare import TOKEN, Cloudflare
from .base import Cloud, Upload, leaf, names

ZONE = "5f" * 16
EU = {"geo_restrictions": {"label": "eu"}}


class Certificates(Cloud):
    PRODUCT = "cloudflare-certificate"
    CREDENTIALS = "cloudflare"
    SECRETS = ("api_token",)
    IN_PLACE = True
    BINDS = False
    DENIED = "Unauthorized to access requested resource"
    WRONG_REGION = {"zone_id": "4e" * 16}, "Could not route to"
    PAGE = 2

    error, ok, page = Cloudflare.error, Cloudflare.ok, Cloudflare.page
    throttle = Cloudflare.throttle

    def keys(self):
        return {"api_token": TOKEN}

    def target(self, i=0):
        return {"base_url": self.url + "/client/v4", "zone_id": ZONE}

    def is_write(self, req):
        return req.method != "GET"

    def new_id(self):
        return secrets.token_hex(16)

    def server_error(self):
        return self.error(500, 10013, "internal error")

    def put_theirs(self, cert, key):
        u = super().put_theirs(cert, key)
        u.served, u.looks, u.more = cert, 0, {}
        return u

    def served(self, i=0):
        ours = [u for u in self.uploads if not u.name.startswith("theirs")]
        assert len(ours) < 2
        return ours[0].served if ours else None

    def show(self, u):
        if u.looks > 0:
            u.looks -= 1
        else:
            u.served = u.cert
        return dict({
            "id": u.id, "hosts": sorted(names(u.cert), reverse=True),
            "issuer": "x", "bundle_method": "force", "zone_id": ZONE,
            "status": "pending" if u.served != u.cert else "active",
            "expires_on": leaf(u.cert).not_valid_after.strftime(
                "%Y-%m-%dT%H:%M:%S.00000Z")}, **u.more)

    def handle(self, req):
        if req.headers.get("Authorization") != "Bearer " + TOKEN:
            return self.error(403, 9109, "Invalid access token")
        if self.denied:
            return self.error(403, 10000, "Unauthorized to access requested "
                              "resource")
        parts = req.parts()
        if parts[:3] != ["client", "v4", "zones"] or parts[3] != ZONE or \
                parts[4] != "custom_certificates":
            return self.error(404, 7003, "Could not route to " + req.path)
        if len(parts) == 5:
            if req.method == "GET":
                self.check(int(req.arg("per_page", 20)) <= 50, "per_page")
                return self.page(req, [self.show(u) for u in self.uploads])
            return self.create(req.json())
        u = self.upload(parts[5])
        if u is None:
            return self.error(404, 1001, "The certificate is not found.")
        if req.method == "PATCH":
            self.check(not u.name.startswith("theirs"), "replaces theirs")
            return self.change(u, req.json())
        self.check(req.method == "GET", req.method)
        return self.ok(self.show(u))

    def take(self, body):
        self.check(body["bundle_method"] == "force", "bundle_method")
        return self.check_pem(body["certificate"], body["private_key"])

    def create(self, body):
        self.check(body["type"] == "sni_custom", "type")
        if not self.take(body):
            return self.error(400, 1215, "the key does not match")
        if len(self.uploads) >= self.quota:
            return self.error(400, 1228, "No custom certificate quota.")
        u = Upload(self.new_id(), "acmed", body["certificate"],
                   body["private_key"])
        # As if somebody had chosen so in the dashboard at once.
        u.served, u.looks, u.more = None, self.delay, EU
        self.uploads.append(u)
        return self.ok(dict(self.show(u)))

    def change(self, u, body):
        self.check({k: body.get(k) for k in EU} == EU, "its region is lost")
        self.check("type" not in body, "type")
        if not self.take(body):
            return self.error(400, 1215, "the key does not match")
        u.id = self.new_id()
        u.cert, u.key = body["certificate"], body["private_key"]
        u.looks = self.delay
        return self.ok(self.show(u))


CLOUDS = [Certificates]
