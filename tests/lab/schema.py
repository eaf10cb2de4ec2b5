# SPDX-License-Identifier: MIT
"""doc/openapi.json, as a test reads it: every member must be documented.

What the daemon says to any test is compared with it (daemon.py), where
python3-jsonschema is installed.
"""

import json
import os
import re

try:
    import jsonschema
except ImportError:
    jsonschema = None

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
JSON, LINES = "application/json", "application/jsonl"
# Their texts are one of a few that are listed.
LISTED = {"state", "condition", "kind", "action", "reason", "result", "level",
          "key", "challenge", "by", "type"}


def load():
    with open(os.path.join(TOP, "doc", "openapi.json")) as f:
        return json.load(f)


def strict(schema):
    """The same, but for a member that it does not name."""
    if isinstance(schema, list):
        return [strict(s) for s in schema]
    if not isinstance(schema, dict):
        return schema
    out = {k: strict(v) for k, v in schema.items()}
    if schema.get("type") in ("object", ["object", "null"]) and \
            "properties" in schema:
        out.setdefault("additionalProperties", False)
    return out


DOC = load()
COMPONENTS = strict(DOC["components"])
COMMANDS = DOC["x-acmectl-json"]["commands"]
REFUSAL = {"$ref": "#/components/schemas/Refusal"}


def mistake(value, schema):
    """Why the value is not of that schema, or None."""
    whole = dict(strict(schema), components=COMPONENTS)
    validator = jsonschema.Draft202012Validator(whole)
    best = jsonschema.exceptions.best_match(validator.iter_errors(value))
    return best and "%s: %s" % ("/".join(map(str, best.absolute_path)),
                                best.message)


def operation(method, path):
    """What the document has for a request; its path may have a query."""
    path = path.split("?")[0]
    for template, methods in DOC["paths"].items():
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path):
            return methods.get(method.lower())
    return None


def values(kind, data):
    """The JSON values of a body."""
    if kind == LINES:
        return [json.loads(line) for line in data.splitlines() if line]
    return [json.loads(data)]


def form(value, key=""):
    """What a schema looks at, without what differs from time to time."""
    if isinstance(value, dict):
        return tuple((k, form(v, k)) for k, v in sorted(value.items()))
    if isinstance(value, list):
        return frozenset(form(v, key) for v in value)
    if isinstance(value, str) and key in LISTED:
        return value
    return type(value).__name__


seen = set()


def check(what, value, schema):
    """Once for each form of it."""
    key = (what, form(value))
    if key in seen:
        return
    why = mistake(value, schema)
    assert why is None, "%s is not as doc/openapi.json says: %s\n%s" % (
        what, why, json.dumps(value, indent=1)[:4000])
    seen.add(key)


def check_reply(method, path, status, kind, data):
    """A reply of the daemon; nothing is said of what it does not know."""
    kind = (kind or "").split(";")[0]
    op = operation(method, path)
    if jsonschema is None or not data or kind not in (JSON, LINES):
        return
    if op is None or status >= 400:
        schema = REFUSAL
        assert op is None or str(status) in op["responses"] or \
            status == 405, (method, path, status, data[:300])
    else:
        assert str(status) in op["responses"], (method, path, status)
        schema = op["responses"][str(status)]["content"][kind]["schema"]
    for value in values(kind, data):
        check("%s %s" % (method, path.split("?")[0].rsplit("/", 1)[0]
                         if "certificates/" in path else path.split("?")[0]),
              value, schema)


def command_schemas(command):
    """The schemas of each value that the command prints with --json, and
    whether it prints one a line."""
    known = [v for k, v in COMMANDS.items()
             if k == command or k.startswith(command + " ")]
    alone = [v["schema"] for v in known if "schema" in v]
    lines = [v["lines"] for v in known if "lines" in v]
    return (lines or alone) + [REFUSAL], bool(lines)


def check_command(args, out):
    """What acmectl has printed on standard output for these arguments."""
    words = {k.split()[0] for k in COMMANDS}
    command = next((a for a in args if a in words), None)
    if jsonschema is None or command is None or not out.strip():
        return
    schemas, is_lines = command_schemas(command)
    for value in values(LINES if is_lines and not out.startswith("{\n")
                        else JSON, out):
        check("acmectl " + command, value, {"anyOf": schemas})
