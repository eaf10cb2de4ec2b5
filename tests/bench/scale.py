# SPDX-License-Identifier: MIT
"""make bench-scale: what very many certificates cost.  scale.py [100000].

The files are read three times beforehand, so that all times are warm; CPU time
is what to compare on a machine that does other things as well.  The CA is down:
what a daemon does that has just been started with nothing to renew.
"""

import json
import os
import shutil
import sqlite3
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from lab import daemon, proc     # noqa: E402

CERT = """certificate "c%d.example.test" {
	names = { "c%d.example.test", "*.c%d.example.test" }
	account = "lab"
	provider = "dns"
	deploy "web" { exec = { "/bin/true", "c%d" } }
}
"""


class Cost:
    """Of a program that has run to its end; its peak is at least ours."""

    def __init__(self, argv, cwd=None):
        begin = time.monotonic()
        pid = os.posix_spawnp("env", ["env", "-C", cwd or "/"] + argv,
                              os.environ, file_actions=[
            (os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0)])
        _, status, usage = os.wait4(pid, 0)
        self.wall = time.monotonic() - begin
        self.cpu = usage.ru_utime + usage.ru_stime
        self.mb = usage.ru_maxrss / 1024
        if status != 0:
            raise proc.LabError("%s: status %d" % (" ".join(argv), status))


def line(what, wall, cpu=None, mb=None, note=""):
    print("%-44s %8.2f s %s %s  %s" % (
        what, wall, " " * 10 if cpu is None else "%8.2f s" % cpu,
        " " * 11 if mb is None else "%8.1f MB" % mb, note), flush=True)


