# SPDX-License-Identifier: MIT
"""What the manuals, the completions and --help tell is what there is."""

import os
import re

import pytest

from lab import daemon, proc

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
# The section that each part of acmed.conf(5) tells of.
PARTS = {
    "GLOBAL KEYS": [],
    "ACCOUNTS": ["account"],
    "CERTIFICATES": ["certificate"],
    "DEPLOY TARGETS": ["certificate", "deploy"],
    "REPOSITORIES": ["repository"],
    "NOTIFICATIONS": ["notify"],
    "WATCHED CERTIFICATES": ["watch"],
    "CLUSTER": ["cluster"],
}
# These have a part of their own.
SECTIONS = {"account", "credentials", "provider", "repository", "certificate",
            "host", "notify", "watch", "cluster"}
UNTITLED = {"docker", "cluster"}

pytestmark = pytest.mark.no_lab


def read(*path):
    with open(os.path.join(TOP, *path)) as f:
        return f.read()


def allowed(folder, place):
    """What acmed says is allowed in this section; None: it is none."""
    path = os.path.join(folder, "acmed.conf")
    with open(path, "w") as f:
        f.write("".join('%s %s{\n' % (s, "" if s in UNTITLED else '"/x" ')
                        for s in place) +
                "no_such_key = 1\n" + "}\n" * len(place))
    p = proc.run([daemon.program("ACMED", "acmed"), "--check-config", "-c",
                  path], check=False)
    m = re.search(r'unknown key "no_such_key"; allowed: (.*)', p.stdout)
    return set(m.group(1).split(", ")) if m else None


def known_keys(folder, place):
    """The same with the keys of the sections in it."""
    keys = allowed(folder, place)
    if not place:
        return keys - SECTIONS
    for key in sorted(keys - {"deploy"}):
        if allowed(folder, place + [key]):
            keys |= known_keys(folder, place + [key])
    return keys


def part_of_manual(part):
    return read("doc", "acmed.conf.5").split(".Sh %s\n" % part)[1].split(
        "\n.Sh ")[0]


def is_told(text, key):
    """A secret may always be written directly, in place of its file."""
    return any(re.search(r"\bCm %s\b" % k, text) for k in
               (key, key + "_file")) or ".It Fn " + key in text


def tagged_keys(text):
    """What is set in the tags of this part."""
    return set(re.findall(r"\bCm (\w+) (?:No (?:=|\\\(dq)|\\\(dq)", "\n".join(
        re.findall(r"^\.It (.*)", text, re.M))))


@pytest.mark.parametrize("part", PARTS)
def test_every_key(tmp_path, part):
    known = known_keys(str(tmp_path), PARTS[part])
    text = part_of_manual(part)
    if part == "CERTIFICATES":
        # Told of where the other side is.
        known -= {"source", "poll", "hosts", "key_source"}
    elif part == "REPOSITORIES":
        known |= {"source", "poll", "hosts", "key_source"} | known_keys(str(tmp_path),
                                                          ["host"])
    elif part == "DEPLOY TARGETS":
        # What every recipe has; their own keys are in their files.
        known |= {"ca_file", "fingerprint", "proxy", "allow_http"}
    assert [k for k in sorted(known) if not is_told(text, k)] == []
    assert tagged_keys(text) - known == set()


def commands():
    """Those that acmectl itself knows."""
    p = proc.run([daemon.program("ACMECTL", "acmectl"), "--help"])
    return p.stdout, set(re.findall(r"^  ([a-z][a-z-]+)\b", p.stdout, re.M))


def test_every_command():
    _, names = commands()
    assert {"status", "renew-now", "rollback"} <= names
    for file in ("doc/acmectl.1", "etc/acmectl.bash", "etc/_acmectl",
                 "etc/acmectl.fish"):
        text = read(*file.split("/"))
        assert [n for n in sorted(names) if not re.search(
            r"(?<![\w-])%s(?![\w-])" % n, text)] == [], file


def test_every_option():
    """The long options of --help, of acmectl and of each command, in the
    manual and in all completions; and each has an example."""
    text, names = commands()
    for name in names:
        p = proc.run([daemon.program("ACMECTL", "acmectl"), name, "--help"])
        assert re.search(r"^Example: acmectl %s\b" % name, p.stdout, re.M)
        text += p.stdout
    options = set(re.findall(r"--([a-z-]+)", text))
    assert {"json", "force", "no-probe"} <= options
    for file in ("doc/acmectl.1", "etc/acmectl.bash", "etc/_acmectl",
                 "etc/acmectl.fish"):
        text = read(*file.split("/"))
        assert [o for o in sorted(options) if not re.search(
            r"(?:-| -l )%s(?![\w-])" % o, text)] == [], file


def test_every_path_of_the_api():
    """What common/api.h names is in control-api.md."""
    paths = re.findall(r'"(/(?:v1|metrics)[^"]*)"', read("common", "api.h"))
    assert "/v1/deploy" in paths
    text = read("doc", "control-api.md")
    assert [p for p in paths if p not in text] == []


def test_packages():
    """The version is configure.ac's everywhere, as are the libraries', and the
    archive has all that the packages are made from."""
    version = re.search(r"AC_INIT\(\[acmed\], \[([^]]+)\]",
                        read("configure.ac")).group(1)
    assert read("debian", "changelog").startswith(
        "acmed (%s-" % version)
    wanted = dict(re.findall(r"^ (\S+-dev) \(>= ([\d.]+)\)",
                             read("debian", "control"), re.M))
    for least, package in re.findall(
            r"ACMED_LIB\(\[\w+\], \[[^]]+\], \[([\d.]+)\], \[([^]]+)\]\)",
            read("configure.ac")):
        assert (wanted[package] + ".0").startswith(least)
    packed = read("packaging", "Makefile.inc")
    for folder, _, files in os.walk(os.path.join(TOP, "debian")):
        for f in files:
            path = os.path.relpath(os.path.join(folder, f), TOP)
            assert path in packed
