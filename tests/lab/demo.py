# SPDX-License-Identifier: MIT
"""demo.py SCRATCH [--keep] [--builtin] [--mail]: what `./quickstart demo`
shows.

A CA, a name server and nginx start in a network namespace of their own; acmed
gets a wildcard certificate, nginx serves it, it is renewed before one's eyes,
and acmed looks whether nginx really serves the new one.  With --builtin nobody
may change the zone: one NS record in it makes acmed itself the name server of
the challenges.  With --mail something breaks, and a person is told.
"""

import os
import signal
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from lab import ca, daemon, mail, names, proc, web    # noqa: E402

NAME = "example.test"
ADDRESS = "127.0.1.5"
# With --builtin: who resolves for the CA, and where acmed answers.
RESOLVER, RESPONDER = "127.0.1.3", "127.0.1.7"
BOOT_ID = "/proc/sys/kernel/random/boot_id"
CHALLENGE, NS_NAME = "_acme-challenge." + NAME, "acme-ns." + NAME


def say(text):
    print("==> " + text, flush=True)


def show(text):
    for line in text.rstrip().splitlines():
        print("    " + line.expandtabs(4), flush=True)


def command(text, *argv):
    """Show a command and what it prints, live."""
    say("$ " + text)
    sys.stdout.flush()
    p = proc.subprocess.run(argv, stdin=proc.subprocess.DEVNULL)
    if p.returncode != 0:
        raise proc.LabError("%s: exit status %d" % (text, p.returncode))


def script(path, text):
    with open(path, "w") as f:
        f.write("#!/bin/sh\n" + text)
    os.chmod(path, 0o755)
    return path


class WithUpdates:
    """The zone is changed by DNS UPDATE, with a TSIG key."""

    resolver = ADDRESS

    def __init__(self, scratch):
        bind = names.Bind(os.path.join(scratch, "bind"), ADDRESS,
                          {NAME: names.zone_text(NAME, {"ns1": ADDRESS},
                                                 "@ A 127.0.0.1\n")})
        self.servers = [bind]
        self.lines = ["BIND, DNS           %s:53, zone %s, updates with a "
                      "TSIG key" % (ADDRESS, NAME)]
        self.provider = "bind", daemon.rfc2136(ADDRESS)

    def explain(self):
        pass

    def prove(self):
        pass

    def spoil(self, acmed, pebble):
        """Break something; what, and how to mend it."""
        options = acmed.providers["bind"]
        secret = options["key_secret"]
        options["key_secret"] = "bm90IHRoZSBzZWNyZXQgdGhhdCBCSU5EIGhhcw=="

        def mend():
            options["key_secret"] = secret
        return ("somebody changes the TSIG key, on one side only", mend)


class Builtin:
    """The zone is never changed; acmed answers for the challenges."""

    resolver = RESOLVER

    def __init__(self, scratch):
        self.records = "%s.  NS  %s.\n%s  A   %s\n" % (
            CHALLENGE, NS_NAME, (NS_NAME + ".").ljust(len(CHALLENGE) + 1),
            RESPONDER)
        bind = names.Bind(os.path.join(scratch, "bind"), ADDRESS,
                          {NAME: names.zone_text(
                              NAME, {"ns1": ADDRESS}, "@ A 127.0.0.1\n"
                              + self.records)}, updates=False)
        resolver = names.Resolver(os.path.join(scratch, "resolver"), RESOLVER,
                                  {NAME: {"ns1": ADDRESS}}, {})
        self.servers = [bind, resolver]
        self.lines = ["BIND, DNS           %s:53, zone %s, which nobody may "
                      "change" % (ADDRESS, NAME),
                      "BIND, a resolver    %s:53, what the CA asks"
                      % RESOLVER]
        self.provider = "self", {
            "type": "builtin", "zones": [CHALLENGE], "ns_name": NS_NAME,
            "listen": [RESPONDER + ":53"]}

    def explain(self):
        say("what a user adds, once, at the DNS provider: these records")
        show(self.records)
        show("The first hands the name of the challenges to acmed; there is "
             "no API,\nno key, and nothing else of the zone can be touched.")

    def prove(self):
        serial = names.soa_serial(RESPONDER, CHALLENGE)
        if serial is None:
            raise proc.LabError("acmed does not answer for " + CHALLENGE)
        show("acmed is the name server of %s at %s:53" % (CHALLENGE,
                                                         RESPONDER))
        if names.soa_serial(ADDRESS, NAME) != 1:
            raise proc.LabError("the zone %s has changed" % NAME)
        show("zone %s is as it was, serial 1: nothing was written to it"
             % NAME)

    def spoil(self, acmed, pebble):
        account = acmed.accounts["pebble"]
        right = account["directory"]
        account["directory"] = right.replace(":14000/", ":14999/")

        def mend():
            account["directory"] = right
        return "somebody changes the CA's port in acmed.conf", mend


