# SPDX-License-Identifier: MIT
"""doc/openapi.json says what the daemon and acmectl --json say: every path,
every member of a request and of a reply.  Besides, lab/daemon.py compares what
any other test is told."""

import copy
import json
import os
import re
import subprocess
import time

import pytest

from lab import daemon, proc, schema

pytestmark = pytest.mark.skipif(
    schema.jsonschema is None, reason="python3-jsonschema is not installed")

# What prints no JSON: import, and check-status, whose line is the plugins'.
NO_JSON = {"import", "check-status"}


def read(*path):
    with open(os.path.join(schema.TOP, *path)) as f:
        return f.read()


def references(value):
    if isinstance(value, dict):
        for k, v in value.items():
            if k == "$ref":
                yield v
            else:
                yield from references(v)
    elif isinstance(value, list):
        for v in value:
            yield from references(v)


def operations():
    for path, methods in schema.DOC["paths"].items():
        for method, op in methods.items():
            yield method.upper(), path, op


@pytest.mark.no_lab
def test_the_document():
    """It is OpenAPI 3.1 as far as we use it, and nothing in it is unused."""
    doc = schema.DOC
    assert doc["openapi"] == "3.1.0"
    for s in doc["components"]["schemas"].values():
        schema.jsonschema.Draft202012Validator.check_schema(s)
    used = set(references(doc))
    for ref in used:
        at = doc
        for part in ref.split("/")[1:]:
            at = at[part]
    assert {"#/components/schemas/" + n
            for n in doc["components"]["schemas"]} <= used
    ids = [op["operationId"] for _, _, op in operations()]
    assert len(ids) == len(set(ids))
    for method, path, op in operations():
        assert op["summary"][-1] in ".?", path
        named = re.findall(r"\{(\w+)\}", path)
        assert named == [p["name"] for p in op.get("parameters", [])
                         if p["in"] == "path"], path
        assert ("requestBody" in op) == (method == "POST"), path


@pytest.mark.no_lab
def test_routes():
    """The daemon's table and the document, both ways."""
    names = dict(re.findall(r'#define (API_PATH_\w+)\s+"([^"]+)"',
                            read("common", "api.h")))
    table = set()
    for name, prefix, method in re.findall(
            r"\{ (API_PATH_\w+), (true|false), EVHTTP_REQ_(\w+),",
            read("daemon", "control", "request.c")):
        table.add((method, names[name] + ("{}" if prefix == "true" else "")))
    assert len(table) > 20
    assert table == {(method, re.sub(r"\{\w+\}", "{}", path))
                     for method, path, _ in operations()}


@pytest.fixture
def many(acmed):
    """Certificates in most of the states that there are, and a channel."""
    acmed.cert("good.example.test", ["good.example.test", "*.good.example.test"])
    acmed.cert("paused.example.test")
    acmed.cert("undeployed.example.test",
               deploy={"broken": {"exec": ["/bin/false"]},
                       "fine": {"exec": ["/bin/true"]}})
    acmed.cert("failing.other.test", provider="bad")
    acmed.cert("gone.nowhere.invalid")
    acmed.providers["bad"] = daemon.rfc2136(key_name="nobody")
    acmed.notifies["ops"] = {"exec": ["/bin/false"]}
    acmed.notifies["fine"] = {"exec": ["/bin/true"]}
    acmed.hosts["web-1"] = {"public_key": daemon.HOST_KEY}
    acmed.start()
    for name in "good", "paused", "undeployed":
        acmed.wait_valid(name + ".example.test")
    acmed.wait_error("failing.other.test")
    acmed.wait("the target to fail", lambda: acmed.cert_status(
        "undeployed.example.test")["condition"] == "not deployed")
    return acmed


