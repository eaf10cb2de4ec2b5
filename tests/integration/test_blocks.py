# SPDX-License-Identifier: MIT
"""No block of README and of what is in doc/ escapes: each is typed by a test,
is a configuration that acmed accepts, has only commands that acmectl knows, can
be parsed as what it is, or stands in a short list with the reason."""

import glob
import json
import os
import re
import shutil

import dns.rdatatype
import dns.zone
import pytest

from lab import daemon, proc
from lab.documents import TOP, blocks_of, commands, read

pytestmark = pytest.mark.no_lab

HERE = os.path.dirname(os.path.abspath(__file__))
README, ZH = "README.md", "doc/zh/getting-started.md"
RECIPES = "doc/deploy-recipes.md"
ALPN = "doc/tls-alpn-01.md"
# What is typed under a heading, and by which test.
TYPED = {
    (README, "First certificate"): "test_readme.py::test_readme",
    (README, "From staging to production"): "test_readme.py::test_readme",
    (README, "Every day"): "test_readme.py::test_readme",
    (README, "Monitoring"): "test_readme.py::monitored",
    ("doc/backup.md", "A backup with acmed stopped"):
        "test_readme.py::backed_up",
    ("doc/backup.md", "A backup while acmed runs"):
        "test_readme.py::backed_up",
    ("doc/backup.md", "Restore"): "test_readme.py::backed_up",
    ("doc/upgrading.md", "A build from source"): "test_readme.py::backed_up",
    ("doc/upgrading.md", "Going back to an older version"):
        "test_readme.py::backed_up",
    ("doc/configuration.md", "The configuration"):
        "test_first_hour.py::first_certificate",
    ("doc/configuration.md", "BIND"): "test_first_hour.py::with_bind",
    ("doc/configuration.md", "A provider's API"):
        "test_first_hour.py::with_aliyun",
    ("doc/configuration.md", "Permission to reload"):
        "test_first_hour.py::first_certificate",
    ("doc/configuration.md", "Check, start, look"):
        "test_first_hour.py::first_certificate",
    ("doc/installing.md", "From source"): "test_first_hour.py::Desk",
    ("doc/installing.md", "Removing what was built from source"):
        "test_readme.py::removed",
    (ZH, "方案一：阿里云云解析 DNS"): "test_readme.py::test_getting_started",
    (ZH, "部署到 nginx"): "test_readme.py::test_getting_started",
    (ZH, "常见错误"): "test_readme.py::test_getting_started",
    (ALPN, "acmed.conf"): "test_tls_alpn.py::test_behind",
    (ALPN, "nginx"): "test_tls_alpn.py::Before",
    (ALPN, "HAProxy"): "test_tls_alpn.py::Before",
    (ALPN, "Try it"): "test_tls_alpn.py::test_behind",
    (RECIPES, "Servers that read their key as root"):
        "test_recipes.py::test_of_root",
    (RECIPES, "1. A directory of the server's group"):
        "test_recipes.py::test_recipe",
    (RECIPES, "2. A hook of root"): "test_recipes.py::test_postgresql",
    (RECIPES, "4. Containers"): "test_recipes.py::test_container",
    (RECIPES, "5. Kubernetes"): "test_deploy_kubernetes.py::test_recipe",
    (RECIPES, "6. Containers, through the engine's socket"):
        "test_deploy_docker.py::test_recipe",
    ("doc/writing-a-recipe.md", "An example"):
        "test_deploy_recipe.py::test_document",
    ("doc/writing-a-recipe.md", "Messages"):
        "test_templates.py::test_templates",
}
# The first line of what no test types, and why.
LEFT = {
    (README, "./quickstart demo"): "test_demo.py; the other is CI itself",
    (README, "./quickstart package"): "tests/package/run.sh types it",
    ("doc/installing.md", "./quickstart package"):
        "tests/package/run.sh types it",
    ("doc/installing.md", 'sudo adduser "$USER" acmed'):
        "Debian's own; test_systemd.py has a member of the group",
    ("doc/upgrading.md", "sudo apt install"): "tests/package/run.sh types it",
    (ZH, "install -o acmed -m 600 /dev/null /etc/acmed/secrets/tencentcloud"):
        "as with alidns, which is typed",
    ("doc/clouds.md", "install -o acmed -m 600"):
        "as with alidns, which is typed",
    ("doc/clouds.md", "acmed --check-config"):
        "typed for README; test_clouds.py deploys and checks",
    ("doc/zh/clouds.md", "install -o acmed -m 600"):
        "as with alidns, which is typed",
    ("doc/zh/clouds.md", "acmed --check-config"):
        "typed for README; test_clouds.py deploys and checks",
    (ZH, "acmed --check-config && systemctl reload acmed"):
        "typed for README; notify-test by test_notify.py",
    ("doc/moving.md", "From certbot in /etc/letsencrypt"):
        "what acmectl prints; test_import.py compares its parts",
    ("doc/builtin-responder.md", "systemctl stop acmed"):
        "test_systemd.py starts the socket unit",
    ("doc/builtin-responder.md", "tsig-keygen acmed-peers"):
        "BIND's own; test_builtin.py has such a file on two hosts",
    ("doc/builtin-responder.md", "dig +norec"):
        "from elsewhere; test_builtin.py asks the same",
    ("doc/fleet.md", "etcdctl user add root"):
        "etcd's own; test_etcd.py has such a user",
    ("doc/zh/fleet.md", "etcdctl user add root"): "as in doc/fleet.md",
    ("doc/monitoring.md", "curl --unix-socket"):
        "test_views.py reads the metrics",
    ("doc/monitoring.md", "chgrp acmed /var/lib/prometheus"):
        "node_exporter's directory; test_monitoring.py has the file written",
    ("doc/monitoring.md", "promtool check rules"):
        "test_monitoring.py runs promtool",
    ("doc/monitoring.md", "ACMED OK - "):
        "what acmectl prints; test_monitoring.py reads it",
    ("doc/monitoring.md", "object CheckCommand"): "Icinga is not in the lab",
    ("doc/monitoring.md", "define command"): "Nagios is not in the lab",
    ("doc/monitoring.md", "journalctl -u acmed MESSAGE_ID"):
        "test_systemd.py reads the journal's fields",
    ("doc/monitoring.md", "ssh -L"): "needs another machine",
    ("doc/monitoring.md", "location /acmed/"): "nginx's own, with a password",
    ("doc/fleet.md", "cluster {"): "a part; test_cluster_waves.py has the rest",
    ("doc/zh/fleet.md", "cluster {"): "as in doc/fleet.md",
    ("doc/adding-a-provider.md", "make tests/provider-tool"):
        "test_providers.py runs the tool",
}
# Their blocks are examples of what is sent, with "..." for what is long.
OBJECTS = {"doc/control-api.md"}

