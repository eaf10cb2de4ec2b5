# SPDX-License-Identifier: MIT
"""Credentials that are not in acmed.conf: DNS provider and clouds with what
metadata services, STS and the environment give, each recomputed by fakes."""

import os

import pytest

from conftest import BIND
from lab import feed
from lab.clouds import aliyun_sts, aws_sts, identity
from lab.clouds.aliyun import Cas
from lab.clouds.aws import REGION, Acm
from lab.clouds.azure import Keyvault
from lab.clouds.google import CertificateManager
from lab.vendors import azuredns, gcloud
from lab.vendors.alidns import ID, SECRET, Alidns
from lab.vendors.route53 import KEY_ID, SECRET as AWS_SECRET, Route53
from test_clouds import live, settled

ZONE = "vendors.test"


class Zone(Alidns):
    ZONE, OTHER_ZONE, HAS_SUBZONE = ZONE, "not" + ZONE, False


class Ali:
    """Metadata, STS, the DNS and the store, of one customer."""

    def __init__(self):
        self.issued = {}
        self.metadata = aliyun_sts.Metadata(self.issued)
        self.sts = aliyun_sts.Sts(self.issued)
        self.dns, self.cas = Zone(), Cas()
        self.dns.keys_of = self.cas.keys_of = self.issued.get
        self.feed = feed.Feed(self.dns, ZONE, {BIND: (0, 0.1)})

    def fakes(self):
        return self.metadata, self.sts, self.dns, self.cas

    def stop(self):
        self.feed.stop()
        for v in self.fakes():
            v.stop()
            print("\n".join(map(repr, v.log[-20:])))
        assert not sum((v.problems for v in self.fakes()), [])

    def asked(self):
        return [r.method for r in self.metadata.log], self.sts.calls


@pytest.fixture
def ali():
    a = Ali()
    yield a
    a.stop()


def secret(acmed, name, text):
    path = os.path.join(acmed.folder, name)
    with open(path, "w") as f:
        f.write(text + "\n")
    os.chmod(path, 0o600)
    return path


def test_aliyun_instance(acmed, ali):
    """The role of an instance, and the role that it may assume: one fetch for
    the provider and the cloud, another one once it is not good any more."""
    acmed.credentials["ali"] = {
        "type": "aliyun", "source": "ecs_ram_role",
        "role_arn": aliyun_sts.ROLE_ARN, "sts_endpoint": ali.sts.url}
    acmed.providers["ali"] = {"type": "alidns", "credentials": "ali",
                              "base_url": ali.dns.url}
    acmed.cert(ZONE, [ZONE], provider="ali", deploy={"cas": {
        "cloud": {"aliyun-cas": {"credentials": "ali",
                                 "base_url": ali.cas.url}}}})
    acmed.start()
    serial = settled(acmed, ZONE)["serial"]
    assert ali.cas.ours() == [live(acmed, ZONE)]
    assert ali.asked() == (["PUT", "GET", "GET"], ["AssumeRole"])
    ali.issued.clear()
    assert acmed.ctl("renew-now", ZONE).returncode == 0
    settled(acmed, ZONE, serial)
    assert ali.cas.ours() == [live(acmed, ZONE)]
    assert ali.asked() == (["PUT", "GET", "GET"] * 2, ["AssumeRole"] * 2)
    for text in ("secret+/", "CAIS", "metadata=="):
        assert text not in acmed.log()


