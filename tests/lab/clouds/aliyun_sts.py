# SPDX-License-Identifier: MIT
"""Alibaba Cloud's credentials that end: the metadata service of an ECS
instance in its hardened mode, and STS."""

import time

from ..vendors.alidns import ID, SECRET, Alidns
from ..vendors.base import Answer, Vendor, reply

ROLE = "acmed-instance"
ROLE_ARN = "acs:ram::1234567890123456:role/acmed"
PROVIDER_ARN = "acs:ram::1234567890123456:oidc-provider/ack-rrsa-c1"
POD_TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhY21lZCJ9.c2ln"
TOKEN_HEADER = "X-aliyun-ecs-metadata-token"


class Issuer(Vendor):
    """Sets of keys: id -> (secret, token); what is not there is not good."""

    LIFE = 3600

    def __init__(self, issued):
        super().__init__()
        self.issued = issued

    def issue(self, kind):
        n = "%s-%s" % (kind, self.new_id())
        self.issued["STS." + n] = "secret+/" + n, "CAIS+/=" + n
        return {"AccessKeyId": "STS." + n, "AccessKeySecret": "secret+/" + n,
                "SecurityToken": "CAIS+/=" + n,
                "Expiration": time.strftime(
                    "%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + self.LIFE))}


class Metadata(Issuer):
    ADDRESS = "100.100.100.200", 80

    def handle(self, req):
        self.check("x-acs-security-token" not in req.headers, "signed")
        if req.target == "/latest/api/token":
            self.check(req.method == "PUT", "%r", req)
            self.check(1 <= int(req.headers[TOKEN_HEADER + "-ttl-seconds"])
                       <= 21600, "TTL")
            return reply(200, "AQAAAHV_metadata==")
        if req.headers.get(TOKEN_HEADER) != "AQAAAHV_metadata==":
            raise Answer(403, "<h1>403 Forbidden</h1>")
        where = "/latest/meta-data/ram/security-credentials/"
        if req.target == where:
            return reply(200, ROLE)
        if req.target != where + ROLE:
            raise Answer(404, "<title>404 - Not Found</title>")
        return reply(200, dict(self.issue("ecs"), Code="Success",
                               LastUpdated="2026-01-01T00:00:00Z"))


class Sts(Issuer):
    error, fail_with = Alidns.error, Alidns.fail_with
    clock_error = Alidns.clock_error
    authenticate = Alidns.authenticate

    def __init__(self, issued):
        super().__init__(issued)
        self.nonces = set()
        self.calls = []

    def keys_of(self, id):
        return (SECRET, None) if id == ID else self.issued.get(id)

    def handle(self, req):
        self.check(req.path == "/" and req.method == "POST", "%r", req)
        form = dict(req.form(), **dict(req.query))
        # In a signed request the header says it.
        action = form.get("Action") or req.headers["x-acs-action"]
        self.calls.append(action)
        if action == "AssumeRole":
            self.authenticate(req)
        elif action == "AssumeRoleWithOIDC":
            self.check("Authorization" not in req.headers
                       and form["Version"] == "2015-04-01"
                       and "Timestamp" in form, "%s", form)
            if form["OIDCProviderArn"] != PROVIDER_ARN:
                self.fail_with(404, "EntityNotExist.OIDCProvider",
                               "The OIDC provider does not exist.")
            if form["OIDCToken"] != POD_TOKEN:
                self.fail_with(400, "AuthenticationFail.OIDCToken.Expired",
                               "This JSON Web Token has expired.")
        else:
            return self.error(404, "InvalidAction.NotFound", action)
        self.check(900 <= int(form["DurationSeconds"]) <= 43200
                   and form["RoleSessionName"] == "acmed", "%s", form)
        if form["RoleArn"] != ROLE_ARN:
            self.fail_with(404, "EntityNotExist.Role", "The role does not "
                           "exist: " + form["RoleArn"])
        return reply(200, {"RequestId": "8D3A", "AssumedRoleUser": {
            "Arn": ROLE_ARN + "/acmed"}, "Credentials": self.issue("role")})