def main():
    scratch = sys.argv[1]
    keep = "--keep" in sys.argv
    proc.Proc.keep = keep
    pebble_binary = ca.pebble_path("--any")
    proc.enter_namespaces()

    tls = ca.Tls(os.path.join(scratch, "tls"))
    dns = (Builtin if "--builtin" in sys.argv else WithUpdates)(scratch)
    pebble = ca.Pebble(pebble_binary, tls, os.path.join(scratch, "pebble"),
                       14000, dns.resolver + ":53")
    say("started, in a network namespace of their own")
    show("Pebble, a test CA   " + pebble.directory)
    show("\n".join(dns.lines))
    dns.explain()

    acmed = daemon.Acmed(os.path.join(scratch, "acmed"), pebble.directory,
                         tls.ca, dns.resolver)
    acmed.options["log_level"] = "info"
    acmed.accounts = {"pebble": acmed.accounts["lab"]}
    name, options = dns.provider
    acmed.providers = {name: options}
    server = web.Nginx(os.path.join(scratch, "nginx"), "127.0.0.1", 443,
                       acmed.live(NAME), acmed.live(NAME, "privkey.pem"))
    reload_nginx = script(
        os.path.join(scratch, "reload-nginx"),
        "# Before the first certificate there is no nginx to reload.\n"
        "[ -s %s/pid ] || exit 0\nexec %s\n"
        % (server.folder, " ".join(server.reload_argv)))
    root = os.path.join(scratch, "pebble-root.pem")
    with open(root, "w") as f:
        f.write(pebble.root())
    acmed.cert(NAME, [NAME, "*." + NAME], account="pebble", provider=name,
               deploy={"nginx": {"exec": [reload_nginx],
                                 "verify": ["%s:443 ca_file=%s"
                                            % (NAME, root)],
                                 "timeout": "20s"}})
    mailbox = None
    if "--mail" in sys.argv:
        mailbox = mail.Faulty()     # without any fault
        acmed.options.update({"alarm_after_tries": 1, "alarm_gather": "1s"})
        acmed.notifies["ops"] = {
            "mail_to": ["ops@example.test"],
            "mail_from": "acmed@host.example.test", "starttls": "none",
            "smtp": "smtp://localhost:%d" % mailbox.port}
    say("acmed.conf")
    show(acmed.text())
    say("acmed starts; nobody needs to tell it that a certificate is missing")
    begin = time.monotonic()
    acmed.start()
    acmed.wait("the certificate", lambda: os.path.exists(acmed.live(NAME)),
               60)
    show("%s and *.%s: issued and installed %.2f s after the start"
         % (NAME, NAME, time.monotonic() - begin))
    server.start()
    acmed.wait_valid(NAME, 60)
    show("nginx is started with it, and acmed has seen it on 127.0.0.1:443")
    dns.prove()
    ctl = [daemon.program("ACMECTL", "acmectl"), "--socket", acmed.socket]
    command("acmectl renew-now " + NAME, *ctl, "renew-now", NAME)
    command("acmectl status", *ctl, "status")

    with open(acmed.live(NAME, "cert.pem")) as f:
        new = f.read()
    # nginx's old workers may still accept a connection or two.
    proc.wait_until("nginx to serve the new certificate",
                    lambda: all(server.served(NAME) == new
                                for _ in range(4)))
    say("what nginx really serves now (openssl s_client)")
    show(proc.run(["openssl", "x509", "-noout", "-serial", "-issuer",
                   "-dates", "-ext", "subjectAltName"], stdin=None,
                  input=server.served(NAME)).stdout)
    if mailbox:
        show_mail(acmed, pebble, dns, mailbox, ctl)
    if keep:
        leave_running(scratch, acmed, [s.proc for s in [
            acmed, pebble, server] + dns.servers], ctl)
        return
    for s in [acmed, server, pebble] + dns.servers:
        s.stop()
    say("to look further: ./quickstart demo --keep, README.md, "
        + ("doc/builtin-responder.md" if "--builtin" in sys.argv
           else "man -l doc/acmed.conf.5"))


