# SPDX-License-Identifier: MIT
"""Deploy commands: what they are given, and what becomes of failures."""

import os
import threading
import time

from lab import proc


def test_environment(acmed):
    name = "env.example.test"
    out = os.path.join(acmed.folder, "out")
    acmed.cert(name, [name, "*." + name], deploy={"show": {"exec": [
        "/bin/sh", "-c", 'env >%s.tmp; echo "$0|$1" >>%s.tmp; '
        'mv %s.tmp %s' % (out, out, out, out), "argv 0", "a $HOME b"]}})
    acmed.start()
    acmed.wait("the command", lambda: os.path.exists(out))
    with open(out) as f:
        lines = f.read().splitlines()
    env = dict(line.split("=", 1) for line in lines if "=" in line)
    live = os.path.dirname(acmed.live(name))
    assert env["ACMED_NAME"] == name
    assert env["ACMED_NAMES"].replace(",", " ").split() == [name, "*." + name]
    assert env["ACMED_LIVE_DIR"] == live
    assert env["RENEWED_LINEAGE"] == live
    assert env["RENEWED_DOMAINS"].split() == [name, "*." + name]
    for file in ("privkey", "cert", "chain", "fullchain"):
        assert "%s/%s.pem" % (live, file) in env.values()
    assert lines[-1] == "argv 0|a $HOME b"      # no shell of ours
    acmed.wait_valid(name)
    state = acmed.cert_status(name)["deploy"][0]
    assert state["name"] == "show" and state["state"] == "done"


def test_failure_is_shown_and_retried(acmed):
    """The certificate stays; the command's words and the next try show."""
    name = "dfail.example.test"
    flag = os.path.join(acmed.folder, "mended")
    acmed.cert(name, deploy={"web": {"exec": [
        "/bin/sh", "-c", "test -e %s || { echo the disk melted >&2; "
        "exit 7; }" % flag]}})
    acmed.start()

    def failed():
        c = acmed.cert_status(name)
        return c["deploy"] and c["deploy"][0]["state"] == "failed" \
            and c["run"] is None and c
    c = acmed.wait("the failure", failed)
    assert c["state"] == "valid" and os.path.exists(acmed.live(name))
    d = c["deploy"][0]
    assert d["tries"] >= 1 and d["next_at"] > time.time()
    assert "7" in d["error"] and "the disk melted" in d["error"]
    assert c["next"]["action"] == "deploy"
    p = acmed.ctl("status")
    assert "deploy" in p.stdout
    serial = acmed.serial(name)
    # A restart forgets nothing, and tries at once.
    acmed.stop()
    acmed.start()
    acmed.wait("the failure again", failed)
    open(flag, "w").close()
    p = acmed.ctl("renew-now", name)
    assert p.returncode == 0, p.stdout
    acmed.wait("success", lambda: acmed.cert_status(name)["deploy"][0][
        "state"] == "done")
    assert acmed.serial(name)
    assert serial


def test_failure_ends_renew_now_with_1(acmed):
    name = "dfail2.example.test"
    acmed.cert(name, deploy={"web": {"exec": ["/bin/false"]}})
    acmed.start()
    p = acmed.ctl("renew-now", name)
    assert p.returncode == 1 and "web" in p.stdout, p.stdout


def test_time_limit(acmed):
    """TERM, then KILL, to the whole process group."""
    name = "dslow.example.test"
    pids = os.path.join(acmed.folder, "pids")
    acmed.cert(name, deploy={"slow": {"timeout": "1s", "exec": [
        "/bin/sh", "-c", "trap '' TERM; sleep 1000 & echo $! $$ >%s; "
        "wait; wait" % pids]}})
    acmed.start()

    def failed():
        c = acmed.cert_status(name)
        return c["deploy"] and c["deploy"][0]["state"] == "failed" \
            and c["deploy"][0]
    d = acmed.wait("the time limit", failed, 30)
    assert "1 s" in d["error"]
    with open(pids) as f:
        for pid in f.read().split():
            acmed.wait("process %s to be gone" % pid, lambda p=pid:
                       not os.path.exists("/proc/" + p)
                       or " Z " in open("/proc/%s/stat" % p).read())


def test_several_in_order(acmed):
    """Actions run one after the other, one failure stops no other."""
    name = "dmany.example.test"
    out = os.path.join(acmed.folder, "order")
    deploy = {}
    for i in range(3):
        deploy["d%d" % i] = {"exec": [
            "/bin/sh", "-c", "echo %d >>%s; exit %d" % (i, out, i == 1)]}
    acmed.cert(name, deploy=deploy)
    acmed.start()

    def over():
        c = acmed.cert_status(name)
        return c["run"] is None and [d["state"] for d in c["deploy"]]
    acmed.wait("all three", lambda: over() == ["done", "failed", "done"])
    with open(out) as f:
        assert sorted(f.read().split()) == ["0", "1", "2"]


def test_steps_in_the_order_of_the_file(acmed):
    name = "dsteps.example.test"
    files = [os.path.join(acmed.folder, n) for n in ("early", "late")]
    out = os.path.join(acmed.folder, "seen")
    look = {"exec": ["/bin/sh", "-c", "for f; do ls $f; done >>%s 2>&1; :"
                     % out, "sh"] + files}
    acmed.cert(name, deploy={
        "late": dict(look, install={files[1]: {"format": "cert"}}),
        "early": dict({"install": {files[0]: {"format": "cert"}}}, **look)})
    acmed.start()

    def over():
        c = acmed.cert_status(name)
        return c["run"] is None and [d["state"] for d in c["deploy"]]
    acmed.wait("both", lambda: over() == ["done", "done"])
    with open(out) as f:
        lines = f.read().splitlines()
    # The first target's program came before its file; then both are there.
    assert len(lines) == 4 and all("No such" in x for x in lines[:2])
    assert lines[2:] == files