WORDS = "account|credentials|provider|certificate|notify|repository|deploy|watch"
TSIG = 'key "k" { algorithm hmac-sha256; secret ' \
    '"MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="; };'
SECRETS = {"key_file": TSIG, "peer_key_file": TSIG,
           "login_token_file": "12345,0123456789abcdef0123456789abcdef",
           "webhook_file": "https://hooks.example.com/send?key=1a2b3c"}


def every_block():
    """(file, heading, block) of all documents."""
    for name in ["README.md", "README.zh-CN.md"] + sorted(
            os.path.relpath(p, TOP) for p in
            glob.glob(os.path.join(TOP, "doc/**/*.md"), recursive=True)):
        heading = ""
        for part in re.split(r"^(## .*)$", read(name), flags=re.M):
            if part.startswith("## "):
                heading = part[3:]
                continue
            for text in blocks_of(part) + re.findall(
                    r"^```\w*\n(.*?)^```", part, re.M | re.S):
                yield name, heading, text.strip("\n") + "\n"


BLOCKS = list(every_block())


def is_conf(text):
    return bool(re.match(r'(%s) "[^"]*" \{|(verify|\w+_textfile|status_listen) = ' % WORDS,
                         text))


def scaffold(folder, text):
    """What the block speaks of and does not have itself; its secrets."""
    def secret(m):
        path = os.path.join(folder, "secret-%d" % len(os.listdir(folder)))
        with open(path, "w") as f:
            f.write(SECRETS.get(m.group(1), "S3cret" * 7) + "\n")
        os.chmod(path, 0o600)
        return '%s%s"%s"' % (m.group(1), m.group(2), path)
    if text.startswith("verify"):
        text = 'deploy "x" {\nreload = "x.service"\n%s}\n' % text
    if text.startswith("deploy"):
        text = 'certificate "example.com" {\n%s}\n' % text
    text = re.sub(r'\b(\w+_file)( += )"/[^"]*"', secret, text)
    for what, more in (("account", "agree_tos = true"), (
            "provider", 'type = "exec" program = "/bin/true"')):
        used = set(re.findall(r'\b%s += "([^"]*)"' % what, text)) or {"any"}
        for name in used - set(re.findall(r'^%s "([^"]*)"' % what, text,
                                          re.M)):
            if name != "any" or not re.search("^%s " % what, text, re.M):
                text += '%s "%s" { %s }\n' % (what, name, more)
    return text


