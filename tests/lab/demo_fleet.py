# SPDX-License-Identifier: MIT
"""demo_fleet.py SCRATCH: what `./quickstart demo --fleet` shows.

Three members of etcd, two acmeds that renew, three that serve with an nginx
each.  In the middle of a renewal the one that is at it is killed; the other one
goes on with its order, and all three nginx serve the new certificate.
"""

import os
import signal
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from lab import (ca, daemon, etcd as lab_etcd, fleet as lab_fleet,  # noqa: E402
                 names, proc, proxy, web)
from lab.demo import ADDRESS, NAME, command, interrupted, say, show  # noqa: E402

RENEWERS = ("renew1", "renew2")
HOSTS = ("web1", "web2", "web3")
LEASE_S = 5


class Demo:
    def __init__(self, scratch):
        self.scratch = scratch
        tls = ca.Tls(os.path.join(scratch, "tls"))
        self.bind = names.Bind(os.path.join(scratch, "bind"), ADDRESS, {
            NAME: names.zone_text(NAME, {"ns1": ADDRESS}, "@ A 127.0.0.1\n")})
        self.pebble = ca.Pebble(
            ca.pebble_path("--any"), tls, os.path.join(scratch, "pebble"),
            14000, ADDRESS + ":53", nonce_reject=0)
        self.ca = proxy.CaProxy(self.pebble, 14100)
        self.etcd = lab_etcd.Etcd(os.path.join(scratch, "etcd"))
        self.tls, self.nginx, self.made = tls, {}, 0
        self.fleet = lab_fleet.Fleet(self.make, self.etcd, "/acmed",
                                     lease="%ds" % LEASE_S)

    def make(self):
        self.made += 1
        a = daemon.Acmed(os.path.join(self.scratch, (RENEWERS + HOSTS)[
            self.made - 1]), self.ca.directory, self.tls.ca, ADDRESS)
        a.options["log_level"] = "info"
        return a

    def start(self):
        self.fleet.cert(NAME, [NAME, "*." + NAME], deploy={"nginx": {"exec": [
            "/bin/sh", "-c", "f=$ACMED_LIVE_DIR/../../../reload; "
            "test ! -e $f || exec sh $f"]}})
        for n in RENEWERS:
            self.fleet.member(n, "renew")
        for n in HOSTS:
            self.fleet.member(n, "serve")
        say("acmed.conf of renew1; the others have the same, but for name "
            "and role")
        show(self.fleet.members["renew1"].text())
        for m in self.fleet.members.values():
            m.start()

    def nginx_start(self):
        for i, n in enumerate(HOSTS):
            m = self.fleet.members[n]
            s = web.Nginx(os.path.join(self.scratch, "nginx-" + n),
                          "127.0.2.%d" % (i + 1), 443, m.live(NAME),
                          m.live(NAME, "privkey.pem"))
            s.start()
            with open(os.path.join(m.state_dir, "reload"), "w") as f:
                f.write(" ".join(s.reload_argv) + "\n")
            self.nginx[n] = s

    def served(self):
        """What each nginx serves: serial numbers."""
        found = {}
        for n, s in self.nginx.items():
            pem = s.served(NAME)
            found[n] = pem and proc.run(
                ["openssl", "x509", "-noout", "-serial"], stdin=None,
                input=pem).stdout.strip().split("=")[-1].lower()
        return found

    def served_anew(self, than):
        proc.wait_until(
            lambda: "all nginx to serve a new one: %s" % self.served(),
            lambda: len(set(self.served().values())) == 1 and
            than not in self.served().values() and
            None not in self.served().values(), 60)
        for n, serial in self.served().items():
            show("nginx of %s at %s:443 serves %s" % (
                n, self.nginx[n].address, serial))

    def ctl(self, member, *args):
        """Any host may be asked."""
        command("acmectl %s        (at %s)" % (" ".join(args), member),
                daemon.program("ACMECTL", "acmectl"), "--socket",
                self.fleet.members[member].socket, *args)

    def at_it(self):
        for n in RENEWERS:
            c = self.fleet.members[n].cert_status(NAME)
            if c and c["run"]:
                return n
        return None

    def kill_in_the_middle(self):
        """The renewal is asked for at a web server; who does it is killed when
        the CA is about to look at the TXT record."""
        killed, lock = [], threading.Lock()

        def before(request):
            with lock:          # of two names there are two at once
                if request.kind != "challenge" or killed:
                    return None
                name = self.at_it()
                if name is None:
                    return None
                self.fleet.members[name].kill()
                killed[:] = [name, time.monotonic()]
                return "drop"
        self.ca.before = before
        web1 = self.fleet.members["web1"]
        was = self.served()["web1"]
        orders = self.ca.count("newOrder")
        time.sleep(1.1)         # newer, by its dates
        code, reply = web1.get("/v1/renew", "POST",
                               '{"names": ["%s"]}' % NAME)
        if code >= 300:
            raise proc.LabError("renew-now: %s" % reply)
        proc.wait_until("the middle of the renewal",
                        lambda: len(killed) == 2, 30)
        say("%s has ordered it and put the TXT record into the DNS, and is "
            "killed: kill -9" % killed[0])
        self.served_anew(was)
        other = [n for n in RENEWERS if n != killed[0]][0]
        show("%.1f s later: %s has gone on when the lease of %s was over "
             "(lease = %ds)" % (time.monotonic() - killed[1], other,
                                killed[0], LEASE_S))
        n = self.ca.count("newOrder") - orders
        show("orders at the CA: %d" % n)
        if n != 1:
            raise proc.LabError("it was ordered %d times" % n)
        self.fleet.members[other].wait_clean(30)
        show("TXT records left in the DNS: none")
        return killed[0]

    def stop(self):
        for m in self.fleet.members.values():
            m.end()
        for s in list(self.nginx.values()) + [self.ca, self.pebble, self.bind,
                                              self.etcd]:
            s.stop()


def main():
    proc.enter_namespaces()
    d = Demo(sys.argv[1])
    say("started, in a network namespace of their own")
    show("Pebble, a test CA   " + d.ca.directory)
    show("BIND, DNS           %s:53, zone %s" % (ADDRESS, NAME))
    show("etcd, 3 members     " + " ".join(d.etcd.urls))
    begin = time.monotonic()
    d.start()
    say("five acmeds start: renew1 and renew2 renew, web1 to web3 serve")
    d.fleet.everywhere(NAME, timeout=60)
    show("%s and *.%s: issued by one of two, and on all five %.2f s after "
         "the start" % (NAME, NAME, time.monotonic() - begin))
    d.nginx_start()
    d.served_anew("")
    d.ctl("web1", "status")
    say("a renewal is asked for at web1, which cannot renew: it goes to who "
        "can")
    killed = d.kill_in_the_middle()
    orders = d.ca.count("newOrder")
    say("%s is started again" % killed)
    d.fleet.members[killed].start(write=False)
    d.fleet.everywhere(NAME, timeout=30)
    time.sleep(LEASE_S)
    if d.ca.count("newOrder") != orders:
        raise proc.LabError("who came back has ordered")
    show("it has taken the certificate of the other one, and ordered nothing")
    d.ctl("web3", "status")
    d.stop()
    say("to look further: doc/fleet.md, CLUSTER in man -l doc/acmed.conf.5")


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, interrupted)
    signal.signal(signal.SIGHUP, interrupted)
    try:
        main()
    except proc.LabError as e:
        sys.exit("demo: %s" % e)
    except KeyboardInterrupt:
        sys.exit(130)
