# SPDX-License-Identifier: MIT
"""make check-fault: acmed meets a hostile CA.

hostile.py [--quick] [--only WORD] [--brief] [--workers N]

Each case of attacks.py is a CA and an acmed of their own.  The run has to end
within its time, memory and number of requests, with an error that tells what
happened, or with a certificate where the attack is harmless.  acmed has to
answer all the time, nothing of the attack may be in live/, in any path, or raw
in what a person sees; and once the CA behaves, renew-now gets a certificate.
"""

import argparse
import multiprocessing
import os
import re
import shutil
import sys
import tempfile
import time
import traceback
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import attacks      # noqa: E402
from attacks import NAME    # noqa: E402
from lab import daemon, proc, script_ca     # noqa: E402

MEMORY_KB = 12 << 10        # more than a plain renewal
ANSWER_S = 2.0              # acmed answers within
PORT, PAGES = 20000, 5000   # of the first CA; of the page, so much higher
# All that does not belong on a screen: C0, DEL, C1, and what turns the
# direction of a text or ends a line.
RAW = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e"
                 "\u2066-\u2069]")
PATHS = re.compile(
    r"(acmed\.(conf|log)|s|s\.lock|www(/\.well-known(/acme-challenge)?)?|"
    r"state(/(lock|reserve|state\.db(-wal|-shm)?|last-good(/.*)?|live|"
    r"archive|pending|requests|scratch|accounts|http-01|"
    r"accounts/[A-Za-z0-9._-]+\.(key|pem|json)|"
    r"(archive|live)/NAME|archive/NAME/[0-9a-f-]+(/([a-z]+\.pem|ca\.json))?|"
    r"pending/NAME\.(key|pem)))?)$".replace("NAME", re.escape(NAME)))


class Result:
    def __init__(self, name):
        self.name, self.told = name, ""
        self.seconds = self.slowest = 0.0
        self.rss = self.requests = 0
        self.problems, self.log = [], ""


class Run:
    """One case."""

    def __init__(self, case, folder, port):
        self.case, self.result = case, Result(case.name)
        self.ca = script_ca.ScriptCA(os.path.join(folder, "ca"), port)
        self.ca.round = 0
        self.ca.clock_off = None if case.speed > 1 else 0
        a = self.acmed = daemon.Acmed(os.path.join(folder, "d"),
                                      self.ca.directory, self.ca.ca_file)
        a.providers = {}
        self.page = port + PAGES
        a.options["status_listen"] = ["127.0.0.1:%d" % self.page]
        webroot = os.path.join(a.folder, "www")
        os.mkdir(webroot)
        options = dict(case.options, challenge="http-01", webroot=webroot)
        del a.cert(NAME, **options)["provider"]
        if case.speed > 1:
            a.wrap = ["env", "LD_PRELOAD=" + ":".join(daemon.preloads()),
                      "FAKETIME=+0 x%d" % case.speed]

    def wrong(self, *words):
        self.result.problems.append(" ".join(map(str, words)))

    def wait(self, check, seconds):
        """Until check(status of the certificate), or None."""
        a, end = self.acmed, time.monotonic() + seconds
        while True:
            begin = time.monotonic()
            c = a.cert_status(NAME)
            self.result.slowest = max(self.result.slowest,
                                      time.monotonic() - begin)
            if check(c):
                return c
            if time.monotonic() > end:
                return None
            time.sleep(0.02)

    def attack(self):
        """One try; what acmed tells of it, "" where it has issued."""
        c = self.wait(lambda c: c["run"] is None and (
            c["error"] or c["state"] == "valid"), self.case.seconds)
        if c is None:
            self.wrong("no end in %d s" % self.case.seconds)
            return ""
        return c["error"]["msg"] if c["error"] else ""

    def judge(self, told):
        want = self.case.told
        if want is None or (want == attacks.ANY and not told):
            if told:
                self.wrong("told as:", told)
        elif not re.search(want, told):
            self.wrong("told as:", told or "nothing")
        elif os.path.lexists(self.acmed.live(NAME, "")) and \
                self.case.rounds == 1:
            self.wrong("live/ has something")
        for words in self.seen():
            raw = RAW.search(words)
            if raw:
                self.wrong("raw on a screen: %r" % words[
                    max(0, raw.start() - 60):raw.start() + 20])
        self.judge_pages()
        if told:
            self.judge_shown(told)

    def judge_pages(self):
        """What the browser of whoever looks would run."""
        for path in "/", "/?q=" + NAME, "/v1/certificates/" + NAME, \
                "/metrics":
            with urllib.request.urlopen("http://127.0.0.1:%d%s" % (
                    self.page, path)) as reply:
                text = reply.read().decode()
            if attacks.MARKUP in text and "html" in \
                    reply.headers["Content-Type"]:
                self.wrong("markup on the page", path)
            if RAW.search(text):
                self.wrong("raw on the page", path)

    def seen(self):
        a = self.acmed
        yield a.log()
        for args in ["status"], ["status", NAME], ["history", NAME], \
                ["check", "--no-probe", NAME] if "terms" in \
                self.case.name else ["plan"]:
            yield a.ctl(*args, timeout=90).stdout

    def judge_shown(self, told):
        shown = " ".join(self.acmed.ctl("status", NAME).stdout.split())
        for word in "last error", "next", "what to do":
            if word not in shown:
                self.wrong("status does not tell", word)
        if " ".join(told.split())[:200] not in shown:
            self.wrong("status does not tell the error:", shown[:800])

    def judge_files(self):
        top = self.acmed.folder
        for folder, dirs, files in os.walk(top):
            for f in dirs + files:
                path = os.path.relpath(os.path.join(folder, f), top)
                if not PATHS.match(path):
                    self.wrong("a path:", repr(path))

    def judge_means(self):
        r = self.result
        with open("/proc/%d/status" % self.acmed.proc.pid) as f:
            r.rss = int(re.search(r"VmHWM:\s+(\d+)", f.read()).group(1))
        r.requests = sum(self.ca.count().values())
        if r.requests > self.case.requests:
            self.wrong("%d requests: %s" % (r.requests, self.ca.count()))
        if r.slowest > ANSWER_S:
            self.wrong("no answer for %.1f s" % r.slowest)

    def recover(self):
        """The CA behaves."""
        a, ca = self.acmed, self.ca
        ca.before, ca.after = {}, {}
        ca.polls_authz = ca.polls_order = 0
        for e in ca.authzs.values():
            if e["polls"]:
                e["polls"] = 0
        ca.retry_after, ca.meta, ca.ari = None, {}, None
        ca.__dict__.pop("chain", None)
        for _ in range(2):
            p = a.ctl("renew-now", "--force", NAME, timeout=60)
            if p.returncode == 0:
                break
        else:
            self.wrong("no certificate afterwards:", p.stdout[-600:])
        self.judge_files()

    def work(self):
        a, r = self.acmed, self.result
        self.case.attack(self.ca)
        if "terms" in self.case.name:
            a.accounts["lab"]["agree_tos"] = False
        begin = time.monotonic()
        a.start()
        r.told = told = self.attack()
        for self.ca.round in range(1, self.case.rounds):
            self.judge(told)
            a.ctl("renew-now", "--force", NAME, timeout=self.case.seconds)
            told = self.attack()
            r.told = r.told or told
        time.sleep(self.case.stays)
        r.seconds = time.monotonic() - begin
        self.judge(told)
        if self.case.stays and self.ca.count()["newOrder"] > self.case.orders:
            self.wrong("%d orders" % self.ca.count()["newOrder"])
        self.judge_means()
        if "terms" in self.case.name:
            a.accounts["lab"]["agree_tos"] = True
            a.write_conf()
            a.reload()
        self.recover()
        a.stop()

    def run(self):
        r = self.result
        try:
            self.work()
        except Exception:
            self.wrong(traceback.format_exc())
        finally:
            if r.problems and os.path.exists(self.acmed.log_path):
                r.log = self.acmed.log()[-3000:]
            self.acmed.end()
            self.ca.stop()
        return r