def show_mail(acmed, pebble, dns, mailbox, ctl):
    what, mend = dns.spoil(acmed, pebble)
    say(what + "; the next renewal fails")
    acmed.write_conf()
    proc.run(ctl + ["reload"])
    proc.run(ctl + ["renew-now", NAME], check=False)
    proc.wait_until("a mail", lambda: mailbox.mails, 30)
    say("the mail that ops@example.test gets")
    first = mailbox.mails[0]
    for header in ("From", "To", "Subject", "Date"):
        show("%s: %s" % (header, first[header]))
    show("\n" + first.get_content())
    say("it is mended")
    mend()
    acmed.write_conf()
    proc.run(ctl + ["reload"])
    command("acmectl renew-now " + NAME, *ctl, "renew-now", NAME)
    proc.wait_until("the second mail", lambda: mailbox.mails[1:], 30)
    show("and so is the last word: " + mailbox.mails[1]["Subject"])


def leave_running(scratch, acmed, procs, ctl):
    pids = " ".join(str(p.pid) for p in procs)
    enter = script(os.path.join(scratch, "enter"),
                   "# A shell, or the command given, beside the servers.\n"
                   'alias_dir=%s/bin\nPATH=$alias_dir:$PATH\nexport PATH\n'
                   'exec nsenter -t %d -n -m "${@:-sh}"\n'
                   % (scratch, acmed.proc.pid))
    os.makedirs(scratch + "/bin", exist_ok=True)
    with open(BOOT_ID) as f:
        boot = f.read().strip()
    script(scratch + "/bin/acmectl", 'exec %s "$@"\n' % " ".join(ctl))
    stop = script(os.path.join(scratch, "stop"),
                  "# After a reboot the numbers are those of others.\n"
                  "if [ \"$(cat %s)\" = %s ]; then\n"
                  "\tkill -CONT %s 2>/dev/null\n\tkill %s 2>/dev/null\n"
                  "\ti=0\n"
                  "\twhile kill -0 %s 2>/dev/null && [ $i -lt 50 ]; do\n"
                  "\t\ti=$((i + 1))\n\t\tsleep 0.1\n\tdone\nfi\n"
                  "rm -rf %s\n" % (BOOT_ID, boot, pids, pids, pids,
                                   scratch))
    say("left running; as root:")
    for text, what in (
            (enter + " acmectl status", "ask"),
            (enter + " acmectl renew-now " + NAME, "renew"),
            (enter, "a shell beside the servers"),
            (acmed.log_path, "acmed's log"),
            (acmed.conf, "its configuration"),
            (stop, "stop everything, remove " + scratch)):
        show("%-62s # %s" % (text, what))


def interrupted(signum, frame):
    raise KeyboardInterrupt


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, interrupted)
    signal.signal(signal.SIGHUP, interrupted)
    try:
        main()
    except proc.LabError as e:
        sys.exit("demo: %s" % e)
    except KeyboardInterrupt:
        sys.exit(130)
