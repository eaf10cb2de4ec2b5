# SPDX-License-Identifier: MIT
"""acmed and acmectl: configuration, start, kill, questions."""

import http.client
import json
import os
import signal
import socket
import subprocess

from . import names, proc, schema

FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"


def program(variable, name):
    """Path of a built program: $ACMED, $ACMECTL, or in $PWD."""
    path = os.environ.get(variable) or os.path.join(os.getcwd(), name)
    if not os.access(path, os.X_OK):
        raise proc.LabError("no %s: set %s to the built program"
                            % (path, variable))
    return path


def is_sanitized():
    """Was acmed built with --enable-sanitizers?"""
    with open(program("ACMED", "acmed"), "rb") as f:
        return b"__asan_init" in f.read()


def preloads():
    """What LD_PRELOAD needs for a faked clock, or None where there is none."""
    if not os.path.exists(FAKETIME) or os.environ.get("LAB_WRAP"):
        return None
    return sanitizer_libraries() + [FAKETIME]


def sanitizer_libraries():
    """What has to come first in LD_PRELOAD."""
    libs = proc.run(["ldd", program("ACMED", "acmed")]).stdout
    return [line.split()[2] for line in libs.splitlines()
            if "libasan" in line]


def quote(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, (list, tuple)):
        return "{ " + ", ".join(quote(v) for v in value) + " }"
    return '"%s"' % value.replace("\\", "\\\\").replace('"', '\\"')


def section(kind, title, options):
    """Text of one section; a dict value is a nested section list."""
    lines = [kind + (' "%s" {' % title if title is not None else " {")]
    for key, value in options.items():
        if isinstance(value, dict) and None in value:
            text = section(key, None, value[None])      # key { ... }
            lines += ["\t" + line for line in text.splitlines()]
        elif isinstance(value, dict):
            for name, sub in value.items():
                text = section(key, name, sub)
                lines += ["\t" + line for line in text.splitlines()]
        elif value is not None:
            lines.append("\t%s = %s" % (key, quote(value)))
    return "\n".join(lines + ["}"]) + "\n"


def rfc2136(server="127.0.1.5", **extra):
    opts = {"type": "rfc2136", "server": server + ":53",
            "key_name": names.KEY_NAME, "key_secret": names.KEY_SECRET,
            "ttl": 5}
    opts.update(extra)
    return opts


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


# A host's public key, whose other half nobody needs.
HOST_KEY = ("CymcNzaj2d4L41uzKAcfx9NlwbD8h8wc_NNTjy0u970"
            "0Xpm4kBLmwR1BAryv85bCepk4UbN74YY73eS4o8ALLg")