def test_aliyun_sources(acmed, ali):
    """A pod of ACK, the environment, and a role that a key may assume; what is
    refused names the section, and the next step."""
    token = secret(acmed, "pod-token", "eyJ.of.yesterday")
    os.chmod(token, 0o644)                  # as kubelet has it
    ali.issued["AKENV"] = "env-secret", "env-token"
    role = {"role_arn": aliyun_sts.ROLE_ARN, "sts_endpoint": ali.sts.url}
    sections = {
        "pod": {"source": "oidc_role_arn", "sts_endpoint": ali.sts.url},
        "env": {"source": "environment"},
        "key": dict(role, access_key_id=ID, access_key_secret_file=secret(
            acmed, "key", SECRET)),
        "ecs": {"source": "ecs_ram_role", "ram_role_name": "other"},
    }
    for name, opts in sections.items():
        acmed.credentials[name] = dict(opts, type="aliyun")
    name = "keyless.example.test"
    acmed.cert(name, [name], deploy_order="parallel", deploy={
        n: {"cloud": {"aliyun-cas": {"credentials": n,
                                     "base_url": ali.cas.url}}}
        for n in sections})
    acmed.env = dict(
        os.environ, ALIBABA_CLOUD_ROLE_ARN=aliyun_sts.ROLE_ARN,
        ALIBABA_CLOUD_OIDC_PROVIDER_ARN=aliyun_sts.PROVIDER_ARN,
        ALIBABA_CLOUD_OIDC_TOKEN_FILE=token,
        ALIBABA_CLOUD_ACCESS_KEY_ID="AKENV",
        ALIBABA_CLOUD_ACCESS_KEY_SECRET="env-secret",
        ALIBABA_CLOUD_SECURITY_TOKEN="env-token",
        http_proxy="http://127.0.0.1:9",     # not for metadata
        no_proxy="127.0.0.1")
    acmed.start()

    def ended():
        got = {d["name"]: d for d in acmed.cert_status(name)["deploy"]}
        return len(got) == 4 and all(
            d["state"] in ("done", "failed") for d in got.values()) and got
    got = acmed.wait("all targets", ended, 30)
    assert {n: d["state"] for n, d in got.items()} == {
        "pod": "failed", "env": "done", "key": "done", "ecs": "failed"}
    assert 'credentials "pod": AssumeRoleWithOIDC: HTTP 400: This JSON Web ' \
        "Token has expired. (AuthenticationFail.OIDCToken.Expired)" in \
        got["pod"]["error"]
    assert 'credentials "ecs": metadata credentials: this instance has no ' \
        "RAM role other; correct ram_role_name" in got["ecs"]["error"]
    secret(acmed, "pod-token", aliyun_sts.POD_TOKEN)
    assert acmed.ctl("deploy", name, "pod").returncode == 0
    assert ali.cas.ours() == [live(acmed, name)]
    for text in (SECRET, "env-secret", "env-token", "eyJ", "CAIS"):
        assert text not in acmed.log()


class Zone53(Route53):
    ZONE, OTHER_ZONE, HAS_SUBZONE = ZONE, "not" + ZONE, False


class Customer:
    """Fakes that know the same sets of keys."""

    def __init__(self, *fakes):
        self.fakes, self.feed = fakes, None

    def stop(self):
        if self.feed:
            self.feed.stop()
        for v in self.fakes:
            v.stop()
            print("\n".join(map(repr, v.log[-20:])))
        assert not sum((v.problems for v in self.fakes), [])


@pytest.fixture
def customer():
    made = []

    def make(*fakes):
        made.append(Customer(*fakes))
        return made[-1]
    yield make
    for c in made:
        c.stop()


def test_aws_instance(acmed, customer):
    """The role of an instance, and the role that it may assume: one fetch for
    the provider and the cloud, another one once it is not good any more."""
    issued = {}
    metadata, sts = aws_sts.Metadata(issued), aws_sts.Sts(issued)
    dns, acm = Zone53(), Acm()
    dns.keys_of = acm.keys_of = issued.get
    customer(metadata, sts, dns, acm).feed = feed.Feed(
        dns, ZONE, {BIND: (0, 0.1)})
    acmed.credentials["aws"] = {
        "type": "aws", "source": "Ec2InstanceMetadata", "external_id": "x1",
        "role_arn": aws_sts.ROLE_ARN, "sts_endpoint": sts.url}
    acmed.providers["aws"] = {"type": "route53", "credentials": "aws",
                              "base_url": dns.url}
    acmed.cert(ZONE, [ZONE], provider="aws", deploy={"acm": {
        "cloud": {"aws-acm": {"credentials": "aws", "region": REGION,
                              "base_url": acm.url}}}})
    acmed.start()
    serial = settled(acmed, ZONE)["serial"]
    assert acm.ours() == [live(acmed, ZONE)]
    assert [r.method for r in metadata.log] == ["PUT", "GET", "GET"]
    assert sts.calls == ["AssumeRole"]
    issued.clear()
    assert acmed.ctl("renew-now", ZONE).returncode == 0
    settled(acmed, ZONE, serial)
    assert acm.ours() == [live(acmed, ZONE)]
    assert sts.calls == ["AssumeRole"] * 2
    for text in ("secret+/", "IQoJ", aws_sts.METADATA_TOKEN):
        assert text not in acmed.log()