def test_configurations(tmp_path):
    """acmed itself reads each of them without a mistake."""
    n = 0
    for name, heading, text in BLOCKS:
        if not is_conf(text):
            continue
        n += 1
        folder = tmp_path / str(n)
        folder.mkdir()
        # A CA of one's own is no PEM file here.
        text = re.sub(r"^ *ca_file .*\n", "", text, flags=re.M)
        conf = folder / "acmed.conf"
        conf.write_text(scaffold(str(folder), text) +
                        'state_dir = "%s/state"\n' % folder)
        conf.chmod(0o600)
        (folder / "recipes").mkdir()
        for other, part, recipe in BLOCKS:
            if (other, part) == (name, heading) and recipe.startswith("title ="):
                (folder / "recipes" / "appliance.conf").write_text(recipe)
        p = proc.run([daemon.program("ACMED", "acmed"), "--check-config",
                      "-c", str(conf)], check=False)
        assert p.returncode == 0, (name, heading, p.stdout,
                                   conf.read_text())
    assert n >= 15


def usage(*command):
    return proc.run([daemon.program("ACMECTL", "acmectl"), *command,
                     "--help"]).stdout


def test_acmectl_knows_its_commands():
    """Every line with acmectl, also in text: the command and its options."""
    known = set(re.findall(r"^  ([a-z][a-z-]+)\b", usage(), re.M))
    n = 0
    for name in sorted({b[0] for b in BLOCKS}):
        lines = [line for f, _, text in BLOCKS if f == name
                 for line in commands(text)]
        lines += re.findall(r"`(?:sudo )?(acmectl [^`]+)`", read(name))
        for line in lines:
            m = re.match(r"(?:sudo )?acmectl ([a-z-]+)(.*)", line)
            if not m:
                continue
            n += 1
            assert m.group(1) in known, (name, line)
            text = usage(m.group(1)) + usage()
            for option in re.findall(r"(?<!\S)--([a-z-]+)", m.group(2)):
                assert "--%s" % option in text, (name, line)
    assert n >= 50


def parses(text):
    """Is it something else that has a form? Then it has that form."""
    if re.match(r"\S+\.\s+(NS|CNAME|A|AAAA)\s", text):
        zone = dns.zone.from_text("@ 1 IN SOA . . 1 1 1 1 1\n@ 1 IN NS .\n"
                                  + re.sub(r"^(\S+)", r"\1 1 IN", text,
                                           flags=re.M), ".")
        return len(zone.nodes) > 1
    if text.startswith("["):
        return all(re.match(r"\[\w+\]$|[A-Z]\w+=\S", line)
                   for line in text.splitlines())
    if text.startswith("{"):
        json.loads(text)
        return True
    return False


def compiles(tmp_path, text):
    path = tmp_path / "example.c"
    path.write_text(text)
    proc.run(["cc", "-std=c11", "-D_GNU_SOURCE", "-fsyntax-only", "-Wall",
              "-Werror", "-I", TOP, str(path)])


def test_no_block_escapes(tmp_path):
    used, left = set(), []
    readme = [commands(text) for name, _, text in BLOCKS if name == README]
    for name, heading, text in BLOCKS:
        first = text.splitlines()[0]
        why = [k for k in LEFT if k[0] == name and first.startswith(k[1])]
        if why:
            used.add(why[0])
        elif (name, heading) in TYPED:
            used.add((name, heading))
        elif name == "README.zh-CN.md" and commands(text) in readme:
            pass
        elif name in OBJECTS and text[0] in "{[":
            pass
        elif is_conf(text) or parses(text) or all(
                re.match("(sudo )?acmectl ", x) for x in commands(text)):
            pass
        elif text.startswith("/* SPDX") and shutil.which("cc"):
            compiles(tmp_path, text)
        elif name == "doc/adding-a-provider.md" and re.search(
                r"^(static |struct error \*err\))", text, re.M):
            pass        # parts of the whole one, which is compiled
        else:
            left.append((name, heading, first))
    assert left == []
    assert set(LEFT) | set(TYPED) == used, "nothing is listed in vain"


def test_who_types_them():
    """The tests that are named are there, and read these documents."""
    for (name, heading), test in TYPED.items():
        file, _, function = test.partition("::")
        with open(os.path.join(HERE, file)) as f:
            source = f.read()
        assert re.search(r"^(def|class) %s\b" % function, source, re.M), test
        assert name in source, test
        number = re.match(r"(\d+\. )", heading)
        assert (number.group(1) if number else heading) in source or (
            heading in read(name) and RECIPES == name), (test, heading)
    for _, why in LEFT.items():
        for file in re.findall(r"\btest_\w+\.py\b", why):
            assert os.path.exists(os.path.join(HERE, file)), file
        for file in re.findall(r"\btests/\S+\.sh\b", why):
            assert os.path.exists(os.path.join(TOP, file)), file


def test_links():
    """Every link of a document leads to a file that is there."""
    n = 0
    for name in sorted({b[0] for b in BLOCKS} | {
            "HACKING.md", "doc/security.md", "doc/troubleshooting.md"}):
        for link in re.findall(r"\]\(([^)#]+)", read(name)):
            if not link.startswith("http"):
                n += 1
                path = os.path.join(TOP, os.path.dirname(name), link)
                assert os.path.exists(path), (name, link)
    assert n >= 20
