# SPDX-License-Identifier: MIT
"""Other ACME clients, as Debian ships them, for what acmectl import reads."""

import contextlib
import json
import os
import re
import shutil

from . import proc

# One process for all: starting Python takes longer than a certificate.  And it
# sleeps for seconds between two looks at an order.
CERTBOT = """
import json, sys, time
from certbot.main import main
sleep = time.sleep
time.sleep = lambda s: sleep(min(s, 0.02))
for args in json.loads(sys.argv[1]):
    main(args)
"""


class Certbot:
    """certbot with directories of its own below folder."""

    @staticmethod
    def missing():
        """Why it cannot be used here, or None."""
        return None if os.path.exists("/usr/bin/certbot") else \
            "certbot is not installed"

    def __init__(self, folder, pebble, ca_file):
        self.dir = os.path.join(folder, "letsencrypt")
        self.common = ["--non-interactive", "--config-dir", self.dir,
                       "--work-dir", os.path.join(folder, "work"),
                       "--logs-dir", os.path.join(folder, "logs")]
        self.server = ["--server", pebble.directory]
        self.env = dict(os.environ, REQUESTS_CA_BUNDLE=ca_file)

    def run(self, commands, server=True):
        """Each a list of arguments."""
        args = [c[:1] + self.common + (self.server if server else []) +
                c[1:] for c in commands]
        # That of a venv with a newer certbot, for example.
        python = os.environ.get("LAB_CERTBOT_PYTHON", "/usr/bin/python3")
        p = proc.run([python, "-c", CERTBOT, json.dumps(args)],
                     check=False, env=self.env, timeout=240)
        if p.returncode != 0:
            raise proc.LabError("certbot: " + p.stdout[-3000:])
        return p.stdout

    def clone(self, name, other, params=None, extra=""):
        """The lineage again under another name; params in place of its
        [renewalparams], but for account and server."""
        for kind in "archive", "live":
            shutil.copytree(os.path.join(self.dir, kind, name),
                            os.path.join(self.dir, kind, other), True)
        live = os.path.join(self.dir, "live", other)
        for f in os.listdir(live):
            path = os.path.join(live, f)
            if os.path.islink(path):
                to = os.readlink(path).replace("/%s/" % name, "/%s/" % other)
                os.unlink(path)
                os.symlink(to, path)
        with open(os.path.join(self.dir, "renewal", name + ".conf")) as f:
            text = f.read().replace("/%s/" % name, "/%s/" % other)
        if params is not None:
            keep = re.findall(r"^(?:account|server) = .*\n", text, re.M)
            text = (extra + text.split("[renewalparams]")[0] +
                    "[renewalparams]\n" + "".join(keep) + params)
        with open(os.path.join(self.dir, "renewal", other + ".conf"),
                  "w") as f:
            f.write(text)

    def certonly(self, wanted):
        """wanted: lists of arguments, such as ["-d", "a.example.test"]."""
        return self.run([["certonly", "--agree-tos",
                          "--register-unsafely-without-email"] + w
                         for w in wanted])


class Lego:
    """Debian's lego, version 4."""

    @staticmethod
    def missing():
        return None if os.path.exists("/usr/bin/lego") else \
            "lego is not installed"

    def __init__(self, folder, pebble, ca_file):
        self.dir = os.path.join(folder, "lego")
        self.common = ["/usr/bin/lego", "--path", self.dir, "--server",
                       pebble.directory, "--accept-tos", "--email",
                       "a@example.test"]
        self.env = dict(os.environ, LEGO_CA_CERTIFICATES=ca_file)

    def obtain(self, root, names):
        """The first is the certificate's; root a webroot."""
        proc.run(self.common + ["--http", "--http.webroot", root] +
                 [w for n in names for w in ("--domains", n)] + ["run"],
                 env=self.env)