def test_commands(many, tmp_path):
    """Each command's --json, on standard output alone; all are there."""
    def ctl(*args):
        p = subprocess.run([daemon.program("ACMECTL", "acmectl"), "--socket",
                            many.socket, "--json", *args], timeout=60,
                           capture_output=True, text=True)
        assert p.stdout, (args, p.stderr)
        schema.check_command(args, p.stdout)
        done.add(args[0])
        return json.loads(p.stdout.splitlines()[-1]
                          if p.stdout[:2] not in ("{\n", "[\n") else p.stdout)
    done = set()
    good = "good.example.test"
    ctl("pause", "paused.example.test", "--until", "30d")
    assert len(ctl("status")["certificates"]) == 5
    for args in (["status", good], ["show", good], ["history", good],
                 ["plan"], ["cleanup"], ["list"], ["list", "channels"],
                 ["list", "targets", "undeployed.example.test"],
                 ["providers"], ["providers", "cloudflare"], ["version"],
                 ["clouds"], ["clouds", "aws-acm"],
                 ["status", "--all-hosts"], ["host", "forget", "nobody"],
                 ["rollout", good, "stop"],
                 ["account", "list"], ["account", "show", "lab"],
                 ["host", "list"], ["host", "show", "web-1"],
                 ["list", "hosts"], ["cluster", "status"],
                 ["reload"], ["persist", good],
                 ["deploy", "undeployed.example.test", "fine"],
                 ["deploy", "--no-wait", "undeployed.example.test"],
                 ["check", "--no-probe", good, "failing.other.test"],
                 ["notify-test"], ["status", "no-such"],
                 ["export", good, str(tmp_path)],
                 ["resume", "paused.example.test"]):
        ctl(*args)
    assert ctl("renew-now", good)["ok"] is True
    assert ctl("renew-now", "failing.other.test")["ok"] is False
    ctl("rollback", good)
    ctl("revoke", good, "--only", "--yes", "--reason", "superseded")
    many.certs.pop("gone.nowhere.invalid")
    many.write_conf()
    ctl("reload")
    ctl("delete", "--yes", "gone.nowhere.invalid")
    # What needs a terminal, an editor or root's files is looked at there.
    others = {"add", "edit", "remove", "rename", "events", "put"}
    known = set(re.findall(r"^  ([a-z][a-z-]+)\b", proc.run(
        [daemon.program("ACMECTL", "acmectl"), "--help"]).stdout, re.M))
    assert known - NO_JSON == done | others
    assert {k.split()[0] for k in schema.COMMANDS} == known - NO_JSON


def test_what_is_new_fails(many):
    """A member that is not documented, anywhere, or one that is missing."""
    status = many.status()
    ref = {"$ref": "#/components/schemas/Status"}
    assert schema.mistake(status, ref) is None

    def objects(value):
        if isinstance(value, dict):
            yield value
            for v in value.values():
                yield from objects(v)
        elif isinstance(value, list):
            for v in value:
                yield from objects(v)
    n = len(list(objects(status)))
    assert n > 15
    for i in range(n):
        for spoil in (lambda o: o.update(zzz=1),
                      lambda o: o.pop(next(iter(o)))):
            changed = copy.deepcopy(status)
            spoil(list(objects(changed))[i])
            assert schema.mistake(changed, ref), i


def sample(s):
    if "$ref" in s:
        s = schema.DOC["components"]["schemas"][s["$ref"].split("/")[-1]]
    if "anyOf" in s:
        s = s["anyOf"][0]
    if "examples" in s:
        return s["examples"][0]
    if "enum" in s:
        return s["enum"][0]
    if s["type"] == "object":
        return {k: sample(s["properties"][k]) for k in s["required"]}
    if s["type"] == "array":
        return [sample(s["items"])]
    return {"string": "/none", "boolean": False,
            "integer": int(time.time()) + 86400}[s["type"]]


def test_requests(acmed):
    """The daemon reads each request as the document has it: all that is
    required, all that is allowed, and nothing else."""
    acmed.start()
    for method, path, op in operations():
        if method != "POST":
            continue
        body = op["requestBody"]
        s = body["content"]["application/json"]["schema"]
        assert s["additionalProperties"] is False, path
        required = {k: sample(s["properties"][k])
                    for k in s.get("required", [])}

        def code(members):
            return acmed.get(path, "POST", json.dumps(members))[0]
        assert code({**required, "zzz": 1}) == 400, path
        # Where one member is only for another.
        beside = {"directory": {"dry_run": True}} if path == "/v1/renew" \
            else {}
        for k in required:
            assert code({n: v for n, v in required.items()
                         if n != k}) == 400, (path, k)
        # Not those that would do something to all there is.
        if path != "/v1/check":
            assert code(required) != 400, path
        for k, v in s["properties"].items():
            if k not in required and (path, k) != ("/v1/check", "probe"):
                assert code({**required, **beside.get(k, {}),
                             k: sample(v)}) != 400, (path, k)
                assert code({**required, k: {"x": []}}) == 400 or \
                    "object" in str(v), (path, k)
        if not body["required"]:
            assert "required" not in s