def one(job):
    number, folder = job
    case, port = attacks.CASES[number], PORT + number
    folder = os.path.join(folder, case.name.replace("/", "_"))
    try:
        os.mkdir(folder)
        return Run(case, folder, port).run()
    finally:
        if not os.environ.get("LAB_KEEP"):
            shutil.rmtree(folder, ignore_errors=True)


def table(results, base):
    print("%-30s %6s %7s %6s %4s  %s" % (
        "case", "s", "stood s", "RSS kB", "reqs", "told"))
    for r in results:
        print("%-30s %6.1f %7.2f %6d %4d  %s" % (
            r.name, r.seconds, r.slowest, r.rss, r.requests,
            "FAILED " * bool(r.problems) + (r.told[:110] or "issued")))
    failed = [r for r in results if r.problems]
    print("%d cases, %d failed; a plain one needs %d kB" % (
        len(results), len(failed), base))


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--quick", action="store_true")
    p.add_argument("--only")
    p.add_argument("--brief", action="store_true")
    p.add_argument("--workers", type=int, default=3)
    args = p.parse_args()
    try:
        proc.enter_namespaces()
    except proc.LabError as e:
        print("skipped: %s" % e)
        return 77
    if daemon.preloads() is None:
        print("skipped: libfaketime is not installed")
        return 77
    # The first is the measure of the others.
    wanted = [i for i, c in enumerate(attacks.CASES) if i > 0
              and (c.quick or not args.quick)
              and (args.only is None or args.only in c.name)]
    folder = tempfile.mkdtemp(prefix="acmed-hostile.")
    os.chmod(folder, 0o755)
    try:
        first = one((0, folder))
        results = [first]
        with multiprocessing.Pool(args.workers, maxtasksperchild=20) as pool:
            for r in pool.imap(one, [(i, folder) for i in wanted]):
                if r.rss > first.rss + MEMORY_KB and \
                        not daemon.is_sanitized():
                    r.problems.append("%d kB of memory" % r.rss)
                results.append(r)
                if r.problems:
                    print("FAILED %s: %s\n%s" % (
                        r.name, "\n  ".join(r.problems), "" if
                        args.brief else r.log), flush=True)
        table(results, first.rss)
        return 1 if any(r.problems for r in results) else 0
    finally:
        if not os.environ.get("LAB_KEEP"):
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