class Acmed:
    """One daemon with a state directory, a socket and a file of its own."""

    def __init__(self, folder, directory, ca_file, resolver="127.0.1.3"):
        self.folder = folder
        os.makedirs(folder, exist_ok=True)
        self.conf = os.path.join(folder, "acmed.conf")
        self.state_dir = os.path.join(folder, "state")
        self.socket = os.path.join(folder, "s")
        self.log_path = os.path.join(folder, "acmed.log")
        self.options = {"state_dir": self.state_dir,
                        "control_socket": self.socket,
                        "resolvers": [resolver], "log_level": "debug"}
        self.accounts = {"lab": {"directory": directory, "ca_file": ca_file,
                                 "contact": ["mailto:admin@example.test"],
                                 "agree_tos": True}}
        self.credentials = {}
        self.providers = {"dns": rfc2136()}
        self.hosts = {}
        self.repositories = {}
        self.certs = {}
        self.notifies = {}
        self.watches = {}
        self.cluster = None
        self.proc = None
        self.env = None
        self.user = None
        self.wrap = []

    # --- configuration ---

    def cert(self, name, dns_names=None, deploy=None, **opts):
        entry = {"names": dns_names or [name], "account": "lab",
                 "provider": "dns"}
        entry.update(opts)
        if deploy:
            entry["deploy"] = deploy
        self.certs[name] = entry
        return entry

    def text(self):
        out = "".join("%s = %s\n" % (k, quote(v))
                      for k, v in self.options.items())
        for kind, table in (("account", self.accounts),
                            ("credentials", self.credentials),
                            ("provider", self.providers),
                            ("host", self.hosts),
                            ("repository", self.repositories),
                            ("certificate", self.certs),
                            ("notify", self.notifies),
                            ("watch", self.watches)):
            for name, opts in table.items():
                out += section(kind, name, opts)
        if self.cluster is not None:
            out += section("cluster", None, self.cluster)
        return out

    def write_conf(self, text=None):
        with open(self.conf + ".new", "w") as f:
            f.write(self.text() if text is None else text)
        os.chmod(self.conf + ".new", 0o600)
        if self.user is not None:
            os.chown(self.conf + ".new", self.user, -1)
        os.rename(self.conf + ".new", self.conf)

    # --- the daemon ---

    def launch(self):
        """Start it; it need not come up."""
        self.proc = proc.Proc(
            self.wrap + [program("ACMED", "acmed"), "-c", self.conf],
            self.log_path, env=self.env, user=self.user,
            group=self.user, cwd="/")
        return self.proc

    def start(self, write=True):
        if write:
            self.write_conf()
        self.launch().ready(self.answers)
        return self

    def answers(self):
        try:
            return self.get("/v1/status")[0] == 200
        except (OSError, http.client.HTTPException):
            return False

    def stop(self):
        """SIGTERM; it must end by itself with status 0."""
        status = self.proc.stop(20)
        if status != 0:
            raise proc.LabError("acmed ended with %d: %s"
                                % (status, self.log()[-3000:]))

    def kill(self):
        self.proc.kill(signal.SIGKILL)
        self.proc.wait()

    def reload(self):
        self.proc.kill(signal.SIGHUP)

    def log(self):
        with open(self.log_path, errors="replace") as f:
            return f.read()

    def end(self):
        """At the end of a test, whatever happened."""
        if self.proc and self.proc.alive():
            self.proc.kill(signal.SIGCONT)
            self.proc.kill(signal.SIGKILL)
            self.proc.wait()

    # --- questions ---

    def get(self, path, method="GET", body=None, timeout=10):
        conn = UnixConnection(self.socket, timeout)
        try:
            conn.request(method, path, body)
            reply = conn.getresponse()
            data = reply.read()
            schema.check_reply(method, path, reply.status,
                               reply.headers.get("Content-Type"), data)
            return reply.status, json.loads(data) if data[:1] == b"{" \
                else data.decode()
        finally:
            conn.close()

    def status(self):
        code, reply = self.get("/v1/status")
        if code != 200:
            raise proc.LabError("status: %s %s" % (code, reply))
        return reply

    def cert_status(self, name):
        for c in self.status()["certificates"]:
            if c["name"] == name:
                return c
        return None

    def ctl(self, *args, timeout=60, **kw):
        """acmectl with these arguments: its result, .stdout has both."""
        argv = [program("ACMECTL", "acmectl"), "--socket", self.socket] + \
            list(args)
        if "--json" not in args or "stderr" in kw:
            return proc.run(argv, check=False, timeout=timeout, **kw)
        p = proc.run(argv, check=False, timeout=timeout,
                     stderr=subprocess.PIPE, **kw)
        schema.check_command(args, p.stdout)
        p.stdout += p.stderr
        return p

    def fake_clock(self):
        """Before start(): a function that lets seconds pass, or None where
        that cannot be (no libfaketime, or the daemon is wrapped)."""
        preload = preloads()
        if preload is None:
            return None
        clock = os.path.join(self.folder, "clock")

        def set_to(seconds):
            # libfaketime ends the program that finds the file empty.
            with open(clock + ".new", "w") as f:
                f.write("+%d\n" % seconds)
            os.rename(clock + ".new", clock)
        set_to(0)
        self.wrap = ["env", "LD_PRELOAD=" + ":".join(preload),
                     "FAKETIME_TIMESTAMP_FILE=" + clock,
                     "FAKETIME_NO_CACHE=1"]

        def jump(seconds):
            set_to(seconds)
            self.proc.kill(signal.SIGSTOP)      # wakes epoll_wait
            self.proc.kill(signal.SIGCONT)
        return jump

    # --- files ---

    def live(self, name, file="fullchain.pem"):
        return os.path.join(self.state_dir, "live", name, file)

    def x509(self, name, *args):
        return proc.run(["openssl", "x509", "-in", self.live(name, "cert.pem"),
                         "-noout"] + list(args)).stdout

    def serial(self, name):
        try:
            return self.x509(name, "-serial").strip()
        except proc.LabError:
            return None

    # --- waiting ---

    def describe(self):
        try:
            state = json.dumps(self.status(), indent=1)
        except (OSError, http.client.HTTPException, proc.LabError) as e:
            state = "no status: %s" % e
        return "%s\nlog: %s" % (state, self.log()[-6000:])

    def wait(self, what, check, timeout=15):
        """Poll check(); an early death of the daemon ends it at once."""
        def step():
            if not self.proc.alive():
                raise proc.LabError("acmed ended with %s: %s" % (
                    self.proc.popen.returncode, self.log()[-4000:]))
            return check()
        return proc.wait_until(lambda: "%s; %s" % (what, self.describe()),
                               step, timeout)

    def wait_valid(self, name, timeout=15):
        """Until it is issued, deployed and its run is over."""
        def check():
            c = self.cert_status(name)
            return c and c["state"] == "valid" and c["run"] is None \
                and c["error"] is None and c
        return self.wait("%s to be valid" % name, check, timeout)

    def wait_error(self, name, timeout=15):
        """Until a run has failed; the error."""
        def check():
            c = self.cert_status(name)
            return c and c["run"] is None and c["error"]
        return self.wait("%s to fail" % name, check, timeout)

    def wait_clean(self, timeout=15):
        """Until no TXT record is waiting to be removed."""
        self.wait("the cleanup journal to be empty",
                  lambda: self.status()["cleanup"] == [], timeout)
