# SPDX-License-Identifier: MIT
"""Vault's key-value engine, version 2: versions, check-and-set, AppRole."""

from ..vendors.base import Answer, reply
from .base import Cloud, Upload, is_pair

ROLE, SECRET = "5f3a-role", "f00d-secret-id-0123456789"


class Vault(Cloud):
    PRODUCT = "vault-kv2"
    CREDENTIALS = "vault"
    SECRETS = ("secret_id",)
    IN_PLACE = True
    SHARED = False
    TARGETS = 1
    BINDS = False
    DENIED = "permission denied"

    def __init__(self):
        super().__init__()
        self.version, self.data = 3, {"owner": "web team", "x": [1, "\n"]}
        self.token = None

    def keys(self):
        return {"address": self.url, "role_id": ROLE, "secret_id": SECRET}

    def target(self, i=0):
        return {"path": "acmed/www", "mount": "kv/team"}

    def is_write(self, req):
        return req.method != "GET" and not req.path.endswith("/login")

    def served(self, i=0):
        assert self.data["owner"] == "web team" and self.data["x"][1] == "\n"
        return self.data.get("fullchain")

    def ours(self):
        return super().ours()[-1:]

    def error(self, status, *words):
        return reply(status, {"errors": list(words)})

    def throttle(self):
        return self.error(429, "request path: rate limit quota exceeded")

    def server_error(self):
        return self.error(503, "Vault is sealed")

    def handle(self, req):
        if req.path == "/v1/auth/approle/login":
            if req.json() != {"role_id": ROLE, "secret_id": SECRET}:
                return self.error(400, "invalid role or secret ID")
            self.token = "hvs.%s" % self.new_id()
            return reply(200, {"auth": {
                "client_token": self.token, "lease_duration": 3600,
                "renewable": True, "policies": ["acmed"]}})
        if self.denied or req.headers.get("X-Vault-Token") != self.token:
            return self.error(403, "permission denied")
        if req.path != "/v1/kv/team/data/acmed/www":
            return reply(404, {"errors": []})
        if req.method == "GET":
            return reply(200, {"data": {"data": self.data, "metadata": {
                "version": self.version}}})
        body = req.json()
        if body["options"]["cas"] != self.version:
            return self.error(400, "check-and-set parameter did not match "
                              "the current version")
        self.data = body["data"]
        self.version += 1
        if not is_pair(self.data["fullchain"], self.data["privkey"]):
            raise Answer(400, {"errors": ["no pair"]})
        self.uploads.append(Upload(self.version, "acmed", self.data[
            "fullchain"], self.data["privkey"]))
        return reply(200, {"data": {"version": self.version}})


CLOUDS = [Vault]
