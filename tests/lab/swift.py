# SPDX-License-Identifier: MIT
"""OpenStack Swift with its S3 API: a real store that checks signatures.

Access key test:tester, secret testing, region us-east-1.  It refuses
conditional PUTs (501), as older stores do.
"""

import glob
import http.client
import os

from . import proc, s3

KEY_ID, SECRET, REGION = "test:tester", "testing", "us-east-1"
KINDS = ["object", "container", "account"]

SERVER = """
import sys
from swift.common import utils
utils.set_swift_dir(%r)
from swift.common import wsgi
sys.exit(wsgi.run_wsgi(%r, %r, verbose=True))
"""
RINGS = """
from swift.common.ring import RingBuilder
for kind, port in %r.items():
    b = RingBuilder(4, 1, 0)
    b.add_dev({"region": 1, "zone": 1, "ip": "127.0.0.1", "port": port,
               "device": "d1", "weight": 1.0})
    b.rebalance()
    b.get_ring().save("%s/" + kind + ".ring.gz")
"""
COMMON = """[DEFAULT]
bind_ip = 127.0.0.1
bind_port = %d
workers = 0
user = root
swift_dir = %s
devices = %s/dev
mount_check = false
disable_fallocate = true
log_address = /nonexistent
"""
PIPELINE = ["catch_errors", "memcache", "s3api", "tempauth", "copy", "dlo",
            "versioned_writes", "symlink", "proxy-server"]
PROXY_OPTIONS = {
    "s3api": "location = us-east-1\ns3_acl = true\n"
             "storage_domain = localhost\n",
    "memcache": "memcache_servers = 127.0.0.1:PORT\n",
    "tempauth": "user_test_tester = testing .admin\n",
}


class Swift:
    def __init__(self, folder, port):
        """The script that finds the programs runs before a private network
        is entered: path() below.  Each has a store of its own: its servers
        listen on ports that its own tells."""
        self.folder, self.port = folder, port
        self.ports = {kind: port - 1800 + 10 * i
                      for i, kind in enumerate(KINDS)}
        self.cache_port = port - 1770
        self.key_id, self.secret, self.region = KEY_ID, SECRET, REGION
        self.url = "http://localhost:%d" % port
        os.makedirs(os.path.join(folder, "dev", "d1"))
        self.write("swift.conf", "[swift-hash]\n"
                   "swift_hash_path_suffix = lab\n"
                   "swift_hash_path_prefix = lab\n")
        for kind, own in self.ports.items():
            self.write(kind + ".conf", COMMON % (own, folder, folder) +
                       "[pipeline:main]\npipeline = %s-server\n"
                       "[app:%s-server]\nuse = egg:swift#%s\n"
                       % (kind, kind, kind))
        text = COMMON % (port, folder, folder) + \
            "[pipeline:main]\npipeline = %s\n[app:proxy-server]\n" \
            "use = egg:swift#proxy\naccount_autocreate = true\n" \
            % " ".join(PIPELINE)
        for name in PIPELINE[:-1]:
            text += "[filter:%s]\nuse = egg:swift#%s\n%s" % (
                name, name, PROXY_OPTIONS.get(name, "").replace(
                    "PORT", str(self.cache_port)))
        self.write("proxy.conf", text)
        self.python(RINGS % (self.ports, folder))
        self.procs = []
        self.memcached = proc.Proc([memcached(), "-u", "root", "-l",
                                    "127.0.0.1", "-p", self.cache_port,
                                    "-U", "0"],
                                   os.path.join(folder, "memcached.log"),
                                   env=self.env())
        self.start()

    def write(self, name, text):
        with open(os.path.join(self.folder, name), "w") as f:
            f.write(text)

    def env(self):
        root = path()
        env = dict(os.environ, PYTHONPATH=os.path.join(
            root, "usr/lib/python3/dist-packages"))
        env["LD_LIBRARY_PATH"] = ":".join(
            glob.glob(os.path.join(root, "usr/lib/*-linux-gnu*")))
        return env

    def python(self, program):
        proc.run(["/usr/bin/python3", "-c", program], env=self.env())

    def start(self):
        for kind in KINDS + ["proxy"]:
            program = SERVER % (self.folder, os.path.join(
                self.folder, kind + ".conf"), kind + "-server")
            self.procs.append(proc.Proc(
                ["/usr/bin/python3", "-c", program],
                os.path.join(self.folder, kind + ".log"), env=self.env()))
        for p, port in zip(self.procs, list(self.ports.values()) +
                           [self.port]):
            p.ready(lambda: answers(port), timeout=60)

    def client(self):
        return s3.Client("127.0.0.1", self.port, KEY_ID, SECRET, REGION)

    def stop(self):
        for p in self.procs:
            p.kill()
            p.wait()
        self.procs = []

    def end(self):
        self.stop()
        self.memcached.stop()


def memcached():
    own = os.path.join(path(), "usr/bin/memcached")
    return own if os.path.exists(own) else "memcached"


def answers(port):
    try:
        conn = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        conn.request("GET", "/")
        conn.getresponse().read()
        conn.close()
        return True
    except (OSError, http.client.HTTPException):
        return False


_path = None


def path():
    """The folder that swift.sh prints; the first call may need the network
    of the machine."""
    global _path
    if _path is None:
        script = os.path.join(os.path.dirname(__file__), "swift.sh")
        p = proc.run(["/bin/sh", script], check=False, timeout=300)
        if p.returncode != 0:
            raise proc.LabError(p.stdout.strip()[-500:])
        _path = p.stdout.strip().splitlines()[-1]
    return _path
