# SPDX-License-Identifier: MIT
"""Tokens that nobody has a key for: the metadata services of Azure and of Google,
and what gives tokens for the tokens of pods and of users."""

import json
import time

from ..vendors import azuredns
from ..vendors.base import Answer, Vendor, reply

POD_TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJwb2QifQ.c2ln"
MANAGER = "https://management.azure.com"
VAULT = "https://vault.azure.net"
REFRESH = {"client_id": "764086051850.apps.googleusercontent.com",
           "client_secret": "d-FL95Q19q7MQmFpd7hHD0Ty",
           "refresh_token": "1//0refresh-token-of-a-user"}


class Tokens(Vendor):
    """What is in tokens is good: token -> whom it is for."""

    def __init__(self, tokens):
        super().__init__()
        self.tokens = tokens

    def issue(self, resource):
        token = "eyJ0eXAi.%s.%s" % (self.new_id(), "z" * 1200)
        self.tokens[token] = resource
        return token


def knows(tokens, resource):
    """For is_token of a fake."""
    return lambda req: tokens.get((req.headers.get(
        "Authorization") or "").partition("Bearer ")[2]) == resource


class AzureMetadata(Tokens):
    ADDRESS = "169.254.169.254", 80

    def handle(self, req):
        if req.headers.get("Metadata") != "true":
            raise Answer(400, {"error": "invalid_request",
                               "error_description": "Required metadata header "
                               "not specified"})
        self.check(req.path == "/metadata/identity/oauth2/token" and
                   req.arg("api-version") == "2018-02-01", "%r", req)
        if req.arg("client_id") not in (None, azuredns.CLIENT):
            raise Answer(400, {"error": "invalid_request",
                               "error_description": "Identity not found"})
        end = int(time.time()) + 3599
        return reply(200, {
            "access_token": self.issue(req.arg("resource")),
            "client_id": azuredns.CLIENT, "expires_in": "3599",
            "expires_on": str(end), "resource": req.arg("resource"),
            "token_type": "Bearer"})


class AppService(Tokens):
    def handle(self, req):
        self.check(req.headers.get("X-IDENTITY-HEADER") == "id-header" and
                   req.arg("api-version") == "2019-08-01", "%r", req)
        return reply(200, {
            "access_token": self.issue(req.arg("resource")),
            "expires_on": str(int(time.time()) + 3599),
            "token_type": "Bearer"})


class Entra(Tokens):
    """Takes the token of a pod."""

    def handle(self, req):
        self.check(req.parts()[1:] == [azuredns.TENANT, "oauth2", "v2.0",
                                       "token"], "%r", req)
        form = req.form()
        if form.pop("client_assertion") != POD_TOKEN:
            return reply(401, {"error": "invalid_client",
                               "error_description": "AADSTS700213: No matching"
                               " federated identity record found"})
        scope = form.pop("scope")
        self.check(form == {
            "grant_type": "client_credentials", "client_id": azuredns.CLIENT,
            "client_assertion_type": "urn:ietf:params:oauth:"
            "client-assertion-type:jwt-bearer"} and
            scope.endswith("/.default"), "%s %s", form, scope)
        return reply(200, {"token_type": "Bearer", "expires_in": 3599,
                           "access_token": self.issue(scope[:-9])})


class GoogleMetadata(Tokens):
    ADDRESS = "169.254.169.254", 80
    ACCOUNT = True

    def handle(self, req):
        where = "/computeMetadata/v1/"
        if req.headers.get("Metadata-Flavor") != "Google":
            raise Answer(403, "Missing Metadata-Flavor:Google header.")
        if req.target == where + "project/project-id":
            return reply(200, "proj-7", {"Metadata-Flavor": "Google"})
        self.check(req.target == where +
                   "instance/service-accounts/default/token", "%r", req)
        if not self.ACCOUNT:
            raise Answer(404, "<!DOCTYPE html>The requested URL was not found")
        return reply(200, {"access_token": self.issue("google"),
                           "expires_in": 3599, "token_type": "Bearer"},
                     {"Metadata-Flavor": "Google"})


class GoogleTokens(Tokens):
    """Takes the refresh token of a user."""

    def handle(self, req):
        if req.form() != dict(REFRESH, grant_type="refresh_token"):
            return reply(400, {"error": "invalid_grant", "error_description":
                               "Token has been expired or revoked."})
        return reply(200, {"access_token": self.issue("google"),
                           "expires_in": 3599, "token_type": "Bearer",
                           "scope": "x"})


def user_file(**change):
    """As gcloud auth application-default login writes it."""
    return json.dumps(dict(REFRESH, type="authorized_user",
                           quota_project_id="proj-7", **change), indent=2)
