# SPDX-License-Identifier: MIT
"""Azure Key Vault: a token for the vault, and PKCS#12 imports as versions
of one name."""

import base64

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.serialization import pkcs12

from ..vendors import azuredns
from ..vendors.base import reply
from .base import Cloud, Upload

NAME = "www-example-com"


class Keyvault(Cloud):
    PRODUCT = "azure-keyvault"
    CREDENTIALS = "azure"
    SECRETS = ("client_secret",)
    IN_PLACE = True
    TARGETS = 1
    BINDS = False
    DENIED = "does not have certificates"

    def __init__(self):
        super().__init__()
        self.tokens = []
        self.is_login_refused = False

    def keys(self):
        return {"authority_host": self.url + "/login/",
                "tenant_id": azuredns.TENANT, "client_id": azuredns.CLIENT,
                "client_secret": azuredns.SECRET}

    def target(self, i=0):
        return {"base_url": self.url, "vault_name": "web",
                "certificate_name": NAME}

    def versions(self):
        return [u for u in self.uploads if not u.name.startswith("theirs")]

    def served(self, i=0):
        return self.versions()[-1].cert if self.versions() else None

    def ours(self):
        return super().ours()[-1:]

    def is_write(self, req):
        return req.path.endswith("/import")

    def error(self, status, code, words, inner=None):
        e = {"code": code, "message": words}
        if inner:
            e["innererror"] = {"code": inner}
        return reply(status, {"error": e})

    def throttle(self):
        return self.error(429, "Throttled", "Request was not processed "
                          "because too many requests were received.")

    def token(self, req):
        self.check(req.parts() == ["login", azuredns.TENANT, "oauth2", "v2.0",
                                   "token"], "path %s", req.path)
        if req.form() != {
                "grant_type": "client_credentials",
                "scope": "https://vault.azure.net/.default",
                "client_id": azuredns.CLIENT,
                "client_secret": azuredns.SECRET} or self.is_login_refused:
            return reply(401, {"error": "invalid_client",
                               "error_description": "AADSTS7000215: %s" %
                               req.form().get("client_secret")})
        self.tokens.append("eyJ0eXAi.%d.%s" % (len(self.tokens), "y" * 1500))
        return reply(200, {"token_type": "Bearer", "expires_in": 3599,
                           "access_token": self.tokens[-1]})

    def is_token(self, req):
        return req.headers.get("Authorization") in [
            "Bearer " + t for t in self.tokens]

    def handle(self, req):
        if req.path.startswith("/login"):
            return self.token(req)
        if not self.is_token(req):
            return reply(401, {"error": {
                "code": "Unauthorized", "message": "AKV10000: Request is "
                "missing a Bearer or PoP token."}}, {"WWW-Authenticate":
                'Bearer authorization="https://login.microsoftonline.com/%s", '
                'resource="https://vault.azure.net"' % azuredns.TENANT})
        self.check(req.query == [("api-version", "7.4")], "%s", req.query)
        if self.denied:
            return self.error(403, "Forbidden", "The user, group or "
                              "application 'appid=6' does not have "
                              "certificates get permission on key vault",
                              "ForbiddenByPolicy")
        self.check(req.parts()[:2] == ["certificates", NAME], "%r", req)
        if req.method == "POST" and req.parts()[2:] == ["import"]:
            return self.put(req.json())
        # The vendor's own library has an empty version there.
        self.check(req.method == "GET" and req.parts()[2:] in ([], [""]),
                   "%r", req)
        if not self.versions():
            return self.error(404, "CertificateNotFound", "A certificate "
                              "with (name/id) %s was not found in this key "
                              "vault." % NAME)
        return reply(200, self.show(self.versions()[-1]))

    def show(self, u):
        cert = pkcs12.load_key_and_certificates(u.pfx, b"")[1]
        x5t = base64.urlsafe_b64encode(cert.fingerprint(hashes.SHA1()))
        return {"id": "https://web.vault.azure.net/certificates/%s/%s" % (
            NAME, u.id), "x5t": x5t.decode().rstrip("="),
            "attributes": {"enabled": True}}

    def put(self, body):
        self.check(body["policy"] == {"secret_props": {
            "contentType": "application/x-pkcs12"}}, "%s", body["policy"])
        self.check("pwd" not in body, "a password")
        pfx = base64.b64decode(body["value"])
        key, cert, chain = pkcs12.load_key_and_certificates(pfx, b"")
        self.check(key.public_key().public_numbers() ==
                   cert.public_key().public_numbers() and chain, "PFX")
        u = Upload("%032x" % (len(self.uploads) + 1), "acmed",
                   cert.public_bytes(serialization.Encoding.PEM).decode(),
                   None)
        u.pfx = pfx
        self.uploads.append(u)
        return reply(200, self.show(u))


CLOUDS = [Keyvault]