def test_missing_program(acmed):
    name = "dnone.example.test"
    acmed.cert(name, deploy={"x": {"exec": ["/nonexistent/reload"]}})
    acmed.start()

    def failed():
        c = acmed.cert_status(name)
        return c["deploy"] and c["deploy"][0]["state"] == "failed" \
            and c["deploy"][0]
    d = acmed.wait("the failure", failed)
    assert "/nonexistent/reload" in d["error"]


def test_retry_passed_over_by_a_run(acmed, ca_proxy):
    """A retry that falls due while a run is under way comes after it, also
    if the run fails."""
    name = "over.example.test"
    mended = os.path.join(acmed.folder, "mended")
    acmed.accounts["lab"]["directory"] = ca_proxy.directory
    acmed.cert(name, deploy={"x": {"exec": ["/bin/sh", "-c",
                                            "[ -e %s ]" % mended]}})

    def state():
        c = acmed.cert_status(name)
        return c["run"] is None and c["deploy"] and c["deploy"][0]["state"]
    acmed.start()
    acmed.wait("the failure", lambda: state() == "failed")
    with open(mended, "w"):
        pass
    reloaded = threading.Event()

    def refuse(request):
        if request.kind != "newOrder":
            return None
        reloaded.wait(10)
        return (403, [], b"{}")
    ca_proxy.before = refuse
    acmed.ctl("renew-now", "--no-wait", name)
    acmed.wait("the run", lambda: acmed.cert_status(name)["run"])
    assert acmed.ctl("reload").returncode == 0      # every retry is due
    acmed.wait("the retry to be passed over",
               lambda: acmed.cert_status(name)["deploy"][0]["next_at"] is None)
    reloaded.set()
    acmed.wait("the retry", lambda: state() == "done")
    assert acmed.cert_status(name)["error"]


def test_install(acmed):
    """Copies in every format, replaced together at the next renewal."""
    name = "files.example.test"
    folder = os.path.join(acmed.folder, "server")
    os.mkdir(folder)
    secret = os.path.join(acmed.folder, "p12-password")
    with open(secret, "w") as f:
        f.write("s3cret\n")
    os.chmod(secret, 0o600)
    path = {f: os.path.join(folder, f) for f in (
        "fullchain", "cert", "chain", "privkey", "combined", "pkcs12", "der")}
    files = {p: {"format": f} for f, p in path.items()}
    files[path["pkcs12"]]["password_file"] = secret
    files[path["combined"]]["mode"] = "0640"
    acmed.cert(name, deploy={"files": {"install": files}})
    acmed.start()

    def deployed(serial):
        def check():
            c = acmed.cert_status(name)
            return c["serial"] not in (None, serial) and c["run"] is None \
                and c["deploy"] and c["deploy"][0]["state"] == "done" and c
        return check
    first = acmed.wait("the deploy", deployed(None))["serial"]

    def read(file):
        with open(file, "rb") as f:
            return f.read()

    def check():
        live = {f: read(acmed.live(name, f + ".pem")) for f in (
            "fullchain", "cert", "chain", "privkey")}
        for f, content in live.items():
            assert read(path[f]) == content
        assert read(path["combined"]) == live["fullchain"] + live["privkey"]
        der = proc.run(["openssl", "x509", "-inform", "DER", "-in",
                        path["der"]]).stdout.encode()
        assert der == live["cert"]
        p12 = proc.run(["openssl", "pkcs12", "-in", path["pkcs12"], "-nodes",
                        "-passin", "file:" + secret]).stdout
        key = live["privkey"].decode().splitlines()
        assert all(line in p12 for line in key)
        for f in path:
            mode = os.stat(path[f]).st_mode & 0o777
            assert mode == {"combined": 0o640, "privkey": 0o600,
                            "pkcs12": 0o600}.get(f, 0o644)
        assert sorted(os.listdir(folder)) == sorted(path)
    check()
    # The next one finds no place for its files: the old ones stay, together.
    before = {f: read(path[f]) for f in path}
    os.unlink(path["der"])
    os.mkdir(path["der"])
    acmed.ctl("renew-now", name)
    c = acmed.wait("the failure", lambda: (
        lambda c: c["deploy"][0]["state"] == "failed" and c)(
            acmed.cert_status(name)))
    assert c["serial"] != first and path["der"] in c["deploy"][0]["error"]
    os.rmdir(path["der"])
    assert all(read(path[f]) == before[f] for f in path if f != "der")
    acmed.stop()
    acmed.start()
    acmed.wait("the deploy", deployed(first))
    check()


def test_mount_point(acmed):
    """A single file that is mounted cannot be replaced: what to do is said."""
    name = "bound.example.test"
    host, path = (os.path.join(acmed.folder, f) for f in ("host", "bound"))
    for file in (host, path):
        open(file, "w").close()
    proc.run(["mount", "--bind", host, path])
    try:
        acmed.cert(name, deploy={"web": {"install": {
            path: {"format": "fullchain"}}}})
        acmed.start()
        error = acmed.wait("the failure", lambda: acmed.cert_status(name) and
                           acmed.cert_status(name)["deploy"] and
                           acmed.cert_status(name)["deploy"][0]["error"])
    finally:
        proc.run(["umount", path])
    assert "mount point" in error and "mount the directory" in error
    assert path in error
