# SPDX-License-Identifier: MIT
"""doc/troubleshooting.md has every error code of the sources and no other, and
gives the advice that messages and `acmectl status` give."""

import os
import re

import pytest

from lab.documents import TOP, read

# Comments, strings and characters of C; what is in a string.
TOKEN = re.compile(r"/\*.*?\*/|'(?:[^'\\]|\\.)+'|\"((?:[^\"\\\n]|\\.)*)\"",
                   re.S)
CODE = re.compile(r"[a-z][a-z0-9-]*:[A-Za-z][A-Za-z0-9_-]*$")
# They look like codes: a part of one, or something else.
NOT_CODES = {"about:blank", "acme:http-", "acme:http-5", "acme:http-400",
             "acme:http-404", "acme:http-409", "sys:text",
             "acme:no-dns-", "acme:no-http-", "acme:no-tls-",
             "c:tVh"}                       # getopt's
# Made of a pattern in the sources: the CA's word, a kind of deploy step, ...
PATTERNS = {
    "acme:%s": ["acme:tls"],                # RFC 8555, 6.7, as we explain it
    "acme:http-%d": ["acme:http-STATUS"],
    "acme:no-%s": ["acme:no-CHALLENGE"],
    "persist:%s": ["persist:record", "persist:not-offered"],
    "deploy:%s": ["deploy:KIND", "deploy:cloud", "deploy:docker",
                  "deploy:kubernetes", "deploy:recipe", "deploy:reload",
                  "deploy:restart", "deploy:ssh", "deploy:start", "deploy:webhook"],
}


def strings():
    """Every string of the sources, with the name of its file."""
    for room in ("clouds", "common", "daemon", "providers", "ctl"):
        for folder, _, files in os.walk(os.path.join(TOP, room)):
            for name in files:
                if name.endswith((".c", ".h")):
                    path = os.path.join(folder, name)
                    for m in TOKEN.finditer(read(path)):
                        if m.group(1):
                            yield m.group(1), path


def rows():
    """The tables: {code: what to do}."""
    found = {}
    for line in re.findall(r"^\| (`.*) \|$",
                           read("doc/troubleshooting.md"), re.M):
        codes, _, advice = line.split(" | ")
        for code in re.findall("`([^`]+)`", codes):
            assert code not in found, code + " is there twice"
            found[code] = advice
    return found


@pytest.mark.no_lab
def test_every_code():
    known, patterns = set(), set()
    for text, _ in strings():
        if CODE.match(text):
            known.add(text)
        elif text in PATTERNS:
            patterns.add(text)
    assert {"acme:caa", "dns:stale", "control:busy"} <= known
    assert patterns == set(PATTERNS)
    assert NOT_CODES <= known
    made = {code for p in PATTERNS.values() for code in p}
    told = set(rows())
    assert sorted(known - NOT_CODES - told) == [], "without an entry"
    assert sorted(told - known - made) == [], "in no source"


def sentences(phrase):
    """A phrase of the catalogue, in English, as the document writes it."""
    m = re.search(r"\[%s\] = \{\s*((?:\"(?:[^\"\\]|\\.)*\"\s*)+)," % phrase,
                  read("daemon/notify/catalogue.c"))
    text = "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', m.group(1)))
    text = text.replace('\\"', '"').replace("  ", " ")
    return " ".join("`%s`" % line[2:] if line.startswith("\\t") else line
                    for line in text.split("\\n"))


@pytest.mark.no_lab
def test_advice_is_the_same():
    table = re.findall(r'\{ "([^"]+)", (P_DO_\w+) \}',
                       read("daemon/notify/advice.c"))
    assert len(table) > 30
    told = rows()
    for code, phrase in table:
        want = sentences(phrase).replace("{name}", "NAME").replace(
            "{who}", "ACCOUNT" if code.startswith("acme:") else "PROVIDER")
        if code.endswith("-"):          # how the document writes these
            code = "acme:http-STATUS" if code == "acme:http-" else \
                "acme:no-CHALLENGE"
        assert told[code] == want, code


def test_status_says_what_to_do(acmed):
    """The same in acmectl, with the names filled in."""
    acmed.accounts["lab"]["directory"] = "https://localhost:1/dir"
    acmed.cert("advice.example.test")
    acmed.start()
    acmed.wait("a failure", lambda: acmed.cert_status(
        "advice.example.test")["error"])
    said = " ".join(acmed.ctl("status", "advice.example.test").stdout.split())
    assert "http:connect" in said, said
    assert "what to do Check this machine's network: DNS, firewall and " \
        "proxy. Then: acmectl check advice.example.test" in said, said
    p = acmed.ctl("check", "advice.example.test")
    assert p.returncode == 6 and "FAIL" in p.stdout, p.stdout
