# SPDX-License-Identifier: MIT
"""Ceph's radosgw on one monitor and one OSD in memory: an S3 server that
checks signatures and knows conditional writes.  For make check-long."""

import glob
import os
import uuid

from . import proc, s3
from .swift import answers

KEY_ID, SECRET, REGION = "AKTEST", "sktest", "us-east-1"

CONF = """[global]
fsid = {fsid}
mon host = v1:127.0.0.1:16789
mon initial members = a
auth cluster required = none
auth service required = none
auth client required = none
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon max pg per osd = 1000
ms bind msgr2 = false
public network = 127.0.0.0/8
run dir = {d}/run
admin socket = {d}/run/$name.$pid.asok
log file = {d}/log/$name.log
pid file = {d}/run/$name.pid
mon data = {d}/mon
osd data = {d}/osd
osd objectstore = memstore
memstore device bytes = 268435456
osd class load list = *
osd class default list = *
osd class dir = {arch}/rados-classes
erasure code dir = {arch}/ceph/erasure-code
rgw frontends = beast endpoint=127.0.0.1:{port}
"""


class Rgw:
    def __init__(self, folder, port):
        self.folder, self.port = folder, port
        self.key_id, self.secret, self.region = KEY_ID, SECRET, REGION
        self.url = "http://localhost:%d" % port
        for d in "mon", "osd", "run", "log":
            os.makedirs(os.path.join(folder, d))
        lib = os.path.join(path(), "usr/lib")
        arch = sorted(glob.glob(lib + "/*-linux-gnu*"))[0]
        self.env = dict(os.environ, LD_LIBRARY_PATH=arch + ":" + arch +
                        "/ceph", CEPH_ARGS="-c %s/ceph.conf" % folder,
                        PYTHONPATH=lib + "/python3/dist-packages")
        fsid = str(uuid.uuid4())
        with open(os.path.join(folder, "ceph.conf"), "w") as f:
            f.write(CONF.format(fsid=fsid, d=folder, lib=lib, arch=arch,
                                port=port))
        self.procs = []
        monmap = os.path.join(folder, "monmap")
        self.run("monmaptool", "--create", "--clobber", "--fsid", fsid,
                 "--addv", "a", "[v1:127.0.0.1:16789]", monmap)
        self.run("ceph-mon", "--mkfs", "-i", "a", "--monmap", monmap)
        self.spawn("ceph-mon", "-f", "-i", "a")
        osd = str(uuid.uuid4())
        proc.run(["/usr/bin/python3", self.program("ceph"), "osd", "new",
                  osd], env=self.env, timeout=60)
        self.run("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", osd)
        self.spawn("ceph-osd", "-f", "-i", "0")
        self.spawn("radosgw", "-f", "-n", "client.rgw").ready(
            lambda: answers(port), timeout=120)
        self.run("radosgw-admin", "-n", "client.rgw", "user", "create",
                 "--uid=t", "--display-name=t", "--access-key=" + KEY_ID,
                 "--secret-key=" + SECRET)

    def program(self, name):
        own = os.path.join(path(), "usr/bin", name)
        return own if os.path.exists(own) else "/usr/bin/" + name

    def run(self, name, *args):
        proc.run([self.program(name)] + list(args), env=self.env,
                 timeout=120)

    def spawn(self, name, *args):
        p = proc.Proc([self.program(name)] + list(args), os.path.join(
            self.folder, name + ".out"), env=self.env)
        self.procs.append(p)
        return p

    def client(self):
        return s3.Client("127.0.0.1", self.port, KEY_ID, SECRET, REGION)

    def end(self):
        for p in reversed(self.procs):
            p.kill()
            p.wait()


_path = None


def path():
    """The folder that rgw.sh prints."""
    global _path
    if _path is None:
        p = proc.run([os.path.join(os.path.dirname(__file__), "rgw.sh")],
                     check=False, timeout=600)
        if p.returncode != 0:
            raise proc.LabError(p.stdout.strip()[-500:])
        _path = p.stdout.strip().splitlines()[-1]
    return _path


def fetch():
    """Before a private network is entered; a test tells what failed."""
    try:
        path()
    except proc.LabError:
        pass