def test_aws_sources(acmed, customer):
    """Pods, a profile, the environment, and a role that a key may assume; what
    is refused names the section, and the next step."""
    issued = {}
    sts, agent = aws_sts.Sts(issued), aws_sts.Container(issued)
    acm = Acm()
    acm.keys_of = issued.get
    customer(sts, agent, acm, aws_sts.Metadata(issued))
    token = secret(acmed, "pod-token", "eyJ.of.yesterday")
    os.chmod(token, 0o644)
    pod = secret(acmed, "eks-token", aws_sts.POD_TOKEN)
    issued["AKENV"] = "env-secret", "env-token"
    issued["AKFILE"] = "file-secret", None
    profiles = secret(acmed, "profiles", "[default]\naws_access_key_id = no\n"
                      "aws_secret_access_key=no\n\n[ dns ]\n"
                      "region = x\naws_access_key_id=AKFILE\r\n"
                      " aws_secret_access_key = file-secret\n[other]\n"
                      "aws_session_token = no")
    role = {"role_arn": aws_sts.ROLE_ARN, "sts_endpoint": sts.url}
    sections = {
        "web": dict(role, source="web_identity"),
        "eks": {"source": "EcsContainer"},
        "env": {"source": "Environment"},
        "file": {"source": "profile", "profile": "dns",
                 "shared_credentials_file": profiles},
        "none": {"source": "profile", "profile": "absent",
                 "shared_credentials_file": profiles},
        "key": dict(role, access_key_id=KEY_ID, external_id="x1",
                    secret_access_key_file=secret(acmed, "key", AWS_SECRET)),
        "denied": dict(role, source="Ec2InstanceMetadata"),
    }
    for name, opts in sections.items():
        acmed.credentials[name] = dict(opts, type="aws")
    name = "keyless.example.test"
    acmed.cert(name, [name], deploy_order="parallel", deploy={
        n: {"cloud": {"aws-acm": {"credentials": n, "region": REGION,
                                  "base_url": acm.url}}}
        for n in sections})
    acmed.env = dict(
        os.environ, AWS_WEB_IDENTITY_TOKEN_FILE=token,
        AWS_CONTAINER_CREDENTIALS_FULL_URI=agent.url + "/v1/credentials",
        AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=pod,
        AWS_ACCESS_KEY_ID="AKENV", AWS_SECRET_ACCESS_KEY="env-secret",
        AWS_SESSION_TOKEN="env-token",
        http_proxy="http://127.0.0.1:9",     # not for metadata
        no_proxy="127.0.0.1")
    acmed.start()

    def ended():
        got = {d["name"]: d for d in acmed.cert_status(name)["deploy"]}
        return len(got) == len(sections) and all(
            d["state"] in ("done", "failed") for d in got.values()) and got
    got = acmed.wait("all targets", ended, 30)
    assert {n for n in got if got[n]["state"] == "failed"} == {
        "web", "none", "denied"}, got
    assert 'credentials "web": AssumeRoleWithWebIdentity: HTTP 400: ' \
        "ExpiredTokenException: Token expired" in got["web"]["error"]
    assert "profiles has no aws_access_key_id and aws_secret_access_key in " \
        "[absent]" in got["none"]["error"]
    assert 'credentials "denied": AssumeRole: HTTP 403: AccessDenied: User ' \
        "is not authorized" in got["denied"]["error"]
    secret(acmed, "pod-token", aws_sts.POD_TOKEN)
    assert acmed.ctl("deploy", name, "web").returncode == 0
    for text in (AWS_SECRET, "env-secret", "env-token", "file-secret", "eyJ",
                 "IQoJ", "secret+/"):
        assert text not in acmed.log()


class AzureZone(azuredns.Azuredns):
    ZONE, OTHER_ZONE, HAS_SUBZONE = ZONE, "not" + ZONE, False


class GoogleZone(gcloud.Gcloud):
    ZONE, OTHER_ZONE, HAS_SUBZONE = ZONE, "not" + ZONE, False


def ends(acmed, name, n):
    """The targets when all have ended, by name."""
    def ended():
        got = {d["name"]: d for d in acmed.cert_status(name)["deploy"]}
        return len(got) == n and all(
            d["state"] in ("done", "failed") for d in got.values()) and got
    return acmed.wait("all targets", ended, 30)


