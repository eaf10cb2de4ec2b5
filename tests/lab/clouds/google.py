# SPDX-License-Identifier: MIT
"""Google Certificate Manager: a JWT for a token, certificates that are
replaced by PATCH, operations that end later."""

import json
import time

from ..vendors import gcloud
from ..vendors.base import reply
from .base import Cloud, Upload, is_pair

PARENT = "projects/proj-7/locations/global"
ID = "www-example-com"
SCOPE = "https://www.googleapis.com/auth/cloud-platform"


class CertificateManager(Cloud):
    PRODUCT = "gcp-certificatemanager"
    CREDENTIALS = "gcp"
    SECRETS = ("service_account",)
    IN_PLACE = True
    TARGETS = 1
    BINDS = False
    DENIED = "denied on resource"

    def __init__(self):
        super().__init__()
        self.pem, self.modulus = gcloud.rsa_key()
        self.tokens, self.operations = [], {}

    def keys(self):
        return {"service_account": json.dumps({
            "type": "service_account", "project_id": "proj-7",
            "private_key_id": "kid-1", "private_key": self.pem,
            "client_email": gcloud.EMAIL, "token_uri": gcloud.AUDIENCE})}

    def target(self, i=0):
        return {"base_url": self.url, "token_url": self.url + "/token",
                "certificate_id": ID}

    def mine(self):
        return [u for u in self.uploads if u.id == ID]

    def served(self, i=0):
        return self.mine()[0].cert if self.mine() else None

    def is_write(self, req):
        return req.method in ("POST", "PATCH") and req.path != "/token"

    def error(self, status, code, words):
        return reply(status, {"error": {"code": status, "status": code,
                                        "message": words}})

    def throttle(self):
        return self.error(429, "RESOURCE_EXHAUSTED", "Quota exceeded for "
                          "quota metric 'Requests'")

    def server_error(self):
        return self.error(503, "UNAVAILABLE", "try again")

    def token(self, req):
        head, claims, signature = req.form()["assertion"].split(".")
        c, now = json.loads(gcloud.unb64(claims)), time.time()
        if not gcloud.rs256_is_good(
                (head + "." + claims).encode(), gcloud.unb64(signature),
                self.modulus) or c["iss"] != gcloud.EMAIL or \
                c["scope"] != SCOPE or c["aud"] != gcloud.AUDIENCE or \
                not now - 300 < c["iat"] < now + 300 or \
                not 0 < c["exp"] - c["iat"] <= 3600:
            return reply(400, {"error": "invalid_grant", "error_description":
                               "Invalid JWT Signature."})
        self.tokens.append("ya29.%d" % len(self.tokens))
        return reply(200, {"access_token": self.tokens[-1],
                           "expires_in": 3599, "token_type": "Bearer"})

    def is_token(self, req):
        return req.headers.get("Authorization") in [
            "Bearer " + t for t in self.tokens]

    def handle(self, req):
        if req.path == "/token":
            return self.token(req)
        if not self.is_token(req):
            return self.error(401, "UNAUTHENTICATED", "Request had invalid "
                              "authentication credentials.")
        if self.denied:
            return self.error(403, "PERMISSION_DENIED", "Permission "
                              "'certificatemanager.certs.get' denied on "
                              "resource")
        path = req.path[len("/v1/"):]
        if path in self.operations:
            return reply(200, self.look(path))
        self.check(path.startswith(PARENT + "/certificates"), "%r", req)
        path = path[len(PARENT + "/certificates/"):]
        if req.method == "GET":
            for u in self.uploads:
                if u.id == path:
                    return reply(200, self.show(u))
            return self.error(404, "NOT_FOUND", "Resource '%s' was not found"
                              % path)
        return self.put(req, path)

    def show(self, u):
        return {"name": "%s/certificates/%s" % (PARENT, u.id),
                "pemCertificate": u.cert, "scope": "DEFAULT",
                "selfManaged": {}}

    def put(self, req, path):
        body = req.json()
        cert = body["selfManaged"]["pemCertificate"]
        key = body["selfManaged"]["pemPrivateKey"]
        self.check(self.check_pem(cert, key), "no pair")
        self.check(cert.count("BEGIN") > 1, "no chain")
        if req.method == "PATCH":
            self.check(req.query == [("updateMask", "selfManaged")] and
                       set(body) == {"selfManaged"} and path == ID, "%r", req)
            u = self.mine()[0]
        else:
            self.check(req.query == [("certificateId", ID)] and not path and
                       body.get("scope", "DEFAULT") == "DEFAULT", "%r", req)
            if self.mine():
                return self.error(409, "ALREADY_EXISTS", "it exists")
            u = Upload(ID, "acmed", None, None)
        name = "%s/operations/operation-%s-%d" % (
            PARENT, self.new_id(), len(self.operations))
        self.operations[name] = [u, cert, key, self.delay]
        if self.delay == 0:
            self.finish(name)
        return reply(200, {"name": name, "done": False, "metadata": {}})

    def finish(self, name):
        u, cert, key, _ = self.operations[name]
        u.cert, u.key = cert, key
        if u not in self.uploads:
            self.uploads.append(u)

    def look(self, name):
        op = self.operations[name]
        op[3] -= 1
        if op[3] == 0:
            self.finish(name)
        if op[3] > 0:
            return {"name": name, "done": False}
        return {"name": name, "done": True, "response": dict(
            self.show(op[0]), **{"@type": "type.googleapis.com/google.cloud."
                                 "certificatemanager.v1.Certificate"})}


CLOUDS = [CertificateManager]
