# SPDX-License-Identifier: MIT
"""The page of the status listener, as a browser shows it.

SHOTS=DIR keeps the screenshots, for the eyes of a person.
"""

import http.client
import json
import os
import re
import socket
import sqlite3
import tempfile
import time

import pytest

from lab import browser, daemon

DAY = 86400
HOSTILE = ("<img src=x onerror=\"document.title='pwned'\"><script>"
           "document.title='pwned'</script>\"'>&lt;b&gt; \u202egnp.exe "
           + "W" * 900)
WIDTHS = 360, 768, 1280
FILES = "privkey.pem", "fullchain.pem", "cert.pem", "chain.pem"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Paged:
    """An acmed with as many certificates as wanted, and no CA.  They have the
    same files: nobody reads what has not changed."""

    def __init__(self, acmed, n, troubles=(), folder=None):
        self.acmed, self.port = acmed, free_port()
        if folder is not None:      # many files: sooner made in memory
            acmed.state_dir = acmed.options["state_dir"] = folder
        acmed.options["status_listen"] = ["127.0.0.1:%d" % self.port]
        acmed.options["log_level"] = "error"
        acmed.accounts["lab"]["directory"] = "https://127.0.0.1:1/"
        self.names = ["%s%04d.example.com" % (("www", "api", "mail")[i % 3], i)
                      for i in range(n)]
        acmed.start()
        if n > 0:
            acmed.stop()        # its state is made
            self.configure(dict(troubles))
            self.issue(dict(troubles))
            acmed.start()

    def configure(self, troubles):
        for i, name in enumerate(self.names):
            run = ["/bin/true", name]
            if "deploy" in troubles.get(i, {}):
                run = ["/bin/sh", "-c", 'echo "$0" >&2; exit 1',
                       troubles[i]["deploy"]]
            self.acmed.cert(name, deploy={"nginx": {"exec": run}})

    def issue(self, troubles):
        """All are issued; troubles: {index: what is different}."""
        state, now = self.acmed.state_dir, int(time.time())
        db = sqlite3.connect(os.path.join(state, "state.db"))
        same = os.path.join(state, "same")
        os.mkdir(same, 0o700)
        for file in FILES:
            with open(os.path.join(same, file), "w") as f:
                f.write(file)
        stamp = "-".join("%x.%x.%x" % (
            s.st_ctime_ns // 10**9, s.st_ctime_ns % 10**9, s.st_size)
            for s in (os.stat(os.path.join(same, f)) for f in FILES))
        for i, name in enumerate(self.names):
            odd, serial = troubles.get(i, {}), "%036x" % i
            age = odd.get("age", i * 7 % 55)
            before = now - age * DAY
            after = before + 90 * DAY
            os.mkdir(os.path.join(state, "archive", name), 0o700)
            os.symlink(same, os.path.join(state, "archive", name, serial))
            os.symlink(os.path.join("../archive", name, serial),
                       os.path.join(state, "live", name))
            error = odd.get("error")
            db.execute(
                "INSERT OR REPLACE INTO cert (name, serial, issuer,"
                " not_before, not_after, key, names, installed_at, spread,"
                " failures, retry_at, error_at, error_kind, error_code,"
                " error_msg, stamp, ari_id, ari_directory)"
                " VALUES (?, ?, ?, ?, ?, 'ec256', ?, ?, 0, ?, ?, ?, ?, ?, ?,"
                " ?, ?, ?)",
                (name, serial, odd.get("issuer", "R11"), before, after,
                 json.dumps([name], separators=(",", ":")), before,
                 3 if error else 0, now + 5400 if error else 0,
                 now - 1800 if error else 0,
                 "transient" if error else None,
                 odd.get("code", "acme:connection") if error else None, error, stamp,
                 "kZxJ4mYyqWmZ4mYyqWmZ4mYyqWk." + serial[:24],
                 self.acmed.accounts["lab"]["directory"]))
            undone = odd.get("deploy")
            db.execute(
                "INSERT OR REPLACE INTO deploy (cert, action, serial, done,"
                " tries, retry_at, done_at, error, not_before, not_after)"
                " VALUES (?, 'nginx', ?, ?, ?, ?, ?, ?, ?, ?)",
                (name, serial, 0 if undone else 1, 2 if undone else 0,
                 now + 3000 if undone else 0, 0 if undone else before,
                 undone or "", before, after))
            for k, (step, level, msg) in enumerate(odd.get("events", ())):
                db.execute("INSERT OR REPLACE INTO event VALUES"
                           " (?, ?, ?, ?, ?, ?)", (
                               name, k + 1, now - 3600 + k * 60, step, level,
                               msg))
        db.commit()
        db.close()

    def url(self, query=""):
        return "http://127.0.0.1:%d/%s" % (self.port, query)

    def get(self, path, headers=None):
        conn = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        conn.request("GET", path, headers=headers or {})
        reply = conn.getresponse()
        text = reply.read().decode()
        conn.close()
        return reply, text


@pytest.fixture(scope="module")
def chromium():
    if browser.PROGRAM is None:
        pytest.skip("chromium is not installed: apt-get install "
                    "chromium-headless-shell")
    b = browser.Browser()
    yield b
    b.end()


@pytest.fixture
def in_memory():
    with tempfile.TemporaryDirectory(
            dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as folder:
        yield folder


def shot(b, name):
    folder = os.environ.get("SHOTS")
    if folder:
        b.screenshot(os.path.join(folder, name + ".png"),
                     min(b.content_size()[1], 2400))


TROUBLES = {
    1: {"age": 64, "error": "authorize: www0001.example.com: the CA refuses "
        "the challenge: urn:ietf:params:acme:error:unauthorized: Incorrect "
        "TXT record \"LoqXcYV8\" found at _acme-challenge", "events": [
            ("order", "info", "the order is https://ca.example/order/1"),
            ("authorize", "info", "adding a TXT value at example.com"),
            ("authorize", "warning", "the CA refuses the challenge: "
             "Incorrect TXT record found"),
            ("deploy", "notice", "nginx: deployed")]},
    4: {"age": 62, "code": "acme:unauthorized", "error": "authorize: no"},
    2: {"age": 95, "error": HOSTILE, "issuer": HOSTILE, "events": [
        ("order", "error", HOSTILE)]},
    3: {"deploy": "nginx: [emerg] " + HOSTILE},
}


def looks_right(b, page, name, query=""):
    """At three widths: nothing beside the page, no script of others."""
    for width in WIDTHS:
        b.look(width=width)
        b.open(page.url(query))
        shot(b, "%s-%d" % (name, width))
        assert b.content_size()[0] <= width, (name, width)
        assert "pwned" not in b.value("document.title")
        assert b.complaints() == []
        assert all(url.startswith((page.url(), "data:"))
                   for url in b.requests()), b.requests()


def test_none(acmed, chromium):
    page = Paged(acmed, 0)
    looks_right(chromium, page, "none")
    assert "acmectl add" in chromium.value("document.body.innerText")


def test_three(acmed, chromium):
    page = Paged(acmed, 3)
    looks_right(chromium, page, "three")
    text = chromium.value("document.body.innerText")
    assert "All is well" in text and "3 certificates" in text
    looks_right(chromium, page, "three-cert", "?cert=www0000.example.com")


def test_hostile(acmed, chromium):
    """The words of CAs and servers stay words, with scripts and without."""
    page = Paged(acmed, 5, TROUBLES)
    b = chromium
    query = "?cert=" + page.names[2]
    looks_right(b, page, "hostile")
    looks_right(b, page, "hostile-cert", query)
    looks_right(b, page, "failing-cert", "?cert=" + page.names[1])
    text = b.value("document.body.innerText")
    assert "Incorrect TXT record" in text and "failures in a row: 3" in text
    for odd in ("?q=%3Cscript%3Edocument.title=%27pwned%27%3C/script%3E",
                "?cert=%22%3E%3Cimg%20src=x%20onerror=alert(1)%3E",
                "?after=%3C&q=%22onfocus=alert(1)%20autofocus=%22"):
        looks_right(b, page, "odd", odd)
        assert b.value("document.querySelectorAll('main img, main script, "
                       "[onfocus]').length") == 0
    # The script fetches it again: what it puts in is as harmless.
    b.look()
    b.open(page.url())
    b.value("(async () => { document.getElementById('q').value = 'www';"
            "document.getElementById('q').dispatchEvent(new Event('input'));"
            "for (let i = 0; i < 200 && document.querySelector('.cards');"
            " i++) await new Promise((f) => setTimeout(f, 50)); })()")
    assert "q=www" in b.value("location.href")
    assert "2 found" in b.value("document.body.innerText")
    assert "pwned" not in b.value("document.title")


def test_without_script(acmed, chromium):
    """The table, the search, the pages and the details are there."""
    page = Paged(acmed, 110, TROUBLES)
    b = chromium
    b.look(width=768, script=False)
    b.open(page.url())
    shot(b, "without-script")
    for query, there, gone in (
            ("", "Next page", None), ("?q=api", "37 found", "mail0002"),
            ("?show=attention", "4 found", "mail0005"),
            ("?after=www0098.example.com", "First page", "api0001"),
            ("?cert=www0003.example.com", "[emerg]", None)):
        text = page.get("/" + query)[1]
        main = text[text.index("<main"):text.index("</main>")]
        assert there in main, (query, main)
        assert gone is None or gone not in main, (query, main)
    b.look()


def test_languages_and_dark(acmed, chromium):
    page = Paged(acmed, 5, TROUBLES)
    b = chromium
    for dark in False, True:
        b.look(width=1280, dark=dark, lang="zh-CN,zh;q=0.9,en;q=0.8")
        b.open(page.url())
        shot(b, "zh-%s" % ("dark" if dark else "light"))
        assert b.value("document.documentElement.lang") == "zh-CN"
        assert b.value("document.querySelectorAll('.advice .do').length")
        assert "需要处理" in b.value("document.body.innerText")
        b.open(page.url("?cert=" + page.names[1]))
        shot(b, "zh-cert-%s" % ("dark" if dark else "light"))
    for query in "?q=0000", "?cert=" + page.names[0]:
        b.open(page.url(query))
        text = b.value("document.getElementById('main').innerText")
        assert not re.search("[A-Za-z]+ [A-Za-z]", text), text
    back = b.value("getComputedStyle(document.body).backgroundColor")
    assert back == "rgb(21, 23, 26)"
    # The choice wins over the browser's, and links keep it.
    b.open(page.url("?lang=en"))
    assert b.value("document.documentElement.lang") == "en"
    assert "lang=en" in b.value("document.querySelector('.name').href")
    b.look(width=360, dark=True, lang="zh")
    b.open(page.url())
    shot(b, "zh-dark-360")
    for header, lang in (("en;q=0.5, zh-TW", "zh-CN"), ("fr", "en"),
                         ("zh;q=0", "en"), ("", "en")):
        text = page.get("/", {"Accept-Language": header})[1]
        assert '<html lang="%s">' % lang in text, header


def test_live(acmed, chromium):
    """What happens shows by itself, and each page has a nonce of its own."""
    page = Paged(acmed, 3)
    b = chromium
    b.look()
    b.open(page.url())
    b.value("(async () => { for (let i = 0; i < 200 && "
            "document.getElementById('live').hidden; i++) "
            "await new Promise((f) => setTimeout(f, 50)); })()")
    assert b.value("document.getElementById('live').hidden") is False
    assert "All is well" in b.value("document.body.innerText")
    # There is no CA: it fails.
    assert acmed.get("/v1/renew", "POST", json.dumps(
        {"names": [page.names[0]]}))[0] == 202
    b.value("(async () => { for (let i = 0; i < 600 && "
            "!document.querySelector('.card'); i++) "
            "await new Promise((f) => setTimeout(f, 50)); })()")
    text = b.value("document.body.innerText")
    assert "Needs attention" in text and "127.0.0.1" in text
    assert b.complaints() == []
    policies = {page.get("/")[0].getheader("Content-Security-Policy")
                for _ in range(3)}
    assert len(policies) == 3
    assert all("default-src 'none'" in p and "unsafe" not in p
               for p in policies)


@pytest.mark.parametrize("n", [400, 5000])
def test_many(acmed, chromium, in_memory, n):
    """Few rows of them are sent, soon, and nobody else waits meanwhile."""
    page = Paged(acmed, n, TROUBLES, in_memory)
    rss = lambda: next(int(line.split()[1]) for line in open(
        "/proc/%d/status" % acmed.proc.pid) if line.startswith("VmHWM"))
    page.get("/")
    before = rss()
    begin = time.monotonic()
    reply, text = page.get("/")
    print("%d certificates: %.3f s, %d kB sent" % (
        n, time.monotonic() - begin, len(text) // 1024))
    assert reply.status == 200 and len(text) < 200 << 10
    assert text.count("<tr><th scope=\"row\">") == 100
    for _ in range(10):
        page.get("/?q=example")
    if not daemon.is_sanitized():       # what is freed is kept for a while
        assert rss() - before < 1024
    if n == 400:
        looks_right(chromium, page, "many-%d" % n)
    else:
        chromium.look()
        chromium.open(page.url())
        shot(chromium, "many-%d" % n)
        assert "5000 certificates" in chromium.value(
            "document.body.innerText")