def test_azure(acmed, customer):
    """A managed identity, of a machine and of an App Service, and the identity
    of a pod: tokens for the DNS and for the vault are not the same."""
    tokens = {}
    dns, vault = AzureZone(), Keyvault()
    dns.is_token = identity.knows(tokens, identity.MANAGER)
    vault.is_token = identity.knows(tokens, identity.VAULT)
    metadata, entra = identity.AzureMetadata(tokens), identity.Entra(tokens)
    customer(metadata, entra, dns, vault).feed = feed.Feed(
        dns, ZONE, {BIND: (0, 0.1)})
    token = secret(acmed, "pod-token", "eyJ.of.yesterday")
    sections = {
        "vm": {"source": "managed_identity"},
        "pod": {"source": "workload_identity", "authority_host": entra.url +
                "/login", "federated_token_file": token},
        "other": {"source": "managed_identity", "client_id": "other"},
    }
    for name, opts in sections.items():
        acmed.credentials[name] = dict(opts, type="azure")
    acmed.providers["azure"] = {
        "type": "azuredns", "credentials": "vm", "base_url": dns.url,
        "subscription_id": azuredns.SUBSCRIPTION}
    acmed.cert(ZONE, [ZONE], provider="azure", deploy={
        n: {"cloud": {"azure-keyvault": dict(
            vault.target(), credentials=n, vault_name=n)}}
        for n in sections})
    acmed.env = dict(os.environ, AZURE_TENANT_ID=azuredns.TENANT,
                     AZURE_CLIENT_ID=azuredns.CLIENT)
    acmed.start()
    got = ends(acmed, ZONE, 3)
    assert {n: got[n]["state"] for n in got} == {
        "vm": "done", "pod": "failed", "other": "failed"}, got
    assert 'credentials "pod": workload identity: HTTP 401: invalid_client: ' \
        "AADSTS700213" in got["pod"]["error"]
    assert 'credentials "other": managed identity: HTTP 400: ' \
        "invalid_request: Identity not found" in got["other"]["error"]
    assert vault.ours() == [live(acmed, ZONE)]
    secret(acmed, "pod-token", identity.POD_TOKEN)
    assert acmed.ctl("deploy", ZONE, "pod").returncode == 0
    # One that is not good any more is fetched again.
    tokens.clear()
    assert acmed.ctl("deploy", ZONE, "vm").returncode == 0
    app = identity.AppService(tokens)
    customer(app)
    acmed.env = dict(os.environ, IDENTITY_ENDPOINT=app.url + "/msi/token",
                     IDENTITY_HEADER="id-header")
    acmed.stop()
    acmed.start()
    assert acmed.ctl("deploy", ZONE, "vm").returncode == 0
    assert app.log
    assert "eyJ" not in acmed.log() and "id-header" not in acmed.log()


def test_google(acmed, customer):
    """The service account of a machine, for the DNS and for certificates; and
    application-default credentials of a user and of a service account."""
    tokens = {}
    dns, manager = GoogleZone(), CertificateManager()
    own = manager.is_token
    dns.is_token = identity.knows(tokens, "google")
    manager.is_token = lambda req: own(req) or dns.is_token(req)
    metadata = identity.GoogleMetadata(tokens)
    users = identity.GoogleTokens(tokens)
    customer(metadata, users, dns, manager).feed = feed.Feed(
        dns, ZONE, {BIND: (0, 0.1)})
    target = manager.target()
    sections = {
        "vm": {"source": "metadata_server"},
        "user": {"source": "application_default", "token_uri": users.url,
                 "application_credentials_file": secret(
                     acmed, "adc", identity.user_file())},
        "old": {"source": "application_default", "token_uri": users.url,
                "application_credentials_file": secret(
                    acmed, "old", identity.user_file(refresh_token="old"))},
        "other": {"source": "application_default",
                  "application_credentials_file": secret(
                      acmed, "other", '{"type": "external_account"}')},
        "account": {"source": "application_default",
                    "token_uri": target["token_url"]},
    }
    for name, opts in sections.items():
        acmed.credentials[name] = dict(opts, type="gcp")
    acmed.providers["gcp"] = {"type": "gcloud", "credentials": "vm",
                              "base_url": dns.url}
    acmed.cert(ZONE, [ZONE], provider="gcp", deploy={
        n: {"cloud": {"gcp-certificatemanager": dict(target, credentials=n)}}
        for n in sections})
    acmed.env = dict(os.environ, GOOGLE_APPLICATION_CREDENTIALS=secret(
        acmed, "key.json", manager.keys()["service_account"]))
    acmed.start()
    got = ends(acmed, ZONE, 5)
    assert {n for n in got if got[n]["state"] == "failed"} == {
        "old", "other"}, got
    assert "HTTP 400: invalid_grant: Token has been expired or revoked" in \
        got["old"]["error"]
    assert 'has credentials of type "external_account"; allowed: ' \
        "service_account, authorized_user" in got["other"]["error"]
    assert manager.ours() == [live(acmed, ZONE)]
    tokens.clear()
    metadata.ACCOUNT = False
    assert acmed.ctl("deploy", ZONE, "vm").returncode != 0
    assert "this machine has no service account; attach one" in \
        ends(acmed, ZONE, 5)["vm"]["error"]
    for text in ("eyJ", "refresh-token", "d-FL95", "PRIVATE"):
        assert text not in acmed.log()