class Scale:
    def __init__(self, folder, n):
        self.folder, self.n = folder, n
        self.certs = os.path.join(folder, "certs.d")
        os.mkdir(self.certs)
        for i in range(n):
            with open(os.path.join(self.certs, "c%d.conf" % i), "w") as f:
                f.write(CERT % (i, i, i, i))
        self.many = self.acmed("many", ['include("%s/*.conf")\n' % self.certs])
        self.one = self.acmed("one", (CERT % (i, i, i, i) for i in range(n)))

    def acmed(self, name, texts):
        a = daemon.Acmed(os.path.join(self.folder, name),
                         "https://127.0.0.1:1/", None)
        a.accounts["lab"].pop("ca_file")
        a.options["log_level"] = "error"
        a.options["max_renewals"] = 1
        a.write_conf()
        with open(a.conf, "a") as f:    # not held: see Cost.mb
            f.writelines(texts)
        return a

    def read(self):
        """As little as can be done with the files, by a program in C."""
        read = ["find", self.certs, "-type", "f", "-exec", "cat", "{}", "+"]
        for _ in range(2):
            Cost(read)
        base = Cost(read)
        line("reading the files (find -exec cat)", base.wall, base.cpu)
        acmed = daemon.program("ACMED", "acmed")
        for name, a in ("a file each", self.many), ("one file", self.one):
            c = Cost([acmed, "--check-config", "-c", a.conf])
            line("acmed --check-config, " + name, c.wall, c.cpu, c.mb,
                 "%.1f x the CPU" % (c.cpu / base.cpu))

    # --- the daemon ---

    def value(self, key):
        with open("/proc/%d/status" % self.many.proc.pid) as f:
            return next(int(text.split()[1]) / 1024 for text in f
                        if text.startswith(key + ":"))

    def cpu(self):
        with open("/proc/%d/stat" % self.many.proc.pid) as f:
            parts = f.read().rsplit(")", 1)[1].split()
        return (int(parts[11]) + int(parts[12])) / os.sysconf("SC_CLK_TCK")

    def answers(self):
        try:
            return self.many.get("/v1/status?limit=0", timeout=60)[0] == 200
        except OSError:
            return False

    def start(self, what):
        begin = time.monotonic()
        self.many.launch()
        proc.wait_until(lambda: "acmed to answer", self.answers, timeout=600)
        line(what, time.monotonic() - begin, self.cpu(),
             self.value("RssAnon"), "%.2f kB each, peak %.1f MB" % (
                 self.value("RssAnon") * 1024 / self.n, self.value("VmHWM")))

    def issue(self):
        """All have a certificate, deployed, that is not due for weeks."""
        state = self.many.state_dir
        now = int(time.time())
        files = ("privkey.pem", "fullchain.pem", "cert.pem", "chain.pem")
        db = sqlite3.connect(os.path.join(state, "state.db"))
        for i in range(self.n):
            name, serial = "c%d.example.test" % i, "%036x" % i
            folder = os.path.join(state, "archive", name, serial)
            os.makedirs(folder, 0o700)
            for file in files:
                path = os.path.join(folder, file)
                if i % 10000 == 0:      # a file has so many links at most
                    first = folder
                    with open(path, "w") as f:
                        f.write(file)
                else:
                    os.link(os.path.join(first, file), path)
            os.symlink(os.path.join("../archive", name, serial),
                       os.path.join(state, "live", name))
            db.execute(
                "INSERT OR REPLACE INTO cert (name, serial, issuer,"
                " not_before, not_after, key, names, installed_at, spread,"
                " failures, retry_at, error_at, stamp, ari_id, ari_directory)"
                " VALUES (?, ?, 'R3', ?, ?, 'ec256', ?, ?, 0, 0, 0, 0, '',"
                " ?, ?)", (name, serial, now - 86400, now + 89 * 86400,
                json.dumps(["*." + name, name], separators=(",", ":")),
                now - 86400, "kZxJ4mYyqWmZ4mYyqWmZ4mYyqWk." + serial[:24],
                self.many.accounts["lab"]["directory"]))
            db.execute(
                "INSERT OR REPLACE INTO deploy (cert, action, serial, done,"
                " tries, retry_at, done_at, error, not_before, not_after)"
                " VALUES (?, 'web', ?, 1, 0, 0, ?, '', ?, ?)",
                (name, serial, now - 86400, now - 86400, now + 89 * 86400))
        # The last link changes the ctime.
        for i in range(self.n):
            name = "c%d.example.test" % i
            stats = [os.stat(os.path.join(state, "live", name, f))
                     for f in files]
            db.execute("UPDATE cert SET stamp = ? WHERE name = ?", ("-".join(
                "%x.%x.%x" % (s.st_ctime_ns // 10**9, s.st_ctime_ns % 10**9,
                              s.st_size) for s in stats), name))
        db.commit()
        db.close()

    def reads(self, what, act):
        """What it costs the daemon that somebody reads."""
        with open("/proc/%d/clear_refs" % self.many.proc.pid, "w") as f:
            f.write("5")        # the peak begins anew
        rss, cpu, begin = self.value("VmRSS"), self.cpu(), time.monotonic()
        note = act()
        line(what, time.monotonic() - begin, self.cpu() - cpu,
             self.value("VmHWM") - rss, "more at its peak" + (note or ""))

    def get(self, path):
        conn = daemon.UnixConnection(self.many.socket, 300)
        conn.request("GET", path)
        reply = conn.getresponse()
        n = 0
        while True:
            data = reply.read1(1 << 16)
            if not data:
                break
            n += len(data)
        conn.close()
        if reply.status != 200:
            raise proc.LabError("%s: %d" % (path, reply.status))
        return "; %.1f MB read" % (n / (1 << 20))

    def ctl(self, *args):
        c = Cost([daemon.program("ACMECTL", "acmectl"), "--socket",
                  self.many.socket] + list(args))
        return "; acmectl: %.2f s of CPU, %.1f MB" % (c.cpu, c.mb)

    def run(self):
        print("%d certificates, %d cores" % (self.n, os.cpu_count()))
        print("%-44s %10s %10s %11s" % ("", "wall", "CPU", "memory"))
        self.read()
        self.start("the first start of acmed, a file each")
        try:
            for path in "/v1/status", "/metrics":
                self.reads("GET " + path, lambda: self.get(path))
            for args in ["status"], ["status", "--json"], ["list"]:
                self.reads("acmectl " + " ".join(args),
                           lambda: self.ctl(*args))
            self.many.stop()
            self.start("the next start")
            self.many.stop()
            self.issue()
            self.start("a start with all of them issued")
            self.many.stop()
        finally:
            self.many.end()


def main():
    folder = tempfile.mkdtemp(prefix="acmed-scale.")
    os.chmod(folder, 0o755)
    try:
        Scale(folder, int((sys.argv[1:] or ["100000"])[0])).run()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    try:
        main()
    except proc.LabError as e:
        sys.exit("bench-scale: %s" % e)
