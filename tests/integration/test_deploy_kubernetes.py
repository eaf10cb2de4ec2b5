# SPDX-License-Identifier: MIT
"""The deploy step `kubernetes`, against a stand-in for the API server."""

import base64
import os
import re
import shutil

import pytest

from lab import kube, proc
from lab.documents import blocks

TOKEN = "eyJhbGciOi.acmed.t0ken"
RIGHTS = {("patch", "web", "site-tls"), ("create", "web", "*")}
POD = "/var/run/secrets/kubernetes.io/serviceaccount"


def read(path):
    with open(path) as f:
        return f.read()


@pytest.fixture
def api(lab):
    k = kube.Kube(lab.tls, {TOKEN: ("system:serviceaccount:web:acmed",
                                    RIGHTS)})
    yield k
    k.stop()


def configure(acmed, lab, api, name, token=TOKEN, url=None, **more):
    path = os.path.join(acmed.folder, "token")
    with open(path, "w") as f:
        f.write(token + "\n")
    os.chmod(path, 0o600)
    opts = dict({"namespace": "web", "secret": "site-tls",
                 "token_file": path, "ca_file": lab.tls.ca}, **more)
    acmed.cert(name, deploy={"cluster": {"kubernetes": {
        url or api.url: opts}}})


def settled(acmed, name, state, serial=None):
    def check():
        c = acmed.cert_status(name)
        return c["serial"] not in (None, serial) and c["run"] is None and \
            c["deploy"] and c["deploy"][0]["state"] == state and c
    return acmed.wait("deploy %s" % state, check, timeout=30)


def check_secret(acmed, api, name):
    s = api.secrets["web", "site-tls"]
    assert s["type"] == "kubernetes.io/tls"
    assert base64.b64decode(s["data"]["tls.crt"]).decode() == read(
        acmed.live(name))
    assert base64.b64decode(s["data"]["tls.key"]).decode() == read(
        acmed.live(name, "privkey.pem"))
    return s


def test_apply(acmed, lab, api):
    """It is made, then changed; what others keep in it stays."""
    name = "kube.example.test"
    configure(acmed, lab, api, name, labels=["app=web", "x.test/y=z"])
    acmed.start()
    first = settled(acmed, name, "done")["serial"]
    s = check_secret(acmed, api, name)
    assert s["labels"] == {"app.kubernetes.io/managed-by": "acmed",
                           "app": "web", "x.test/y": "z"}
    # Somebody adds a field, and takes one of ours.
    key = "web", "site-tls"
    s["data"]["ca.crt"] = "eA=="
    api.owners[key]["data", "ca.crt"] = {"kubectl"}
    s["data"]["tls.crt"] = "eQ=="
    api.owners[key]["data", "tls.crt"] = {"kubectl"}
    acmed.ctl("renew-now", name)
    settled(acmed, name, "done", first)
    assert check_secret(acmed, api, name)["data"]["ca.crt"] == "eA=="
    assert [r[0] for r in api.seen] == ["PATCH"] * 2
    assert "fieldManager=acmed&force=true" in api.seen[0][1]
    assert TOKEN not in acmed.log()
    assert api.secrets[key]["data"]["tls.key"] not in acmed.log()


def test_recipe(acmed, lab, api):
    """doc/deploy-recipes.md: its block, and a role that allows no more than
    it needs."""
    block, role = blocks("doc/deploy-recipes.md", "5. Kubernetes")
    names = re.findall(r'(?:resourceNames|verbs): \["([^"]+)"\]', role)
    assert {(names[1], "web", names[0]), (names[2], "web", "*")} == RIGHTS
    assert "namespace: web" in role
    token = os.path.join(acmed.folder, "token")
    with open(token, "w") as f:
        f.write(TOKEN + "\n")
    os.chmod(token, 0o600)
    name = "kube-recipe.example.test"
    for old, new in (("www.example.com", name), ("NAME", name),
                     ("https://k8s.example.com:6443", api.url),
                     ("/etc/acmed/secrets/k8s-token", token),
                     ("/etc/acmed/k8s-ca.pem", lab.tls.ca)):
        assert old in block
        block = block.replace(old, new)
    acmed.write_conf(acmed.text() + block)
    acmed.start(write=False)
    settled(acmed, name, "done")
    check_secret(acmed, api, name)