class Dehydrated:
    @staticmethod
    def missing():
        return None if os.path.exists("/usr/bin/dehydrated") else \
            "dehydrated is not installed"

    def __init__(self, folder, pebble, ca_file, root):
        self.dir = os.path.join(folder, "dehydrated")
        os.makedirs(self.dir)
        wellknown = os.path.join(root, ".well-known", "acme-challenge")
        os.makedirs(wellknown, exist_ok=True)
        self.conf = os.path.join(self.dir, "config")
        with open(self.conf, "w") as f:
            f.write("CA='%s'\nBASEDIR=%s\nWELLKNOWN='%s'\n"
                    "CURL_OPTS='--cacert %s'\nKEY_ALGO=prime256v1\nKEYSIZE=2048\n"
                    "ACCOUNT_KEYSIZE=2048\n"
                    "RENEW_DAYS=\"25\"\n" % (
                        pebble.directory, self.dir, wellknown, ca_file))

    def obtain(self, names):
        for args in (["--register", "--accept-terms"], ["-c"] + [
                w for n in names for w in ("-d", n)]):
            proc.run(["/usr/bin/dehydrated", "--config", self.conf] + args,
                     timeout=120)


@contextlib.contextmanager
def trusted(ca_file, folder):
    """The lab's CA is one of the system's; in our mount namespace."""
    bundle = "/etc/ssl/certs/ca-certificates.crt"
    path = os.path.join(folder, "bundle.pem")
    with open(path, "w") as f:
        f.write(open(bundle).read() + open(ca_file).read())
    proc.run(["mount", "--bind", path, bundle])
    try:
        yield
    finally:
        proc.run(["umount", bundle])


class Uacme:
    @staticmethod
    def missing():
        return None if os.path.exists("/usr/bin/uacme") else \
            "uacme is not installed"

    def __init__(self, folder, pebble, ca_file):
        self.dir = os.path.join(folder, "uacme")
        self.folder, self.ca_file = folder, ca_file
        self.common = ["/usr/bin/uacme", "-y", "-c", self.dir, "-a",
                       pebble.directory]

    def obtain(self, names):
        """The CA must look at nothing."""
        with trusted(self.ca_file, self.folder):
            proc.run(self.common + ["new"])
            # It ends at a challenge that it does not know, dns-persist-01,
            # unless Pebble happens to list another one before that.
            proc.wait_until("uacme's certificate", lambda: proc.run(
                self.common + ["-h", "/bin/true", "issue"] + names,
                check=False).returncode == 0, 60)


class Caddy:
    @staticmethod
    def missing():
        return None if os.path.exists("/usr/bin/caddy") else \
            "caddy is not installed"

    def __init__(self, folder, pebble, ca_file):
        self.dir = os.path.join(folder, "caddy")
        self.folder = folder
        os.makedirs(self.dir)
        self.conf = os.path.join(folder, "Caddyfile")
        self.head = ("{\n\tstorage file_system %s\n\tacme_ca %s\n"
                     "\tacme_ca_root %s\n\temail a@example.test\n"
                     "\thttp_port 5080\n\thttps_port 5443\n\tadmin off\n"
                     "}\n" % (self.dir, pebble.directory, ca_file))

    def obtain(self, name):
        with open(self.conf, "w") as f:
            f.write(self.head + "%s {\n\trespond hello\n}\n" % name)

        def is_there():
            return any(name + ".crt" in files
                       for _, _, files in os.walk(self.dir))
        # Debian's does not read every Retry-After that Pebble sends, and
        # waits a minute then.
        for i in range(20):
            p = proc.Proc(["/usr/bin/caddy", "run", "--adapter", "caddyfile",
                           "--config", self.conf],
                          os.path.join(self.folder, "caddy%d.log" % i),
                          env=dict(os.environ, HOME=self.folder))
            proc.wait_until(lambda: "caddy: " + p.log()[-3000:], lambda:
                            is_there() or "will retry" in p.log(), 60)
            p.stop()
            if is_there():
                return
        raise proc.LabError("caddy got no certificate")
