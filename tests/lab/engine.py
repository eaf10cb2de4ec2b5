# SPDX-License-Identifier: MIT
"""Engines of containers: podman, which is real, and a fake that misbehaves.

podman runs without cgroups and without a network, with an image made of
busybox; its socket is the Docker API's.
"""

import http.server
import json
import os
import re
import shutil
import socketserver
import threading
import urllib.parse

from lab import proc

CONF = """[containers]
cgroups = "disabled"
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "none"
"""
# It says when it was told to reload, and then what it found; it ends at once when
# it shall.
PROGRAM = """trap 'echo hup >>/log; cat /certs/* >/seen' HUP
trap 'exit 0' TERM
echo start >>/log
while :; do sleep 0.1; done
"""
APPLETS = ("sh", "cat", "echo", "false", "id", "ls", "mkdir", "rm", "sleep",
           "stat", "true")


def missing():
    """Why there is no podman here, or None."""
    for program in ("podman", "crun", "conmon", "busybox"):
        if shutil.which(program) is None:
            return "%s is not installed" % program
    return None


class Podman:
    def __init__(self, folder):
        self.folder = folder
        self.socket = os.path.join(folder, "podman.sock")
        conf = os.path.join(folder, "containers.conf")
        with open(conf, "w") as f:
            f.write(CONF)
        self.env = dict(os.environ, CONTAINERS_CONF=conf)
        # crun does without a hybrid hierarchy, and needs one that is v2.
        root = os.path.join(folder, "root")
        os.makedirs(os.path.join(root, "bin"))
        os.mkdir(os.path.join(root, "certs"))
        shutil.copy(shutil.which("busybox"), os.path.join(root, "bin"))
        for name in APPLETS:
            os.symlink("busybox", os.path.join(root, "bin", name))
        proc.run(["tar", "-C", root, "-cf", folder + "/image.tar", "."])
        self.base = ["podman", "--root", folder + "/storage", "--runroot",
                     folder + "/run", "--storage-driver", "vfs"]
        self.server = proc.Proc(
            ["unshare", "--mount", "sh", "-c",
             "mount --make-rprivate / && "
             "{ umount -R /sys/fs/cgroup 2>/dev/null; "
             "mount -t cgroup2 none /sys/fs/cgroup; } && "
             'exec "$@"', "sh"] + self.base +
            ["system", "service", "-t", "0", "unix://" + self.socket],
            os.path.join(folder, "log"), env=self.env)
        proc.wait_until("podman", lambda: os.path.exists(self.socket) or
                        not self.server.alive())
        if not self.server.alive():
            raise proc.LabError("podman does not run here: "
                                + self.read_log())
        # Its own: a thread of Podman 5, the first perhaps, enters those of
        # containers and stays there.
        self.mounts = os.open("/proc/%d/ns/mnt" % self.server.pid,
                              os.O_RDONLY)
        self.cli("import", folder + "/image.tar", "lab:1")

    def read_log(self):
        with open(os.path.join(self.folder, "log")) as f:
            return f.read()

    def cli(self, *args, check=True):
        """podman, where the service is."""
        return proc.run(["nsenter", "--mount=/proc/%d/fd/%d" %
                         (os.getpid(), self.mounts)] + self.base + list(args),
                        check=check, env=self.env).stdout

    def run(self, name, *options):
        out = self.cli("run", "-d", "--name", name, "--network=none",
                       "--log-driver=none", *options, "lab:1", "/bin/sh",
                       "-c", PROGRAM, check=False)
        if not re.search(r"^[0-9a-f]{64}$", out, re.M):
            raise proc.LabError("podman cannot run a container: " + out)
        proc.wait_until("container " + name,
                        lambda: "start" in self.inside(name, "cat", "/log"))

    def inside(self, name, *argv):
        return self.cli("exec", name, *argv, check=False)

    def stop(self):
        self.cli("rm", "-af", "-t", "0", check=False)
        os.close(self.mounts)
        self.server.stop()


class Fake:
    """An engine with one container "web"; answers are as told.

    before(method, path) may return (status, headers, body) instead.
    """

    def __init__(self, path, api="1.44"):
        self.api, self.seen, self.bodies = api, [], []
        self.before = lambda method, path: None
        self.code, self.output = 0, b"\1\0\0\0\0\0\0\3ok\n"
        fake = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *args):
                pass

            def address_string(self):
                return "unix"

            def do_GET(self):
                n = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(n)
                answer = fake.before(self.command, self.path)
                status, headers, out = answer or fake.answer(
                    self.command, self.path, body)
                self.send_response(status)
                for item in headers.items():
                    self.send_header(*item)
                self.end_headers()
                self.wfile.write(out)

            do_POST = do_PUT = do_GET

        class Server(socketserver.ThreadingMixIn,
                     socketserver.UnixStreamServer):
            daemon_threads = True

        self.server = Server(path, Handler)
        threading.Thread(target=self.server.serve_forever,
                         kwargs={"poll_interval": 0.05}, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    def answer(self, method, path, body):
        self.seen.append((method, path))
        self.bodies.append(body)
        if path == "/_ping":
            return 200, {"Api-Version": self.api}, b"OK"
        url = urllib.parse.urlsplit(path)
        rest = re.sub(r"^/v1\.[0-9]+", "", url.path)
        if rest == "/containers/json":
            return self.json([{"Id": "ab" * 32, "Names": ["/web"],
                               "Labels": {}, "State": "running"}])
        if rest == "/containers/web/exec":
            return self.json({"Id": "cd" * 32}, 201)
        if rest == "/exec/%s/start" % ("cd" * 32):
            return 200, {"Content-Type":
                         "application/vnd.docker.raw-stream"}, self.output
        if rest == "/exec/%s/json" % ("cd" * 32):
            return self.json({"Running": False, "ExitCode": self.code})
        if rest == "/containers/web/archive":
            return 200, {}, b""
        return 204, {}, b""

    @staticmethod
    def json(o, status=200):
        return status, {"Content-Type": "application/json"}, \
            json.dumps(o).encode()