@pytest.mark.parametrize("wrong", [
    "token", "rights", "namespace", "type", "label", "server", "ca"])
def test_refused(acmed, lab, api, wrong):
    name = "kube-%s.example.test" % wrong
    more = {}
    if wrong == "rights":
        more["secret"] = "other-tls"
    elif wrong == "namespace":
        api.namespaces.clear()
    elif wrong == "type":
        api.secrets["web", "site-tls"] = {"type": "Opaque", "data": {},
                                          "labels": {}}
    elif wrong == "label":
        more["labels"] = ["app=web-"]
    elif wrong == "server":
        api.before = lambda r: (503, b"\x1b[31m" + b"no " * 100000)
    elif wrong == "ca":
        more["ca_file"] = None
    configure(acmed, lab, api, name,
              token="wr0ng" if wrong == "token" else TOKEN, **more)
    acmed.start()
    d = settled(acmed, name, "failed")["deploy"][0]
    assert {"token": "401: Unauthorized",
            "rights": '403: secrets "other-tls" is forbidden: User '
                      '"system:serviceaccount:web:acmed" cannot patch',
            "namespace": '404: namespaces "web" not found',
            "type": "422: Secret \"site-tls\" is invalid: type: Invalid "
                    "value: \"kubernetes.io/tls\": field is immutable",
            "label": 'metadata.labels: Invalid value: "web-"',
            "server": "503:  [31mno no", "ca": "ertificate"}[wrong] \
        in d["error"]
    assert d["next_at"] and len(d["error"]) < 600
    assert "\x1b" not in d["error"]


@pytest.mark.skipif(os.path.exists(POD), reason="this is a pod")
def test_in_cluster(acmed, lab, api):
    """Everything is where every pod has it, readable by all in the pod."""
    name = "kube-pod.example.test"
    made = POD
    while not os.path.exists(os.path.dirname(made)):
        made = os.path.dirname(made)
    os.makedirs(POD)
    try:
        for file, text in (("token", TOKEN), ("namespace", "web"),
                           ("ca.crt", read(lab.tls.ca))):
            with open(os.path.join(POD, file), "w") as f:
                f.write(text)
            os.chmod(os.path.join(POD, file), 0o644)
        acmed.env = dict(os.environ, KUBERNETES_SERVICE_HOST="localhost",
                         KUBERNETES_SERVICE_PORT=str(api.port))
        acmed.cert(name, deploy={"cluster": {"kubernetes": {
            "in-cluster": {"secret": "site-tls"}}}})
        acmed.start()
        settled(acmed, name, "done")
        check_secret(acmed, api, name)
    finally:
        shutil.rmtree(made)


def test_mistakes(acmed, lab, api):
    configure(acmed, lab, api, "m.example.test", url="http://x",
              namespace="Web", secret=None, labels=["app"],
              token_file="/nowhere")
    acmed.certs["n.example.test"] = dict(
        acmed.certs["m.example.test"], names=["n.example.test"],
        deploy={"c": {"kubernetes": {"in-cluster": {"secret": "-"}}}})
    acmed.write_conf()
    p = proc.run([os.environ["ACMED"], "-c", acmed.conf, "--check-config"],
                 check=False)
    assert p.returncode != 0
    for text in ('allowed: kubernetes "https://HOST:PORT" { ... }, or '
                 '"in-cluster"', 'namespace = "Web"', "secret is missing",
                 'labels: "app"; allowed: "KEY=VALUE"',
                 "token_file: /nowhere", "this is not a pod of Kubernetes",
                 'secret = "-"'):
        assert text in p.stdout, (text, p.stdout)
